/* SPDX-License-Identifier: ISC */
#include "eventlog/chain.h"

#include <sha2.h>
#include <stdint.h>
#include <string.h>

#define BEFORE ",\"prev\":\""
#define AFTER "\"}"
#define BEFORE_LEN (sizeof(BEFORE) - 1)
#define AFTER_LEN (sizeof(AFTER) - 1)
#define DIGITS (CHAIN_SIZE - 1)

void
chain_hash(const char *line, size_t len, char out[CHAIN_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA2_CTX ctx;
	SHA256Init(&ctx);
	SHA256Update(&ctx, (const uint8_t *)line, len);
	SHA256Final(digest, &ctx);
	for (size_t i = 0; i < sizeof(digest); i++) {
		out[2 * i] = hex[digest[i] >> 4];
		out[2 * i + 1] = hex[digest[i] & 15];
	}
	out[DIGITS] = '\0';
}

void
chain_add(struct buf *line, const char *prev)
{
	buf_truncate(line, line->len - 2); /* "}\n" */
	buf_add(line, BEFORE, BEFORE_LEN);
	buf_add(line, prev, DIGITS);
	buf_add(line, AFTER "\n", AFTER_LEN + 1);
}

/* Within a string a quote is escaped, and an object within ends by "}}". */
const char *
chain_prev(const char *line, size_t len)
{
	const char *digits = line + len - AFTER_LEN - DIGITS;
	if (len < BEFORE_LEN + DIGITS + AFTER_LEN ||
	    memcmp(digits + DIGITS, AFTER, AFTER_LEN) != 0 ||
	    memcmp(digits - BEFORE_LEN, BEFORE, BEFORE_LEN) != 0)
		return NULL;
	for (size_t i = 0; i < DIGITS; i++)
		if (!memchr("0123456789abcdef", digits[i], 16))
			return NULL;
	return digits;
}
