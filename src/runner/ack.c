/* SPDX-License-Identifier: ISC */
#include "runner/ack.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void
ack_init(struct ack *ack)
{
	*ack = (struct ack){ .len = 0 };
}

static bool
parse(const char *line, uint64_t *seq)
{
	static const char word[] = "ack ";
	size_t skip = sizeof(word) - 1, digits;
	if (strncmp(line, word, skip) != 0)
		return false;
	line += skip;
	digits = strspn(line, "0123456789");
	errno = 0;
	*seq = strtoull(line, NULL, 10);
	return digits > 0 && errno == 0 &&
	    (line[digits] == '\0' || strcmp(line + digits, "\r") == 0);
}

int
ack_feed(struct ack *ack, const char *p, size_t n, uint64_t *seq)
{
	int found = 0;
	uint64_t value;
	*seq = 0;
	for (; n > 0; p++, n--) {
		if (*p != '\n') {
			if (ack->len == ACK_LINE_MAX)
				return -1;
			ack->line[ack->len++] = *p;
			ack->line[ack->len] = '\0';
			continue;
		}
		if (!parse(ack->len > 0 ? ack->line : "", &value))
			return -1;
		ack_init(ack);
		found = 1;
		if (value > *seq)
			*seq = value;
	}
	return found;
}
