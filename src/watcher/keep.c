/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "watcher/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "eventlog/name.h"
#include "eventlog/retention.h"
#include "watcher/watcher_priv.h"

#define LOOK_MS (60 * 1000)
#define PACK_RETRY_MS (10 * 60 * 1000)
/* One segment may be at fault, of more it is rather the disk. */
#define PACK_FAILURES 2
#define NSEC_PER_SEC INT64_C(1000000000)
/* One at a time, and no job of dispatch reaches this number. */
#define PACK_ID (UINT64_C(1) << 63)

struct keep {
	struct watcher *watcher;
	char *dir;
	uint64_t floor;
	uint64_t begun;		    /* segments, when it was last looked */
	uint64_t packing;	    /* 0: none */
	int64_t due_ms;		    /* the next look; -1: only when a segment is begun */
	int64_t pack_not_before_ms; /* no compressing before this, after some failed */
	uint64_t pack_from;	    /* those before failed, and are passed over */
	unsigned pack_failures;	    /* in a row */
	int64_t pack_again_ms;	    /* then they are tried again; 0: there are none */
	bool look;
};

struct keep *
keep_new(struct watcher *w)
{
	if (w->config->state_dir == NULL)
		return NULL;
	struct keep *k = xcalloc(1, sizeof(*k));
	k->watcher = w;
	k->dir = xasprintf("%s/events", w->config->state_dir);
	k->floor = RETENTION_NO_FLOOR;
	k->due_ms = -1;
	k->look = true;
	return k;
}

void
keep_free(struct keep *k)
{
	if (k == NULL)
		return;
	free(k->dir);
	free(k);
}

void
keep_set_floor(struct keep *k, uint64_t seq)
{
	if (k != NULL)
		k->floor = seq;
}

void
keep_look(struct keep *k)
{
	if (k != NULL)
		k->look = true;
}

int64_t
keep_due(const struct keep *k)
{
	return k == NULL ? -1 : k->due_ms;
}

