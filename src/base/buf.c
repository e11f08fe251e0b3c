/* SPDX-License-Identifier: ISC */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xmalloc.h"

#define MIN_CAP 64

void
buf_release(struct buf *b)
{
	free(b->p);
	*b = (struct buf)BUF_INIT;
}

void
buf_reset(struct buf *b)
{
	buf_truncate(b, 0);
}

void
buf_shrink(struct buf *b, size_t keep)
{
	buf_reset(b);
	if (b->cap <= keep)
		return;
	buf_release(b);
	if (keep > 0)
		buf_reserve(b, keep - 1);
}

void
buf_reserve(struct buf *b, size_t more)
{
	if (more < b->cap - b->len) /* cap 0 has len 0; the NUL needs a byte too */
		return;
	size_t want = b->len + more + 1;
	if (want <= b->len)
		fatalx("memory: a text of %zu and %zu bytes is too long", b->len, more);
	size_t cap = b->cap + b->cap / 2;
	if (cap < want)
		cap = want;
	if (cap < MIN_CAP)
		cap = MIN_CAP;
	b->p = xreallocarray(b->p, cap, 1);
	b->p[b->len] = '\0';
	b->cap = cap;
}

void
buf_add(struct buf *b, const void *s, size_t n)
{
	buf_reserve(b, n);
	if (n > 0)
		memcpy(b->p + b->len, s, n);
	b->len += n;
	b->p[b->len] = '\0';
}

void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	buf_reserve(b, 0);
	int n = vsnprintf(b->p + b->len, b->cap - b->len, fmt, ap);
	if (n < 0)
		fatal("memory: a text could not be made");
	if ((size_t)n >= b->cap - b->len) {
		buf_reserve(b, (size_t)n);
		vsnprintf(b->p + b->len, b->cap - b->len, fmt, again);
	}
	b->len += (size_t)n;
	va_end(again);
	va_end(ap);
}

void
buf_addi(struct buf *b, int64_t value)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	char digits[20];
	size_t at = sizeof(digits);
	uint64_t v = value < 0 ? -(uint64_t)value : (uint64_t)value;
	for (; v >= 10; v /= 100) {
		at -= 2;
		memcpy(digits + at, pairs + v % 100 * 2, 2);
	}
	if (v > 0 || at == sizeof(digits))
		digits[--at] = (char)('0' + v);
	if (value < 0)
		digits[--at] = '-';
	buf_add(b, digits + at, sizeof(digits) - at);
}

void
buf_insert(struct buf *b, const void *s, size_t n)
{
	if (n == 0)
		return;
	buf_reserve(b, n + 1);
	memmove(b->p + n, b->p, b->len);
	memcpy(b->p, s, n);
	b->len += n;
	b->p[b->len] = '\0';
}

void
buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->len);
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->p, b->p + n, b->len + 1);
}

void
buf_truncate(struct buf *b, size_t len)
{
	assert(len <= b->len);
	b->len = len;
	if (b->p)
		b->p[len] = '\0';
}

/* Bytes of the form 10xxxxxx from s on, the first being within low and high. */
static bool
continued(const unsigned char *s, size_t n, unsigned char low, unsigned char high)
{
	if (s[0] < low || s[0] > high)
		return false;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return false;
	}
	return true;
}

/*
 * Table 3-7 of the Unicode standard: the second byte's limits are what keeps
 * out overlong forms (E0, F0), surrogates (ED) and what is past U+10FFFF (F4).
 */
size_t
buf_utf8(const void *text, size_t n)
{
	const unsigned char *s = text;
	if (n == 0)
		return 0;
	unsigned char c = s[0];
	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	size_t len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (n < len)
		return 0;
	unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	unsigned char high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	return continued(s + 1, len - 1, low, high) ? len : 0;
}

#define EACH(byte) (0x0101010101010101u * (byte))

/* Has a word a byte that is a control character, a quote, a backslash, or not
   ASCII?  ((v - 1) & ~v sets the high bit where a byte of v is 0.) */
static bool
word_is_plain(uint64_t v)
{
	uint64_t quote = v ^ EACH('"'), slash = v ^ EACH('\\');
	uint64_t odd = ((v - EACH(0x20)) & ~v) | ((quote - EACH(1)) & ~quote) |
	    ((slash - EACH(1)) & ~slash) | v;
	return (odd & EACH(0x80)) == 0;
}

static bool
byte_is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* How many bytes from s on stand in a JSON string as they are. */
static size_t
plain_run(const unsigned char *s, size_t n)
{
	size_t i = 0;
	for (;;) {
		uint64_t word;
		for (; n - i >= sizeof(word); i += sizeof(word)) {
			memcpy(&word, s + i, sizeof(word));
			if (!word_is_plain(word))
				break;
		}
		while (i < n && byte_is_plain(s[i]))
			i++;
		size_t len = i < n && s[i] >= 0x80 ? buf_utf8(s + i, n - i) : 0;
		if (len == 0)
			return i;
		i += len;
	}
}

static void
add_escaped(struct buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char letter[0x20] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
	};
	if (c >= 0x20)
		buf_add(b, (char[]){ '\\', (char)c }, 2);
	else if (letter[c])
		buf_add(b, (char[]){ '\\', letter[c] }, 2);
	else
		buf_add(b, (char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6);
}

bool
buf_add_json(struct buf *b, const void *text, size_t n)
{
	const unsigned char *s = text;
	bool exact = true;
	buf_reserve(b, n + 2);
	buf_addc(b, '"');
	for (size_t i = 0; i < n; i++) {
		size_t run = plain_run(s + i, n - i);
		buf_add(b, s + i, run);
		i += run;
		if (i == n)
			break;
		if (s[i] < 0x80) {
			add_escaped(b, s[i]);
		} else {
			buf_add(b, "\xef\xbf\xbd", 3); /* U+FFFD */
			exact = false;
		}
	}
	buf_addc(b, '"');
	return exact;
}

bool
buf_add_member(struct buf *b, const char *name, const void *s, size_t n)
{
	buf_addf(b, ",\"%s\":", name);
	return buf_add_json(b, s, n);
}

void
buf_add_base64(struct buf *b, const void *data, size_t n)
{
	static const char digit[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *s = data;
	buf_reserve(b, n / 3 * 4 + 4);
	for (; n > 0; s += 3) {
		size_t take = n < 3 ? n : 3;
		unsigned v = (unsigned)s[0] << 16;
		v |= take > 1 ? (unsigned)s[1] << 8 : 0;
		v |= take > 2 ? s[2] : 0;
		char out[4] = { digit[v >> 18], digit[v >> 12 & 63],
			take > 1 ? digit[v >> 6 & 63] : '=',
			take > 2 ? digit[v & 63] : '=' };
		buf_add(b, out, 4);
		n -= take;
	}
}

static int
base64_digit(int c)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

bool
buf_decode_base64(struct buf *b, const char *text)
{
	unsigned bits = 0, n = 0;

	buf_reset(b);
	buf_reserve(b, strlen(text) + 1);
	b->p[0] = '\0';
	for (; *text != '\0' && *text != '='; text++) {
		int digit = base64_digit(*text);

		if (digit < 0)
			return false;
		bits = (bits << 6 | (unsigned)digit) & 0xffffff;
		n += 6;
		if (n >= 8) {
			n -= 8;
			buf_addc(b, (char)((bits >> n) & 0xff));
		}
	}
	return true;
}
