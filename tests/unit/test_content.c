/* SPDX-License-Identifier: ISC */
#include "wire/content.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define SUM "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static bool
get_answer(const char *text, uint64_t *id, struct content *content)
{
	static char line[CONTENT_ANSWER_MAX];
	ck_assert_uint_lt(strlen(text), sizeof(line));
	strcpy(line, text);
	return content_get_answer(line, id, content);
}

static bool
get_request(const char *text, struct content_request *request)
{
	static struct buf store[2];
	static char *line;
	free(line);
	line = strdup(text);
	return content_get_request(line, request, store);
}

START_TEST(a_request_comes_back_as_it_was)
{
	const char path[] = "a b\n/\xff\"/c";
	struct content_request in = { UINT64_MAX, INT64_MAX, "/p q", path }, out;
	struct buf b = BUF_INIT;
	ck_assert(content_put_request(&b, &in));
	ck_assert_ptr_null(strchr(b.p, '\n'));
	ck_assert(get_request(b.p, &out));
	ck_assert(out.id == in.id && out.max == in.max);
	ck_assert_str_eq(out.root, "/p q");
	ck_assert_str_eq(out.path, path);
	buf_release(&b);
}
END_TEST

START_TEST(a_request_that_is_too_long_is_not_made)
{
	static char path[CONTENT_REQUEST_MAX];
	struct content_request in = { 1, 1, "/p", path };
	struct buf b = BUF_INIT;
	memset(path, 'x', sizeof(path) - 1);
	buf_adds(&b, "before");
	ck_assert(!content_put_request(&b, &in));
	ck_assert_str_eq(b.p, "before");
	buf_release(&b);
}
END_TEST

START_TEST(a_malformed_request_is_refused)
{
	static const char *const lines[] = {
		"",
		"1",
		"1 2 L3A=",
		"1 2 L3A= YQ== ",
		"1 2 L3A= YQ== x",
		"1  2 L3A= YQ==",
		"-1 2 L3A= YQ==",
		"1 -2 L3A= YQ==",
		"01 2 L3A= YQ==",
		"1 2 cA== YQ==", /* root "p" */
		"1 2 L3A= YQA=", /* path "a\0" */
		"1 2 L3A= !",
		"18446744073709551616 2 L3A= YQ==",
		"1 9223372036854775808 L3A= YQ==",
	};
	struct content_request request;
	ck_assert(get_request("1 2 L3A= YQ==", &request));
	for (size_t i = 0; i < COUNTOF(lines); i++)
		ck_assert_msg(!get_request(lines[i], &request), "%s", lines[i]);
}
END_TEST

START_TEST(an_answer_comes_back_as_it_was)
{
	for (int state = 0; state < CONTENT_STATE_MAX; state++) {
		struct content in = { state, 3, UINT64_MAX, INT64_MIN, INT64_MAX, 8000,
			state == CONTENT_READ ? SUM : "" };
		struct content out;
		struct buf b = BUF_INIT;
		uint64_t id;
		content_put_answer(&b, 7, &in);
		ck_assert_uint_lt(b.len, CONTENT_ANSWER_MAX);
		ck_assert(get_answer(b.p, &id, &out));
		ck_assert(id == 7 && out.state == in.state && out.size == 3 &&
		    out.ino == in.ino && out.mtime_ns == in.mtime_ns &&
		    out.ctime_ns == in.ctime_ns && out.entropy == 8000);
		ck_assert_str_eq(out.sum, in.sum);
		buf_release(&b);
	}
}
END_TEST

START_TEST(a_malformed_answer_is_refused)
{
	static const char *const lines[] = {
		"",
		"1 read 3 4 5 6 7",
		"1 read 3 4 5 6 7 -",
		"1 read 3 4 5 6 7 " SUM "0",
		"1 read 3 4 5 6 7 " SUM " ",
		"1 read 3 4 5 6 8001 " SUM,
		"1 read -3 4 5 6 7 " SUM,
		"1 red 3 4 5 6 7 " SUM,
		"1 no-file 3 4 5 6 7 " SUM,
		"1 read 3 4 5 6 7 md5:00",
		"1 read 3 4 -0 6 7 " SUM,
	};
	struct content content;
	uint64_t id;
	ck_assert(get_answer("1 read 3 4 -5 6 7 " SUM, &id, &content));
	for (size_t i = 0; i < COUNTOF(lines); i++)
		ck_assert_msg(!get_answer(lines[i], &id, &content), "%s", lines[i]);
}
END_TEST

START_TEST(a_checksum_has_one_form)
{
	unsigned char raw[CONTENT_SUM_RAW];
	char text[CONTENT_SUM_SIZE];
	ck_assert(!content_sum_raw("", raw));
	ck_assert(content_sum_raw(SUM, raw));
	ck_assert_int_eq(raw[0], 0xba);
	content_sum_text(raw, text);
	ck_assert_str_eq(text, SUM);
	ck_assert(content_sum_ok(""));
	ck_assert(content_sum_ok(SUM));
	ck_assert(!content_sum_ok("sha256:"));
	ck_assert(!content_sum_ok("-"));
	ck_assert(!content_sum_ok(
	    "sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}
END_TEST

UNIT_MAIN("content", a_request_comes_back_as_it_was,
    a_request_that_is_too_long_is_not_made, a_malformed_request_is_refused,
    an_answer_comes_back_as_it_was, a_malformed_answer_is_refused,
    a_checksum_has_one_form)
