/* SPDX-License-Identifier: ISC */

/*
 * Exercises content_get_request and content_get_answer: what is accepted as
 * either is written back as the bytes it came from.
 */

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
copy(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1);
	assert(line);
	if (size > 0)
		memcpy(line, data, size);
	line[size] = '\0';
	return line;
}

/* base64 has more than one way to write the same: what is read must be the same. */
static void
check_request(const struct content_request *request, struct buf *out)
{
	static struct buf store[2];
	struct content_request again;
	assert(content_put_request(out, request));
	assert(content_get_request(out->p, &again, store));
	assert(again.id == request->id && again.max == request->max);
	assert(strcmp(again.root, request->root) == 0);
	assert(strcmp(again.path, request->path) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct buf store[2], out;
	struct content_request request;
	struct content content;
	uint64_t id;
	char *line;
	if (size == 0 || size > CONTENT_REQUEST_MAX || memchr(data, '\0', size))
		return 0;
	line = copy(data, size);
	buf_reset(&out);
	if (content_get_request(line, &request, store))
		check_request(&request, &out);
	free(line);
	line = copy(data, size);
	buf_reset(&out);
	if (content_get_answer(line, &id, &content)) {
		content_put_answer(&out, id, &content);
		assert(out.len == size && memcmp(out.p, data, size) == 0);
	}
	free(line);
	return 0;
}
