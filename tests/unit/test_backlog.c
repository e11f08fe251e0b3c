/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * Notifications come faster than they are read: how full the kernel's queue may
 * become is made up, so that a few thousand are too many.
 */

#include <sys/resource.h>

#include "unit.h"
#include "watch/watch_priv.h"
#include "watch_fixture.h"

#define LIMIT 4096 /* half of it and more is unread after a bufferful of MANY */
#define MANY 5000

static struct fm_stats
stats(const struct fixture *f)
{
	struct fm_stats s;

	fm_watch_stats(f->w, &s);
	return s;
}

static void
start(struct fixture *f, bool postpone)
{
	fixture_init(f);
	f->o.postpone = postpone;
	make_dir(f, "a");
	make_dir(f, "b");
	make_file(f, "a/f");
	make_file(f, "b/f");
	fixture_start(f);
	if (postpone)
		f->w->backlog.limit = LIMIT;
	forget_told(f);
}

/* By turns, since the kernel merges neighbours that are the same. */
static void
happen(const struct fixture *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(chmod(at(f, i % 2 ? "a/f" : "b/f"), 0600 + i % 64), 0);
}

static void
read_all(struct fixture *f)
{
	while (fm_watch_read(f->w) == 1)
		continue;
}

START_TEST(of_what_comes_too_fast_a_part_is_left_to_a_listing)
{
	struct fixture f;

	start(&f, true);
	happen(&f, MANY);
	make_file(&f, "a/new");
	unlink(at(&f, "a/f"));
	make_file(&f, "b/new");
	read_all(&f);
	ck_assert_uint_eq(stats(&f).overflows, 0);
	ck_assert_uint_eq(stats(&f).postponed, 1);
	ck_assert_uint_gt(stats(&f).skipped, MANY / 2 - 100);
	ck_assert(stats(&f).held);
	ck_assert_int_eq(told(&f, FM_DIRTY, "a")->cause, FM_CAUSE_BACKLOG);
	ck_assert(told(&f, FM_DIRTY, "")->repeated);
	ck_assert_ptr_null(told(&f, FM_CREATED, "a/new"));
	CK_TOLD(&f, FM_CREATED, "b/new");
	fm_watch_tick(f.w, fm_watch_due(f.w));
	drain(&f);
	ck_assert_uint_eq(told(&f, FM_LIST_ENTRY, "a/new")->scan, FM_SCAN_REPAIR);
	ck_assert_ptr_null(told(&f, FM_LIST_ENTRY, "a/f"));
	ck_assert_ptr_null(told(&f, FM_LIST_ENTRY, "b/f"));
	ck_assert_uint_eq(stats(&f).postponed, 0);
	ck_assert(!stats(&f).held);
	make_file(&f, "a/later");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "a/later");
	fixture_release(&f);
}
END_TEST

static void
write_to(const struct fixture *f, const char *path)
{
	int fd = open(at(f, "%s", path), O_WRONLY);

	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert_int_eq(close(fd), 0);
}

START_TEST(the_listing_says_what_was_written_to)
{
	struct fixture f;

	start(&f, true);
	make_file(&f, "a/still");
	drain(&f);
	forget_told(&f);
	happen(&f, MANY);
	write_to(&f, "a/f");
	write_to(&f, "b/f");
	read_all(&f);
	ck_assert_ptr_null(told(&f, FM_WRITTEN, "a/f"));
	ck_assert(told(&f, FM_WRITTEN, "b/f")->modified);
	fm_watch_tick(f.w, fm_watch_due(f.w));
	drain(&f);
	ck_assert(told(&f, FM_LIST_ENTRY, "a/f")->modified);
	ck_assert(!told(&f, FM_LIST_ENTRY, "a/still")->modified);
	forget_told(&f);
	fm_watch_scan(f.w, "", true);
	drain(&f);
	ck_assert(!told(&f, FM_LIST_ENTRY, "a/f")->modified);
	fixture_release(&f);
}
END_TEST

static unsigned asked;

static size_t
long_queue(const struct fm_watch *w)
{
	(void)w;
	asked++;
	return 1000000 * sizeof(struct inotify_event);
}

/* The kernel walks along all of it. */
START_TEST(a_long_queue_is_not_measured_with_each_bufferful)
{
	const struct backend ops = { .unread = long_queue };
	struct fm_watch w = { .ops = &ops, .o.postpone = true };

	asked = 0;
	backlog_init(&w, 1000000);
	for (int i = 0; i < 100; i++) {
		backlog_begin(&w, true);
		w.events += 2000;
		w.read_bytes += 2000 * sizeof(struct inotify_event);
	}
	ck_assert_uint_ge(asked, 1);
	ck_assert_uint_le(asked, 4);
	ck_assert_uint_ge(w.backlog.level, 400000);
	backlog_begin(&w, false);
	ck_assert_uint_eq(w.backlog.level, 0);
}
END_TEST

