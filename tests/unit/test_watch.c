/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "unit.h"
#include "watch/watch_priv.h"
#include "watch_fixture.h"

static struct fm_stats
stats(const struct fixture *f)
{
	struct fm_stats s;

	fm_watch_stats(f->w, &s);
	return s;
}

static struct fixture
start(void)
{
	struct fixture f;

	fixture_init(&f);
	return f;
}

/* fixture_init keeps pointers into the fixture: set them to where it is now. */
static void
run(struct fixture *f)
{
	f->o.root = f->root;
	f->o.ctx = f;
	fixture_start(f);
}

START_TEST(the_first_scan_tells_everything_sorted_and_watches_each_directory)
{
	struct fixture f = start();
	const char *last = NULL;

	make_dir(&f, "b");
	make_dir(&f, "a");
	make_dir(&f, "a/x");
	make_file(&f, "a/x/f");
	make_file(&f, "B");
	run(&f);
	CK_TOLD(&f, FM_LIST_ENTRY, "a/x/f");
	ck_assert_uint_eq(count_told(&f, FM_LIST_BEGIN), 4);
	ck_assert_uint_eq(count_told(&f, FM_LIST_END), 4);
	ck_assert_uint_eq(told(&f, FM_LIST_BEGIN, "a/x")->scan, FM_SCAN_ASKED);
	for (size_t i = 0; i < f.count; i++)
		if (f.told[i].kind == FM_LIST_ENTRY &&
		    strchr(f.told[i].path, '/') == NULL) {
			ck_assert(last == NULL || strcmp(last, f.told[i].path) < 0);
			last = f.told[i].path;
		}
	ck_assert_uint_eq(stats(&f).dirs, 4);
	ck_assert_uint_eq(stats(&f).watches, 4);
	ck_assert_uint_eq(stats(&f).listed, 4);
	ck_assert_int_eq(
	    stats(&f).backend, IS_FANOTIFY ? FM_BACKEND_FANOTIFY : FM_BACKEND_INOTIFY);
	ck_assert_str_eq(stats(&f).why, IS_FANOTIFY ? "asked for" : "inotify");
	fixture_release(&f);
}
END_TEST

START_TEST(a_step_tells_no_more_than_it_may)
{
	struct fixture f = start();
	char name[16];
	size_t before, turns = 0;

	f.o.root = f.root;
	f.o.ctx = &f;
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		make_file(&f, name);
	}
	f.w = fm_watch_new(&f.o);
	do {
		before = count_told(&f, FM_LIST_ENTRY);
		turns++;
		ck_assert_uint_eq(stats(&f).to_list, 1);
	} while (fm_watch_step(f.w, 7) && count_told(&f, FM_LIST_ENTRY) - before <= 7);
	ck_assert_uint_eq(turns, 15);
	ck_assert_uint_eq(count_told(&f, FM_LIST_ENTRY), 100);
	fixture_release(&f);
}
END_TEST

START_TEST(what_happens_to_a_file_is_told)
{
	struct fixture f = start();

	run(&f);
	make_file(&f, "f");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "f");
	CK_TOLD(&f, FM_WRITTEN, "f");
	ck_assert_uint_eq(count_told(&f, FM_WRITTEN), 1); /* write and close are one */
	ck_assert(told(&f, FM_WRITTEN, "f")->modified);
	forget_told(&f);
	ck_assert_int_eq(close(open(at(&f, "f"), O_WRONLY)), 0);
	drain(&f);
	ck_assert(!told(&f, FM_WRITTEN, "f")->modified); /* nothing was written */
	ck_assert_int_eq(chmod(at(&f, "f"), 0600), 0);
	move_path(&f, "f", "g");
	ck_assert_int_eq(unlink(at(&f, "g")), 0);
	drain(&f);
	CK_TOLD(&f, FM_ATTRIB, "f");
	CK_TOLD(&f, FM_RENAMED, "g");
	ck_assert_str_eq(told(&f, FM_RENAMED, "g")->old, "f");
	CK_TOLD(&f, FM_DELETED, "g");
	fixture_release(&f);
}
END_TEST

START_TEST(attributes_of_a_directory_are_told_once)
{
	struct fixture f = start();

	make_dir(&f, "d");
	run(&f);
	ck_assert_int_eq(chmod(at(&f, "d"), 0700), 0);
	ck_assert_int_eq(chmod(f.root, 0700), 0);
	drain(&f);
	CK_TOLD(&f, FM_ATTRIB, "d");
	CK_TOLD(&f, FM_ATTRIB, "");
	ck_assert_uint_eq(count_told(&f, FM_ATTRIB), 2);
	fixture_release(&f);
}
END_TEST

static void
make_chain(const struct fixture *f, int i)
{
	char dir[32];

	snprintf(dir, sizeof(dir), "r%d", i);
	make_dir(f, dir);
	make_dir(f, at(f, "%s/b", dir) + strlen(f->root) + 1);
	make_dir(f, at(f, "%s/b/c", dir) + strlen(f->root) + 1);
	make_file(f, at(f, "%s/b/c/f", dir) + strlen(f->root) + 1);
}

static bool
is_known(const struct fixture *f, const char *path)
{
	return told(f, FM_CREATED, path) != NULL || told(f, FM_LIST_ENTRY, path) != NULL;
}

START_TEST(nothing_made_in_a_fresh_directory_is_lost)
{
	struct fixture f = start();
	char path[64];

	run(&f);
	for (int i = 0; i < 200; i++) {
		make_chain(&f, i);
		if (i % 3 == 0)
			fm_watch_read(f.w);
		for (int n = i % 7; n > 0; n--)
			fm_watch_step(f.w, 2);
	}
	drain(&f);
	for (int i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "r%d/b/c/f", i);
		ck_assert_msg(is_known(&f, path), "lost: %s", path);
	}
	ck_assert_uint_eq(stats(&f).watches, 601);
	fixture_release(&f);
}
END_TEST

START_TEST(an_event_that_repeats_a_fresh_listing_says_so)
{
	struct fixture f = start();

	run(&f);
	make_dir(&f, "d");
	fm_watch_read(f.w); /* d is watched now, and not yet listed */
	make_file(&f, "d/f");
	fm_watch_step(f.w, 64);
	ck_assert_uint_eq(told(&f, FM_LIST_ENTRY, "d/f")->scan, FM_SCAN_FRESH);
	drain(&f);
	ck_assert(told(&f, FM_CREATED, "d/f")->repeated);
	forget_told(&f);
	ck_assert_int_eq(unlink(at(&f, "d/f")), 0);
	make_file(&f, "d/f");
	drain(&f);
	ck_assert(!told(&f, FM_CREATED, "d/f")->repeated);
	fixture_release(&f);
}
END_TEST

START_TEST(a_renamed_directory_works_under_its_new_name)
{
	struct fixture f = start();
	unsigned long listed;

	make_dir(&f, "a");
	make_dir(&f, "a/b");
	make_dir(&f, "ab");
	make_dir(&f, "ab/b");
	run(&f);
	listed = stats(&f).listed;
	move_path(&f, "a", "z");
	make_file(&f, "z/b/f");
	make_file(&f, "ab/b/f");
	drain(&f);
	CK_TOLD(&f, FM_RENAMED, "z");
	ck_assert(told(&f, FM_RENAMED, "z")->is_dir);
	CK_TOLD(&f, FM_CREATED, "z/b/f");
	CK_TOLD(&f, FM_CREATED, "ab/b/f");
	ck_assert_uint_eq(stats(&f).listed, listed); /* only relinked */
	ck_assert_uint_eq(stats(&f).dirs, 5);
	fixture_release(&f);
}
END_TEST

