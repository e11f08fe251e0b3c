/* SPDX-License-Identifier: ISC */
#include "state/node.h"

#include <string.h>

#include "state/recent.h"

#define COLUMNS "id, parent, type, gone, unsure, ino, size, mtime, ctime, meta, origin"

static void
read_columns(sqlite3_stmt *stmt, struct node *node)
{
	node->id = sqlite3_column_int64(stmt, 0);
	node->parent = sqlite3_column_int64(stmt, 1);
	node->sig.type = (enum sig_type)sqlite3_column_int(stmt, 2);
	node->gone = sqlite3_column_int(stmt, 3) != 0;
	node->unsure = sqlite3_column_int(stmt, 4) != 0;
	node->sig.ino = (uint64_t)sqlite3_column_int64(stmt, 5);
	node->sig.size = sqlite3_column_int64(stmt, 6);
	node->sig.mtime = sqlite3_column_int64(stmt, 7);
	node->sig.ctime = sqlite3_column_int64(stmt, 8);
	node->sig.meta = sqlite3_column_int64(stmt, 9);
	node->origin = sqlite3_column_int64(stmt, 10);
}

/* A file that is there, with a signature that is sure. */
static bool
is_sure_file(const struct node *node)
{
	return node->sig.type == SIG_FILE && !node->gone && !node->unsure;
}

static void
remember(struct state *state, const struct node *node, const void *name, size_t len)
{
	if (is_sure_file(node))
		node_remember(state, &(struct node_row){ node->id, sig_hash(&node->sig) },
		    node->parent, name, len);
}

static void
forget(struct state *state, int64_t id)
{
	recent_drop(state_recent(state), id);
}

/* The row was written, under the name that it had. */
static void
remember_written(struct state *state, const struct node *node)
{
	if (is_sure_file(node))
		recent_update(state_recent(state), node->id, sig_hash(&node->sig));
	else
		forget(state, node->id);
}

static bool
one_row(struct state *state, sqlite3_stmt *stmt, struct node *node)
{
	if (!sql_row(state_sql(state), stmt))
		return false;
	read_columns(stmt, node);
	sqlite3_reset(stmt);
	return true;
}

bool
node_find(
    struct state *state, int64_t parent, const void *name, size_t len, struct node *node)
{
	sqlite3_stmt *stmt = state_stmt(
	    state, "SELECT " COLUMNS " FROM node WHERE parent = ?1 AND name = ?2");

	sqlite3_bind_int64(stmt, 1, parent);
	sqlite3_bind_blob(stmt, 2, name, (int)len, SQLITE_STATIC);
	if (!one_row(state, stmt, node))
		return false;
	remember(state, node, name, len);
	return true;
}

bool
node_recall(struct state *state, int64_t parent, const void *name, size_t len,
    struct node_row *row)
{
	const struct recent_file *file =
	    recent_find(state_recent(state), recent_key(parent, name, len));

	if (file == NULL)
		return false;
	*row = (struct node_row){ file->id, file->sig };
	return true;
}

void
node_remember(struct state *state, const struct node_row *row, int64_t parent,
    const void *name, size_t len)
{
	const struct recent_file file = { row->id, recent_key(parent, name, len),
		row->mark };

	recent_put(state_recent(state), &file);
}

bool
node_get(struct state *state, int64_t id, struct node *node)
{
	sqlite3_stmt *stmt =
	    state_stmt(state, "SELECT " COLUMNS " FROM node WHERE id = ?1");

	sqlite3_bind_int64(stmt, 1, id);
	return one_row(state, stmt, node);
}

static int64_t
mark_of(const struct node *node)
{
	return node->gone || node->unsure ? 0 : sig_hash(&node->sig);
}

/* The signature's columns from parameter at on. */
static void
bind_sig(sqlite3_stmt *stmt, int at, const struct node *node)
{
	sqlite3_bind_int(stmt, at, node->sig.type);
	sqlite3_bind_int(stmt, at + 1, node->gone);
	sqlite3_bind_int(stmt, at + 2, node->unsure);
	sqlite3_bind_int64(stmt, at + 3, (int64_t)node->sig.ino);
	sqlite3_bind_int64(stmt, at + 4, node->sig.size);
	sqlite3_bind_int64(stmt, at + 5, node->sig.mtime);
	sqlite3_bind_int64(stmt, at + 6, node->sig.ctime);
	sqlite3_bind_int64(stmt, at + 7, node->sig.meta);
	sqlite3_bind_int64(stmt, at + 8, node->origin);
	sqlite3_bind_int64(stmt, at + 9, mark_of(node));
}

