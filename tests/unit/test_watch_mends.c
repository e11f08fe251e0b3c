/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * Rare orders of what happens, what is read and what is listed: the watch finds
 * out that it was wrong, and comes to rest with the tree as it is.
 */

#include <sys/fanotify.h>

#include "unit.h"
#include "watch/fanotify_priv.h"
#include "watch/watch_priv.h"
#include "watch_fixture.h"

enum { NOBODY = 65534 };

static struct fm_stats
stats(const struct fixture *f)
{
	struct fm_stats s;

	fm_watch_stats(f->w, &s);
	return s;
}

/* Gives the tree to a user whom modes bind; false where this is one already. */
static bool
become_nobody(const struct fixture *f)
{
	if (geteuid() != 0)
		return false;
	ck_assert_int_eq(chown(f->dir, NOBODY, NOBODY), 0);
	ck_assert_int_eq(chown(f->root, NOBODY, NOBODY), 0);
	ck_assert_int_eq(seteuid(NOBODY), 0);
	return true;
}

static void
read_all(struct fixture *f)
{
	while (fm_watch_read(f->w) == 1)
		continue;
}

/* A large directory two levels down, and one beside it. */
static void
make_large(const struct fixture *f)
{
	char name[32];

	make_dir(f, "p");
	make_dir(f, "p/q");
	make_dir(f, "p/q/large");
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "p/q/large/f%03d", i);
		make_file(f, name);
	}
	make_dir(f, "z");
}

/* Until the large one has told its first slice. */
static void
begin_large(struct fixture *f)
{
	f->w = fm_watch_new(&f->o);
	ck_assert_ptr_nonnull(f->w);
	while (told(f, FM_LIST_BEGIN, "p/q/large") == NULL) {
		fm_watch_read(f->w);
		fm_watch_step(f->w, 64);
	}
	ck_assert_ptr_null(told(f, FM_LIST_END, "p/q/large"));
}

/* As a daemon's loop goes, in so many turns at most. */
static bool
comes_to_rest(struct fixture *f)
{
	for (int turns = 0; turns < 1000; turns++) {
		read_all(f);
		fm_watch_tick(f->w, now_ms());
		if (!fm_watch_scanning(f->w))
			return true;
		fm_watch_step(f->w, 64);
	}
	return false;
}

START_TEST(while_a_polled_directory_is_listed_one_above_may_be_renamed)
{
	struct fixture f;

	fixture_init(&f);
	f.o.backend = FM_BACKEND_POLL;
	make_large(&f);
	begin_large(&f);
	move_path(&f, "p/q", "p/q2");
	ck_assert(comes_to_rest(&f));
	CK_TOLD(&f, FM_LIST_ENTRY, "p/q2/large/f199");
	ck_assert(!paths_has(&f.model, "p/q"));
	fixture_release(&f);
}
END_TEST

START_TEST(while_a_directory_is_listed_one_above_the_root_may_be_renamed)
{
	char root[120];
	struct fixture f;

	fixture_init(&f);
	make_large(&f);
	make_dir(&f, "/up");
	move_path(&f, "/root", "/up/root");
	snprintf(root, sizeof(root), "%s/up/root", f.dir);
	f.o.root = root;
	begin_large(&f);
	move_path(&f, "/up", "/up2");
	ck_assert(comes_to_rest(&f));
	ck_assert_uint_eq(count_told(&f, FM_ROOT_GONE), 1);
	move_path(&f, "/up2", "/up");
	WAIT_FOR(&f, count_told(&f, FM_ROOT_BACK) == 1);
	drain(&f);
	CK_TOLD(&f, FM_LIST_END, "p/q/large");
	fixture_release(&f);
}
END_TEST