START_TEST(a_directory_renamed_while_it_is_listed_is_listed_under_its_new_name)
{
	struct fixture f = start();
	char name[16];

	make_dir(&f, "a");
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "a/f%d", i);
		make_file(&f, name);
	}
	run(&f);
	forget_told(&f);
	ck_assert_int_eq(fm_watch_scan(f.w, "a", false), 0);
	fm_watch_step(f.w, 5);
	move_path(&f, "a", "b");
	drain(&f);
	ck_assert_int_eq(told(&f, FM_LIST_FAILED, "a")->error, ENOENT);
	CK_TOLD(&f, FM_LIST_END, "b");
	CK_TOLD(&f, FM_LIST_ENTRY, "b/f19");
	ck_assert_ptr_null(told(&f, FM_LIST_END, "a"));
	fixture_release(&f);
}
END_TEST

START_TEST(a_directory_moved_in_is_told_with_all_it_holds)
{
	struct fixture f = start();

	make_dir(&f, "/out");
	make_dir(&f, "/out/b");
	make_file(&f, "/out/b/f");
	run(&f);
	move_path(&f, "/out", "in");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "in");
	CK_TOLD(&f, FM_LIST_ENTRY, "in/b/f");
	ck_assert_uint_eq(told(&f, FM_LIST_ENTRY, "in/b/f")->scan, FM_SCAN_FRESH);
	make_file(&f, "in/b/g");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "in/b/g");
	fixture_release(&f);
}
END_TEST

START_TEST(a_directory_moved_out_is_deleted_and_no_longer_watched)
{
	struct fixture f = start();

	make_dir(&f, "a");
	make_dir(&f, "a/b");
	run(&f);
	move_path(&f, "a", "/out");
	WAIT_FOR(&f, told(&f, FM_DELETED, "a") != NULL);
	ck_assert_uint_eq(stats(&f).watches, 1);
	forget_told(&f);
	make_file(&f, "/out/b/f");
	make_file(&f, "proof");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "proof");
	ck_assert_uint_eq(count_told(&f, FM_CREATED), 1);
	fixture_release(&f);
}
END_TEST

START_TEST(halves_of_a_rename_may_come_in_two_reads)
{
	struct fixture f = start();

	make_dir(&f, "from");
	make_dir(&f, "to");
	make_dir(&f, "from/d");
	f.o.rename_wait_ms = 5000;
	run(&f);
	move_path(&f, "from/d", "/d");
	while (fm_watch_read(f.w) == 1)
		continue;
	if (IS_FANOTIFY) { /* says both at once */
		CK_TOLD(&f, FM_DELETED, "from/d");
		fixture_release(&f);
		return;
	}
	ck_assert_ptr_null(told(&f, FM_DELETED, "from/d"));
	ck_assert_int_gt(fm_watch_due(f.w), now_ms());
	fm_watch_tick(f.w, now_ms());
	ck_assert_ptr_null(told(&f, FM_DELETED, "from/d"));
	fm_watch_tick(f.w, now_ms() + 5001);
	CK_TOLD(&f, FM_DELETED, "from/d");
	ck_assert_int_eq(fm_watch_due(f.w), -1);
	fixture_release(&f);
}
END_TEST

START_TEST(a_half_held_for_a_name_goes_before_what_happens_to_it_next)
{
	struct fixture f = start();

	make_file(&f, "f");
	f.o.rename_wait_ms = 5000;
	run(&f);
	move_path(&f, "f", "/f");
	make_file(&f, "f");
	drain(&f);
	CK_TOLD(&f, FM_DELETED, "f");
	ck_assert(told(&f, FM_DELETED, "f") < told(&f, FM_CREATED, "f"));
	fixture_release(&f);
}
END_TEST

START_TEST(exchanged_directories_end_under_each_others_names)
{
	struct fixture f = start();

	make_dir(&f, "a");
	make_dir(&f, "a/in_a");
	make_dir(&f, "b");
	make_dir(&f, "b/in_b");
	run(&f);
	ck_assert_int_eq(
	    renameat2(AT_FDCWD, at(&f, "a"), AT_FDCWD, at(&f, "b"), RENAME_EXCHANGE), 0);
	make_file(&f, "a/in_b/f");
	make_file(&f, "b/in_a/f");
	drain(&f);
	ck_assert_int_eq(told(&f, FM_DIRTY, "a")->cause, FM_CAUSE_REPLACED);
	ck_assert_int_eq(told(&f, FM_DIRTY, "b")->cause, FM_CAUSE_REPLACED);
	CK_TOLD(&f, FM_LIST_ENTRY, "a/in_b/f");
	CK_TOLD(&f, FM_LIST_ENTRY, "b/in_a/f");
	ck_assert(paths_has(&f.model, "a/in_b/f") && !paths_has(&f.model, "a/in_a"));
	ck_assert(paths_has(&f.model, "b/in_a/f") && !paths_has(&f.model, "b/in_b"));
	make_file(&f, "a/in_b/g");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "a/in_b/g");
	ck_assert_uint_eq(stats(&f).watches, 5);
	fixture_release(&f);
}
END_TEST

START_TEST(what_is_exchanged_with_something_outside_is_deleted_and_created)
{
	struct fixture f = start();

	make_dir(&f, "a");
	make_dir(&f, "a/old");
	make_dir(&f, "/out");
	make_dir(&f, "/out/new");
	run(&f);
	ck_assert_int_eq(
	    renameat2(AT_FDCWD, at(&f, "/out"), AT_FDCWD, at(&f, "a"), RENAME_EXCHANGE),
	    0);
	WAIT_FOR(&f, told(&f, FM_DELETED, "a") != NULL);
	drain(&f);
	make_file(&f, "a/new/f");
	make_file(&f, "/out/old/f");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "a/new/f");
	ck_assert(paths_has(&f.model, "a/new/f") && !paths_has(&f.model, "a/old"));
	ck_assert_uint_eq(stats(&f).watches, 3);
	fixture_release(&f);
}
END_TEST

/* Neither can be seen under the name that the directory above had. */
START_TEST(what_is_exchanged_with_something_outside_is_found_under_another_name)
{
	struct fixture f = start();

	make_dir(&f, "d");
	make_file(&f, "d/a");
	make_file(&f, "/out");
	run(&f);
	ck_assert_int_eq(
	    renameat2(AT_FDCWD, at(&f, "/out"), AT_FDCWD, at(&f, "d/a"), RENAME_EXCHANGE),
	    0);
	fm_watch_read(f.w);
	move_path(&f, "d", "e");
	make_dir(&f, "d");
	fm_watch_tick(f.w, now_ms() + 5000);
	drain(&f);
	ck_assert(paths_has(&f.model, "e/a") && !paths_has(&f.model, "d/a"));
	fixture_release(&f);
}
END_TEST

