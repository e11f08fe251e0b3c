/* SPDX-License-Identifier: ISC */

/*
 * Exercises ack_feed: the first byte says into how long pieces the rest is cut.
 * In pieces or as a whole, the same is accepted and the highest number is the same.
 */

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "runner/ack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* -1: refused; else the highest number is in *highest, 0 where there is none. */
static int
feed(const char *text, size_t len, size_t piece, uint64_t *highest)
{
	struct ack ack;

	ack_init(&ack);
	*highest = 0;
	while (len > 0) {
		size_t n = len < piece ? len : piece;
		uint64_t seq;
		int found = ack_feed(&ack, text, n, &seq);
		assert(strlen(ack.line) <= ACK_LINE_MAX);
		if (found == -1)
			return -1;
		if (found == 1 && seq > *highest)
			*highest = seq;
		text += n;
		len -= n;
	}
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t whole, cut;
	const char *text = (const char *)data + 1;

	if (size < 2)
		return 0;
	int a = feed(text, size - 1, size - 1, &whole);
	int b = feed(text, size - 1, data[0] % 16 + 1, &cut);
	assert(a == b && (a == -1 || whole == cut));
	return 0;
}
