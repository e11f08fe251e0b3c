/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clk.h"
#include "state/cut.h"
#include "state/delivery.h"
#include "state/handler.h"
#include "state/node.h"
#include "state/state.h"
#include "unit.h"

static struct node
add_node(struct state *state, int64_t parent, const char *name, enum sig_type type)
{
	struct node node = { .parent = parent,
		.sig = { .type = type, .ino = 5, .size = 3 } };

	node_insert(state, &node, name, strlen(name));
	return node;
}

static void
remove_all(const char *dir)
{
	struct dirent *entry;
	DIR *d = opendir(dir);

	ck_assert_ptr_nonnull(d);
	while ((entry = readdir(d)) != NULL)
		unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
	ck_assert_int_eq(rmdir(dir), 0);
}

static struct state *
open_temporary(void)
{
	struct state *state = state_open(NULL, 256);

	ck_assert_ptr_nonnull(state);
	return state;
}

START_TEST(a_path_is_found_and_built_again_through_its_directories)
{
	struct state *state = open_temporary();
	int64_t root = node_root(state, "/p");
	int64_t dir = node_resolve(state, root, "a/b", 3, true);
	struct node file = add_node(state, dir, "c\n\xff", SIG_FILE), found;
	struct buf path = BUF_INIT;

	ck_assert(node_lookup(state, root, "a/b/c\n\xff", 7, &found));
	ck_assert_int_eq(found.id, file.id);
	ck_assert_int_eq(found.sig.size, 3);
	ck_assert_int_eq(node_path(state, file.id, &path), root);
	ck_assert_uint_eq(path.len, 7);
	ck_assert_mem_eq(path.p, "a/b/c\n\xff", 7);
	ck_assert_int_eq(node_root(state, "/p"), root);
	ck_assert_int_eq(node_resolve(state, root, "a/x", 3, false), 0);
	ck_assert(!node_lookup(state, root, "a/b/d", 5, &found));
	buf_release(&path);
	state_close(state);
}
END_TEST

/* Whoever has read a directory's rows knows by it that no name has come since. */
START_TEST(what_comes_to_a_place_is_counted)
{
	struct state *state = open_temporary();
	int64_t root = node_root(state, "/p");
	struct node file = add_node(state, root, "a", SIG_FILE);
	uint64_t before = state_arrivals(state);

	file.sig.size = 4;
	node_update(state, &file);
	node_resolve(state, root, "a", 1, true);
	ck_assert_uint_eq(state_arrivals(state), before);
	node_resolve(state, root, "b/c", 3, true);
	ck_assert_uint_eq(state_arrivals(state), before + 2);
	node_relink(state, file.id, root, "z", 1);
	ck_assert_uint_eq(state_arrivals(state), before + 3);
	state_close(state);
}
END_TEST

START_TEST(a_relinked_directory_takes_everything_below_with_it)
{
	struct state *state = open_temporary();
	int64_t root = node_root(state, "/p");
	int64_t dir = node_resolve(state, root, "a/b", 3, true);
	struct node file = add_node(state, dir, "f", SIG_FILE);
	struct buf path = BUF_INIT;

	node_relink(state, dir, root, "z", 1);
	node_path(state, file.id, &path);
	ck_assert_str_eq(path.p, "z/f");
	buf_release(&path);
	state_close(state);
}
END_TEST

/* What a row says after it was written as one that was as before is. */
static void
check_update(struct state *state, const struct node *before, struct node now)
{
	struct node found;

	node_update_from(state, before, &now);
	ck_assert(node_get(state, now.id, &found));
	ck_assert_int_eq(sig_hash(&found.sig), sig_hash(&now.sig));
	ck_assert_int_eq(found.gone, now.gone);
	ck_assert_int_eq(found.unsure, now.unsure);
	ck_assert_int_eq(found.origin, now.origin);
	node_update(state, before);
}