START_TEST(a_directory_renamed_over_an_empty_one_takes_its_place)
{
	struct fixture f = start();

	make_dir(&f, "a");
	make_dir(&f, "a/x");
	make_dir(&f, "b");
	run(&f);
	move_path(&f, "a", "b");
	drain(&f);
	make_file(&f, "b/x/f");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "b/x/f");
	WAIT_FOR(&f, stats(&f).dirs == 3);
	ck_assert_uint_eq(stats(&f).watches, 3);
	fixture_release(&f);
}
END_TEST

/* Two files by turns: the kernel merges only neighbours that are the same.
   fanotify merges what it finds for the same file, but not for another one. */
static void
overflow(const struct fixture *f)
{
	unsigned n = queue_limit();

	ck_assert_uint_lt(n, 1000000);
	for (unsigned i = 0; i < n + n / 4; i++) {
		ck_assert_int_eq(chmod(at(f, i % 2 ? "f" : "g"), 0600 + i % 64), 0);
		if (!IS_FANOTIFY)
			continue;
		ck_assert_int_eq(mknod(at(f, "h"), S_IFREG | 0600, 0), 0);
		ck_assert_int_eq(unlink(at(f, "h")), 0);
	}
}

/* Until it is calm, that is. */
static void
repair(struct fixture *f)
{
	drain(f);
	fm_watch_tick(f->w, fm_watch_due(f->w));
	drain(f);
}

START_TEST(an_overflow_is_told_and_everything_is_shown_again)
{
	struct fixture f = start();

	make_file(&f, "f");
	make_file(&f, "g");
	make_dir(&f, "old");
	make_dir(&f, "gone");
	run(&f);
	overflow(&f);
	make_chain(&f, 1);
	make_file(&f, "old/f");
	move_path(&f, "gone", "moved");
	forget_told(&f);
	repair(&f);
	ck_assert_uint_eq(stats(&f).overflows, 1);
	ck_assert_int_eq(told(&f, FM_DIRTY, "")->cause, FM_CAUSE_OVERFLOW);
	ck_assert_uint_eq(told(&f, FM_LIST_ENTRY, "old/f")->scan, FM_SCAN_REPAIR);
	CK_TOLD(&f, FM_LIST_ENTRY, "r1/b/c/f");
	make_file(&f, "r1/b/c/g");
	make_file(&f, "moved/g");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "r1/b/c/g");
	CK_TOLD(&f, FM_CREATED, "moved/g");
	ck_assert_uint_eq(stats(&f).watches, 6);
	fixture_release(&f);
}
END_TEST

/* Everything that is in the queue, and what is to be listed. */
static void
read_and_list(struct fixture *f)
{
	while (fm_watch_read(f->w) == 1)
		continue;
	while (fm_watch_step(f->w, 1000))
		continue;
}

START_TEST(a_loss_is_repaired_when_it_is_calm_and_within_a_second)
{
	struct fixture f = start();
	unsigned long listed;
	int64_t lost;

	make_file(&f, "f");
	make_file(&f, "g");
	run(&f);
	listed = stats(&f).listed;
	overflow(&f);
	read_and_list(&f);
	lost = now_ms();
	ck_assert_uint_eq(stats(&f).overflows, 1);
	ck_assert(stats(&f).held);
	overflow(&f);
	for (int i = 0; i < 4; i++)
		fm_watch_read(f.w); /* so many that it is no calm */
	fm_watch_tick(f.w, fm_watch_due(f.w));
	read_and_list(&f);
	ck_assert_uint_eq(stats(&f).listed, listed);
	fm_watch_tick(f.w, lost + 1000);
	read_and_list(&f);
	ck_assert_uint_gt(stats(&f).listed, listed);
	fixture_release(&f);
}
END_TEST

START_TEST(repeated_overflows_are_repaired_later_but_not_forgotten)
{
	struct fixture f = start();
	unsigned long listed;

	make_file(&f, "f");
	make_file(&f, "g");
	run(&f);
	overflow(&f);
	repair(&f);
	listed = stats(&f).listed;
	overflow(&f);
	make_chain(&f, 1);
	read_and_list(&f);
	ck_assert_uint_eq(count_told(&f, FM_DIRTY), 2);
	ck_assert_uint_eq(stats(&f).listed, listed);
	repair(&f);
	CK_TOLD(&f, FM_LIST_ENTRY, "r1/b/c/f");
	fixture_release(&f);
}
END_TEST

static bool
is_model(const struct fixture *f, const char *path)
{
	return paths_has(&f->model, path);
}

/* fanotify merges what happens to a name with what happened to it before. */
START_TEST(what_happens_around_renames_before_a_read_ends_right)
{
	struct fixture f = start();

	make_file(&f, "c");
	make_dir(&f, "d");
	run(&f);
	make_file(&f, "x");
	move_path(&f, "x", "y");
	move_path(&f, "y", "x");
	ck_assert_int_eq(unlink(at(&f, "x")), 0);
	drain(&f);
	ck_assert(!is_model(&f, "x") && !is_model(&f, "y"));
	move_path(&f, "c", "d/c");
	move_path(&f, "d/c", "c");
	move_path(&f, "c", "d/c");
	drain(&f);
	ck_assert(!is_model(&f, "c") && is_model(&f, "d/c"));
	make_file(&f, "l");
	move_path(&f, "l", "m");
	ck_assert_int_eq(link(at(&f, "m"), at(&f, "l")), 0);
	drain(&f);
	ck_assert(is_model(&f, "l") && is_model(&f, "m"));
	make_dir(&f, "e");
	move_path(&f, "e", "d/e");
	move_path(&f, "d/e", "e");
	ck_assert_int_eq(rmdir(at(&f, "e")), 0);
	drain(&f);
	ck_assert(!is_model(&f, "e") && !is_model(&f, "d/e"));
	ck_assert_uint_eq(stats(&f).dirs, 2);
	fixture_release(&f);
}
END_TEST

/* What was merged is read before a rename of the directory that came first. */
START_TEST(a_name_made_again_in_a_directory_renamed_after_that_is_there)
{
	struct fixture f = start();

	make_dir(&f, "p");
	make_file(&f, "p/k");
	run(&f);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(link(at(&f, "p/k"), at(&f, "p/x")), 0);
		if (i == 0)
			ck_assert_int_eq(unlink(at(&f, "p/x")), 0);
	}
	ck_assert_int_eq(rename(at(&f, "p"), at(&f, "q")), 0);
	drain(&f);
	ck_assert(is_model(&f, "q/x") && is_model(&f, "q/k"));
	fixture_release(&f);
}
END_TEST

/* ... but saving by a temporary file again and again leaves no doubt. */
START_TEST(saves_by_rename_before_a_read_make_nothing_dirty)
{
	struct fixture f = start();

	run(&f);
	for (int i = 0; i < 20; i++) {
		make_file(&f, "t");
		move_path(&f, "t", "f");
	}
	drain(&f);
	ck_assert_uint_eq(count_told(&f, FM_RENAMED), 20);
	ck_assert_uint_eq(count_told(&f, FM_DIRTY), 0);
	ck_assert(!is_model(&f, "t") && is_model(&f, "f"));
	fixture_release(&f);
}
END_TEST

