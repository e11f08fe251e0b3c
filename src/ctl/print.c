/* SPDX-License-Identifier: ISC */
#include "ctl/print.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "ctl/text.h"

cJSON *
get(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

int64_t
get_int(const cJSON *object, const char *name)
{
	const cJSON *item = get(object, name);

	return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
}

bool
get_bool(const cJSON *object, const char *name)
{
	return cJSON_IsTrue(get(object, name));
}

const char *
get_string(const cJSON *object, const char *name)
{
	const cJSON *item = get(object, name);

	return cJSON_IsString(item) ? item->valuestring : "";
}

bool
has(const cJSON *object, const char *name)
{
	const cJSON *item = get(object, name);

	return item != NULL && !cJSON_IsNull(item);
}

void
print_json(const cJSON *object)
{
	char *text = cJSON_PrintUnformatted(object);

	puts(text != NULL ? text : "null");
	cJSON_free(text);
}

char *
item_bytes(const cJSON *item, const char *name, size_t *len)
{
	char *b64 = xasprintf("%s_b64", name);
	char *bytes =
	    has(item, b64) ? text_base64_decode(get_string(item, b64), len) : NULL;

	free(b64);
	if (bytes != NULL)
		return bytes;
	*len = strlen(get_string(item, name));
	return xstrdup(get_string(item, name));
}

static void
add_member(struct buf *out, const cJSON *item, const char *name)
{
	size_t len;
	char *bytes = item_bytes(item, name, &len);

	buf_adds(out, "");
	text_vis(out, bytes, len);
	free(bytes);
}

char *
item_path(const cJSON *item)
{
	struct buf out = BUF_INIT;

	if (get_int(item, "root") != 0)
		buf_addf(&out, "%lld:", (long long)get_int(item, "root"));
	add_member(&out, item, "path");
	return out.p;
}

char *
item_text(const cJSON *item, const char *name)
{
	struct buf out = BUF_INIT;

	add_member(&out, item, name);
	return out.p;
}

struct table {
	size_t columns;
	size_t *widths;
	char **cells; /* by row */
	size_t n, cap;
	char **notes; /* one a row */
};

/* Characters, not bytes: every column is made of UTF-8 by now. */
static size_t
width_of(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

struct table *
table_new(const char *const *heads, size_t columns)
{
	struct table *t = xcalloc(1, sizeof(*t));

	t->columns = columns;
	t->widths = xcalloc(columns, sizeof(*t->widths));
	for (size_t i = 0; i < columns; i++)
		table_cell(t, heads[i]);
	return t;
}

static void
grow(struct table *t)
{
	size_t rows = t->cap / t->columns;
	size_t more = rows == 0 ? 16 : rows * 2;

	t->cells = xreallocarray(t->cells, more * t->columns, sizeof(*t->cells));
	t->notes = xreallocarray(t->notes, more, sizeof(*t->notes));
	memset(t->notes + rows, 0, (more - rows) * sizeof(*t->notes));
	t->cap = more * t->columns;
}

void
table_cell(struct table *t, const char *text)
{
	size_t column = t->n % t->columns;
	size_t width = width_of(text);

	if (t->n == t->cap)
		grow(t);
	if (width > t->widths[column])
		t->widths[column] = width;
	t->cells[t->n++] = xstrdup(text);
}

void
table_cellf(struct table *t, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	table_cell(t, text);
}

void
table_note(struct table *t, const char *lines)
{
	size_t row = (t->n - 1) / t->columns;

	free(t->notes[row]);
	t->notes[row] = xstrdup(lines);
}

/* A row's cells; spaces at its end are nobody's. */
static void
print_row(const struct table *t, char *const *cells)
{
	struct buf line = BUF_INIT;

	for (size_t i = 0; i < t->columns; i++) {
		size_t pad = t->widths[i] - width_of(cells[i]) + 2;
		buf_addf(&line, "%s%*s", cells[i], (int)pad, "");
	}
	while (line.len > 0 && line.p[line.len - 1] == ' ')
		buf_truncate(&line, line.len - 1);
	puts(line.p);
	buf_release(&line);
}

void
table_print(const struct table *t)
{
	for (size_t i = 0; i + t->columns <= t->n; i += t->columns) {
		const char *note = t->notes[i / t->columns];
		print_row(t, t->cells + i);
		if (note != NULL)
			fputs(note, stdout);
	}
}

void
table_free(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	for (size_t i = 0; i * t->columns < t->n; i++)
		free(t->notes[i]);
	free(t->cells);
	free(t->notes);
	free(t->widths);
	free(t);
}