/* In both, with many names before it: one of the two is postponed. */
static const char *
postpone_one(struct fixture *f)
{
	char name[32];

	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "%c/a%03d", i % 2 ? 'a' : 'b', i / 2);
		make_file(f, name);
	}
	drain(f);
	forget_told(f);
	happen(f, MANY);
	write_to(f, "a/f");
	write_to(f, "b/f");
	read_all(f);
	ck_assert_uint_eq(stats(f).postponed, 1);
	while (!fm_watch_scanning(f->w))
		fm_watch_tick(f->w, fm_watch_due(f->w));
	return told(f, FM_DIRTY, "a") ? "a" : "b";
}

START_TEST(a_listing_that_begins_again_says_what_was_written_to)
{
	struct fixture f;
	const char *dir;

	start(&f, true);
	dir = postpone_one(&f);
	while (told(&f, FM_LIST_BEGIN, dir) == NULL)
		fm_watch_step(f.w, 10);
	ck_assert_ptr_null(told(&f, FM_LIST_END, dir));
	move_path(&f, dir, "c");
	drain(&f);
	CK_TOLD(&f, FM_LIST_ENTRY, "c/f");
	ck_assert(told(&f, FM_LIST_ENTRY, "c/f")->modified);
	ck_assert(!told(&f, FM_LIST_ENTRY, "c/a001")->modified);
	ck_assert_uint_eq(stats(&f).postponed, 0);
	fixture_release(&f);
}
END_TEST

START_TEST(one_that_fails_says_what_was_written_to_later)
{
	struct fixture f;
	struct rlimit limit, none;
	const char *dir;
	char path[8];

	start(&f, true);
	dir = postpone_one(&f);
	snprintf(path, sizeof(path), "%s/f", dir);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){ 0, limit.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	fm_watch_step(f.w, 64);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(told(&f, FM_LIST_FAILED, dir)->error, EMFILE);
	fm_watch_tick(f.w, fm_watch_due(f.w));
	drain(&f);
	ck_assert(told(&f, FM_LIST_ENTRY, path)->modified);
	fixture_release(&f);
}
END_TEST

START_TEST(untold_names_last_until_they_were_listed)
{
	struct untold u = { { 0 }, { 0 } };

	untold_add(&u, 1, "f", 1);
	ck_assert(untold_has(&u, 1, "f", 1));
	ck_assert(!untold_has(&u, 2, "f", 1));
	untold_turn(&u, true);
	ck_assert(untold_has(&u, 1, "f", 1));
	untold_add(&u, 1, "g", 1);
	untold_turn(&u, false); /* f may not be listed yet */
	ck_assert(untold_has(&u, 1, "f", 1) && untold_has(&u, 1, "g", 1));
	untold_turn(&u, true);
	ck_assert(!untold_has(&u, 1, "f", 1) && !untold_has(&u, 1, "g", 1));
}
END_TEST

START_TEST(what_the_queue_has_room_for_is_told)
{
	struct fixture f;

	start(&f, true);
	happen(&f, LIMIT / 2);
	read_all(&f);
	ck_assert_uint_eq(stats(&f).skipped, 0);
	ck_assert_uint_eq(count_told(&f, FM_DIRTY), 0);
	ck_assert_uint_eq(count_told(&f, FM_ATTRIB), LIMIT / 2);
	fixture_release(&f);
}
END_TEST

START_TEST(nothing_is_postponed_unasked)
{
	struct fixture f;

	start(&f, false);
	happen(&f, MANY);
	read_all(&f);
	ck_assert_uint_eq(stats(&f).skipped, 0);
	ck_assert_uint_eq(count_told(&f, FM_ATTRIB), MANY);
	fixture_release(&f);
}
END_TEST

START_TEST(directories_renames_and_hidden_names_are_told_all_the_same)
{
	struct fixture f;

	start(&f, true);
	make_file(&f, "a/g");
	make_dir(&f, "a/gone");
	drain(&f);
	happen(&f, MANY);
	fm_watch_read(f.w);
	ck_assert_uint_eq(stats(&f).postponed, 1);
	make_dir(&f, "a/sub");
	make_file(&f, "a/.hidden");
	make_file(&f, "a/plain");
	move_path(&f, "a/g", "b/g");
	ck_assert_int_eq(rmdir(at(&f, "a/gone")), 0);
	read_all(&f);
	CK_TOLD(&f, FM_CREATED, "a/sub");
	CK_TOLD(&f, FM_CREATED, "a/.hidden");
	CK_TOLD(&f, FM_RENAMED, "b/g");
	CK_TOLD(&f, FM_DELETED, "a/gone");
	ck_assert_ptr_null(told(&f, FM_CREATED, "a/plain"));
	make_file(&f, "a/sub/f");
	WAIT_FOR(&f, told(&f, FM_LIST_ENTRY, "a/plain") != NULL);
	drain(&f);
	ck_assert(told(&f, FM_LIST_ENTRY, "a/sub/f") != NULL ||
	    told(&f, FM_CREATED, "a/sub/f") != NULL);
	fixture_release(&f);
}
END_TEST