START_TEST(an_event_says_whose_doing_it_was_where_the_kernel_does)
{
	struct fixture f = start();
	int gate[2];
	pid_t child;

	f.o.pidfd = true;
	run(&f);
	ck_assert_int_eq(pipe(gate), 0);
	if ((child = fork()) == 0) {
		make_file(&f, "f");
		close(gate[1]);
		_exit(read(gate[0], &child, 1) != 0);
	}
	close(gate[0]);
	WAIT_FOR(&f, told(&f, FM_WRITTEN, "f") != NULL);
	ck_assert_int_eq(told(&f, FM_CREATED, "f")->pid, IS_FANOTIFY ? child : 0);
	ck_assert_int_eq(told(&f, FM_CREATED, "f")->has_pidfd, IS_FANOTIFY);
	close(gate[1]);
	waitpid(child, NULL, 0);
	move_path(&f, "f", "g");
	drain(&f);
	ck_assert_int_eq(told(&f, FM_RENAMED, "g")->pid, IS_FANOTIFY ? getpid() : 0);
	fixture_release(&f);
}
END_TEST

START_TEST(without_the_privilege_fanotify_is_not_used_and_the_reason_said)
{
	struct fixture f = start();

	if (geteuid() != 0) {
		remove_tree(f.dir);
		return;
	}
	f.o.backend = FM_BACKEND_FANOTIFY;
	ck_assert_int_eq(chmod(f.dir, 0755), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	run(&f);
	ck_assert_int_eq(stats(&f).backend, FM_BACKEND_INOTIFY);
	ck_assert_int_eq(fm_watch_backend(f.w), FM_BACKEND_INOTIFY);
	ck_assert_str_eq(stats(&f).why, "fanotify needs CAP_SYS_ADMIN");
	ck_assert_int_eq(seteuid(0), 0);
	make_file(&f, "f");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "f");
	fm_watch_free(f.w);
	f.o.root = "/proc/self";
	f.w = fm_watch_new(&f.o);
	ck_assert_int_eq(stats(&f).backend, FM_BACKEND_POLL);
	ck_assert_int_eq(fm_watch_backend(f.w), FM_BACKEND_POLL);
	ck_assert_ptr_nonnull(strstr(stats(&f).why, "on this file system"));
	fixture_release(&f);
}
END_TEST

static bool
no_ignored(const char *path, bool is_dir)
{
	(void)is_dir;
	return strncmp(path, "ignored", 7) != 0;
}

START_TEST(a_lazy_watch_lists_nothing_and_learns_of_directories_as_it_goes)
{
	struct fixture f = start();

	make_dir(&f, "a");
	make_dir(&f, "a/b (deleted)");
	make_dir(&f, "a/b (deleted)/c");
	make_dir(&f, "ignored");
	make_dir(&f, "ignored/d");
	f.want = no_ignored;
	f.o.lazy = true;
	run(&f);
	ck_assert_uint_eq(stats(&f).listed, IS_FANOTIFY ? 0 : 4);
	if (!IS_FANOTIFY) {
		fixture_release(&f);
		return;
	}
	ck_assert_uint_eq(stats(&f).dirs, 1);
	make_file(&f, "a/b (deleted)/c/f");
	make_file(&f, "ignored/d/f");
	make_file(&f, "/elsewhere");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "a/b (deleted)/c/f");
	ck_assert_uint_eq(stats(&f).dirs, 4);
	move_path(&f, "a", "z"); /* known, and a whole tree */
	make_file(&f, "z/b (deleted)/g");
	drain(&f);
	CK_TOLD(&f, FM_RENAMED, "z");
	CK_TOLD(&f, FM_CREATED, "z/b (deleted)/g");
	move_path(&f, "ignored", "wanted");
	make_file(&f, "wanted/d/g");
	drain(&f);
	CK_TOLD(&f, FM_LIST_ENTRY, "wanted/d/f");
	move_path(&f, "wanted", "/outside");
	make_file(&f, "/outside/d/h");
	drain(&f);
	CK_TOLD(&f, FM_DELETED, "wanted");
	for (size_t i = 0; i < f.count; i++)
		ck_assert_ptr_null(strstr(f.told[i].path, "outside"));
	fixture_release(&f);
}
END_TEST

START_TEST(a_lazy_watch_renames_what_it_does_not_know_without_a_listing)
{
	struct fixture f = start();

	make_dir(&f, "a");
	make_dir(&f, "a/b");
	f.o.lazy = true;
	if (!IS_FANOTIFY) {
		remove_tree(f.dir);
		return;
	}
	run(&f);
	move_path(&f, "a", "z");
	drain(&f);
	CK_TOLD(&f, FM_RENAMED, "z");
	make_file(&f, "z/b/f");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "z/b/f");
	ck_assert_uint_eq(stats(&f).listed, 0);
	make_file(&f, "z/b/g"); /* its directory is known; its new name ... */
	move_path(&f, "z", "y");
	make_file(&f, "y/b/h");
	ck_assert_int_eq(rmdir(at(&f, "y/b")), -1);
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "y/b/h");
	ck_assert_uint_eq(stats(&f).listed, 0);
	fixture_release(&f);
}
END_TEST

/* Its own directory was to be listed first, and is found without it. */
START_TEST(a_lazy_watch_lists_what_went_before_it_was_told)
{
	struct fixture f = start();

	ck_assert_int_eq(mkdir(at(&f, "/out"), 0755), 0);
	ck_assert_int_eq(mkdir(at(&f, "/out/c"), 0755), 0);
	ck_assert_int_eq(mkdir(at(&f, "/out/c/d"), 0755), 0);
	f.o.lazy = true;
	run(&f);
	ck_assert_int_eq(rename(at(&f, "/out"), at(&f, "a")), 0);
	move_path(&f, "a/c", "c");
	drain(&f);
	CK_TOLD(&f, FM_LIST_ENTRY, "c/d");
	fixture_release(&f);
}
END_TEST

START_TEST(a_lazy_watch_lists_what_it_knows_below_what_it_learned)
{
	struct fixture f = start();

	make_dir(&f, "d");
	make_dir(&f, "d/a");
	f.o.lazy = true;
	if (!IS_FANOTIFY) {
		remove_tree(f.dir);
		return;
	}
	run(&f);
	make_dir(&f, "d/a/b");
	make_file(&f, "d/a/b/f");
	drain(&f);
	forget_told(&f);
	tree_queue(
	    f.w, dirtab_lookup(&f.w->dirs, "d", 1), FM_SCAN_FRESH | DIR_RECURSE, true);
	drain(&f);
	CK_TOLD(&f, FM_LIST_ENTRY, "d/a/b/f");
	fixture_release(&f);
}
END_TEST

