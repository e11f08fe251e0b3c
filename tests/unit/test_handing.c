/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include <unistd.h>

#include "unit.h"
#include "watch_fixture.h"

/* What one process leaves to the next. */
struct left {
	int fd;
	void *table;
	size_t len;
};

static void
start(struct fixture *f)
{
	fixture_init(f);
	make_dir(f, "a");
	make_dir(f, "a/b");
	make_dir(f, "c");
	make_file(f, "a/b/f");
	fixture_start(f);
}

static struct left
leave(struct fixture *f)
{
	struct left left = { .fd = fcntl(fm_watch_fd(f->w), F_DUPFD_CLOEXEC, 0) };

	ck_assert_int_ne(left.fd, -1);
	ck_assert_msg(fm_watch_export(f->w, &left.table, &left.len) == 0, "export: %s",
	    strerror(errno));
	fm_watch_free(f->w);
	f->w = NULL;
	forget_told(f);
	return left;
}

static void
go_on(struct fixture *f, struct left *left)
{
	f->w = fm_watch_import(&f->o, left->fd, left->table, left->len);
	ck_assert_msg(f->w != NULL, "import: %s", strerror(errno));
	free(left->table);
}

static int
refusal(struct fixture *f, const struct left *left)
{
	f->w = fm_watch_import(&f->o, left->fd, left->table, left->len);
	return f->w == NULL ? errno : 0;
}

static void
throw_away(struct left *left)
{
	ck_assert_int_eq(close(left->fd), 0); /* it is still ours */
	free(left->table);
}

static struct fm_stats
stats(const struct fixture *f)
{
	struct fm_stats s;

	fm_watch_stats(f->w, &s);
	return s;
}

START_TEST(a_successor_is_told_what_happened_between_without_a_listing)
{
	struct fixture f;
	struct left left;

	start(&f);
	left = leave(&f);
	make_file(&f, "a/b/new");
	move_path(&f, "a/b/f", "c/f");
	unlink(at(&f, "c/f"));
	go_on(&f, &left);
	ck_assert(!fm_watch_scanning(f.w));
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "a/b/new");
	CK_TOLD(&f, FM_RENAMED, "c/f");
	CK_TOLD(&f, FM_DELETED, "c/f");
	ck_assert_uint_eq(stats(&f).listed, 0);
	ck_assert_uint_eq(stats(&f).dirs, 4);
	ck_assert_uint_eq(stats(&f).watches, 4);
	ck_assert_int_eq(stats(&f).backend, FM_BACKEND_INOTIFY);
	fixture_release(&f);
}
END_TEST

START_TEST(directories_that_move_come_or_go_between_are_known)
{
	struct fixture f;
	struct left left;

	start(&f);
	left = leave(&f);
	move_path(&f, "a", "z");
	ck_assert_int_eq(rmdir(at(&f, "c")), 0);
	make_dir(&f, "new");
	make_file(&f, "new/f");
	go_on(&f, &left);
	drain(&f);
	CK_TOLD(&f, FM_RENAMED, "z");
	CK_TOLD(&f, FM_DELETED, "c");
	CK_TOLD(&f, FM_LIST_ENTRY, "new/f");
	forget_told(&f);
	make_file(&f, "z/b/g");
	make_file(&f, "new/g");
	drain(&f);
	CK_TOLD(&f, FM_CREATED, "z/b/g");
	CK_TOLD(&f, FM_CREATED, "new/g");
	ck_assert_uint_eq(stats(&f).dirs, 4);
	fixture_release(&f);
}
END_TEST

START_TEST(it_can_be_handed_on_again_and_again)
{
	struct fixture f;
	char name[16];

	start(&f);
	for (int i = 0; i < 20; i++) {
		struct left left = leave(&f);

		snprintf(name, sizeof(name), "d%d", i);
		make_dir(&f, name);
		go_on(&f, &left);
		drain(&f);
		CK_TOLD(&f, FM_CREATED, name);
	}
	ck_assert_uint_eq(stats(&f).dirs, 24);
	fixture_release(&f);
}
END_TEST

