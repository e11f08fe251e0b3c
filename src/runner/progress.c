/* SPDX-License-Identifier: ISC */
#include "runner/progress.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/xmalloc.h"

void
progress_init(struct progress *p, const char *state_dir, const char *name)
{
	*p = (struct progress){ .sink = name };
	p->cursor.fd = -1;
	p->cursor.path = xasprintf("%s/sinks/%s.cursor", state_dir, name);
}

void
progress_release(struct progress *p)
{
	cursor_close(&p->cursor);
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

void
progress_save(struct progress *p)
{
	if (!p->unsaved)
		return;
	p->unsaved = false;
	if (cursor_move(&p->cursor, p->seq) == 0) {
		p->unsavable = false;
		return;
	}
	if (!p->unsavable)
		log_warn("sink %s: %s: cannot be written (records may come again)",
		    p->sink, p->cursor.path);
	p->unsavable = true;
}
