/* SPDX-License-Identifier: ISC */
#include "watcher/place.h"

#include <stdio.h>
#include <string.h>

#include "state/node.h"
#include "unit.h"
#include "watcher/watcher_priv.h"

static struct root root;
static struct watcher w;

static void
set_up(void)
{
	w = (struct watcher){ .state = state_open(NULL, 256),
		.roots = &root,
		.n_roots = 1,
		.stored.path = BUF_INIT };
	ck_assert_ptr_nonnull(w.state);
	root = (struct root){ .watcher = &w, .path = (char *)"/r" };
	root.node = node_root(w.state, root.path);
}

static void
tear_down(void)
{
	dircache_clear(&root.dirs);
	buf_release(&w.stored.path);
	state_close(w.state);
}

/* Stored, marked as unsure, and stored again with another signature. */
static bool
stays_unsure(const char *path, enum sig_type before, enum sig_type after)
{
	struct sig first = { .type = before, .ino = 7 };
	struct sig second = { .type = after, .ino = 7, .meta = 1 };
	struct place at;

	place_find(&at, &w, &root, path, strlen(path));
	place_store(&at, &first, false);
	node_set_unsure(w.state, &at.node, true);
	place_find(&at, &w, &root, path, strlen(path));
	place_store(&at, &second, false);
	place_find(&at, &w, &root, path, strlen(path));
	return at.node.unsure;
}

START_TEST(a_directory_that_has_to_be_listed_still_has_to_be_with_another_mode)
{
	set_up();
	ck_assert(stays_unsure("dir", SIG_DIR, SIG_DIR));
	tear_down();
}
END_TEST

START_TEST(what_was_looked_at_anew_is_sure)
{
	set_up();
	ck_assert(!stays_unsure("file", SIG_FILE, SIG_FILE));
	ck_assert(!stays_unsure("now a file", SIG_DIR, SIG_FILE));
	tear_down();
}
END_TEST

UNIT_MAIN("place", a_directory_that_has_to_be_listed_still_has_to_be_with_another_mode,
    what_was_looked_at_anew_is_sure)
