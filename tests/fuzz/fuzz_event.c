/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * event_convert over lines of any bytes: what it gives is one line, that of
 * FORMAT_PRETTY holds nothing that steers a terminal, that of
 * FORMAT_CLOUDEVENTS is JSON, and what is refused adds nothing.
 */

#include <assert.h>
#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "eventlog/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_pretty(const struct buf *out)
{
	for (size_t i = 0; i + 1 < out->len; i++) {
		unsigned char c = (unsigned char)out->p[i];
		assert(c >= 0x20 && c != 0x7f);
		if (c >= 0x80) {
			size_t len = buf_utf8(out->p + i, out->len - i);
			assert(len > 0);
			i += len - 1;
		}
	}
}

static void
check_cloudevents(const struct buf *out)
{
	cJSON *item = cJSON_ParseWithLength(out->p, out->len);
	assert(item && cJSON_IsObject(cJSON_GetObjectItem(item, "data")));
	assert(cJSON_GetStringValue(cJSON_GetObjectItem(item, "id")));
	cJSON_Delete(item);
}

static void
convert(const char *line, size_t len, enum config_format format)
{
	struct buf out = BUF_INIT;
	int ret = event_convert(line, len, format, &out);
	assert(ret == 0 || out.len == 0);
	if (ret == 0) {
		assert(
		    out.len > 1 && memchr(out.p, '\n', out.len) == out.p + out.len - 1);
		if (format == FORMAT_PRETTY)
			check_pretty(&out);
		if (format == FORMAT_CLOUDEVENTS)
			check_cloudevents(&out);
	}
	buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	convert((const char *)data, size, FORMAT_JSON);
	convert((const char *)data, size, FORMAT_PRETTY);
	convert((const char *)data, size, FORMAT_CLOUDEVENTS);
	return 0;
}
