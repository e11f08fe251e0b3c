/* SPDX-License-Identifier: ISC */
/* What the kernel says of a file system, as notices of directories that are ours. */
#define _GNU_SOURCE 1
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "watch/fanevent.h"
#include "watch/fanotify.h"
#include "watch/fanotify_priv.h"
#include "watch/watch_priv.h"

/* The number of the directory; -1 where it is not ours. */
static int
find(struct fm_watch *w, const struct fan_place *place)
{
	const struct fanotify *fan = w->fan;
	struct handle handle = place->dir;
	unsigned i = 0;
	uint32_t dir;
	int wd;

	while (i < fan->n_fs && fan->fs[i].fsid != place->fsid)
		i++;
	if (!place->given || i == fan->n_fs)
		return -1;
	handle.fs = (uint8_t)i;
	wd = handles_find(&fan->handles, &handle);
	if (wd != -1 || !w->lazy)
		return wd;
	dir = resolve_dir(w, &handle);
	return dir == DIRTAB_NONE ? -1 : w->dirs.dirs[dir].wd;
}

static const struct {
	uint64_t fan;
	uint32_t in;
} bits[] = {
	{ FAN_CREATE, IN_CREATE },
	{ FAN_ATTRIB, IN_ATTRIB },
	{ FAN_MODIFY, IN_MODIFY },
	{ FAN_CLOSE_WRITE, IN_CLOSE_WRITE },
	{ FAN_DELETE, IN_DELETE },
};

static bool
meet(struct fm_watch *w, const struct fan_event *event, const struct fan_place *place)
{
	return doubt_meet(&w->fan->doubt, handle_hash(&place->dir), place->name,
	    place->len, handle_hash(&event->object));
}

/* What has happened to one name, merged into one event: its order is lost, but
   a name is mostly made first and removed last. */
static void
apply_name(struct fm_watch *w, const struct fan_event *event, struct notice *n)
{
	const uint64_t both = FAN_CREATE | FAN_DELETE;
	/* A write says all that its end says. */
	const uint64_t no = event->mask & FAN_MODIFY ? FAN_CLOSE_WRITE : 0;
	uint32_t is_dir = n->mask, dir = dirtab_by_wd(&w->dirs, n->wd);
	struct place at;

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		if (!(event->mask & ~no & bits[i].fan))
			continue;
		n->mask = bits[i].in | is_dir;
		notice_apply(w, n);
	}
	if (!(event->mask & both))
		return;
	meet(w, event, &event->place);
	if (dir == DIRTAB_NONE || dirtab_by_wd(&w->dirs, n->wd) != dir)
		return;
	at = place_of(dir, n->name, n->len);
	doubt_explained(&w->fan->doubt, &at, &event->object, event->mask & FAN_CREATE);
	if ((event->mask & both) == both)
		doubt_look(w, &at, &event->object, false);
}

/* inotify says this by the parent's watch. */
static void
apply_self(struct fm_watch *w, const struct fan_event *event, uint32_t dir)
{
	struct notice n = { .wd = -1, .mask = IN_ATTRIB | IN_ISDIR };
	const struct dir *d = &w->dirs.dirs[dir];
	uint32_t parent = d->parent;
	char name[UINT8_MAX];

	if (!(event->mask & FAN_ATTRIB))
		return;
	if (dir != DIRTAB_ROOT && parent == DIRTAB_NONE)
		return;
	if (dir != DIRTAB_ROOT) {
		memcpy(name, w->dirs.names + d->name, d->name_len);
		n.name = name;
		n.len = d->name_len;
		n.wd = w->dirs.dirs[parent].wd;
	}
	notice_apply_to(w, dir == DIRTAB_ROOT ? dir : parent, &n);
}

/* Is one half as it was told? */
static void
check_half(struct fm_watch *w, const struct fan_event *event,
    const struct fan_place *place, const struct notice *n)
{
	uint32_t dir = dirtab_by_wd(&w->dirs, n->wd);
	bool met = meet(w, event, place);
	bool comes = place == &event->to;
	struct place at;

	if (dir == DIRTAB_NONE)
		return;
	at = place_of(dir, n->name, n->len);
	doubt_explained(&w->fan->doubt, &at, &event->object, comes);
	if (met)
		doubt_look(w, &at, &event->object, comes);
}

/* Both halves at once; what comes from or goes elsewhere is one half. */
static void
apply_rename(struct fm_watch *w, const struct fan_event *event, struct notice *n)
{
	struct notice to = { .wd = find(w, &event->to), .mask = n->mask | IN_MOVED_TO };

	to.name = event->to.name;
	to.len = event->to.len;
	if (to.len == 0 || !notice_is_sane(&to))
		to.wd = -1;
	to.cookie = n->cookie = ++w->fan->cookie;
	n->mask |= IN_MOVED_FROM;
	if (n->wd != -1)
		notice_apply(w, n);
	if (to.wd != -1)
		notice_apply(w, &to);
	else
		rename_tick(w, INT64_MAX);
	if (n->wd != -1)
		check_half(w, event, &event->place, n);
	if (to.wd != -1)
		check_half(w, event, &event->to, &to);
}

static bool
is_self(const struct fan_place *place)
{
	return place->len == 1 && place->name[0] == '.';
}

static void
apply(struct fm_watch *w, const struct fan_event *event)
{
	struct notice n = { .wd = find(w, &event->place),
		.name = event->place.name,
		.len = event->place.len };
	uint32_t dir = dirtab_by_wd(&w->dirs, n.wd);

	n.mask = event->mask & FAN_ONDIR ? IN_ISDIR : 0;
	if (n.wd == -1 && find(w, &event->to) == -1) {
		w->elsewhere++;
		return;
	}
	w->events++;
	if (dir != DIRTAB_NONE && is_self(&event->place))
		apply_self(w, event, dir);
	else if (n.wd != -1 && (n.len == 0 || !notice_is_sane(&n)))
		w->unknown++;
	else if (event->mask & FAN_RENAME)
		apply_rename(w, event, &n);
	else
		apply_name(w, event, &n);
}

void
fanotify_feed(struct fm_watch *w, const void *buf, size_t len)
{
	const struct notice overflow = { .wd = -1, .mask = IN_Q_OVERFLOW };
	const char *p = buf, *end = p + len;
	struct fan_event event;

	while (fan_event_next(&p, end, &event)) {
		w->read_bytes += FAN_EVENT_METADATA_LEN;
		w->who = (struct who){ event.pid, event.pidfd };
		if (event.mask & FAN_Q_OVERFLOW)
			notice_apply(w, &overflow);
		else
			apply(w, &event);
		if (event.pidfd != -1 && w->o.pidfd)
			close(event.pidfd);
	}
	w->who = (struct who){ 0, -1 };
}