void
node_insert(struct state *state, struct node *node, const void *name, size_t len)
{
	sqlite3_stmt *stmt = state_stmt(state,
	    "INSERT INTO node(parent, name, type, gone, unsure, ino, size, mtime, ctime, "
	    "meta, origin, mark, id)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, nullif(?13, 0))");

	sql_begin(state_sql(state));
	sqlite3_bind_int64(stmt, 1, node->parent);
	sqlite3_bind_blob(stmt, 2, name, (int)len, SQLITE_STATIC);
	bind_sig(stmt, 3, node);
	sqlite3_bind_int64(stmt, 13, state_new_node(state));
	if (sql_run(state_sql(state), stmt) == -1)
		return;
	node->id = sqlite3_last_insert_rowid(sql_handle(state_sql(state)));
	state_count_arrival(state);
	remember(state, node, name, len);
}

void
node_update(struct state *state, const struct node *node)
{
	sqlite3_stmt *stmt = state_stmt(state,
	    "UPDATE node SET type = ?2, gone = ?3, unsure = ?4, ino = ?5, size = ?6,"
	    " mtime = ?7, ctime = ?8, meta = ?9, origin = ?10, mark = ?11 WHERE id = ?1");

	sql_begin(state_sql(state));
	sqlite3_bind_int64(stmt, 1, node->id);
	bind_sig(stmt, 2, node);
	sql_run(state_sql(state), stmt);
	remember_written(state, node);
}

/* In the same file, written to. */
static bool
is_restamped(const struct node *before, const struct node *node)
{
	return before->sig.ino == node->sig.ino && before->sig.type == node->sig.type &&
	    before->gone == node->gone && before->unsure == node->unsure &&
	    before->origin == node->origin;
}

void
node_update_from(struct state *state, const struct node *before, const struct node *node)
{
	sqlite3_stmt *stmt;

	if (!is_restamped(before, node)) {
		node_update(state, node);
		return;
	}
	stmt = state_stmt(state,
	    "UPDATE node SET size = ?2, mtime = ?3, ctime = ?4, meta = ?5, mark = ?6"
	    " WHERE id = ?1");
	sql_begin(state_sql(state));
	sqlite3_bind_int64(stmt, 1, node->id);
	sqlite3_bind_int64(stmt, 2, node->sig.size);
	sqlite3_bind_int64(stmt, 3, node->sig.mtime);
	sqlite3_bind_int64(stmt, 4, node->sig.ctime);
	sqlite3_bind_int64(stmt, 5, node->sig.meta);
	sqlite3_bind_int64(stmt, 6, mark_of(node));
	sql_run(state_sql(state), stmt);
	remember_written(state, node);
}

bool
node_restamp(struct state *state, int64_t id, const struct sig *sig)
{
	sqlite3_stmt *stmt = state_stmt(state,
	    "UPDATE node SET size = ?2, mtime = ?3, ctime = ?4, meta = ?5, mark = ?6,"
	    " origin = 0 WHERE id = ?1 AND ino = ?7");

	sql_begin(state_sql(state));
	sqlite3_bind_int64(stmt, 1, id);
	sqlite3_bind_int64(stmt, 2, sig->size);
	sqlite3_bind_int64(stmt, 3, sig->mtime);
	sqlite3_bind_int64(stmt, 4, sig->ctime);
	sqlite3_bind_int64(stmt, 5, sig->meta);
	sqlite3_bind_int64(stmt, 6, sig_hash(sig));
	sqlite3_bind_int64(stmt, 7, (int64_t)sig->ino);
	if (sql_run(state_sql(state), stmt) == -1 ||
	    sqlite3_changes(sql_handle(state_sql(state))) == 0)
		return false;
	recent_update(state_recent(state), id, sig_hash(sig));
	return true;
}

void
node_set_unsure(struct state *state, struct node *node, bool unsure)
{
	sqlite3_stmt *stmt =
	    state_stmt(state, "UPDATE node SET unsure = ?2, mark = ?3 WHERE id = ?1");

	node->unsure = unsure;
	sql_begin(state_sql(state));
	sqlite3_bind_int64(stmt, 1, node->id);
	sqlite3_bind_int(stmt, 2, unsure);
	sqlite3_bind_int64(stmt, 3, mark_of(node));
	sql_run(state_sql(state), stmt);
	remember_written(state, node);
}

void
node_delete(struct state *state, int64_t id)
{
	sqlite3_stmt *stmt = state_stmt(state, "DELETE FROM node WHERE id = ?1");

	sql_begin(state_sql(state));
	sqlite3_bind_int64(stmt, 1, id);
	sql_run(state_sql(state), stmt);
	forget(state, id);
}

bool
node_has_children(struct state *state, int64_t id)
{
	sqlite3_stmt *stmt =
	    state_stmt(state, "SELECT 1 FROM node WHERE parent = ?1 LIMIT 1");
	bool has;

	sqlite3_bind_int64(stmt, 1, id);
	has = sql_row(state_sql(state), stmt);
	if (has)
		sqlite3_reset(stmt);
	return has;
}

