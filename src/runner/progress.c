/* SPDX-License-Identifier: ISC */
#include "runner/progress.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/xmalloc.h"

void
progress_init(struct progress *p, const char *state_dir, const char *name)
{
	struct stat st;
	*p = (struct progress){ .sink = name, .dir = xstrdup(state_dir) };
	if (lstat(state_dir, &st) == 0) {
		p->dev = st.st_dev;
		p->ino = st.st_ino;
	}
	p->cursor.fd = -1;
	p->cursor.path = xasprintf("%s/sinks/%s.cursor", state_dir, name);
}

void
progress_release(struct progress *p)
{
	cursor_close(&p->cursor);
	free(p->dir);
	p->dir = NULL;
}

static void
begin_cursor(struct progress *p, uint64_t seq)
{
	if (cursor_begin(&p->cursor, seq) == -1)
		log_warn("sink %s: %s: cannot be made", p->sink, p->cursor.path);
}

void
progress_begin(struct progress *p, uint64_t new_seq, uint64_t last)
{
	char *path = p->cursor.path;
	int known = cursor_open(&p->cursor, path);
	if (known == -1)
		log_warn("sink %s: %s: cannot be read (it is made anew)", p->sink, path);
	free(path);
	if (known != 1)
		begin_cursor(p, new_seq);
	if (p->cursor.seq > last) {
		log_warnx("sink %s: it had record %llu, and the event log ends at %llu: "
			  "it was begun anew (from its beginning)",
		    p->sink, (unsigned long long)p->cursor.seq, (unsigned long long)last);
		begin_cursor(p, 0);
	}
	p->seq = p->cursor.seq;
}

void
progress_move(struct progress *p, uint64_t seq)
{
	if (seq <= p->seq)
		return;
	p->seq = seq;
	p->unsaved = true;
}

/* The file is gone, and not with all the state. */
static bool
is_lost(const struct progress *p)
{
	struct stat st;
	return p->cursor.fd != -1 && !cursor_is_there(&p->cursor) &&
	    lstat(p->dir, &st) == 0 && st.st_dev == p->dev && st.st_ino == p->ino;
}

void
progress_save(struct progress *p)
{
	if (is_lost(p)) {
		log_warnx("sink %s: %s: was removed (it is made anew)", p->sink,
		    p->cursor.path);
		begin_cursor(p, p->seq);
	}
	if (!p->unsaved)
		return;
	if (cursor_move(&p->cursor, p->seq) == 0) {
		p->unsaved = p->unsavable = false;
		return;
	}
	if (!p->unsavable)
		log_warn("sink %s: %s: cannot be written (records may come again)",
		    p->sink, p->cursor.path);
	p->unsavable = true;
}
