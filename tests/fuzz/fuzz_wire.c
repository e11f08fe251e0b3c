/* SPDX-License-Identifier: ISC */

/*
 * Exercises wire_decode and wire_encode: what is accepted must be readable to
 * its ends, and encode to the bytes it came from.
 */

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
total(const struct wire_msg *msg)
{
	return strlen(msg->path) + strlen(msg->old_path) + strlen(msg->event) +
	    strlen(msg->event_id) + strlen(msg->text) + strlen(msg->checksum) +
	    strlen(msg->content.sum) + msg->output_len;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[WIRE_MAX];
	struct wire_msg msg;
	uint8_t *copy = malloc(size + 1);
	if (!copy)
		return 0;
	if (size > 0)
		memcpy(copy, data, size);
	if (wire_decode(&msg, copy, size) == 0) {
		assert(total(&msg) <= size);
		int n = wire_encode(&msg, again, sizeof(again));
		assert(n >= 0 && (size_t)n == size);
		assert(memcmp(again, data, size) == 0);
	}
	free(copy);
	return 0;
}