START_TEST(while_a_directory_is_listed_one_above_may_become_a_mount_point)
{
	struct fixture f;

	fixture_init(&f);
	if (unshare(CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1) {
		fprintf(stderr, "# skipped: may not mount\n");
		remove_tree(f.dir);
		return;
	}
	make_large(&f);
	begin_large(&f);
	ck_assert_int_eq(mount("fm", at(&f, "p"), "tmpfs", 0, "size=1m"), 0);
	ck_assert(comes_to_rest(&f));
	ck_assert_int_eq(umount(at(&f, "p")), 0);
	fixture_release(&f);
}
END_TEST

START_TEST(while_a_directory_is_listed_one_above_may_become_closed)
{
	struct fixture f;
	bool changed;

	fixture_init(&f);
	changed = become_nobody(&f);
	make_large(&f);
	begin_large(&f);
	ck_assert_int_eq(chmod(at(&f, "p"), 0), 0);
	ck_assert(comes_to_rest(&f));
	ck_assert_int_eq(told(&f, FM_LIST_FAILED, "p/q/large")->error, ENOENT);
	forget_told(&f);
	ck_assert_int_eq(chmod(at(&f, "p"), 0755), 0);
	drain(&f);
	CK_TOLD(&f, FM_LIST_END, "p/q/large");
	ck_assert_uint_eq(f.w->failed, 0);
	if (changed)
		ck_assert_int_eq(seteuid(0), 0);
	fixture_release(&f);
}
END_TEST

/* As they come and go before they can be listed. */
static void
make_and_remove(struct fixture *f, int n)
{
	for (int i = 0; i < n; i++) {
		make_dir(f, "d");
		ck_assert_int_eq(rmdir(at(f, "d")), 0);
		if (i % 10 == 0)
			comes_to_rest(f);
	}
	comes_to_rest(f);
}

START_TEST(directories_that_come_and_go_take_no_memory)
{
	struct fixture f;
	size_t before;

	fixture_init(&f);
	f.quiet = true;
	fixture_start(&f);
	make_and_remove(&f, 100);
	before = stats(&f).memory;
	make_and_remove(&f, 5000);
	ck_assert_uint_eq(stats(&f).dirs, 1);
	ck_assert_uint_lt(stats(&f).memory, before + 8192); /* names wait for more */
	fixture_release(&f);
}
END_TEST

static void
root_closed(enum fm_backend backend)
{
	struct fixture f;
	bool changed;

	fixture_init(&f);
	f.o.backend = backend;
	changed = become_nobody(&f);
	fixture_start(&f);
	ck_assert_int_eq(rmdir(f.root), 0);
	WAIT_FOR(&f, count_told(&f, FM_ROOT_GONE) == 1);
	ck_assert_int_eq(mkdir(f.root, 0), 0);
	WAIT_FOR(&f, told(&f, FM_LIST_FAILED, "") != NULL);
	ck_assert_int_eq(chmod(f.root, 0755), 0);
	make_file(&f, "new");
	WAIT_FOR(&f, told(&f, FM_LIST_ENTRY, "new") != NULL);
	drain(&f);
	ck_assert_uint_eq(stats(&f).dirs, 1);
	if (changed)
		ck_assert_int_eq(seteuid(0), 0);
	fixture_release(&f);
}

START_TEST(a_root_that_comes_back_closed_is_listed_when_it_may)
{
	root_closed(WATCH_BACKEND);
	root_closed(FM_BACKEND_POLL);
}
END_TEST

static void
searchable_later(bool bare)
{
	struct fixture f;
	bool changed;

	fixture_init(&f);
	f.o.bare_dirs = bare;
	changed = become_nobody(&f);
	make_dir(&f, "a");
	make_dir(&f, "a/b");
	make_dir(&f, "a/b/c");
	make_file(&f, "a/b/c/f");
	ck_assert_int_eq(chmod(at(&f, "a"), 0600), 0);
	fixture_start(&f);
	ck_assert_ptr_null(told(&f, FM_LIST_ENTRY, "a/b/c"));
	ck_assert_int_eq(chmod(at(&f, "a"), 0700), 0);
	drain(&f);
	CK_TOLD(&f, FM_LIST_ENTRY, "a/b/c/f");
	ck_assert_uint_eq(stats(&f).watches, 4);
	if (changed)
		ck_assert_int_eq(seteuid(0), 0);
	fixture_release(&f);
}

/* Its names can be read, and what is in it is said to be a directory. */
START_TEST(what_is_in_a_directory_that_may_not_be_searched_is_listed_when_it_may)
{
	searchable_later(false);
	searchable_later(true);
}
END_TEST

/* What is in the kernel's queue, to be given to the watch in another order. */
struct taken {
	char *buf;
	size_t len;
};

static struct taken
take(struct fixture *f)
{
	struct taken taken = { .buf = malloc(WATCH_BUFFER) };
	ssize_t n = read(IS_FANOTIFY ? f->w->fan->fd : f->w->fd, taken.buf, WATCH_BUFFER);

	ck_assert_int_gt(n, 0);
	taken.len = (size_t)n;
	return taken;
}

static void
feed(struct fixture *f, const char *buf, size_t len)
{
	if (IS_FANOTIFY)
		fanotify_feed(f->w, buf, len);
	else
		inotify_feed(f->w, buf, len);
}

static void
exchange(const struct fixture *f, const char *a, const char *b)
{
	ck_assert_int_eq(renameat2(AT_FDCWD, at(f, "%s", a), AT_FDCWD, at(f, "%s", b),
			     RENAME_EXCHANGE),
	    0);
}

/* The first of the two renames that an exchange is told as; over fanotify what else
   happens on the file system follows. */
static size_t
first_half(const struct taken *taken)
{
	struct fanotify_event_metadata head;

	memcpy(&head, taken->buf, sizeof(head));
	return IS_FANOTIFY ? head.event_len : taken->len / 2;
}

/* As when whoever exchanges is made to wait in between, and others go on. */
static void
exchange_around_others(struct fixture *f, unsigned n)
{
	struct taken halves, others;
	char from[16], to[16];
	size_t first;

	exchange(f, "x", "y");
	halves = take(f);
	for (unsigned i = 0; i < n; i++) {
		snprintf(from, sizeof(from), "o/f%u", i);
		snprintf(to, sizeof(to), "o/g%u", i);
		move_path(f, from, to);
	}
	make_file(f, "/arrives");
	move_path(f, "/arrives", "arrived");
	others = take(f);
	first = first_half(&halves);
	feed(f, halves.buf, first);
	feed(f, others.buf, others.len);
	feed(f, halves.buf + first, halves.len - first);
	free(halves.buf);
	free(others.buf);
}

static void
start_with_others(struct fixture *f)
{
	char name[16];

	fixture_init(f);
	make_dir(f, "o");
	for (unsigned i = 0; i < 2 * PAIRS_MAX; i++) {
		snprintf(name, sizeof(name), "o/f%u", i);
		make_file(f, name);
	}
}

/* Nothing is held for long any more. */
static void
settle(struct fixture *f)
{
	drain(f);
	fm_watch_tick(f->w, now_ms() + 5000);
	drain(f);
}

START_TEST(files_exchanged_while_others_are_renamed_are_both_there)
{
	struct fixture f;

	start_with_others(&f);
	make_file(&f, "x");
	make_file(&f, "y");
	fixture_start(&f);
	exchange_around_others(&f, PAIRS_MAX - 1);
	settle(&f);
	ck_assert(paths_has(&f.model, "x") && paths_has(&f.model, "y"));
	fixture_release(&f);
}
END_TEST

START_TEST(a_file_exchanged_with_a_directory_while_others_are_renamed_is_in_its_place)
{
	struct fixture f;

	start_with_others(&f);
	make_dir(&f, "x");
	make_dir(&f, "x/in_x");
	make_file(&f, "y");
	fixture_start(&f);
	exchange_around_others(&f, PAIRS_MAX - 1);
	settle(&f);
	ck_assert(paths_has(&f.model, "y/in_x") && !paths_has(&f.model, "x/in_x"));
	make_file(&f, "y/in_x/new");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "y/in_x/new");
	fixture_release(&f);
}
END_TEST