START_TEST(whatever_differs_in_a_node_is_written)
{
	struct state *state = open_temporary();
	struct node before = add_node(state, node_root(state, "/p"), "f", SIG_FILE), now;
	int64_t ids[2];

	now = before;
	now.sig.size++;
	now.sig.mtime++;
	now.sig.ctime++;
	now.sig.meta++;
	check_update(state, &before, now);
	now.gone = true;
	check_update(state, &before, now);
	now = before;
	now.unsure = true;
	check_update(state, &before, now);
	now = before;
	now.origin = 7;
	check_update(state, &before, now);
	now = before;
	now.sig.type = SIG_SYMLINK;
	check_update(state, &before, now);
	now = before;
	now.sig.ino = 4711;
	node_update_from(state, &before, &now);
	ck_assert_uint_eq(node_by_inode(state, 4711, ids, 2), 1);
	state_close(state);
}
END_TEST

START_TEST(a_node_may_be_unsure_for_a_while)
{
	struct state *state = open_temporary();
	struct node node = add_node(state, node_root(state, "/p"), "f", SIG_FILE), found;
	int64_t ids[2];

	node_set_unsure(state, &node, true);
	ck_assert(node.unsure && node_get(state, node.id, &found) && found.unsure);
	ck_assert_int_eq(sig_hash(&found.sig), sig_hash(&node.sig));
	ck_assert_uint_eq(node_unsure(state, 0, ids, 2), 1);
	node_set_unsure(state, &node, false);
	ck_assert(!node.unsure && node_get(state, node.id, &found) && !found.unsure);
	ck_assert_uint_eq(node_unsure(state, 0, ids, 2), 0);
	state_close(state);
}
END_TEST

START_TEST(pages_give_the_names_of_a_directory_in_order_and_all_of_them)
{
	struct state *state = open_temporary();
	int64_t root = node_root(state, "/p");
	struct node_page page = { 0 };
	char last[32] = "", name[32];
	size_t total = 0, len;
	bool first = true;

	for (int i = 0; i < 3 * NODE_PAGE + 7; i++) {
		snprintf(name, sizeof(name), "%04d", (i * 7919) % 10000);
		add_node(state, root, name, SIG_FILE);
	}
	do {
		node_page_read(state, root, last, strlen(last), first, &page);
		first = false;
		for (size_t i = 0; i < page.n; i++) {
			const char *p = node_page_name(&page, i, &len);

			snprintf(name, sizeof(name), "%.*s", (int)len, p);
			ck_assert(strcmp(name, last) > 0);
			snprintf(last, sizeof(last), "%s", name);
			total++;
		}
	} while (page.more);
	ck_assert_uint_eq(total, 3 * NODE_PAGE + 7);
	node_page_release(&page);
	state_close(state);
}
END_TEST

static int64_t
mark_of_first(struct state *state, int64_t dir)
{
	struct node_page page = { 0 };
	int64_t mark;

	node_page_read(state, dir, "", 0, true, &page);
	ck_assert_uint_gt(page.n, 0);
	mark = page.rows[0].mark;
	node_page_release(&page);
	return mark;
}

START_TEST(a_page_tells_by_a_mark_what_was_surely_seen)
{
	struct state *state = open_temporary();
	int64_t root = node_root(state, "/p");
	struct node file = add_node(state, root, "f", SIG_FILE);

	ck_assert_int_eq(mark_of_first(state, root), sig_hash(&file.sig));
	file.sig.size++;
	node_update(state, &file);
	ck_assert_int_eq(mark_of_first(state, root), sig_hash(&file.sig));
	file.unsure = true;
	node_update(state, &file);
	ck_assert_int_eq(mark_of_first(state, root), 0);
	file.unsure = false;
	file.gone = true;
	node_update(state, &file);
	ck_assert_int_eq(mark_of_first(state, root), 0);
	state_close(state);
}
END_TEST

/* The mark by which a file is recalled; 0: it is not. */
static int64_t
recalled(struct state *state, int64_t parent, const char *name)
{
	struct node_row row;

	return node_recall(state, parent, name, strlen(name), &row) ? row.mark : 0;
}