static void
measure(int dirfd, const struct segment_name *name, struct kept *kept)
{
	static const enum name_form forms[] = { FORM_PLAIN, FORM_PACKED };
	char file[NAME_SIZE];
	struct stat st;

	*kept = (struct kept){ .first = name->first, .forms = name->forms };
	for (size_t i = 0; i < COUNTOF(forms); i++) {
		name_format(name->first, forms[i], file);
		if (!(name->forms & forms[i]) ||
		    fstatat(dirfd, file, &st, AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		kept->bytes += st.st_size;
		kept->last_ns = st.st_mtim.tv_sec * NSEC_PER_SEC + st.st_mtim.tv_nsec;
	}
}

static struct kept *
measure_all(int dirfd, const struct names *names)
{
	struct kept *v = xcalloc(names->n + 1, sizeof(*v));

	for (size_t i = 0; i < names->n; i++)
		measure(dirfd, &names->v[i], &v[i]);
	return v;
}

static struct retention
limits_of(const struct keep *k, int64_t now)
{
	const struct config *config = k->watcher->config;

	return (struct retention){
		.bytes = config->events_keep_bytes,
		.age_ms = config->events_keep_age_ms,
		.count = config->events_keep_count,
		.hard_cap = config->events_hard_cap,
		/* What a crash makes us take back has to be read (undo.h): keep_turn
		   waits for the commit. */
		.pack = config->events_compress && k->watcher->wire != NULL &&
		    k->watcher->runner_ready && !k->watcher->degraded &&
		    !k->watcher->stopping && k->packing == 0 &&
		    now >= k->pack_not_before_ms,
		.pack_from = k->pack_from,
		.floor = k->floor,
		.busy = k->packing,
	};
}

static int
write_anchor(const struct keep *k, uint64_t first)
{
	char text[64], *path = xasprintf("%s/anchor", k->dir);
	int len = snprintf(text, sizeof(text), "{\"first_seq\":%" PRIu64 "}\n", first);
	int ret = fd_write_atomic(path, text, (size_t)len, 0600);

	free(path);
	return ret;
}

static bool
drop_one(int dirfd, const struct kept *kept)
{
	static const enum name_form forms[] = { FORM_PLAIN, FORM_PACKED };
	char file[NAME_SIZE], temp[NAME_SIZE + 4];
	bool gone = true;

	for (size_t i = 0; i < COUNTOF(forms); i++) {
		name_format(kept->first, forms[i], file);
		if (unlinkat(dirfd, file, 0) == -1 && errno != ENOENT) {
			log_warn("event log: %s: cannot be removed", file);
			gone = false;
		}
	}
	snprintf(temp, sizeof(temp), "%s.tmp", file); /* of a child that was killed */
	unlinkat(dirfd, temp, 0);
	return gone;
}

/* On a full disk the anchor can be written only when there is room again. */
static void
drop(const struct keep *k, int dirfd, const struct kept *v, size_t n)
{
	bool anchored = n > 0 && write_anchor(k, v[n].first) == 0;

	for (size_t i = 0; i < n; i++)
		if (!drop_one(dirfd, &v[i]))
			break;
	if (n > 0 && !anchored && write_anchor(k, v[n].first) == -1)
		log_warn("event log %s/anchor: cannot be written", k->dir);
}

static void
tell_lost(struct keep *k, uint64_t lost)
{
	struct watcher *w = k->watcher;
	const struct event gap = {
		.type = EVENT_GAP, .cause = "retention", .count = lost
	};

	if (lost == 0)
		return;
	log_warnx("event log: events-hard-cap is reached: %llu records are removed that "
		  "a sink still needs",
	    (unsigned long long)lost);
	w->intake.gaps++;
	evlog_add(w->log, &gap, NULL);
	watcher_wake(w);
}

static void
ask_pack(struct keep *k, uint64_t first)
{
	const struct wire_msg msg = { .type = WIRE_PACK, .id = PACK_ID, .seq = first };

	if (wire_send(k->watcher->wire, &msg))
		k->packing = first;
}

/* What failed; those that come meanwhile have their turn. */
static void
try_again(struct keep *k, int64_t now)
{
	if (k->pack_again_ms == 0 || now < k->pack_again_ms)
		return;
	k->pack_from = 0;
	k->pack_failures = 0;
	k->pack_again_ms = 0;
}

static void
act(struct keep *k, int dirfd, const struct names *names, int64_t now)
{
	const struct retention limits = limits_of(k, now);
	struct kept *v = measure_all(dirfd, names);
	struct retention_plan plan;

	retention_decide(&limits, v, names->n, clk_wall_ns(), &plan);
	drop(k, dirfd, v, plan.drop);
	tell_lost(k, plan.lost);
	if (plan.pack)
		ask_pack(k, plan.pack_first);
	else if (plan.passed && k->pack_again_ms == 0)
		k->pack_again_ms = now + PACK_RETRY_MS;
	if (plan.held || limits.age_ms > 0 || k->pack_not_before_ms > now ||
	    k->pack_again_ms > now)
		k->due_ms = now + LOOK_MS;
	free(v);
}

static void
look(struct keep *k, int64_t now)
{
	struct names names;
	int dirfd = open(k->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	k->due_ms = -1;
	k->look = false;
	try_again(k, now);
	if (dirfd != -1 && names_list(dirfd, &names) == 0) {
		act(k, dirfd, &names, now);
		names_release(&names);
	}
	fd_close(&dirfd);
}

void
keep_turn(struct keep *k, int64_t now)
{
	const struct watcher *w = k == NULL ? NULL : k->watcher;
	struct evlog_stats stats;

	if (k == NULL || !w->ready || (w->wire != NULL && !w->runner_ready))
		return;
	evlog_stats(w->log, &stats);
	/* What the state is not committed for yet, a crash has to find as it is. */
	if (stats.seq != w->noted_seq && !w->degraded)
		return;
	if (stats.begun == k->begun && !k->look && (k->due_ms < 0 || k->due_ms > now))
		return;
	k->begun = stats.begun;
	look(k, now);
}

/* It keeps no other from being compressed. */
static void
note_unpacked(struct keep *k, const struct wire_msg *msg)
{
	log_warnx("event log: segment %" PRIu64
		  ": cannot be compressed: %s%.*s (tried again later)",
	    k->packing, msg->text, (int)strcspn(msg->output, "\n"), msg->output);
	k->pack_from = k->packing + 1;
	if (++k->pack_failures % PACK_FAILURES == 0)
		k->pack_not_before_ms = clk_mono_ms() + PACK_RETRY_MS;
}

static void
note_packed(struct keep *k, const struct wire_msg *msg)
{
	bool ok = msg->outcome == WIRE_EXIT && msg->code == 0;

	if (ok)
		k->pack_failures = 0;
	else if (msg->outcome != WIRE_CUT)
		note_unpacked(k, msg);
	k->packing = 0;
	k->look = true;
	watcher_wake(k->watcher);
}

bool
keep_message(struct keep *k, const struct wire_msg *msg)
{
	if (k == NULL || msg->id != PACK_ID)
		return false;
	if (msg->type == WIRE_ENDED)
		note_packed(k, msg);
	return true;
}