START_TEST(a_rename_back_is_no_exchange)
{
	struct fixture f;
	unsigned long listed;

	fixture_init(&f);
	make_dir(&f, "x");
	make_dir(&f, "x/in_x");
	make_file(&f, "f");
	fixture_start(&f);
	listed = stats(&f).listed;
	move_path(&f, "x", "y");
	move_path(&f, "f", "g");
	drain(&f);
	move_path(&f, "y", "x");
	move_path(&f, "g", "f");
	drain(&f);
	ck_assert(paths_has(&f.model, "f") && !paths_has(&f.model, "g"));
	ck_assert_str_eq(told(&f, FM_RENAMED, "x")->old, "y");
	ck_assert_uint_eq(stats(&f).listed, listed);
	fixture_release(&f);
}
END_TEST

/* What one of them is called by now cannot be seen under the name that its directory
   had, where another one has that name. */
START_TEST(a_file_exchanged_with_one_in_a_renamed_directory_is_there)
{
	struct fixture f;

	fixture_init(&f);
	make_file(&f, "x");
	make_dir(&f, "d");
	make_file(&f, "d/y");
	fixture_start(&f);
	exchange(&f, "x", "d/y");
	move_path(&f, "d", "e");
	make_dir(&f, "d");
	settle(&f);
	ck_assert(paths_has(&f.model, "x") && paths_has(&f.model, "e/y"));
	ck_assert_uint_eq(stats(&f).watches, 3);
	fixture_release(&f);
}
END_TEST