START_TEST(past_the_limit_of_watches_the_rest_is_polled_until_there_is_room)
{
	struct fixture f = start();

	make_dir(&f, "a");
	make_dir(&f, "b");
	make_dir(&f, "c");
	f.o.max_watches = 2;
	f.o.poll_interval_ms = 200; /* drain waits for no more than 100 */
	run(&f);
	ck_assert_int_eq(told(&f, FM_DEGRADED, "")->cause, FM_CAUSE_WATCH_LIMIT);
	ck_assert_int_eq(told(&f, FM_DEGRADED, "")->error, ENOSPC);
	ck_assert_uint_eq(count_told(&f, FM_DEGRADED), 1);
	ck_assert_uint_eq(stats(&f).watches, 2);
	ck_assert_uint_eq(stats(&f).polled, 2);
	make_file(&f, "a/f");
	make_file(&f, "b/f");
	make_file(&f, "c/f");
	WAIT_FOR(&f, is_known(&f, "a/f") && is_known(&f, "b/f") && is_known(&f, "c/f"));
	remove_tree(at(&f, "a"));
	remove_tree(at(&f, "b"));
	WAIT_FOR(&f, told(&f, FM_RESTORED, "") != NULL);
	ck_assert_uint_eq(stats(&f).polled, 0);
	ck_assert_uint_eq(stats(&f).watches, 2);
	fixture_release(&f);
}
END_TEST

START_TEST(polling_alone_sees_what_happens)
{
	struct fixture f = start();

	make_dir(&f, "a");
	f.o.backend = FM_BACKEND_POLL;
	f.o.poll_interval_ms = 10;
	f.o.root = f.root;
	f.o.ctx = &f;
	f.w = fm_watch_new(&f.o);
	ck_assert_int_eq(fm_watch_fd(f.w), -1);
	WAIT_FOR(&f, told(&f, FM_LIST_END, "a") != NULL);
	ck_assert_uint_eq(stats(&f).polled, 2);
	make_chain(&f, 1);
	WAIT_FOR(&f, is_known(&f, "r1/b/c/f"));
	move_path(&f, "r1", "r2");
	WAIT_FOR(&f, is_known(&f, "r2/b/c/f") && !paths_has(&f.model, "r1"));
	ck_assert_uint_eq(stats(&f).dirs, 5);
	ck_assert_ptr_null(told(&f, FM_DEGRADED, "")); /* it was asked for */
	remove_tree(f.root);
	WAIT_FOR(&f, told(&f, FM_ROOT_GONE, "") != NULL);
	fixture_release(&f);
}
END_TEST

START_TEST(a_root_that_is_deleted_and_made_again_is_watched_again)
{
	struct fixture f = start();

	make_dir(&f, "a");
	run(&f);
	remove_tree(f.root);
	WAIT_FOR(&f, told(&f, FM_ROOT_GONE, "") != NULL);
	ck_assert(fm_watch_root_gone(f.w) && !fm_watch_scanning(f.w));
	ck_assert_uint_eq(stats(&f).watches, 0);
	ck_assert_int_eq(fm_watch_scan(f.w, "", true), -1);
	ck_assert_int_ne(fm_watch_due(f.w), -1);
	ck_assert_int_eq(mkdir(f.root, 0755), 0);
	make_chain(&f, 1);
	WAIT_FOR(&f, told(&f, FM_ROOT_BACK, "") != NULL);
	drain(&f);
	CK_TOLD(&f, FM_LIST_ENTRY, "r1/b/c/f");
	make_file(&f, "r1/b/c/g");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "r1/b/c/g");
	fixture_release(&f);
}
END_TEST

/* Not every file system gives a number again so soon. */
START_TEST(a_root_made_again_may_have_the_number_of_the_old_one)
{
	struct fixture f = start();
	struct stat was, now;

	make_dir(&f, "a");
	run(&f);
	ck_assert_int_eq(stat(f.root, &was), 0);
	for (int i = 0; i < 20; i++) {
		remove_tree(f.root);
		ck_assert_int_eq(mkdir(f.root, 0755), 0);
		ck_assert_int_eq(stat(f.root, &now), 0);
		if (now.st_ino == was.st_ino)
			break;
	}
	WAIT_FOR(&f, told(&f, FM_ROOT_GONE, "") != NULL);
	WAIT_FOR(&f, told(&f, FM_ROOT_BACK, "") != NULL);
	drain(&f);
	make_file(&f, "g");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "g");
	fixture_release(&f);
}
END_TEST

START_TEST(a_root_that_is_replaced_is_watched_in_its_new_form)
{
	struct fixture f = start();

	make_dir(&f, "a");
	make_dir(&f, "/new");
	make_file(&f, "/new/n");
	run(&f);
	ck_assert_int_eq(rename(f.root, at(&f, "/old")), 0);
	ck_assert(!fm_watch_root_same(f.w));
	ck_assert_int_eq(rename(at(&f, "/new"), f.root), 0);
	WAIT_FOR(&f, told(&f, FM_ROOT_BACK, "") != NULL);
	drain(&f);
	CK_TOLD(&f, FM_ROOT_GONE, "");
	CK_TOLD(&f, FM_LIST_ENTRY, "n");
	ck_assert_uint_eq(stats(&f).dirs, 1);
	ck_assert_uint_eq(stats(&f).watches, 1);
	ck_assert(fm_watch_root_same(f.w));
	fixture_release(&f);
}
END_TEST

START_TEST(a_root_may_be_a_symbolic_link_and_is_lost_when_it_points_elsewhere)
{
	struct fixture f = start();

	make_dir(&f, "a");
	make_dir(&f, "/other");
	make_file(&f, "/other/n");
	ck_assert_int_eq(symlink(f.root, at(&f, "/link")), 0);
	char link[128];
	snprintf(link, sizeof(link), "%s/link", f.dir);
	f.o.root = link;
	f.o.ctx = &f;
	fixture_start(&f);
	make_file(&f, "a/f");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "a/f");
	ck_assert_int_eq(symlink(at(&f, "/other"), at(&f, "/link2")), 0);
	ck_assert_int_eq(rename(at(&f, "/link2"), link), 0);
	ck_assert(!fm_watch_root_same(f.w));
	ck_assert_int_eq(fm_watch_scan(f.w, "", false), 0);
	WAIT_FOR(&f, told(&f, FM_LIST_ENTRY, "n") != NULL);
	CK_TOLD(&f, FM_ROOT_GONE, "");
	CK_TOLD(&f, FM_ROOT_BACK, "");
	fixture_release(&f);
}
END_TEST

static bool accepts;

static bool
accept_root(void *ctx, const struct stat *st)
{
	(void)ctx;
	return accepts && S_ISDIR(st->st_mode);
}

START_TEST(a_root_that_is_not_accepted_is_waited_for)
{
	struct fixture f = start();

	make_file(&f, "f");
	f.o.accept_root = accept_root;
	run(&f);
	ck_assert(fm_watch_root_gone(f.w));
	ck_assert_uint_eq(count_told(&f, FM_LIST_BEGIN), 0);
	accepts = true;
	WAIT_FOR(&f, told(&f, FM_ROOT_BACK, "") != NULL);
	drain(&f);
	CK_TOLD(&f, FM_LIST_ENTRY, "f");
	fixture_release(&f);
}
END_TEST

START_TEST(any_byte_in_a_name_is_right)
{
	struct fixture f = start();
	char name[256];

	run(&f);
	memset(name, 'n', 255);
	name[255] = '\0';
	make_dir(&f, name);
	make_dir(&f, "new\nline");
	make_dir(&f, "\xff\xfe\x01");
	drain(&f);
	make_file(&f, "new\nline/\t");
	make_file(&f, "\xff\xfe\x01/\xc3");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, name);
	CK_TOLD(&f, FM_CREATED, "new\nline/\t");
	CK_TOLD(&f, FM_CREATED, "\xff\xfe\x01/\xc3");
	fixture_release(&f);
}
END_TEST

