/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "policy/save.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "unit.h"

#define ROOT "/p"

/* What came out, a line a record: "edited f atomic t". */
struct fixture {
	struct save *save;
	struct buf out;
	int64_t now;
};

static struct stat some_st;
static const char root[] = ROOT;

static void
write_line(void *ctx, const struct event *ev)
{
	static const char *const methods[] = { "atomic", "backup", "in-place" };
	struct buf *out = ctx;

	buf_addf(out, "%s ", event_type_name(ev->type));
	if (ev->old_path != NULL)
		buf_addf(out, "%.*s>", (int)ev->old_path_len, ev->old_path);
	buf_addf(out, "%.*s", (int)ev->path_len, ev->path);
	if (ev->type == EVENT_EDITED)
		buf_addf(out, " %s%s", methods[ev->method], ev->fresh ? " new" : "");
	for (size_t i = 0; i < ev->n_temps; i++)
		buf_addf(out, " %.*s", (int)ev->temps[i].len, ev->temps[i].path);
	buf_addc(out, '\n');
}

static void
begin(struct fixture *f)
{
	const struct settle_limits limits = { 100, 1000 };

	*f = (struct fixture){ .out = BUF_INIT, .now = 1000 };
	f->save = save_new(&limits, write_line, &f->out);
}

/* Gives a record; one that is not held comes out at once. */
static bool
take(struct fixture *f, struct event ev, const char *path)
{
	bool held;

	ev.root = root;
	ev.path = path;
	ev.path_len = path == NULL ? 0 : strlen(path);
	ev.old_path_len = ev.old_path == NULL ? 0 : strlen(ev.old_path);
	if (ev.type != EVENT_DELETED)
		ev.st = &some_st;
	held = save_take(f->save, &ev, f->now);
	if (!held && path != NULL)
		write_line(&f->out, &ev);
	return held;
}

static bool
created(struct fixture *f, const char *path)
{
	return take(f, (struct event){ .type = EVENT_CREATED }, path);
}

static bool
deleted(struct fixture *f, const char *path)
{
	return take(f, (struct event){ .type = EVENT_DELETED }, path);
}

static bool
written(struct fixture *f, const char *path)
{
	some_st.st_size++;
	return take(
	    f, (struct event){ .type = EVENT_MODIFIED, .kind = EVENT_CONTENT }, path);
}

static bool
renamed(struct fixture *f, const char *from, const char *to, bool over)
{
	return take(f,
	    (struct event){ .type = EVENT_RENAMED, .old_path = from, .replaced = over },
	    to);
}

static void
note(struct fixture *f, const char *from, const char *to)
{
	const struct save_note n = { .from = from,
		.from_len = strlen(from),
		.to = to,
		.to_len = to == NULL ? 0 : strlen(to) };

	save_note(f->save, &n);
}

static void
out_is(struct fixture *f, const char *want)
{
	ck_assert_str_eq(f->out.len == 0 ? "" : f->out.p, want);
	buf_reset(&f->out);
}

static void
end(struct fixture *f, const char *want)
{
	save_flush(f->save);
	out_is(f, want);
	ck_assert_int_eq(save_due(f->save), -1);
	save_free(f->save);
	buf_release(&f->out);
}

START_TEST(a_temporary_file_renamed_over_the_old_one_is_atomic)
{
	struct fixture f;

	begin(&f);
	ck_assert(created(&f, "t"));
	ck_assert(written(&f, "t"));
	ck_assert(renamed(&f, "t", "f", true));
	ck_assert(take(
	    &f, (struct event){ .type = EVENT_MODIFIED, .kind = EVENT_METADATA }, "f"));
	end(&f, "edited f atomic t\n");
}
END_TEST

START_TEST(a_temporary_file_that_is_not_wanted_is_named_too)
{
	struct fixture f;

	begin(&f);
	note(&f, ".f.tmp", "f");
	written(&f, "f");
	save_note(f.save, NULL);
	end(&f, "edited f atomic .f.tmp\n");
	begin(&f);
	note(&f, ".g.tmp", "g");
	created(&f, "g");
	end(&f, "edited g atomic new .g.tmp\n");
}
END_TEST

START_TEST(a_temporary_file_that_was_gone_before_it_was_seen_is_found_by_the_hint)
{
	struct fixture f;

	begin(&f);
	created(&f, "t");
	deleted(&f, "t");
	note(&f, "t", "f");
	written(&f, "f");
	end(&f, "edited f atomic t\n");
}
END_TEST

START_TEST(a_new_file_by_way_of_a_temporary_one_says_so)
{
	struct fixture f;

	begin(&f);
	created(&f, "t");
	renamed(&f, "t", "f", false);
	end(&f, "edited f atomic new t\n");
}
END_TEST