/* What was put aside when a directory was replaced has nothing to do with what is
   renamed to that name and back later. */
START_TEST(a_rename_to_the_name_of_what_was_replaced_and_back_is_no_exchange)
{
	struct fixture f;

	fixture_init(&f);
	make_dir(&f, "d");
	make_dir(&f, "name");
	make_file(&f, "f");
	fixture_start(&f);
	move_path(&f, "d", "name");
	move_path(&f, "name", "e");
	move_path(&f, "f", "name");
	move_path(&f, "name", "f");
	drain(&f);
	ck_assert(paths_has(&f.model, "f") && !paths_has(&f.model, "name"));
	ck_assert_ptr_null(told(&f, FM_DIRTY, "f"));
	ck_assert_str_eq(told(&f, FM_RENAMED, "f")->old, "name");
	fixture_release(&f);
}
END_TEST

/* How long the first notification of what was taken is. */
static size_t
first_length(const char *buf)
{
	struct fanotify_event_metadata fan;
	struct inotify_event in;

	if (IS_FANOTIFY) {
		memcpy(&fan, buf, sizeof(fan));
		return fan.event_len;
	}
	memcpy(&in, buf, sizeof(in));
	return sizeof(in) + in.len;
}

/* Feeds the first of them, and what is left is the rest. */
static void
feed_first(struct fixture *f, struct taken *taken)
{
	size_t n = taken->len == 0 ? 0 : first_length(taken->buf);

	feed(f, taken->buf, n);
	taken->len -= n;
	memmove(taken->buf, taken->buf + n, taken->len);
}

static void
feed_rest(struct fixture *f, struct taken *taken)
{
	feed(f, taken->buf, taken->len);
	free(taken->buf);
	settle(f);
}

/* As when whoever exchanges is made to wait for long after the first notification. */
static void
exchange_cut(struct fixture *f)
{
	struct taken taken;

	fixture_start(f);
	exchange(f, "x", "y");
	taken = take(f);
	feed_first(f, &taken);
	fm_watch_tick(f->w, now_ms() + 5000);
	feed_rest(f, &taken);
}

START_TEST(an_exchange_whose_first_half_is_given_up_leaves_both)
{
	struct fixture f;

	fixture_init(&f);
	make_file(&f, "x");
	make_file(&f, "y");
	exchange_cut(&f);
	ck_assert(paths_has(&f.model, "x") && paths_has(&f.model, "y"));
	fixture_release(&f);
	fixture_init(&f);
	make_dir(&f, "x");
	make_dir(&f, "x/in_x");
	make_dir(&f, "y");
	make_dir(&f, "y/in_y");
	exchange_cut(&f);
	ck_assert(paths_has(&f.model, "x/in_y") && !paths_has(&f.model, "x/in_x"));
	ck_assert(paths_has(&f.model, "y/in_x") && !paths_has(&f.model, "y/in_y"));
	ck_assert_uint_eq(stats(&f).watches, 5);
	fixture_release(&f);
}
END_TEST

