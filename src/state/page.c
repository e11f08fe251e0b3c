/* SPDX-License-Identifier: ISC */
/* Pages of a directory's rows. */
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "state/node.h"

static void
page_add(struct node_page *page, sqlite3_stmt *stmt)
{
	if (page->n == page->cap) {
		page->cap = page->cap == 0 ? 8 : page->cap * 2;
		page->rows = xreallocarray(page->rows, page->cap, sizeof(*page->rows));
		page->name_at =
		    xreallocarray(page->name_at, page->cap + 1, sizeof(size_t));
	}
	page->rows[page->n] = (struct node_row){ sqlite3_column_int64(stmt, 0),
		sqlite3_column_int64(stmt, 1) };
	page->name_at[page->n] = page->names.len;
	buf_add(&page->names, sqlite3_column_blob(stmt, 2),
	    (size_t)sqlite3_column_bytes(stmt, 2));
	page->n++;
	page->name_at[page->n] = page->names.len;
}

void
node_page_read(struct state *state, int64_t dir, const void *after, size_t len,
    bool first, struct node_page *page)
{
	sqlite3_stmt *stmt = state_stmt(state,
	    "SELECT id, mark, name FROM node WHERE parent = ?1 AND name > ?2"
	    " ORDER BY name LIMIT ?3");

	page->n = 0;
	sqlite3_bind_int64(stmt, 1, dir);
	/* Every name is greater than the empty blob. */
	sqlite3_bind_blob(
	    stmt, 2, first ? "" : after, first ? 0 : (int)len, SQLITE_TRANSIENT);
	sqlite3_bind_int(stmt, 3, NODE_PAGE);
	buf_reset(&page->names);
	while (sql_row(state_sql(state), stmt))
		page_add(page, stmt);
	page->more = page->n == NODE_PAGE;
}

const char *
node_page_name(const struct node_page *page, size_t i, size_t *len)
{
	*len = page->name_at[i + 1] - page->name_at[i];
	return page->names.p + page->name_at[i];
}

void
node_page_release(struct node_page *page)
{
	free(page->rows);
	free(page->name_at);
	buf_release(&page->names);
	memset(page, 0, sizeof(*page));
}