START_TEST(a_backup_that_is_removed_is_no_event)
{
	struct fixture f;

	begin(&f);
	renamed(&f, "f", "f~", false);
	created(&f, "f");
	written(&f, "f");
	ck_assert(deleted(&f, "f~"));
	end(&f, "edited f backup f~\n");
}
END_TEST

START_TEST(a_backup_that_stays_is_told_before)
{
	struct fixture f;

	begin(&f);
	renamed(&f, "f", "f~", true);
	created(&f, "f");
	end(&f, "renamed f>f~\nedited f backup f~\n");
}
END_TEST

START_TEST(a_backup_over_an_older_one_is_told_when_it_is_removed)
{
	struct fixture f;

	begin(&f);
	renamed(&f, "f", "f~", true);
	created(&f, "f");
	deleted(&f, "f~");
	end(&f, "renamed f>f~\nedited f backup f~\ndeleted f~\n");
}
END_TEST

START_TEST(a_backup_that_is_not_wanted_is_named_too)
{
	struct fixture f;

	begin(&f);
	note(&f, "f", "f~");
	deleted(&f, "f");
	save_note(f.save, NULL);
	created(&f, "f");
	end(&f, "edited f backup f~\n");
	begin(&f);
	note(&f, "f", "f~");
	written(&f, "f"); /* made anew before anyone could look */
	end(&f, "edited f backup f~\n");
}
END_TEST

START_TEST(two_files_and_three_renames_are_one_save)
{
	struct fixture f;

	begin(&f);
	created(&f, "f.new");
	written(&f, "f.new");
	renamed(&f, "f", "f.old", false);
	renamed(&f, "f.new", "f", false);
	deleted(&f, "f.old");
	end(&f, "edited f backup f.old f.new\n");
}
END_TEST

START_TEST(a_backup_seen_after_the_new_file_is_no_event_either)
{
	struct fixture f;

	begin(&f);
	note(&f, "f", "old");
	written(&f, "f");
	created(&f, "old");
	save_note(f.save, NULL);
	deleted(&f, "old");
	end(&f, "edited f backup old\n");
	begin(&f);
	note(&f, "f", "old");
	written(&f, "f");
	created(&f, "old"); /* and it stays */
	end(&f, "edited f backup old\ncreated old\n");
}
END_TEST

START_TEST(removed_and_made_anew_is_in_place)
{
	struct fixture f;

	begin(&f);
	deleted(&f, "f");
	created(&f, "f");
	end(&f, "edited f in-place\n");
	begin(&f);
	note(&f, "f", NULL);
	take(&f,
	    (struct event){
		.type = EVENT_MODIFIED, .kind = EVENT_CONTENT, .replaced = true },
	    "f");
	end(&f, "edited f in-place\n");
}
END_TEST

START_TEST(written_more_than_once_or_cut_is_in_place)
{
	struct fixture f;

	begin(&f);
	written(&f, "f");
	written(&f, "f");
	take(&f,
	    (struct event){
		.type = EVENT_MODIFIED, .kind = EVENT_CONTENT, .shrunk = true },
	    "g");
	end(&f, "edited f in-place\nedited g in-place\n");
}
END_TEST

START_TEST(one_write_that_is_looked_at_twice_is_one_write)
{
	struct fixture f;

	begin(&f);
	written(&f, "f");
	some_st.st_size--;
	written(&f, "f");
	end(&f, "modified f\n");
}
END_TEST

START_TEST(what_is_no_save_comes_out_as_it_was)
{
	struct fixture f;

	begin(&f);
	created(&f, "a");
	written(&f, "b");
	deleted(&f, "c");
	renamed(&f, "d", "e", true);
	created(&f, "g");
	deleted(&f, "g");
	end(&f, "created a\nmodified b\ndeleted c\nrenamed d>e\ncreated g\ndeleted g\n");
}
END_TEST

START_TEST(metadata_alone_is_not_held)
{
	struct fixture f;

	begin(&f);
	ck_assert(!take(
	    &f, (struct event){ .type = EVENT_MODIFIED, .kind = EVENT_METADATA }, "f"));
	end(&f, "modified f\n");
}
END_TEST

START_TEST(a_window_ends_when_it_is_quiet_or_has_been_open_for_long)
{
	struct fixture f;

	begin(&f);
	written(&f, "f");
	ck_assert_int_eq(save_due(f.save), 1100);
	for (f.now = 1050; f.now < 2000; f.now += 50) {
		written(&f, "f");
		save_tick(f.save, f.now);
		out_is(&f, "");
	}
	ck_assert_int_eq(save_due(f.save), 2000);
	save_tick(f.save, 2000);
	out_is(&f, "edited f in-place\n");
	end(&f, "");
}
END_TEST