/* As at the end of a bufferful, when it takes long until the next is read. */
START_TEST(a_half_whose_other_is_still_to_be_read_is_not_given_up)
{
	char buf[sizeof(struct inotify_event) + 16];
	struct fixture f;

	fixture_init(&f);
	if (IS_FANOTIFY) { /* says both at once */
		remove_tree(f.dir);
		return;
	}
	make_file(&f, "x");
	fixture_start(&f);
	move_path(&f, "x", "y");
	ck_assert_int_eq(read(f.w->fd, buf, sizeof(buf)), sizeof(buf));
	feed(&f, buf, sizeof(buf));
	fm_watch_tick(f.w, now_ms() + 5000);
	ck_assert_ptr_null(told(&f, FM_DELETED, "x"));
	ck_assert_int_eq(fm_watch_due(f.w), -1);
	settle(&f);
	CK_TOLD(&f, FM_RENAMED, "y");
	fixture_release(&f);
}
END_TEST

START_TEST(what_is_listed_between_two_halves_has_not_moved)
{
	struct fixture f;
	struct taken taken;

	fixture_init(&f);
	make_dir(&f, "b");
	make_dir(&f, "c");
	make_file(&f, "c/old");
	fixture_start(&f);
	move_path(&f, "c", "b/c");
	make_dir(&f, "c");
	make_dir(&f, "c/d");
	make_file(&f, "c/d/new");
	taken = take(&f);
	feed_first(&f, &taken);
	ck_assert_int_eq(fm_watch_scan(f.w, "", false), 0);
	while (fm_watch_step(f.w, 64))
		continue;
	feed_rest(&f, &taken);
	ck_assert(paths_has(&f.model, "b/c/old") && paths_has(&f.model, "c/d/new"));
	ck_assert(!paths_has(&f.model, "b/c/d") && !paths_has(&f.model, "c/old"));
	fixture_release(&f);
}
END_TEST

/* The directory's own second half is still to come. */
START_TEST(a_half_given_up_while_its_directory_is_moved_is_gone)
{
	struct fixture f;
	struct taken taken;
	int64_t now;

	fixture_init(&f);
	make_dir(&f, "d");
	make_file(&f, "d/f");
	fixture_start(&f);
	move_path(&f, "d/f", "/f");
	move_path(&f, "d", "e");
	taken = take(&f);
	feed_first(&f, &taken);
	for (now = now_ms(); now_ms() == now;)
		continue;
	feed_first(&f, &taken);
	fm_watch_tick(f.w, f.w->rename.halves[0].due);
	feed_rest(&f, &taken);
	ck_assert(paths_has(&f.model, "e") && !paths_has(&f.model, "e/f"));
	fixture_release(&f);
}
END_TEST

/* Two that rename at once: the halves of one come between those of the other. */
START_TEST(a_file_may_leave_a_directory_while_that_is_moved)
{
	struct fixture f;
	struct taken file, dir;

	fixture_init(&f);
	make_dir(&f, "d");
	make_file(&f, "d/f");
	make_dir(&f, "x");
	fixture_start(&f);
	move_path(&f, "d/f", "x/f");
	file = take(&f);
	move_path(&f, "d", "e");
	dir = take(&f);
	feed_first(&f, &file);
	feed_first(&f, &dir);
	feed_first(&f, &file);
	feed_rest(&f, &dir);
	free(file.buf);
	ck_assert(paths_has(&f.model, "x/f") && paths_has(&f.model, "e"));
	ck_assert(!paths_has(&f.model, "e/f"));
	fixture_release(&f);
}
END_TEST

/* What is seen under the name that the directory had is in another one. */
START_TEST(what_left_a_directory_that_was_replaced_is_not_there)
{
	struct fixture f;
	struct taken taken;

	fixture_init(&f);
	make_dir(&f, "d");
	make_file(&f, "d/f");
	fixture_start(&f);
	move_path(&f, "d/f", "/f");
	move_path(&f, "d", "e");
	make_dir(&f, "d");
	make_file(&f, "d/f");
	taken = take(&f);
	feed_first(&f, &taken);
	fm_watch_tick(f.w, now_ms() + 5000);
	feed_rest(&f, &taken);
	ck_assert(paths_has(&f.model, "e") && !paths_has(&f.model, "e/f"));
	ck_assert(paths_has(&f.model, "d/f"));
	fixture_release(&f);
}
END_TEST