START_TEST(a_file_is_recalled_while_its_row_surely_says_so)
{
	struct state *state = open_temporary();
	int64_t root = node_root(state, "/p"),
		dir = node_resolve(state, root, "d", 1, true);
	struct node file = add_node(state, dir, "f", SIG_FILE), found;

	ck_assert_int_eq(recalled(state, dir, "f"), sig_hash(&file.sig));
	ck_assert_int_eq(recalled(state, root, "f"), 0);
	ck_assert_int_eq(recalled(state, root, "d"), 0);
	file.sig.size++;
	node_update(state, &file);
	ck_assert_int_eq(recalled(state, dir, "f"), sig_hash(&file.sig));
	node_relink(state, dir, root, "e", 1);
	ck_assert_int_eq(recalled(state, dir, "f"), sig_hash(&file.sig));
	node_set_unsure(state, &file, true);
	ck_assert_int_eq(recalled(state, dir, "f"), 0);
	node_set_unsure(state, &file, false);
	ck_assert(node_find(state, dir, "f", 1, &found));
	ck_assert_int_eq(recalled(state, dir, "f"), sig_hash(&file.sig));
	node_relink(state, file.id, root, "g", 1);
	ck_assert_int_eq(recalled(state, dir, "f"), 0);
	ck_assert(node_find(state, root, "g", 1, &found));
	file.gone = true;
	node_update(state, &file);
	ck_assert_int_eq(recalled(state, root, "g"), 0);
	file.gone = false;
	node_update(state, &file);
	ck_assert(node_find(state, root, "g", 1, &found));
	node_delete(state, file.id);
	ck_assert_int_eq(recalled(state, root, "g"), 0);
	state_close(state);
}
END_TEST

START_TEST(nothing_is_recalled_of_what_was_rolled_back)
{
	struct state *state = open_temporary();
	int64_t root = node_root(state, "/p");

	ck_assert_int_eq(state_commit(state), 0);
	add_node(state, root, "f", SIG_FILE);
	ck_assert_int_ne(recalled(state, root, "f"), 0);
	sql_exec(state_sql(state), "no statement");
	ck_assert_int_eq(state_commit(state), -1);
	ck_assert_int_eq(recalled(state, root, "f"), 0);
	state_close(state);
}
END_TEST

START_TEST(a_file_is_restamped_where_its_row_is_of_the_inode)
{
	struct state *state = open_temporary();
	int64_t root = node_root(state, "/p");
	struct node file = add_node(state, root, "f", SIG_FILE), found;
	struct sig sig = file.sig;

	file.origin = 7;
	node_update(state, &file);
	sig.size = 4711;
	sig.mtime = sig.ctime = 12;
	sig.meta = 3;
	ck_assert(node_restamp(state, file.id, &sig));
	ck_assert(node_get(state, file.id, &found));
	ck_assert_int_eq(sig_hash(&found.sig), sig_hash(&sig));
	ck_assert_int_eq(found.origin, 0);
	ck_assert_int_eq(mark_of_first(state, root), sig_hash(&sig));
	ck_assert_int_eq(recalled(state, root, "f"), sig_hash(&sig));
	sig.ino++;
	ck_assert(!node_restamp(state, file.id, &sig));
	ck_assert(node_get(state, file.id, &found));
	ck_assert_int_ne(sig_hash(&found.sig), sig_hash(&sig));
	state_close(state);
}
END_TEST

START_TEST(due_deliveries_come_in_order_of_time)
{
	struct state *state = open_temporary();
	int64_t root = node_root(state, "/p");
	struct node a = add_node(state, root, "a", SIG_FILE);
	struct node b = add_node(state, root, "b", SIG_FILE);
	struct delivery d = {
		.handler = 1, .node = a.id, .pending = true, .due = 200, .since = 1
	};

	delivery_put(state, &d);
	d.node = b.id;
	d.due = 100;
	delivery_put(state, &d);
	ck_assert_int_eq(delivery_next_due(state, 1), 100);
	ck_assert(!delivery_next(state, 1, 99, &d));
	ck_assert(delivery_next(state, 1, 500, &d));
	ck_assert_int_eq(d.node, b.id);
	ck_assert_int_eq(delivery_count_pending(state, 1), 2);
	ck_assert_int_eq(delivery_count_pending(state, 2), 0);
	d.due = STATE_DUE_RUNNING;
	delivery_put(state, &d);
	ck_assert(delivery_next(state, 1, 500, &d));
	ck_assert_int_eq(d.node, a.id);
	ck_assert_int_eq(delivery_oldest(state, 1), 1);
	state_close(state);
}
END_TEST