START_TEST(an_overflow_between_is_seen)
{
	struct fixture f;
	struct left left;

	start(&f);
	left = leave(&f);
	for (unsigned i = 0; i < queue_limit(); i++) {
		make_file(&f, "x");
		unlink(at(&f, "x"));
	}
	go_on(&f, &left);
	drain(&f);
	CK_TOLD(&f, FM_DIRTY, "");
	/* a repair may be put off for a while */
	WAIT_FOR(&f, told(&f, FM_LIST_ENTRY, "a/b/f") != NULL);
	fixture_release(&f);
}
END_TEST

START_TEST(nothing_is_handed_over_while_something_is_under_way)
{
	struct fixture f;
	void *table;
	size_t len;

	start(&f);
	fm_watch_scan(f.w, "", true);
	ck_assert_int_eq(fm_watch_export(f.w, &table, &len), -1);
	ck_assert_int_eq(errno, EBUSY);
	drain(&f);
	move_path(&f, "c", "/c"); /* out of the tree: half a rename */
	fm_watch_read(f.w);
	ck_assert_int_eq(fm_watch_export(f.w, &table, &len), -1);
	ck_assert_int_eq(errno, EBUSY);
	drain(&f);
	ck_assert_int_eq(fm_watch_export(f.w, &table, &len), 0);
	free(table);
	fixture_release(&f);
}
END_TEST

START_TEST(what_is_polled_is_not_handed_over)
{
	struct fixture f;
	void *table;
	size_t len;

	fixture_init(&f);
	make_dir(&f, "a");
	f.o.max_watches = 1;
	fixture_start(&f);
	ck_assert_int_eq(fm_watch_export(f.w, &table, &len), -1);
	ck_assert_int_eq(errno, ENOTSUP);
	fm_watch_free(f.w);
	f.o.max_watches = 0;
	f.o.backend = FM_BACKEND_POLL;
	fixture_start(&f);
	ck_assert_int_eq(fm_watch_export(f.w, &table, &len), -1);
	ck_assert_int_eq(errno, ENOTSUP);
	fixture_release(&f);
}
END_TEST

START_TEST(another_root_is_refused)
{
	struct fixture f;
	struct left left;

	start(&f);
	left = leave(&f);
	ck_assert_int_eq(rename(f.root, at(&f, "/away")), 0);
	ck_assert_int_eq(refusal(&f, &left), ENOENT);
	ck_assert_int_eq(mkdir(f.root, 0755), 0);
	ck_assert_int_eq(refusal(&f, &left), ESTALE);
	throw_away(&left);
	fixture_release(&f);
}
END_TEST

START_TEST(another_descriptor_is_refused)
{
	struct fixture f;
	struct left left, other;

	start(&f);
	left = leave(&f);
	other = left;
	other.fd = inotify_init1(IN_CLOEXEC);
	/* its watch for the root gets a number that the root does not have */
	inotify_add_watch(other.fd, "/", IN_CREATE);
	ck_assert_int_eq(refusal(&f, &other), ESTALE);
	close(other.fd);
	other.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(refusal(&f, &other), ESTALE);
	close(other.fd);
	other.fd = -1;
	ck_assert_int_eq(refusal(&f, &other), ESTALE);
	go_on(&f, &left);
	fixture_release(&f);
}
END_TEST

START_TEST(another_backend_and_a_damaged_table_are_refused)
{
	struct fixture f;
	struct left left;

	start(&f);
	left = leave(&f);
	f.o.backend = FM_BACKEND_POLL;
	ck_assert_int_eq(refusal(&f, &left), ENOTSUP);
	f.o.backend = FM_BACKEND_FANOTIFY;
	ck_assert_int_eq(refusal(&f, &left), ENOTSUP);
	f.o.backend = FM_BACKEND_INOTIFY;
	left.len--;
	ck_assert_int_eq(refusal(&f, &left), EBADMSG);
	left.len++;
	ck_assert_int_eq(refusal(&f, &left), 0);
	left.fd = -1;
	free(left.table);
	fixture_release(&f);
}
END_TEST

WATCH_MAIN("handing", 1, a_successor_is_told_what_happened_between_without_a_listing,
    directories_that_move_come_or_go_between_are_known,
    it_can_be_handed_on_again_and_again, an_overflow_between_is_seen,
    nothing_is_handed_over_while_something_is_under_way,
    what_is_polled_is_not_handed_over, another_root_is_refused,
    another_descriptor_is_refused, another_backend_and_a_damaged_table_are_refused)