/* p becomes q; what is made under its name is listed, and leaves the tree. */
static void
replace_above(struct fixture *f)
{
	move_path(f, "p", "q");
	make_dir(f, "p");
	make_dir(f, "p/c");
	fm_watch_step(f->w, 64);
	while (fm_watch_step(f->w, 64))
		continue;
	move_path(f, "p/c", "/outside");
	settle(f);
	forget_told(f);
	make_file(f, "q/c/new");
	make_file(f, "/outside/foreign");
	drain(f);
	CK_TOLD(f, FM_CREATED, "q/c/new");
	ck_assert_uint_eq(count_told(f, FM_CREATED), 1);
	ck_assert_uint_eq(stats(f).watches, 4);
	fixture_release(f);
}

START_TEST(what_is_listed_is_in_the_directory_that_the_table_has)
{
	struct fixture f;

	fixture_init(&f);
	make_dir(&f, "p");
	make_dir(&f, "p/c");
	fixture_start(&f);
	ck_assert_int_eq(fm_watch_scan(f.w, "p/c", false), 0);
	replace_above(&f);
}
END_TEST

START_TEST(what_is_watched_is_the_directory_that_is_listed)
{
	struct fixture f;

	fixture_init(&f);
	make_dir(&f, "p");
	make_dir(&f, "p/c");
	f.w = fm_watch_new(&f.o);
	ck_assert_ptr_nonnull(f.w);
	while (told(&f, FM_LIST_END, "p") == NULL)
		fm_watch_step(f.w, 64);
	ck_assert_ptr_null(told(&f, FM_LIST_BEGIN, "p/c"));
	replace_above(&f);
}
END_TEST

/* fanotify merges the removal with the making, which comes before the exchange. */
START_TEST(a_file_removed_where_an_exchange_has_put_it_is_gone)
{
	struct fixture f;

	fixture_init(&f);
	fixture_start(&f);
	make_file(&f, "a");
	move_path(&f, "a", "c");
	make_dir(&f, "b");
	move_path(&f, "b", "a");
	exchange(&f, "c", "a");
	ck_assert_int_eq(unlink(at(&f, "a")), 0);
	settle(&f);
	ck_assert(!paths_has(&f.model, "a") && paths_has(&f.model, "c"));
	fixture_release(&f);
}
END_TEST

/* ... and the last rename of three with the first, which was the same. */
START_TEST(what_is_exchanged_back_over_what_was_made_meanwhile_is_there)
{
	struct fixture f;

	fixture_init(&f);
	make_file(&f, "a");
	make_file(&f, "b");
	fixture_start(&f);
	exchange(&f, "a", "b");
	move_path(&f, "b", "a");
	make_file(&f, "b");
	exchange(&f, "b", "a");
	settle(&f);
	ck_assert(paths_has(&f.model, "a") && paths_has(&f.model, "b"));
	fixture_release(&f);
}
END_TEST

/* A directory that is found under another name between the two halves. */
START_TEST(an_exchange_is_known_where_a_listing_has_moved_its_directory)
{
	struct fixture f;
	struct taken taken;

	fixture_init(&f);
	fixture_start(&f);
	make_dir(&f, "a");
	make_file(&f, "a/a");
	fm_watch_read(f.w);
	make_dir(&f, "b");
	exchange(&f, "a", "b");
	fm_watch_step(f.w, 64);
	exchange(&f, "b/a", "a");
	taken = take(&f);
	while (taken.len > 0 && told(&f, FM_RENAMED, "a") == NULL)
		feed_first(&f, &taken);
	while (fm_watch_step(f.w, 64))
		continue;
	feed_rest(&f, &taken);
	ck_assert(paths_has(&f.model, "a") && paths_has(&f.model, "b/a"));
	fixture_release(&f);
}
END_TEST

/* More others than renames are remembered. */
START_TEST(directories_exchanged_while_many_are_renamed_end_in_their_places)
{
	struct fixture f;

	start_with_others(&f);
	make_dir(&f, "x");
	make_dir(&f, "x/in_x");
	make_dir(&f, "y");
	make_dir(&f, "y/in_y");
	fixture_start(&f);
	exchange_around_others(&f, 2 * PAIRS_MAX);
	settle(&f);
	ck_assert(paths_has(&f.model, "x/in_y") && !paths_has(&f.model, "x/in_x"));
	ck_assert(paths_has(&f.model, "y/in_x") && !paths_has(&f.model, "y/in_y"));
	make_file(&f, "x/in_y/new");
	make_file(&f, "y/in_x/new");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "x/in_y/new");
	CK_TOLD(&f, FM_CREATED, "y/in_x/new");
	ck_assert_uint_eq(stats(&f).watches, 6);
	ck_assert_uint_eq(stats(&f).dirs, 6);
	fixture_release(&f);
}
END_TEST

