/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "base/mem.h"

#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Does the linker write to what is read-only otherwise (ld -z text forbids it)? */
static bool
has_written_text(const struct dl_phdr_info *object, const ElfW(Phdr) * dynamic)
{
	const ElfW(Dyn) *entry =
	    (const ElfW(Dyn) *)(uintptr_t)(object->dlpi_addr + dynamic->p_vaddr);

	for (; entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == DT_TEXTREL ||
		    (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0))
			return true;
	return false;
}

/* Every page that it touches is of this segment alone, and as it is in the file. */
static void
drop_segment(const struct dl_phdr_info *object, const ElfW(Phdr) * segment)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
	uintptr_t from = object->dlpi_addr + segment->p_vaddr;
	uintptr_t to = (from + segment->p_filesz + page) & ~page;

	from &= ~page;
	madvise((void *)from, to - from, MADV_DONTNEED);
}

static int
drop_object(struct dl_phdr_info *object, size_t size, void *ctx)
{
	(void)size;
	(void)ctx;
	for (unsigned i = 0; i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_DYNAMIC &&
		    has_written_text(object, &object->dlpi_phdr[i]))
			return 0;
	for (unsigned i = 0; i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_LOAD &&
		    (object->dlpi_phdr[i].p_flags & PF_W) == 0)
			drop_segment(object, &object->dlpi_phdr[i]);
	return 0;
}

void
mem_give_back(void)
{
	malloc_trim(0);
	dl_iterate_phdr(drop_object, NULL);
}
