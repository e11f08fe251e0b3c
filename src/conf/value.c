/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/kind.h"

static const struct kind *const kinds[] = {
	[OPTION_BOOL] = &kind_bool,
	[OPTION_INT] = &kind_int,
	[OPTION_DURATION] = &kind_duration,
	[OPTION_SIZE] = &kind_size,
	[OPTION_STRING] = &kind_string,
	[OPTION_LIST] = &kind_list,
	[OPTION_CHOICE] = &kind_choice,
	[OPTION_EXITS] = &kind_exits,
	[OPTION_ENRICH] = &kind_enrich,
	[OPTION_TYPES] = &kind_types,
};
_Static_assert(COUNTOF(kinds) == OPTION_TYPE_COUNT, "a kind for each type");

int
kind_refuse(const struct refusal *refusal, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(refusal->text, refusal->size, fmt, ap);
	va_end(ap);
	return -1;
}

bool
option_is_list(const struct option *row)
{
	return kinds[row->type]->is_list;
}

int
option_set(const struct option *row, void *section, const struct strlist *values,
    char *error, size_t size)
{
	struct refusal refusal = { error, size };
	if (!option_is_list(row) && values->n != 1)
		return kind_refuse(
		    &refusal, "a list of %zu: one value is wanted", values->n);
	if (row->check && row->check(values, error, size) == -1)
		return -1;
	return kinds[row->type]->set(
	    row, (char *)section + row->offset, values, &refusal);
}

void
option_format(const struct option *row, const void *section, struct buf *out)
{
	kinds[row->type]->format(row, (const char *)section + row->offset, out);
}

void
option_words(const struct option *row, struct buf *out)
{
	struct buf words = BUF_INIT;
	if (kinds[row->type]->words)
		kinds[row->type]->words(row, &words);
	else
		buf_addc(&words, ' ');
	for (const char *p = words.p, *end; (end = strchr(p, ' ')) != NULL; p = end + 1)
		buf_addf(out, "%s=%.*s\n", row->name, (int)(end - p), p);
	buf_release(&words);
}

int64_t
option_number(const struct option *row, const void *section)
{
	return *(const int64_t *)((const char *)section + row->offset);
}

void
option_release(const struct option *row, void *section)
{
	if (kinds[row->type]->release)
		kinds[row->type]->release((char *)section + row->offset);
}
