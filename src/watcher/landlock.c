/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "watcher/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "watcher/sandbox.h"

/* landlock(7), by the version of the interface: the headers may be older. */
enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_BLOCK = 1 << 11,
	FS_MAKE_SYM = 1 << 12,
	FS_REFER = 1 << 13,    /* 2 */
	FS_TRUNCATE = 1 << 14, /* 3 */
	NET_TCP = 3,	       /* 4: bind, connect */
	SCOPE_SIGNAL = 1 << 1, /* 6 */
};

#define FS_WRITING \
	(FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | \
	    FS_MAKE_SOCK)
#define FS_DENIED (FS_EXECUTE | FS_MAKE_CHAR | FS_MAKE_FIFO | FS_MAKE_BLOCK | FS_MAKE_SYM)
#define LANDLOCK_VERSION 1 /* the flag that asks for it */
#define LANDLOCK_BENEATH 1

struct landlock_attr {
	uint64_t fs, net, scoped;
};

/* landlock_path_beneath_attr is packed. */
struct landlock_place {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

/* The version of the interface; -1 with errno where there is none. */
static int
version_here(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);
}

static struct landlock_attr
restrictions(int version)
{
	struct landlock_attr attr = { .fs = FS_WRITING | FS_DENIED };

	attr.fs |= version >= 2 ? FS_REFER : 0;
	attr.net = version >= 4 ? NET_TCP : 0;
	attr.scoped = version >= 6 ? SCOPE_SIGNAL : 0;
	return attr;
}

/* A place that is not there cannot be written either. */
static int
allow_place(int ruleset, const char *path, uint64_t rights)
{
	struct landlock_place place = { .allowed = rights };
	int rc;

	place.fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place.fd == -1)
		return errno == ENOENT ? 0 : -1;
	rc = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_BENEATH, &place, 0);
	close(place.fd);
	return rc;
}

static int
restrict_self(
    const struct sandbox_setup *setup, int version, const struct landlock_attr *attr)
{
	size_t size = version >= 6 ? sizeof(*attr)
	    : version >= 4	   ? 2 * sizeof(uint64_t)
				   : sizeof(uint64_t);
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, attr, size, 0);
	int rc = ruleset == -1 ? -1 : 0, saved;

	for (size_t i = 0; i < COUNTOF(setup->places) && rc == 0; i++)
		if (setup->places[i] != NULL)
			rc = allow_place(ruleset, setup->places[i],
			    attr->fs & (FS_WRITING | FS_REFER | FS_TRUNCATE));
	if (rc == 0)
		rc = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
	saved = errno;
	fd_close(&ruleset);
	errno = saved;
	return rc;
}

int
landlock_enter(const struct sandbox_setup *setup)
{
	int version = version_here();
	const struct landlock_attr attr = restrictions(version);

	return version > 0 && restrict_self(setup, version, &attr) == 0 ? 0 : errno;
}

int
landlock_enter_truncate(const struct sandbox_setup *setup)
{
	const struct landlock_attr attr = { .fs = FS_TRUNCATE };
	int version = version_here();

	return version < 3 || restrict_self(setup, version, &attr) == 0 ? 0 : errno;
}