START_TEST(one_that_was_renamed_is_listed_under_its_new_name)
{
	struct fixture f;

	start(&f, true);
	happen(&f, MANY);
	fm_watch_read(f.w);
	make_file(&f, "a/new");
	move_path(&f, "a", "b/moved");
	read_all(&f);
	ck_assert_uint_eq(stats(&f).postponed, 1);
	WAIT_FOR(&f, told(&f, FM_LIST_ENTRY, "b/moved/new") != NULL);
	drain(&f);
	ck_assert_uint_eq(stats(&f).postponed, 0);
	fixture_release(&f);
}
END_TEST

START_TEST(one_that_is_gone_is_waited_for_no_longer)
{
	struct fixture f;

	start(&f, true);
	happen(&f, MANY);
	fm_watch_read(f.w);
	ck_assert_uint_eq(stats(&f).postponed, 1);
	unlink(at(&f, "a/f"));
	ck_assert_int_eq(rmdir(at(&f, "a")), 0);
	read_all(&f);
	CK_TOLD(&f, FM_DELETED, "a");
	ck_assert_uint_eq(stats(&f).postponed, 0);
	fixture_release(&f);
}
END_TEST

START_TEST(a_root_that_goes_takes_what_was_postponed_along)
{
	struct fixture f;

	start(&f, true);
	happen(&f, MANY);
	fm_watch_read(f.w);
	remove_tree(f.root);
	WAIT_FOR(&f, fm_watch_root_gone(f.w));
	ck_assert_uint_eq(stats(&f).postponed, 0);
	ck_assert_int_eq(mkdir(f.root, 0755), 0);
	make_dir(&f, "a");
	WAIT_FOR(&f, told(&f, FM_LIST_BEGIN, "a") != NULL);
	drain(&f);
	ck_assert(!stats(&f).held);
	fixture_release(&f);
}
END_TEST

START_TEST(while_it_does_not_become_calm_it_is_listed_now_and_then)
{
	struct fixture f;
	int64_t lost;

	start(&f, true);
	happen(&f, MANY);
	fm_watch_read(f.w);
	lost = now_ms();
	happen(&f, MANY);
	for (int i = 0; i < 2; i++)
		fm_watch_read(f.w); /* so many that it is no calm */
	ck_assert_int_le(f.w->repair_latest, lost + REPAIR_SOME_MIN_MS);
	f.w->repair_latest = lost + 60000; /* all of that may have taken longer */
	fm_watch_tick(f.w, fm_watch_due(f.w));
	ck_assert(!fm_watch_scanning(f.w));
	fm_watch_tick(f.w, f.w->repair_latest);
	ck_assert(fm_watch_scanning(f.w));
	drain(&f);
	CK_TOLD(&f, FM_LIST_ENTRY, "a/f");
	fixture_release(&f);
}
END_TEST

START_TEST(what_is_postponed_is_not_handed_over)
{
	struct fixture f;
	void *table;
	size_t len;

	start(&f, true);
	happen(&f, MANY);
	read_all(&f);
	ck_assert_int_eq(fm_watch_export(f.w, &table, &len), -1);
	ck_assert_int_eq(errno, EBUSY);
	WAIT_FOR(&f, stats(&f).postponed == 0);
	fixture_release(&f);
}
END_TEST

WATCH_MAIN("backlog", 1, of_what_comes_too_fast_a_part_is_left_to_a_listing,
    the_listing_says_what_was_written_to,
    a_listing_that_begins_again_says_what_was_written_to,
    one_that_fails_says_what_was_written_to_later,
    untold_names_last_until_they_were_listed,
    a_long_queue_is_not_measured_with_each_bufferful, what_the_queue_has_room_for_is_told,
    nothing_is_postponed_unasked,
    directories_renames_and_hidden_names_are_told_all_the_same,
    one_that_was_renamed_is_listed_under_its_new_name,
    one_that_is_gone_is_waited_for_no_longer,
    a_root_that_goes_takes_what_was_postponed_along,
    while_it_does_not_become_calm_it_is_listed_now_and_then,
    what_is_postponed_is_not_handed_over)