/* Makes and enters depth directories of 200 bytes each. */
static void
dig(const struct fixture *f, int depth, const char *name)
{
	ck_assert_int_eq(chdir(f->root), 0);
	while (depth-- > 0) {
		ck_assert_int_eq(mkdir(name, 0755), 0);
		ck_assert_int_eq(chdir(name), 0);
	}
}

static void
fill_in(const char *name)
{
	while (rmdir(name) == 0 || errno != ENOENT) {
		if (chdir("..") != 0 || access(name, F_OK) != 0)
			break;
	}
}

START_TEST(a_path_may_be_longer_than_the_kernel_takes)
{
	enum { DEPTH = 30, LEN = 200 };
	static char deep[DEPTH * (LEN + 1) + 2];
	struct fixture f = start();
	char name[LEN + 1];
	int fd;

	memset(name, 'd', LEN);
	name[LEN] = '\0';
	for (int i = 0; i < DEPTH; i++)
		snprintf(deep + i * (LEN + 1), sizeof(deep) - (size_t)i * (LEN + 1),
		    "%s/", name);
	dig(&f, DEPTH, name);
	f.quiet = f.no_replay = true;
	run(&f);
	ck_assert_uint_eq(stats(&f).watches, DEPTH + 1);
	ck_assert_uint_eq(stats(&f).polled, 0);
	f.quiet = false;
	fd = open("f", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_ne(fd, -1);
	close(fd);
	drain(&f);
	deep[sizeof(deep) - 2] = 'f';
	ck_assert_uint_gt(strlen(deep), 5000);
	CK_TOLD(&f, FM_CREATED, deep);
	ck_assert_int_eq(mkdir(name, 0755), 0);
	drain(&f);
	ck_assert_uint_eq(stats(&f).watches, DEPTH + 2);
	unlink("f");
	fill_in(name);
	ck_assert_int_eq(chdir("/"), 0);
	fixture_release(&f);
}
END_TEST

START_TEST(symbolic_links_are_told_and_never_followed)
{
	struct fixture f = start();

	make_dir(&f, "a");
	make_dir(&f, "/out");
	make_file(&f, "/out/secret");
	ck_assert_int_eq(symlink(".", at(&f, "a/loop")), 0);
	ck_assert_int_eq(symlink("../out", at(&f, "link")), 0);
	run(&f);
	CK_TOLD(&f, FM_LIST_ENTRY, "a/loop");
	ck_assert(!told(&f, FM_LIST_ENTRY, "link")->is_dir);
	ck_assert_uint_eq(stats(&f).dirs, 2);
	/* a directory that turns into a link is not gone through either */
	move_path(&f, "a", "/a");
	ck_assert_int_eq(symlink("../out", at(&f, "a")), 0);
	fm_watch_scan(f.w, "a", true);
	drain(&f);
	ck_assert_ptr_null(told(&f, FM_LIST_ENTRY, "a/secret"));
	ck_assert_uint_eq(stats(&f).watches, 1);
	fixture_release(&f);
}
END_TEST

START_TEST(files_come_by_name_alone_where_that_is_enough)
{
	struct fixture f = start();

	make_file(&f, "f");
	make_dir(&f, "a");
	ck_assert_int_eq(symlink("a", at(&f, "link")), 0);
	f.o.names_only = true;
	run(&f);
	ck_assert(!told(&f, FM_LIST_ENTRY, "f")->has_st);
	ck_assert(!told(&f, FM_LIST_ENTRY, "link")->has_st);
	ck_assert(!told(&f, FM_LIST_ENTRY, "link")->is_dir);
	ck_assert(told(&f, FM_LIST_ENTRY, "a")->has_st);
	make_dir(&f, "/b");
	make_file(&f, "/b/g");
	move_path(&f, "/b", "b");
	drain(&f);
	ck_assert(told(&f, FM_LIST_ENTRY, "b/g")->has_st);
	fixture_release(&f);
}
END_TEST

START_TEST(what_is_found_is_listed_next_by_name)
{
	struct fixture f = start();
	char order[64] = "";

	make_dir(&f, "b");
	make_dir(&f, "a");
	make_dir(&f, "a/y");
	make_dir(&f, "a/x");
	run(&f);
	for (size_t i = 0; i < f.count; i++)
		if (f.told[i].kind == FM_LIST_BEGIN)
			snprintf(order + strlen(order), sizeof(order) - strlen(order),
			    "%s ", f.told[i].path);
	ck_assert_str_eq(order, " a a/x a/y b ");
	fixture_release(&f);
}
END_TEST

START_TEST(directories_that_are_listed_next_come_by_name_alone)
{
	struct fixture f = start();

	make_file(&f, "f");
	make_dir(&f, "a");
	make_dir(&f, "a/b");
	f.o.bare_dirs = true;
	run(&f);
	ck_assert(told(&f, FM_LIST_ENTRY, "f")->has_st);
	ck_assert(!told(&f, FM_LIST_ENTRY, "a")->has_st);
	ck_assert(told(&f, FM_LIST_ENTRY, "a")->is_dir);
	ck_assert(told(&f, FM_LIST_BEGIN, "a/b")->has_st);
	forget_told(&f);
	ck_assert_int_eq(fm_watch_scan(f.w, "", false), 0);
	drain(&f);
	ck_assert(told(&f, FM_LIST_ENTRY, "a")->has_st);
	ck_assert_ptr_null(told(&f, FM_LIST_BEGIN, "a"));
	fixture_release(&f);
}
END_TEST

static bool
not_skip(const char *path, bool is_dir)
{
	(void)is_dir;
	return strncmp(path, "skip", 4) != 0;
}

static bool
not_other(const char *path, bool is_dir)
{
	(void)is_dir;
	return strncmp(path, "other", 5) != 0;
}

START_TEST(what_is_not_wanted_is_neither_watched_nor_told)
{
	struct fixture f = start();

	make_dir(&f, "skip");
	make_dir(&f, "skip/sub");
	make_dir(&f, "keep");
	f.want = not_skip;
	run(&f);
	ck_assert_uint_eq(stats(&f).watches, 2);
	make_dir(&f, "skip2");
	make_file(&f, "skip/f");
	move_path(&f, "skip2", "found");
	move_path(&f, "keep", "skip3");
	drain(&f);
	for (size_t i = 0; i < f.count; i++)
		ck_assert(strncmp(f.told[i].path, "skip", 4) != 0);
	CK_TOLD(&f, FM_CREATED, "found");
	ck_assert_str_eq(told(&f, FM_CREATED, "found")->old, "skip2");
	CK_TOLD(&f, FM_DELETED, "keep");
	ck_assert_str_eq(told(&f, FM_DELETED, "keep")->old, "skip3");
	ck_assert_uint_eq(stats(&f).watches, 2);
	fixture_release(&f);
}
END_TEST

START_TEST(another_filter_forgets_and_finds_directories)
{
	struct fixture f = start();

	make_dir(&f, "skip");
	make_dir(&f, "other");
	make_dir(&f, "other/sub");
	f.want = not_skip;
	run(&f);
	ck_assert_uint_eq(stats(&f).watches, 3);
	f.want = not_other;
	fm_watch_refilter(f.w);
	drain(&f);
	ck_assert_uint_eq(stats(&f).watches, 2);
	make_file(&f, "skip/f");
	make_file(&f, "other/f");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "skip/f");
	ck_assert_ptr_null(told(&f, FM_CREATED, "other/f"));
	fixture_release(&f);
}
END_TEST

