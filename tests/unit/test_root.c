/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <string.h>

#include "watcher/watcher_priv.h"

static struct root roots[] = { { .path = "/srv/a" }, { .path = "/srv/a b" },
	{ .path = "/" } };

/* Where the path begins below its root; -1: it is below none of the first n. */
static int
below(size_t n, const char *path, const struct root *want)
{
	struct watcher w = { .roots = roots, .n_roots = n };
	struct buf abs = BUF_INIT;
	size_t skip = 0;

	buf_adds(&abs, path);
	const struct root *root = watcher_root_above(&w, &abs, &skip);
	buf_release(&abs);
	ck_assert_ptr_eq(root, want);
	return root == NULL ? -1 : (int)skip;
}

START_TEST(a_path_is_below_its_root)
{
	ck_assert_int_eq(below(2, "/srv/a/x/y", &roots[0]), (int)strlen("/srv/a/"));
	ck_assert_int_eq(below(2, "/srv/a b/x", &roots[1]), (int)strlen("/srv/a b/"));
	ck_assert_int_eq(below(2, "/srv/a", &roots[0]), (int)strlen("/srv/a"));
}
END_TEST

START_TEST(a_name_that_begins_alike_is_not_below_it)
{
	ck_assert_int_eq(below(2, "/srv/ab", NULL), -1);
	ck_assert_int_eq(below(2, "/srv", NULL), -1);
	ck_assert_int_eq(below(2, "/", NULL), -1);
}
END_TEST

/* So what is undone after a crash finds its root there, too. */
START_TEST(everything_is_below_slash)
{
	ck_assert_int_eq(below(3, "/x/y", &roots[2]), 1);
	ck_assert_int_eq(below(3, "/srv/ab", &roots[2]), 1);
	ck_assert_int_eq(below(3, "/", &roots[2]), 1);
	ck_assert_int_eq(below(3, "/srv/a/x", &roots[0]), (int)strlen("/srv/a/"));
}
END_TEST

UNIT_MAIN("root", a_path_is_below_its_root, a_name_that_begins_alike_is_not_below_it,
    everything_is_below_slash)