/* d becomes e, another d leaves the tree; it was listed before that is read. */
static void
list_ahead(struct fixture *f, const char *what, bool recursive)
{
	fixture_init(f);
	make_dir(f, "d");
	make_dir(f, "d/in_d");
	fixture_start(f);
	ck_assert_int_eq(fm_watch_scan(f->w, what, recursive), 0);
	move_path(f, "d", "e");
	make_dir(f, "d");
	while (fm_watch_step(f->w, 64))
		continue;
	move_path(f, "d", "/outside");
	settle(f);
	forget_told(f);
	make_file(f, "e/in_d/new");
	make_file(f, "/outside/foreign");
	drain(f);
	CK_TOLD(f, FM_CREATED, "e/in_d/new");
	ck_assert_uint_eq(count_told(f, FM_CREATED), 1);
	ck_assert_uint_eq(stats(f).watches, 3);
	fixture_release(f);
}

START_TEST(what_was_listed_ahead_and_left_the_tree_is_not_taken_for_what_stayed)
{
	struct fixture f;

	list_ahead(&f, "", true);
	list_ahead(&f, "d", false);
}
END_TEST

/* What the path leads to when it is read is not in the tree, and not watched. */
START_TEST(a_renamed_directory_may_be_a_link_by_the_time_it_is_read)
{
	struct fixture f;

	fixture_init(&f);
	make_dir(&f, "d");
	make_dir(&f, "/outside");
	fixture_start(&f);
	move_path(&f, "d", "e");
	move_path(&f, "e", "g");
	ck_assert_int_eq(symlink(at(&f, "/outside"), at(&f, "e")), 0);
	settle(&f);
	forget_told(&f);
	make_file(&f, "/outside/foreign");
	make_file(&f, "g/new");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "g/new");
	ck_assert_uint_eq(count_told(&f, FM_CREATED), 1);
	ck_assert_uint_eq(stats(&f).watches, 2);
	ck_assert_uint_eq(stats(&f).unknown, 0);
	fixture_release(&f);
}
END_TEST

WATCH_MAIN("watch mends", 1, while_a_polled_directory_is_listed_one_above_may_be_renamed,
    while_a_directory_is_listed_one_above_the_root_may_be_renamed,
    while_a_directory_is_listed_one_above_may_become_a_mount_point,
    while_a_directory_is_listed_one_above_may_become_closed,
    directories_that_come_and_go_take_no_memory,
    a_root_that_comes_back_closed_is_listed_when_it_may,
    what_is_in_a_directory_that_may_not_be_searched_is_listed_when_it_may,
    files_exchanged_while_others_are_renamed_are_both_there,
    a_file_exchanged_with_a_directory_while_others_are_renamed_is_in_its_place,
    a_rename_back_is_no_exchange,
    a_rename_to_the_name_of_what_was_replaced_and_back_is_no_exchange,
    a_file_exchanged_with_one_in_a_renamed_directory_is_there,
    an_exchange_whose_first_half_is_given_up_leaves_both,
    a_half_whose_other_is_still_to_be_read_is_not_given_up,
    what_is_listed_between_two_halves_has_not_moved,
    a_half_given_up_while_its_directory_is_moved_is_gone,
    a_file_may_leave_a_directory_while_that_is_moved,
    what_left_a_directory_that_was_replaced_is_not_there,
    what_is_listed_is_in_the_directory_that_the_table_has,
    what_is_watched_is_the_directory_that_is_listed,
    a_file_removed_where_an_exchange_has_put_it_is_gone,
    what_is_exchanged_back_over_what_was_made_meanwhile_is_there,
    an_exchange_is_known_where_a_listing_has_moved_its_directory,
    directories_exchanged_while_many_are_renamed_end_in_their_places,
    what_was_listed_ahead_and_left_the_tree_is_not_taken_for_what_stayed,
    a_renamed_directory_may_be_a_link_by_the_time_it_is_read)