START_TEST(what_is_blocked_becomes_due_when_the_other_is_done)
{
	struct state *state = open_temporary();
	int64_t root = node_root(state, "/p");
	struct node dir = add_node(state, root, "d", SIG_DIR);
	struct node file = add_node(state, dir.id, "f", SIG_FILE);
	struct delivery d = { .handler = 1, .node = file.id, .pending = true, .due = 1 };

	delivery_put(state, &d);
	ck_assert_int_eq(delivery_below(state, 1, dir.id), file.id);
	d.node = dir.id;
	d.due = STATE_DUE_BLOCKED;
	d.blocked_on = file.id;
	delivery_put(state, &d);
	delivery_unblock(state, 1, file.id, 77);
	ck_assert(delivery_get(state, 1, dir.id, &d));
	ck_assert_int_eq(d.due, 77);
	ck_assert_int_eq(d.blocked_on, 0);
	delivery_delete(state, 1, file.id);
	ck_assert_int_eq(delivery_below(state, 1, dir.id), 0);
	state_close(state);
}
END_TEST

START_TEST(no_load_that_failed_is_waited_for)
{
	struct state *state = open_temporary();
	int64_t root = node_root(state, "/p");
	struct node dir = add_node(state, root, "d", SIG_DIR);
	struct node file = add_node(state, dir.id, "f", SIG_FILE);
	struct delivery d = {
		.handler = 1, .node = file.id, .pending = true, .tried = 7
	};

	delivery_put(state, &d);
	ck_assert_int_eq(delivery_below(state, 1, dir.id), file.id);
	d.attempts = 1;
	delivery_put(state, &d);
	ck_assert_int_eq(delivery_below(state, 1, dir.id), 0);
	d.tried = 0;
	delivery_put(state, &d);
	ck_assert_int_eq(delivery_below(state, 1, dir.id), file.id);
	state_close(state);
}
END_TEST

/* The directories between are none that the handler is told of. */
START_TEST(what_is_further_below_goes_first_too)
{
	struct state *state = open_temporary();
	int64_t root = node_root(state, "/p");
	struct node dir = add_node(state, root, "d", SIG_DIR);
	struct node sub = add_node(state, dir.id, "s", SIG_DIR);
	struct node deep = add_node(state, sub.id, "t", SIG_DIR);
	struct node file = add_node(state, deep.id, "f", SIG_FILE);
	struct delivery d = { .handler = 1, .node = file.id, .pending = true };

	delivery_put(state, &d);
	ck_assert_int_eq(delivery_below(state, 1, dir.id), 0);
	sub.gone = deep.gone = true;
	node_update(state, &sub);
	node_update(state, &deep);
	ck_assert_int_eq(delivery_below(state, 1, dir.id), file.id);
	ck_assert_int_eq(delivery_below(state, 2, dir.id), 0);
	d.node = deep.id;
	delivery_put(state, &d);
	ck_assert(delivery_below(state, 1, dir.id) != 0);
	delivery_delete(state, 1, file.id);
	ck_assert_int_eq(delivery_below(state, 1, dir.id), deep.id);
	state_close(state);
}
END_TEST

/* As rows of a damaged file may be. */
START_TEST(directories_that_are_in_each_other_come_to_an_end)
{
	struct state *state = open_temporary();
	int64_t root = node_root(state, "/p");
	struct node a = add_node(state, root, "a", SIG_DIR);
	struct node b = add_node(state, a.id, "b", SIG_DIR);

	a.gone = b.gone = true;
	node_update(state, &a);
	node_update(state, &b);
	node_relink(state, a.id, b.id, "a", 1);
	ck_assert_int_eq(delivery_below(state, 1, a.id), 0);
	state_close(state);
}
END_TEST

START_TEST(that_a_directory_is_pending_which_is_there_is_known)
{
	struct state *state = open_temporary();
	int64_t root = node_root(state, "/p");
	struct node dir = add_node(state, root, "d", SIG_DIR);
	struct delivery d = { .handler = 1, .node = dir.id, .pending = true };

	state_look_in_way(state);
	ck_assert(!state_hints(state)->in_way);
	delivery_put(state, &d);
	state_look_in_way(state);
	ck_assert(state_hints(state)->in_way);
	dir.gone = true;
	node_update(state, &dir);
	state_look_in_way(state);
	ck_assert(!state_hints(state)->in_way);
	state_close(state);
}
END_TEST

