/* SPDX-License-Identifier: ISC */
#include "watcher/stream.h"

#include <stdlib.h>

#include "base/clk.h"
#include "base/xmalloc.h"
#include "watcher/held.h"
#include "watcher/save.h"
#include "watcher/watcher_priv.h"

struct stream {
	struct watcher *w;
	struct save *save;	  /* NULL: each record as it comes */
	struct save_stats before; /* of the ones before a reload */
};

static void
write_record(void *ctx, const struct event *ev)
{
	struct stream *s = ctx;

	evlog_add(s->w->log, ev, NULL);
}

static void
configure(struct stream *s)
{
	const struct config *config = s->w->config;
	const struct settle_limits limits = { config->settle_ms, config->settle_max_ms };

	if (config->edited)
		s->save = save_new(&limits, write_record, s);
}

struct stream *
stream_new(struct watcher *w)
{
	struct stream *s = xcalloc(1, sizeof(*s));

	s->w = w;
	configure(s);
	return s;
}

static struct save_stats
stats_of(const struct stream *s)
{
	struct save_stats stats = { 0 };

	if (s->save != NULL)
		save_stats(s->save, &stats);
	stats.edited += s->before.edited;
	stats.merged += s->before.merged;
	stats.passed += s->before.passed;
	return stats;
}

void
stream_reload(struct stream *s)
{
	stream_flush(s);
	stream_keep(s);
	s->before = stats_of(s);
	save_free(s->save);
	s->save = NULL;
	configure(s);
}

void
stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	save_free(s->save);
	free(s);
}

void
stream_put(struct stream *s, const struct event *ev)
{
	if (s->save == NULL || !save_take(s->save, ev, clk_mono_ms()))
		write_record(s, ev);
}

void
stream_note(struct stream *s, const struct save_note *note)
{
	if (s->save != NULL)
		save_note(s->save, note);
}

void
stream_flush(struct stream *s)
{
	if (s->save != NULL)
		save_flush(s->save);
}

void
stream_tick(struct stream *s, int64_t now)
{
	if (s->save != NULL)
		save_tick(s->save, now);
}

int64_t
stream_due(const struct stream *s)
{
	return s->save == NULL ? -1 : save_due(s->save);
}

bool
stream_holds(const struct stream *s)
{
	return stream_due(s) >= 0;
}

void
stream_keep(struct stream *s)
{
	if (s->save != NULL && s->w->state != NULL)
		held_keep(s->w, s->save);
}

void
stream_not_kept(struct stream *s)
{
	if (s->save != NULL)
		save_mark_changed(s->save);
}

void
stream_status(const struct stream *s, cJSON *events)
{
	const struct save_stats stats = stats_of(s);

	cJSON_AddNumberToObject(events, "merged", (double)stats.merged);
	cJSON_AddNumberToObject(events, "unmerged", (double)stats.passed);
}