void
node_relink(struct state *state, int64_t id, int64_t parent, const void *name, size_t len)
{
	sqlite3_stmt *stmt =
	    state_stmt(state, "UPDATE node SET parent = ?2, name = ?3 WHERE id = ?1");

	sql_begin(state_sql(state));
	sqlite3_bind_int64(stmt, 1, id);
	sqlite3_bind_int64(stmt, 2, parent);
	sqlite3_bind_blob(stmt, 3, name, (int)len, SQLITE_STATIC);
	sql_run(state_sql(state), stmt);
	state_count_arrival(state);
	forget(state, id);
}

int64_t
node_root(struct state *state, const char *path)
{
	struct node node = { .parent = 0, .sig = { .type = SIG_DIR } };

	if (!node_find(state, 0, path, strlen(path), &node))
		node_insert(state, &node, path, strlen(path));
	return node.id;
}

/* All of it is in the index. */
static int64_t
child_id(struct state *state, int64_t parent, const char *name, size_t len)
{
	sqlite3_stmt *stmt =
	    state_stmt(state, "SELECT id FROM node WHERE parent = ?1 AND name = ?2");

	sqlite3_bind_int64(stmt, 1, parent);
	sqlite3_bind_blob(stmt, 2, name, (int)len, SQLITE_STATIC);
	return sql_number(state_sql(state), stmt, 0);
}

static int64_t
child_dir(struct state *state, int64_t parent, const char *name, size_t len, bool make)
{
	struct node node = { .parent = parent, .sig = { .type = SIG_DIR } };
	int64_t id = child_id(state, parent, name, len);

	if (id != 0 || !make)
		return id;
	node_insert(state, &node, name, len);
	return node.id;
}

int64_t
node_resolve(struct state *state, int64_t root, const char *path, size_t len, bool make)
{
	const char *end = path + len;
	int64_t id = root;

	while (path < end && id != 0) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		const char *stop = slash == NULL ? end : slash;

		id = child_dir(state, id, path, (size_t)(stop - path), make);
		path = slash == NULL ? end : slash + 1;
	}
	return id;
}

bool
node_lookup(
    struct state *state, int64_t root, const char *path, size_t len, struct node *node)
{
	const char *slash = memrchr(path, '/', len);
	size_t dir = slash == NULL ? 0 : (size_t)(slash - path);
	size_t name = slash == NULL ? 0 : dir + 1;
	int64_t parent;

	if (len == 0)
		return node_get(state, root, node);
	parent = node_resolve(state, root, path, dir, false);
	return parent != 0 && node_find(state, parent, path + name, len - name, node);
}

int64_t
node_prepend(struct state *state, int64_t id, struct buf *path)
{
	sqlite3_stmt *stmt =
	    state_stmt(state, "SELECT parent, name FROM node WHERE id = ?1");
	int64_t parent = 0;

	sqlite3_bind_int64(stmt, 1, id);
	if (!sql_row(state_sql(state), stmt))
		return 0;
	parent = sqlite3_column_int64(stmt, 0);
	if (parent != 0) {
		if (path->len > 0)
			buf_insert(path, "/", 1);
		buf_insert(path, sqlite3_column_blob(stmt, 1),
		    (size_t)sqlite3_column_bytes(stmt, 1));
	}
	sqlite3_reset(stmt);
	return parent;
}

int64_t
node_path(struct state *state, int64_t id, struct buf *out)
{
	int64_t parent, mark = id;
	size_t steps = 0, limit = 2;

	buf_reset(out);
	buf_reserve(out, 1);
	out->p[0] = '\0';
	while ((parent = node_prepend(state, id, out)) != 0) {
		/* A damaged file: rows that are each other's parents (Brent). */
		if (parent == mark) {
			buf_reset(out);
			return 0;
		}
		id = parent;
		if (++steps == limit) {
			mark = id;
			steps = 0;
			limit *= 2;
		}
	}
	return id;
}

static size_t
collect_ids(struct state *state, sqlite3_stmt *stmt, int64_t *ids, size_t max)
{
	size_t n = 0;

	while (n < max && sql_row(state_sql(state), stmt))
		ids[n++] = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return n;
}

size_t
node_by_inode(struct state *state, uint64_t ino, int64_t *ids, size_t max)
{
	sqlite3_stmt *stmt = state_stmt(state, "SELECT id FROM node WHERE ino = ?1");

	sqlite3_bind_int64(stmt, 1, (int64_t)ino);
	return collect_ids(state, stmt, ids, max);
}

size_t
node_unsure(struct state *state, int64_t after, int64_t *ids, size_t max)
{
	sqlite3_stmt *stmt = state_stmt(
	    state, "SELECT id FROM node WHERE unsure = 1 AND id > ?1 ORDER BY id");

	sqlite3_bind_int64(stmt, 1, after);
	return collect_ids(state, stmt, ids, max);
}

int64_t
node_count_files(struct state *state)
{
	sqlite3_stmt *stmt =
	    state_stmt(state, "SELECT count(*) FROM node WHERE type <> 2 AND gone = 0");

	return sql_number(state_sql(state), stmt, 0);
}