START_TEST(a_failure_is_kept_with_its_output_byte_for_byte)
{
	struct state *state = open_temporary();
	const struct delivery_failure in = {
		.command = "load",
		.outcome = "exit 65",
		.output = "a\0\xff",
		.output_len = 3,
		.wall_ns = 42,
	};
	struct delivery_failure out;
	struct buf store = BUF_INIT;

	delivery_fail(state, 1, 2, &in);
	ck_assert(delivery_failure_get(state, 1, 2, &out, &store));
	ck_assert_str_eq(out.command, "load");
	ck_assert_str_eq(out.outcome, "exit 65");
	ck_assert_uint_eq(out.output_len, 3);
	ck_assert_mem_eq(out.output, "a\0\xff", 3);
	ck_assert_int_eq(out.wall_ns, 42);
	delivery_failure_clear(state, 1, 2);
	ck_assert(!delivery_failure_get(state, 1, 2, &out, &store));
	buf_release(&store);
	state_close(state);
}
END_TEST

/* Whether there is any such row is remembered: not beyond the last of them, nor the end
   of the process. */
START_TEST(what_is_blocked_or_failed_is_known_again_after_a_restart)
{
	const struct delivery_failure why = { .command = "load", .outcome = "exit 1" };
	struct delivery d = { .handler = 1, .pending = true, .due = 50 };
	char dir[] = "/tmp/filemon-state-XXXXXX", path[64];
	struct state *state;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/state.db", dir);
	state = state_open(path, 256);

	ck_assert(!state_hints(state)->blocked && !state_hints(state)->failed);
	for (d.node = 2; d.node < 4; d.node++) {
		d.blocked_on = d.node + 10;
		delivery_put(state, &d);
		delivery_fail(state, 1, d.node, &why);
	}
	ck_assert_int_eq(state_commit(state), 0);
	state_close(state);
	state = state_open(path, 256);
	for (d.node = 2; d.node < 4; d.node++) {
		struct delivery found;
		struct delivery_failure failure;
		struct buf store = BUF_INIT;
		ck_assert(state_hints(state)->blocked && state_hints(state)->failed);
		delivery_unblock(state, 1, d.node + 10, 77);
		ck_assert(delivery_get(state, 1, d.node, &found));
		ck_assert_int_eq(found.due, 77);
		delivery_failure_clear(state, 1, d.node);
		ck_assert(!delivery_failure_get(state, 1, d.node, &failure, &store));
		buf_release(&store);
	}
	ck_assert(!state_hints(state)->blocked && !state_hints(state)->failed);
	state_close(state);
	remove_all(dir);
}
END_TEST

static int64_t
count_cut(struct state *state)
{
	return sql_number(
	    state_sql(state), state_stmt(state, "SELECT count(*) FROM cut"), 0);
}

START_TEST(a_handler_that_is_no_more_configured_is_forgotten_with_its_rows)
{
	struct state *state = open_temporary();
	bool is_new;
	int64_t keep = state_handler(state, "keep", &is_new);
	int64_t gone = state_handler(state, "gone", &is_new);
	struct node node = add_node(state, node_root(state, "/p"), "a", SIG_FILE);
	struct delivery d = { .handler = gone,
		.node = node.id,
		.pending = true,
		.due = STATE_DUE_RUNNING };

	ck_assert(is_new);
	delivery_put(state, &d);
	cut_note(state, 0);
	ck_assert_int_eq(count_cut(state), 1);
	ck_assert_int_gt(state_handler_since(state, keep), 0);
	ck_assert_int_le(state_handler_since(state, keep), clk_stamp_ns());
	state_handler_set_digest(state, keep, 9);
	state_handler_set_paused(state, keep, true);
	state_handlers_prune(state, &keep, 1);
	ck_assert(!delivery_get(state, gone, node.id, &d));
	/* Its number may be the next one's. */
	ck_assert_int_eq(count_cut(state), 0);
	ck_assert_int_eq(state_handler(state, "keep", &is_new), keep);
	ck_assert(!is_new);
	ck_assert_int_eq(state_handler_digest(state, keep), 9);
	ck_assert(state_handler_paused(state, keep));
	state_close(state);
}
END_TEST