START_TEST(a_scan_that_is_asked_for_lists_what_was_asked)
{
	struct fixture f = start();

	make_dir(&f, "a");
	make_dir(&f, "a/b");
	make_dir(&f, "c");
	run(&f);
	forget_told(&f);
	ck_assert_int_eq(fm_watch_scan(f.w, "a", false), 0);
	drain(&f);
	ck_assert_uint_eq(count_told(&f, FM_LIST_END), 1);
	ck_assert_int_eq(fm_watch_scan(f.w, "a", true), 0);
	drain(&f);
	ck_assert_uint_eq(count_told(&f, FM_LIST_END), 3);
	ck_assert_int_eq(fm_watch_scan(f.w, "a/x", true), -1);
	ck_assert_int_eq(errno, ENOENT);
	fixture_release(&f);
}
END_TEST

START_TEST(a_directory_that_vanishes_while_listed_is_told_as_failed)
{
	struct fixture f = start();
	char name[16];

	make_dir(&f, "a");
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "a/f%d", i);
		make_file(&f, name);
	}
	run(&f);
	forget_told(&f);
	fm_watch_scan(f.w, "a", false);
	fm_watch_step(f.w, 5);
	remove_tree(at(&f, "a"));
	drain(&f);
	ck_assert_int_eq(told(&f, FM_LIST_FAILED, "a")->error, ENOENT);
	ck_assert_ptr_null(told(&f, FM_LIST_END, "a"));
	ck_assert_uint_eq(stats(&f).dirs, 1);
	ck_assert_uint_eq(stats(&f).watches, 1);
	fixture_release(&f);
}
END_TEST

START_TEST(without_descriptors_a_listing_fails_and_is_made_later)
{
	struct fixture f = start();
	struct rlimit limit, none;

	make_dir(&f, "a");
	make_file(&f, "a/f");
	run(&f);
	forget_told(&f);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){ 0, limit.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	fm_watch_scan(f.w, "a", false);
	fm_watch_step(f.w, 64);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(told(&f, FM_LIST_FAILED, "a")->error, EMFILE);
	ck_assert_uint_eq(stats(&f).dirs, 2);
	int64_t due = fm_watch_due(f.w);
	ck_assert(due > now_ms() && due <= now_ms() + 1000);
	fm_watch_tick(f.w, due);
	drain(&f);
	CK_TOLD(&f, FM_LIST_ENTRY, "a/f");
	ck_assert_int_eq(fm_watch_due(f.w), -1);
	fixture_release(&f);
}
END_TEST

START_TEST(a_directory_that_may_not_be_read_is_listed_when_it_may)
{
	enum { NOBODY = 65534 };
	struct fixture f = start();

	make_dir(&f, "a");
	make_file(&f, "a/f");
	if (geteuid() == 0) { /* root may read everything */
		ck_assert_int_eq(chown(f.dir, NOBODY, NOBODY), 0);
		ck_assert_int_eq(chown(at(&f, "a"), NOBODY, NOBODY), 0);
		ck_assert_int_eq(seteuid(NOBODY), 0);
	}
	ck_assert_int_eq(chmod(at(&f, "a"), 0), 0);
	run(&f);
	ck_assert_int_eq(told(&f, FM_LIST_FAILED, "a")->error, EACCES);
	ck_assert_uint_eq(stats(&f).dirs, 2);
	ck_assert_int_eq(chmod(at(&f, "a"), 0755), 0);
	drain(&f);
	CK_TOLD(&f, FM_LIST_ENTRY, "a/f");
	ck_assert_uint_eq(stats(&f).watches, 2);
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
	fixture_release(&f);
}
END_TEST

/* Own mounts need privileges; without them the test has nothing to show. */
static bool
can_mount(void)
{
	if (unshare(CLONE_NEWNS) == 0 &&
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		return true;
	fprintf(stderr, "# skipped: may not mount\n");
	return false;
}

START_TEST(an_unmounted_root_is_gone_and_not_a_deleted_tree)
{
	struct fixture f = start();

	if (!can_mount()) {
		remove_tree(f.dir);
		return;
	}
	ck_assert_int_eq(mount("none", f.root, "tmpfs", 0, "size=1m"), 0);
	make_dir(&f, "a");
	run(&f);
	ck_assert_int_eq(umount(f.root), 0); /* nothing holds it */
	WAIT_FOR(&f, told(&f, FM_ROOT_BACK, "") != NULL);
	CK_TOLD(&f, FM_ROOT_GONE, "");
	ck_assert_ptr_null(told(&f, FM_DELETED, "a"));
	drain(&f);
	ck_assert_uint_eq(stats(&f).dirs, 1);
	fixture_release(&f);
}
END_TEST

START_TEST(other_file_systems_are_entered_only_when_asked)
{
	struct fixture f = start();

	if (!can_mount()) {
		remove_tree(f.dir);
		return;
	}
	make_dir(&f, "m");
	ck_assert_int_eq(mount("none", at(&f, "m"), "tmpfs", 0, "size=1m"), 0);
	make_dir(&f, "m/a");
	run(&f);
	CK_TOLD(&f, FM_LIST_ENTRY, "m");
	ck_assert_ptr_null(told(&f, FM_LIST_BEGIN, "m"));
	ck_assert_uint_eq(stats(&f).dirs, 1);
	fm_watch_free(f.w);
	f.o.cross_filesystems = true;
	fixture_start(&f);
	ck_assert_uint_eq(stats(&f).watches, 3);
	ck_assert_int_eq(umount(at(&f, "m")), 0);
	WAIT_FOR(&f, stats(&f).dirs == 2);
	make_file(&f, "m/below");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "m/below");
	fixture_release(&f);
}
END_TEST

/* As an automounter would notice, which mounts what is opened. */
static bool
is_opened(int queue)
{
	struct inotify_event event;

	return read(queue, &event, sizeof(event)) > 0;
}

START_TEST(a_mount_point_is_not_opened)
{
	struct fixture f = start();
	int queue = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (!can_mount()) {
		close(queue);
		remove_tree(f.dir);
		return;
	}
	make_dir(&f, "a");
	make_dir(&f, "a/m \\n");
	ck_assert_int_eq(mount("none", at(&f, "a/m \\n"), "tmpfs", 0, "size=1m"), 0);
	ck_assert_int_ne(inotify_add_watch(queue, at(&f, "a/m \\n"), IN_OPEN), -1);
	f.o.bare_dirs = true;
	run(&f);
	ck_assert(told(&f, FM_LIST_ENTRY, "a/m \\n")->has_st);
	ck_assert_uint_eq(stats(&f).dirs, 2);
	ck_assert(!is_opened(queue));
	f.o.cross_filesystems = true;
	fm_watch_free(f.w);
	fixture_start(&f);
	ck_assert(is_opened(queue));
	close(queue);
	fm_watch_free(f.w);
	f.w = NULL;
	ck_assert_int_eq(umount(at(&f, "a/m \\n")), 0);
	fixture_release(&f);
}
END_TEST

