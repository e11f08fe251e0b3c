/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * Exercises node.h and delivery.h over a state.db whose rows hold anything:
 * SQLite is sound, what is written is not.  Each row is a table, then for each
 * column a kind of value and the value.  Nothing may crash or go on for ever:
 * parents that are each other's, types that are not those of the column, ids of
 * nothing.
 */

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "state/cut.h"
#include "state/delivery.h"
#include "state/handler.h"
#include "state/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct state *state;

static const struct {
	const char *insert;
	int columns;
} tables[] = {
	{ "INSERT OR REPLACE INTO node"
	  " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
	    13 },
	{ "INSERT OR REPLACE INTO delivered"
	  " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
	    13 },
	{ "INSERT OR REPLACE INTO failure VALUES(?1,?2,?3,?4,?5,?6)", 6 },
	{ "INSERT OR REPLACE INTO handler VALUES(?1,?2,?3,?4,?5)", 5 },
	{ "INSERT OR REPLACE INTO meta VALUES(?1,?2)", 2 },
	{ "INSERT OR REPLACE INTO content VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)", 9 },
	{ "INSERT OR REPLACE INTO held VALUES(?1,?2,?3,?4,?5,?6)", 6 },
	{ "INSERT OR REPLACE INTO cut VALUES(?1,?2,?3)", 3 },
};

static uint8_t
take(const uint8_t **data, size_t *size)
{
	if (*size == 0)
		return 0;
	--*size;
	return *(*data)++;
}

static void
bind(sqlite3_stmt *stmt, int column, const uint8_t **data, size_t *size)
{
	uint8_t kind = take(data, size);
	size_t len = kind >> 4;
	int64_t big = 0;

	switch (kind & 7) {
	case 0:
		sqlite3_bind_null(stmt, column);
		return;
	case 1:
	case 2:
	case 3:
		sqlite3_bind_int64(stmt, column, (int8_t)(kind >> 3) & 15);
		return;
	case 4:
		for (int i = 0; i < 8; i++)
			big = (int64_t)((uint64_t)big << 8 | take(data, size));
		sqlite3_bind_int64(stmt, column, big);
		return;
	case 5:
		sqlite3_bind_double(stmt, column, 1e300 * (double)take(data, size));
		return;
	default:
		if (len > *size)
			len = *size;
		if ((kind & 7) == 6)
			sqlite3_bind_blob(
			    stmt, column, *data, (int)len, SQLITE_TRANSIENT);
		else
			sqlite3_bind_text(stmt, column, (const char *)*data, (int)len,
			    SQLITE_TRANSIENT);
		*data += len;
		*size -= len;
	}
}

static void
fill(const uint8_t *data, size_t size)
{
	while (size > 0) {
		size_t table = take(&data, &size) % (sizeof(tables) / sizeof(tables[0]));
		sqlite3_stmt *stmt = NULL;

		sqlite3_prepare_v2(
		    sql_handle(state_sql(state)), tables[table].insert, -1, &stmt, NULL);
		assert(stmt);
		for (int i = 1; i <= tables[table].columns; i++)
			bind(stmt, i, &data, &size);
		sqlite3_step(stmt);
		sqlite3_finalize(stmt);
	}
}

static void
ignore_row(void *ctx, const struct delivery *d)
{
	(void)d;
	++*(int *)ctx;
}

static void
read_nodes(void)
{
	struct node_page page = { 0 };
	struct buf path = BUF_INIT;
	struct node node;
	int64_t ids[8];

	for (int64_t id = -1; id < 16; id++) {
		size_t len;

		node_get(state, id, &node);
		node_path(state, id, &path);
		node_has_children(state, id);
		node_page_read(state, id, "", 0, true, &page);
		for (size_t i = 0; i < page.n; i++)
			node_page_name(&page, i, &len);
		node_lookup(state, id, "a/b", 3, &node);
		node_by_inode(state, (uint64_t)id, ids, 8);
	}
	node_unsure(state, 0, ids, 8);
	node_count_files(state);
	node_page_release(&page);
	buf_release(&path);
}

static void
read_deliveries(void)
{
	struct delivery_failure failure;
	struct delivery d;
	struct buf store = BUF_INIT;
	bool is_new;
	int n = 0;

	for (int64_t handler = 0; handler < 4; handler++) {
		delivery_next(state, handler, INT64_MAX - 2, &d);
		delivery_next_due(state, handler);
		delivery_oldest(state, handler);
		delivery_count_pending(state, handler);
		delivery_count_dead(state, handler);
		delivery_each_pending(state, handler, 8, ignore_row, &n);
		delivery_each_dead(state, handler, 8, ignore_row, &n);
		state_handler_digest(state, handler);
		state_handler_since(state, handler);
		for (int64_t node = 0; node < 8; node++) {
			if (delivery_get(state, handler, node, &d))
				delivery_put(state, &d);
			delivery_below(state, handler, node);
			delivery_failure_get(state, handler, node, &failure, &store);
			delivery_unblock(state, handler, node, 1);
		}
	}
	buf_release(&store);
	state_handler(state, "h", &is_new);
	state_seq(state);
	cut_note(state, 1);
	cut_forget(state, 1, 1);
	state_release(state);
	state_handlers_prune(state, NULL, 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!state) {
		log_set_fd(2);
		log_set_level(LOG_LEVEL_ERROR);
		state = state_open(NULL, 256);
		assert(state);
	}
	sqlite3_exec(sql_handle(state_sql(state)), "BEGIN", NULL, NULL, NULL);
	fill(data, size);
	read_nodes();
	read_deliveries();
	sqlite3_exec(sql_handle(state_sql(state)), "ROLLBACK", NULL, NULL, NULL);
	sql_clear(state_sql(state));
	return 0;
}
