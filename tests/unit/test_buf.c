/* SPDX-License-Identifier: ISC */
#include "base/buf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define FFFD "\xef\xbf\xbd"

static void
expect_json(const char *in, size_t n, const char *want, bool exact)
{
	struct buf b = BUF_INIT;
	/* A copy of its own size, so that a sanitizer sees a read past the end. */
	char *copy = malloc(n > 0 ? n : 1);
	memcpy(copy, in, n);
	ck_assert_int_eq(buf_add_json(&b, copy, n), exact);
	ck_assert_str_eq(b.p, want);
	ck_assert_uint_eq(b.len, strlen(want));
	free(copy);
	buf_release(&b);
}

#define GOOD(in, want) expect_json(in, sizeof(in) - 1, want, true)
#define BAD(in, want) expect_json(in, sizeof(in) - 1, want, false)

START_TEST(what_is_added_is_there_and_ends_in_a_nul)
{
	struct buf b = BUF_INIT;
	buf_adds(&b, "one");
	buf_addc(&b, ' ');
	buf_add(&b, "two\0three", 9);
	ck_assert_uint_eq(b.len, 13);
	ck_assert_mem_eq(b.p, "one two\0three", 14);
	for (int i = 0; i < 10000; i++)
		buf_addf(&b, "%d", i % 10);
	ck_assert_uint_eq(b.len, 10013);
	ck_assert_int_eq(b.p[b.len], '\0');
	ck_assert_int_eq(b.p[b.len - 1], '9');
	buf_release(&b);
	ck_assert_ptr_null(b.p);
}
END_TEST

START_TEST(a_formatted_text_longer_than_the_room_is_whole)
{
	struct buf b = BUF_INIT;
	for (int width = 0; width < 300; width++) {
		buf_reset(&b);
		buf_addf(&b, "%*d", width, 7);
		ck_assert_uint_eq(b.len, (size_t)(width > 0 ? width : 1));
		ck_assert_int_eq(b.p[b.len - 1], '7');
	}
	buf_release(&b);
}
END_TEST

START_TEST(reset_keeps_memory_and_shrink_gives_it_back)
{
	struct buf b = BUF_INIT;
	buf_reset(&b);
	buf_shrink(&b, 0);
	buf_reserve(&b, 100000);
	char *p = b.p;
	buf_adds(&b, "x");
	buf_reset(&b);
	ck_assert_ptr_eq(b.p, p);
	ck_assert_uint_eq(b.len, 0);
	buf_shrink(&b, 200000);
	ck_assert_ptr_eq(b.p, p);
	buf_shrink(&b, 1000);
	ck_assert_uint_le(b.cap, 1000);
	buf_shrink(&b, 0);
	ck_assert_uint_eq(b.cap, 0);
	buf_release(&b);
}
END_TEST

START_TEST(bytes_go_from_the_front_and_from_the_end)
{
	struct buf b = BUF_INIT;
	buf_consume(&b, 0);
	buf_truncate(&b, 0);
	buf_adds(&b, "abcdef");
	buf_consume(&b, 2);
	ck_assert_str_eq(b.p, "cdef");
	buf_truncate(&b, 3);
	ck_assert_str_eq(b.p, "cde");
	buf_consume(&b, 3);
	ck_assert_str_eq(b.p, "");
	ck_assert_uint_eq(b.len, 0);
	buf_release(&b);
}
END_TEST

START_TEST(bytes_are_put_before_what_is_there)
{
	struct buf b = BUF_INIT;
	buf_insert(&b, "", 0);
	buf_insert(&b, "ef", 2);
	buf_insert(&b, "abcd", 4);
	buf_insert(&b, "", 0);
	ck_assert_str_eq(b.p, "abcdef");
	ck_assert_uint_eq(b.len, 6);
	buf_release(&b);
}
END_TEST

START_TEST(numbers_are_as_printf_has_them)
{
	static const int64_t numbers[] = { 0, 1, -1, 9, 10, -10, 1234567890, INT64_MAX,
		INT64_MIN };
	char want[32];
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < COUNTOF(numbers); i++) {
		buf_reset(&b);
		buf_addi(&b, numbers[i]);
		snprintf(want, sizeof(want), "%" PRId64, numbers[i]);
		ck_assert_str_eq(b.p, want);
	}
	buf_release(&b);
}
END_TEST

START_TEST(json_leaves_plain_text_and_escapes_the_rest)
{
	GOOD("", "\"\"");
	GOOD("docs/a.md", "\"docs/a.md\"");
	GOOD("a\"b\\c/", "\"a\\\"b\\\\c/\"");
	GOOD("\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\"");
	GOOD("\0\x01\x1f\x7f", "\"\\u0000\\u0001\\u001f\x7f\"");
	GOOD("Gr\xc3\xbc\xc3\x9f"
	     "e \xe2\x82\xac \xf0\x9f\x98\x80",
	    "\"Gr\xc3\xbc\xc3\x9f"
	    "e \xe2\x82\xac \xf0\x9f\x98\x80\"");
}
END_TEST