START_TEST(a_directory_that_is_there_twice_is_polled_the_second_time)
{
	struct fixture f = start();

	if (!can_mount()) {
		remove_tree(f.dir);
		return;
	}
	make_dir(&f, "a");
	make_dir(&f, "a/x");
	make_dir(&f, "b");
	ck_assert_int_eq(mount(at(&f, "a"), at(&f, "b"), NULL, MS_BIND, NULL), 0);
	f.o.poll_interval_ms = 200; /* drain waits for no more than 100 */
	run(&f);
	ck_assert_uint_eq(stats(&f).dirs, 5);
	ck_assert_uint_eq(stats(&f).watches, 3);
	ck_assert_uint_eq(stats(&f).polled, 2);
	ck_assert_int_eq(told(&f, FM_DEGRADED, "")->error, EEXIST);
	make_file(&f, "a/x/f");
	WAIT_FOR(&f, is_known(&f, "a/x/f") && is_known(&f, "b/x/f"));
	ck_assert_uint_eq(stats(&f).watches, 3);
	ck_assert_int_eq(umount(at(&f, "b")), 0);
	fixture_release(&f);
}
END_TEST

START_TEST(proc_is_polled_because_it_tells_nothing)
{
	struct fixture f = start();

	f.o.root = "/proc/self/net";
	f.o.ctx = &f;
	f.w = fm_watch_new(&f.o);
	ck_assert_ptr_nonnull(f.w);
	ck_assert_int_eq(stats(&f).backend, FM_BACKEND_POLL);
	ck_assert_str_eq(stats(&f).why,
	    IS_FANOTIFY ? "fanotify is not to be had on this file system" : "proc");
	fm_watch_step(f.w, 1);
	ck_assert_int_eq(told(&f, FM_DEGRADED, "")->cause, FM_CAUSE_BACKEND);
	fixture_release(&f);
}
END_TEST

START_TEST(what_cannot_be_watched_is_refused_at_once)
{
	struct fixture f = start();

	make_file(&f, "f");
	f.o.root = "relative";
	ck_assert_ptr_null(fm_watch_new(&f.o));
	ck_assert_int_eq(errno, EINVAL);
	f.o.root = at(&f, "none");
	ck_assert_ptr_null(fm_watch_new(&f.o));
	ck_assert_int_eq(errno, ENOENT);
	f.o.root = at(&f, "f");
	ck_assert_ptr_null(fm_watch_new(&f.o));
	ck_assert_int_eq(errno, ENOTDIR);
	fm_watch_free(NULL);
	fixture_release(&f);
}
END_TEST

START_TEST(twenty_thousand_directories_cost_80_bytes_each)
{
	enum { OUTER = 100, INNER = 199 };
	struct fixture f;
	char name[32];

	if (access("/dev/shm", W_OK) == 0) /* 20,000 directories on a disk take long */
		setenv("TMPDIR", "/dev/shm", 1);
	f = start();
	for (int i = 0; i < OUTER; i++) {
		snprintf(name, sizeof(name), "out%03d", i);
		make_dir(&f, name);
		for (int j = 0; j < INNER; j++) {
			snprintf(name, sizeof(name), "out%03d/in%03d", i, j);
			make_dir(&f, name);
		}
	}
	f.o.want = NULL;
	f.o.root = f.root;
	f.o.ctx = &f;
	f.o.on_event = NULL;
	ck_assert_ptr_null(fm_watch_new(&f.o));
	f.o.on_event = on_event;
	f.quiet = true;
	f.no_replay = true;
	fixture_start(&f);
	ck_assert_uint_eq(stats(&f).dirs, OUTER * (INNER + 1) + 1);
	if (stats(&f).watches == stats(&f).dirs) /* the machine may allow fewer */
		ck_assert_uint_le(
		    stats(&f).memory / stats(&f).dirs, IS_FANOTIFY ? 84 : 80);
	fixture_release(&f);
}
END_TEST

WATCH_MAIN("watch", 1, the_first_scan_tells_everything_sorted_and_watches_each_directory,
    a_step_tells_no_more_than_it_may, what_happens_to_a_file_is_told,
    attributes_of_a_directory_are_told_once, nothing_made_in_a_fresh_directory_is_lost,
    an_event_that_repeats_a_fresh_listing_says_so,
    a_renamed_directory_works_under_its_new_name,
    a_directory_renamed_while_it_is_listed_is_listed_under_its_new_name,
    a_directory_moved_in_is_told_with_all_it_holds,
    a_directory_moved_out_is_deleted_and_no_longer_watched,
    halves_of_a_rename_may_come_in_two_reads,
    a_half_held_for_a_name_goes_before_what_happens_to_it_next,
    exchanged_directories_end_under_each_others_names,
    what_is_exchanged_with_something_outside_is_deleted_and_created,
    what_is_exchanged_with_something_outside_is_found_under_another_name,
    a_directory_renamed_over_an_empty_one_takes_its_place,
    an_overflow_is_told_and_everything_is_shown_again,
    a_loss_is_repaired_when_it_is_calm_and_within_a_second,
    repeated_overflows_are_repaired_later_but_not_forgotten,
    what_happens_around_renames_before_a_read_ends_right,
    saves_by_rename_before_a_read_make_nothing_dirty,
    an_event_says_whose_doing_it_was_where_the_kernel_does,
    without_the_privilege_fanotify_is_not_used_and_the_reason_said,
    a_lazy_watch_lists_nothing_and_learns_of_directories_as_it_goes,
    a_lazy_watch_renames_what_it_does_not_know_without_a_listing,
    a_lazy_watch_lists_what_went_before_it_was_told,
    a_lazy_watch_lists_what_it_knows_below_what_it_learned,
    past_the_limit_of_watches_the_rest_is_polled_until_there_is_room,
    polling_alone_sees_what_happens,
    a_root_that_is_deleted_and_made_again_is_watched_again,
    a_name_made_again_in_a_directory_renamed_after_that_is_there,
    a_root_made_again_may_have_the_number_of_the_old_one,
    a_root_that_is_replaced_is_watched_in_its_new_form,
    a_root_may_be_a_symbolic_link_and_is_lost_when_it_points_elsewhere,
    a_root_that_is_not_accepted_is_waited_for, any_byte_in_a_name_is_right,
    a_path_may_be_longer_than_the_kernel_takes,
    symbolic_links_are_told_and_never_followed,
    files_come_by_name_alone_where_that_is_enough,
    directories_that_are_listed_next_come_by_name_alone,
    what_is_found_is_listed_next_by_name, what_is_not_wanted_is_neither_watched_nor_told,
    another_filter_forgets_and_finds_directories,
    a_scan_that_is_asked_for_lists_what_was_asked,
    a_directory_that_vanishes_while_listed_is_told_as_failed,
    without_descriptors_a_listing_fails_and_is_made_later,
    a_directory_that_may_not_be_read_is_listed_when_it_may,
    an_unmounted_root_is_gone_and_not_a_deleted_tree,
    other_file_systems_are_entered_only_when_asked, a_mount_point_is_not_opened,
    a_directory_that_is_there_twice_is_polled_the_second_time,
    proc_is_polled_because_it_tells_nothing, what_cannot_be_watched_is_refused_at_once,
    twenty_thousand_directories_cost_80_bytes_each)
