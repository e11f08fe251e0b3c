/* SPDX-License-Identifier: ISC */
#include "watch/backlog.h"

#include "watch/watch_priv.h"

#define FREE_SHARE 2 /* of the queue is for what comes in a burst */
#define RISE_SHARE 8 /* of it at once: more may have come while we did not run */
#define TYPICAL 32   /* bytes of one, where none was read yet */
#define ASK_SHARE 4  /* of it is read, and then the kernel counts it anew */
#define SAMPLE 128   /* notifications that show how much is dropped already */

void
backlog_init(struct fm_watch *w, unsigned limit)
{
	w->backlog.limit = w->o.postpone ? limit : 0;
}

/* The kernel counts by walking along the queue, with those who write kept waiting. */
static uint64_t
unread(struct fm_watch *w, bool full)
{
	uint64_t n = 0;

	if (full)
		n = (uint64_t)w->ops->unread(w) * (w->events + 1) /
		    (w->read_bytes + TYPICAL);
	w->backlog.ask_at = w->events + n / ASK_SHARE;
	return n;
}

void
backlog_begin(struct fm_watch *w, bool full)
{
	struct backlog *b = &w->backlog;
	uint64_t now;

	if (b->limit == 0)
		return;
	b->seen = b->left = 0;
	b->choosing = false;
	if (full && w->events < b->ask_at)
		return;
	now = unread(w, full);
	b->level += b->limit / RISE_SHARE;
	if (b->level > now)
		b->level = (unsigned)now;
	else if (b->level < b->limit / FREE_SHARE)
		b->level = b->limit / FREE_SHARE;
}

void
backlog_end(struct fm_watch *w)
{
	struct fm_event event = {
		.kind = FM_DIRTY,
		.cause = FM_CAUSE_BACKLOG,
		.is_dir = true,
		.repeated = true,
	};

	if (!w->backlog.hit)
		return;
	w->backlog.hit = false;
	tell_event(w, &event, "", 0);
}

static bool
is_of_file(const struct notice *n)
{
	const uint32_t told = IN_ISDIR | IN_MOVED_FROM | IN_MOVED_TO | IN_IGNORED;

	return n->len > 0 && n->name[0] != '.' && !(n->mask & told);
}

/* Is less dropped than the queue asks for? */
static bool
is_too_little(const struct backlog *b)
{
	return b->level >= b->limit / FREE_SHARE &&
	    (uint64_t)b->left * b->limit < (uint64_t)b->seen * b->level;
}

/* From here on it is made up for, and not what came before. */
static void
judge(struct backlog *b)
{
	b->choosing = is_too_little(b);
	if (b->choosing) {
		b->seen = 1;
		b->left = 0;
	}
}

void
backlog_enter(struct fm_watch *w, uint32_t dir)
{
	struct dir *d = &w->dirs.dirs[dir];

	w->backlog.dirs += !(d->flags & DIR_POSTPONED);
	d->flags |= DIR_POSTPONED;
}

/* Not one whose place is unknown: whatever finds it again has to know. */
static bool
postpone(struct fm_watch *w, uint32_t dir)
{
	if (path_set(w, &w->path, dir, NULL, 0) == -1)
		return false;
	backlog_enter(w, dir);
	tell_dirty(w, &w->path, FM_CAUSE_BACKLOG);
	repair_postponed(w);
	return true;
}

bool
backlog_takes(struct fm_watch *w, uint32_t dir, const struct notice *n)
{
	struct backlog *b = &w->backlog;

	if (b->limit == 0 || !is_of_file(n))
		return false;
	if (++b->seen == SAMPLE && !b->choosing)
		judge(b);
	if (!(w->dirs.dirs[dir].flags & DIR_POSTPONED) &&
	    (!b->choosing || !is_too_little(b) || !postpone(w, dir)))
		return false;
	if (n->mask & IN_MODIFY)
		untold_add(&b->untold, n->wd, n->name, n->len);
	b->left++;
	b->total++;
	b->hit = true;
	return true;
}

void
backlog_queued(struct fm_watch *w)
{
	bool over = !fm_watch_scanning(w) && w->retries == 0;

	if (w->backlog.total > 0)
		untold_turn(&w->backlog.untold, over);
}

bool
backlog_hides(const struct fm_watch *w, uint32_t dir, const char *name, size_t len)
{
	return untold_has(&w->backlog.untold, w->dirs.dirs[dir].wd, name, len);
}

bool
backlog_leave(struct fm_watch *w, uint32_t dir)
{
	struct dir *d = &w->dirs.dirs[dir];

	if (!(d->flags & DIR_POSTPONED))
		return false;
	d->flags &= (uint16_t)~DIR_POSTPONED;
	w->backlog.dirs--;
	return true;
}