START_TEST(json_finds_every_byte_to_escape_wherever_it_stands)
{
	struct buf b = BUF_INIT;
	for (int c = 0; c < 128; c++) {
		for (size_t at = 0; at < 24; at++) {
			char text[24], want[32];
			memset(text, 'x', sizeof(text));
			text[at] = (char)c;
			buf_reset(&b);
			ck_assert(buf_add_json(&b, text, sizeof(text)));
			bool plain = c >= 0x20 && c != '"' && c != '\\';
			size_t len = b.len - sizeof(text) - 2;
			ck_assert_msg((len == 0) == plain, "byte %d at %zu", c, at);
			snprintf(want, sizeof(want), "%c%c", plain ? c : '\\',
			    at == 23 && plain ? '"'
				: plain	      ? 'x'
					      : b.p[at + 2]);
			ck_assert_mem_eq(b.p + at + 1, want, 2);
		}
	}
	buf_release(&b);
}
END_TEST

START_TEST(json_shows_each_bad_byte_as_a_replacement)
{
	BAD("\xff", "\"" FFFD "\"");
	BAD("a\x80z", "\"a" FFFD "z\"");
	BAD("caf\xe9", "\"caf" FFFD "\"");
	/* cut short */
	BAD("\xe2\x82", "\"" FFFD FFFD "\"");
	BAD("\xf0\x9f\x98x", "\"" FFFD FFFD FFFD "x\"");
	/* overlong */
	BAD("\xc0\xaf", "\"" FFFD FFFD "\"");
	BAD("\xc1\xbf", "\"" FFFD FFFD "\"");
	BAD("\xe0\x9f\xbf", "\"" FFFD FFFD FFFD "\"");
	BAD("\xf0\x8f\xbf\xbf", "\"" FFFD FFFD FFFD FFFD "\"");
	/* surrogates, and past the last code point */
	BAD("\xed\xa0\x80", "\"" FFFD FFFD FFFD "\"");
	BAD("\xed\xbf\xbf", "\"" FFFD FFFD FFFD "\"");
	BAD("\xf4\x90\x80\x80", "\"" FFFD FFFD FFFD FFFD "\"");
	BAD("\xf5\x80\x80\x80", "\"" FFFD FFFD FFFD FFFD "\"");
	/* the neighbours of those are fine */
	GOOD("\xc2\x80\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf"
	     "\xbf",
	    "\"\xc2\x80\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf"
	    "\xbf\"");
}
END_TEST

static size_t
encode(uint32_t c, char out[4])
{
	if (c < 0x80)
		return out[0] = (char)c, 1;
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 63));
		out[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 63));
	out[2] = (char)(0x80 | (c >> 6 & 63));
	out[3] = (char)(0x80 | (c & 63));
	return 4;
}

START_TEST(every_code_point_but_the_surrogates_is_well_formed)
{
	char text[4];
	for (uint32_t c = 0; c < 0x110100; c++) {
		size_t n = encode(c, text);
		bool good = c < 0x110000 && !(c >= 0xd800 && c < 0xe000);
		ck_assert_msg(buf_utf8(text, n) == (good ? n : 0), "U+%04X", c);
		ck_assert_msg(n == 1 || buf_utf8(text, n - 1) == 0, "U+%04X cut", c);
	}
	ck_assert_uint_eq(buf_utf8("", 0), 0);
}
END_TEST

START_TEST(base64_is_that_of_rfc_4648)
{
	static const struct {
		const char *in, *want;
	} t[] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xff\xfe\xfd\xfb\xef\xbf", "//79+++/" },
	};
	struct buf b = BUF_INIT;
	buf_adds(&b, "");
	for (size_t i = 0; i < COUNTOF(t); i++) {
		buf_reset(&b);
		buf_add_base64(&b, t[i].in, strlen(t[i].in));
		ck_assert_str_eq(b.p, t[i].want);
	}
	buf_release(&b);
}
END_TEST

START_TEST(base64_is_decoded_to_the_same_bytes)
{
	struct buf text = BUF_INIT, bytes = BUF_INIT;

	for (size_t n = 0; n < 6; n++) {
		buf_reset(&text);
		buf_add_base64(&text, "\x00\xff\x10 a\n", n);
		ck_assert(buf_decode_base64(&bytes, n == 0 ? "" : text.p));
		ck_assert_uint_eq(bytes.len, n);
		ck_assert_mem_eq(bytes.p, "\x00\xff\x10 a\n", n);
	}
	ck_assert(!buf_decode_base64(&bytes, "a*b="));
	buf_release(&text);
	buf_release(&bytes);
}
END_TEST

UNIT_MAIN("buf", base64_is_decoded_to_the_same_bytes,
    what_is_added_is_there_and_ends_in_a_nul,
    a_formatted_text_longer_than_the_room_is_whole,
    reset_keeps_memory_and_shrink_gives_it_back, bytes_go_from_the_front_and_from_the_end,
    bytes_are_put_before_what_is_there, numbers_are_as_printf_has_them,
    json_leaves_plain_text_and_escapes_the_rest,
    json_finds_every_byte_to_escape_wherever_it_stands,
    json_shows_each_bad_byte_as_a_replacement,
    every_code_point_but_the_surrogates_is_well_formed, base64_is_that_of_rfc_4648)
