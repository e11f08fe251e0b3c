/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "conf/accepted.h"

static void
put(int fd, const char *file, const char *p)
{
	struct config_text text = { file ? xstrdup(file) : NULL, p ? xstrdup(p) : NULL,
		p ? strlen(p) : 0 };
	ck_assert_int_eq(accepted_put(fd, &text), 0);
	config_text_release(&text);
}

static void
holds(int fd, const char *file, const char *p)
{
	struct config_text text;
	ck_assert_int_eq(accepted_get(fd, &text), 1);
	ck_assert_pstr_eq(text.file, file);
	ck_assert_pstr_eq(text.p, p);
	ck_assert_uint_eq(text.len, p ? strlen(p) : 0);
	config_text_release(&text);
}

START_TEST(there_is_none_before_the_first)
{
	struct config_text text;
	int fd = accepted_open();
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(accepted_get(fd, &text), 0);
	ck_assert_ptr_null(text.p);
	close(fd);
}
END_TEST

START_TEST(the_last_one_is_there)
{
	int fd = accepted_open();
	put(fd, "/p/a", "settle = 1s\n");
	holds(fd, "/p/a", "settle = 1s\n");
	put(fd, "/p/other", "");
	holds(fd, "/p/other", "");
	put(fd, NULL, NULL);
	holds(fd, NULL, NULL);
	put(fd, "/p/a", "settle = 2s\n");
	holds(fd, "/p/a", "settle = 2s\n");
	close(fd);
}
END_TEST

/* What is written goes to the other place, and only then the head names it. */
START_TEST(one_that_does_not_fit_leaves_the_one_before)
{
	static char big[3 * 1024 * 1024];
	const struct config_text text = { big, big, sizeof(big) };
	int fd = accepted_open();
	put(fd, "/p/a", "settle = 1s\n");
	ck_assert_int_eq(accepted_put(fd, &text), -1);
	holds(fd, "/p/a", "settle = 1s\n");
	close(fd);
}
END_TEST

UNIT_MAIN("accepted", there_is_none_before_the_first, the_last_one_is_there,
    one_that_does_not_fit_leaves_the_one_before)