START_TEST(directories_that_only_it_waited_for_go_with_it)
{
	struct state *state = open_temporary();
	bool is_new;
	int64_t gone = state_handler(state, "gone", &is_new), none = 0;
	int64_t root = node_root(state, "/p");
	struct node dirs[3];

	for (size_t i = 0; i < COUNTOF(dirs); i++) {
		dirs[i] = add_node(state, i == 0 ? root : dirs[i - 1].id, "d", SIG_DIR);
		dirs[i].gone = true;
		node_update(state, &dirs[i]);
		delivery_put(state,
		    &(struct delivery){
			.handler = gone, .node = dirs[i].id, .state = DELIVERY_YES });
	}
	state_handlers_prune(state, &none, 0);
	for (size_t i = 0; i < COUNTOF(dirs); i++)
		ck_assert(!node_get(state, dirs[i].id, &dirs[i]));
	ck_assert(node_get(state, root, &dirs[0]));
	state_close(state);
}
END_TEST

START_TEST(what_takes_the_place_of_a_damaged_file_says_so_until_it_is_scanned)
{
	char dir[] = "/tmp/filemon-state-XXXXXX", path[64];
	struct state *state;
	FILE *file;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/state.db", dir);
	state = state_open(path, 256);
	ck_assert(state_is_new(state) && !state_is_rebuilt(state));
	state_close(state);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < 4096; i++)
		fputs("garbage", file);
	fclose(file);
	for (int i = 0; i < 2; i++) {
		state = state_open(path, 256);
		ck_assert(state_is_new(state) && state_is_rebuilt(state));
		state_close(state);
	}
	state = state_open(path, 256);
	state_set_scanned(state);
	ck_assert(!state_is_rebuilt(state));
	ck_assert_int_eq(state_commit(state), 0);
	state_close(state);
	state = state_open(path, 256);
	ck_assert(!state_is_new(state) && !state_is_rebuilt(state));
	state_close(state);
	remove_all(dir);
}
END_TEST

START_TEST(what_a_crash_left_running_is_due_at_the_next_start)
{
	char dir[] = "/tmp/filemon-state-XXXXXX", path[64];
	struct state *state;
	struct delivery d = { .handler = 1,
		.node = 2,
		.state = DELIVERY_PERHAPS,
		.pending = true,
		.due = STATE_DUE_RUNNING };

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/state.db", dir);
	state = state_open(path, 256);
	ck_assert(state_is_new(state));
	delivery_put(state, &d);
	state_set_scanned(state);
	ck_assert_int_eq(state_commit(state), 0);
	state_close(state);
	state = state_open(path, 256);
	ck_assert(!state_is_new(state));
	ck_assert(delivery_get(state, 1, 2, &d));
	ck_assert_int_le(d.due, clk_mono_ms());
	ck_assert_int_eq(d.state, DELIVERY_PERHAPS);
	state_close(state);
	remove_all(dir);
}
END_TEST

static struct state *
die_while_it_runs(struct state *state, const char *path, int64_t node)
{
	struct delivery d;

	delivery_get(state, 1, node, &d);
	d.pending = true;
	d.due = STATE_DUE_RUNNING;
	delivery_put(state, &d);
	ck_assert_int_eq(state_commit(state), 0);
	state_close(state);
	return state_open(path, 256);
}

/* How long after a time that is not before the last start it is due; below 0: it is. */
static int64_t
wait_of(struct state *state, int64_t node)
{
	struct delivery d;

	ck_assert(delivery_get(state, 1, node, &d));
	ck_assert(d.pending && d.attempts == 0);
	return d.due - clk_mono_ms();
}

START_TEST(what_runs_whenever_filemon_dies_waits_longer_each_time)
{
	char dir[] = "/tmp/filemon-state-XXXXXX", path[64];
	struct state *state;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/state.db", dir);
	state = state_open(path, 256);
	ck_assert(!state_hints(state)->cut);
	for (int n = 1; n <= 40; n++) {
		int64_t before = clk_mono_ms(), most = n < 2 ? 0 : 600000;
		if (n >= 2 && n <= 11)
			most = INT64_C(1000) << (n - 2);
		state = die_while_it_runs(state, path, 2);
		int64_t wait = wait_of(state, 2), late = clk_mono_ms() - before;
		ck_assert_int_le(wait, most);
		ck_assert_int_ge(wait, most / 2 - late);
	}
	/* Another path knows nothing of it. */
	state = die_while_it_runs(state, path, 3);
	ck_assert_int_le(wait_of(state, 3), 0);
	ck_assert(wait_of(state, 2) > 0 && state_hints(state)->cut);
	cut_forget(state, 1, 2);
	cut_forget(state, 1, 3);
	ck_assert(!state_hints(state)->cut);
	state = die_while_it_runs(state, path, 2);
	ck_assert_int_le(wait_of(state, 2), 0);
	state_close(state);
	remove_all(dir);
}
END_TEST