START_TEST(a_directory_lets_out_what_is_held_below_it_first)
{
	struct fixture f;

	begin(&f);
	deleted(&f, "d/f");
	deleted(&f, "df");
	take(&f, (struct event){ .type = EVENT_DELETED, .is_dir = true }, "d");
	out_is(&f, "deleted d/f\ndeleted d\n");
	created(&f, "x/a");
	take(&f, (struct event){ .type = EVENT_RENAMED, .is_dir = true, .old_path = "x" },
	    "y");
	out_is(&f, "created x/a\nrenamed x>y\n");
	created(&f, "perhaps");
	created(&f, "perhaps/below");
	out_is(&f, "created perhaps\n");
	end(&f, "created perhaps/below\ndeleted df\n");
}
END_TEST

START_TEST(what_happens_to_a_backup_comes_after_it)
{
	struct fixture f;

	begin(&f);
	renamed(&f, "a", "b", false);
	written(&f, "b");
	renamed(&f, "b", "c", false);
	end(&f, "renamed a>b\nmodified b\nrenamed b>c\n");
}
END_TEST

START_TEST(the_streams_own_records_let_everything_out)
{
	struct fixture f;

	begin(&f);
	created(&f, "a");
	ck_assert(!take(&f, (struct event){ .type = EVENT_GAP }, NULL));
	out_is(&f, "created a\n");
	end(&f, "");
}
END_TEST

START_TEST(past_the_last_window_records_pass_and_are_counted)
{
	struct fixture f;
	struct save_stats stats;
	char name[SAVE_PATH_MAX + 2];

	begin(&f);
	for (int i = 0; i < SAVE_WINDOWS; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		ck_assert(created(&f, name));
	}
	ck_assert(!created(&f, "more"));
	out_is(&f, "created more\n");
	ck_assert(renamed(&f, "f0", "g", true)); /* what is held goes on */
	save_flush(f.save);
	buf_reset(&f.out);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert(!created(&f, name));
	save_stats(f.save, &stats);
	ck_assert_uint_eq(stats.passed, 2);
	ck_assert_uint_eq(stats.edited, 1);
	ck_assert_uint_eq(stats.merged, 1);
	buf_reset(&f.out);
	end(&f, "");
}
END_TEST

START_TEST(what_a_listing_found_is_not_held)
{
	struct fixture f;

	begin(&f);
	ck_assert(
	    !take(&f, (struct event){ .type = EVENT_CREATED, .listed = true }, "f"));
	end(&f, "created f\n");
}
END_TEST

START_TEST(what_has_changed_since_it_was_kept_is_known)
{
	struct fixture f;
	struct buf kept = BUF_INIT;

	begin(&f);
	created(&f, "a");
	ck_assert(save_changed(f.save, 0));
	ck_assert(!save_changed(f.save, 1));
	save_each(f.save, 0, write_line, &kept);
	ck_assert_str_eq(kept.p, "created a\n");
	buf_release(&kept);
	save_mark_kept(f.save);
	ck_assert(!save_changed(f.save, 0));
	save_flush(f.save);
	ck_assert(save_changed(f.save, 0));
	save_each(f.save, 0, write_line, &kept);
	ck_assert_ptr_null(kept.p);
	save_mark_kept(f.save);
	save_mark_changed(f.save);
	ck_assert(save_changed(f.save, SAVE_WINDOWS - 1));
	end(&f, "created a\n");
}
END_TEST

UNIT_MAIN("save", a_temporary_file_renamed_over_the_old_one_is_atomic,
    a_temporary_file_that_is_not_wanted_is_named_too,
    a_temporary_file_that_was_gone_before_it_was_seen_is_found_by_the_hint,
    a_new_file_by_way_of_a_temporary_one_says_so, a_backup_that_is_removed_is_no_event,
    a_backup_that_stays_is_told_before,
    a_backup_over_an_older_one_is_told_when_it_is_removed,
    a_backup_that_is_not_wanted_is_named_too, two_files_and_three_renames_are_one_save,
    a_backup_seen_after_the_new_file_is_no_event_either,
    removed_and_made_anew_is_in_place, written_more_than_once_or_cut_is_in_place,
    one_write_that_is_looked_at_twice_is_one_write, what_is_no_save_comes_out_as_it_was,
    metadata_alone_is_not_held, a_window_ends_when_it_is_quiet_or_has_been_open_for_long,
    a_directory_lets_out_what_is_held_below_it_first,
    what_happens_to_a_backup_comes_after_it, the_streams_own_records_let_everything_out,
    past_the_last_window_records_pass_and_are_counted, what_a_listing_found_is_not_held,
    what_has_changed_since_it_was_kept_is_known)