/* As a flipped bit in the text of the schema does: the file's pages are sound. */
static void
spoil_schema(const char *path)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_exec(db, "ALTER TABLE delivered RENAME COLUMN tried TO tsied", NULL,
		NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
}

START_TEST(a_file_whose_schema_is_another_is_moved_aside)
{
	char dir[] = "/tmp/filemon-state-XXXXXX", path[64];
	struct delivery d;
	struct state *state;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/state.db", dir);
	state = state_open(path, 256);
	ck_assert(!state_condemn(state));
	state_close(state);
	spoil_schema(path);
	state = state_open(path, 256);
	ck_assert_ptr_nonnull(state);
	ck_assert(!delivery_get(state, 1, 1, &d));
	ck_assert(state_failing(state));
	ck_assert(state_condemn(state));
	state_close(state);
	state = state_open(path, 256);
	ck_assert(state_is_new(state) && state_is_rebuilt(state));
	ck_assert(!delivery_get(state, 1, 1, &d));
	ck_assert(!state_failing(state));
	state_close(state);
	remove_all(dir);
}
END_TEST

START_TEST(no_node_has_the_id_of_one_before_it)
{
	struct state *state = open_temporary();
	int64_t root = node_root(state, "/p");
	struct node before = add_node(state, root, "before", SIG_FILE), after;

	node_delete(state, before.id);
	after = add_node(state, root, "after", SIG_FILE);
	ck_assert_int_gt(after.id, before.id);
	state_close(state);
}
END_TEST

START_TEST(after_the_highest_id_there_is_any_that_is_free)
{
	char path[] = "/tmp/test_state.XXXXXX", file[64];
	struct state *state;
	struct node two;

	ck_assert_ptr_nonnull(mkdtemp(path));
	snprintf(file, sizeof(file), "%s/state.db", path);
	state = state_open(file, 256);
	ck_assert_ptr_nonnull(state);
	add_node(state, 1, "one", SIG_FILE);
	sql_exec(state_sql(state), "UPDATE node SET id = 9223372036854775807");
	state_close(state);
	state = state_open(file, 256);
	two = add_node(state, 1, "two", SIG_FILE);
	ck_assert_int_ne(two.id, 0);
	ck_assert(!state_failing(state));
	state_close(state);
	remove_all(path);
}
END_TEST

UNIT_MAIN("state", no_node_has_the_id_of_one_before_it,
    after_the_highest_id_there_is_any_that_is_free,
    a_path_is_found_and_built_again_through_its_directories,
    what_comes_to_a_place_is_counted, a_relinked_directory_takes_everything_below_with_it,
    whatever_differs_in_a_node_is_written, a_node_may_be_unsure_for_a_while,
    pages_give_the_names_of_a_directory_in_order_and_all_of_them,
    a_page_tells_by_a_mark_what_was_surely_seen,
    a_file_is_recalled_while_its_row_surely_says_so,
    nothing_is_recalled_of_what_was_rolled_back,
    a_file_is_restamped_where_its_row_is_of_the_inode,
    due_deliveries_come_in_order_of_time,
    what_is_blocked_becomes_due_when_the_other_is_done, no_load_that_failed_is_waited_for,
    what_is_further_below_goes_first_too,
    directories_that_are_in_each_other_come_to_an_end,
    that_a_directory_is_pending_which_is_there_is_known,
    a_failure_is_kept_with_its_output_byte_for_byte,
    what_is_blocked_or_failed_is_known_again_after_a_restart,
    a_handler_that_is_no_more_configured_is_forgotten_with_its_rows,
    directories_that_only_it_waited_for_go_with_it,
    what_takes_the_place_of_a_damaged_file_says_so_until_it_is_scanned,
    what_a_crash_left_running_is_due_at_the_next_start,
    what_runs_whenever_filemon_dies_waits_longer_each_time,
    a_file_whose_schema_is_another_is_moved_aside)
