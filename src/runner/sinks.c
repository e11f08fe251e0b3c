/* SPDX-License-Identifier: ISC */
#include "runner/sinks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "runner/sink.h"

struct entry {
	struct sink *sink;
	bool ending; /* it goes when it is down */
};

struct sinks {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct sinks_hooks hooks;
	struct entry v[2 * CONFIG_SINKS_MAX]; /* old ones may still be ending */
	size_t n;
	bool known; /* seq */
	uint64_t seq;
	bool stopping;
};

static void
on_changed(void *ctx, struct sink *sink)
{
	struct sinks *sinks = ctx;
	struct wire_msg msg;
	sink_report(sink, &msg);
	sinks->hooks.report(sinks->hooks.ctx, &msg);
}

static bool
is_free(const struct sinks *sinks, const char *name)
{
	for (size_t i = 0; i < sinks->n; i++) {
		if (sinks->v[i].ending && strcmp(sink_name(sinks->v[i].sink), name) == 0)
			return false;
	}
	return true;
}

static void
drop(struct sinks *sinks, size_t i)
{
	struct sink *sink = sinks->v[i].sink;
	memmove(&sinks->v[i], &sinks->v[i + 1], (sinks->n - i - 1) * sizeof(sinks->v[0]));
	sinks->n--;
	sink_free(sink);
}

static void
tell_log(struct sinks *sinks)
{
	for (size_t i = 0; sinks->known && !sinks->stopping && i < sinks->n; i++) {
		struct sink *sink = sinks->v[i].sink;
		if (!sinks->v[i].ending && is_free(sinks, sink_name(sink)))
			sink_log(sink, sinks->seq);
	}
}

static void
on_down(void *ctx, struct sink *sink)
{
	struct sinks *sinks = ctx;
	for (size_t i = 0; i < sinks->n; i++) {
		if (sinks->v[i].sink == sink && sinks->v[i].ending) {
			drop(sinks, i);
			tell_log(sinks);
			return;
		}
	}
}

/* There is one where all entries are taken: half of them would do for all others. */
static size_t
first_ending(const struct sinks *sinks)
{
	size_t i = 0;
	while (!sinks->v[i].ending)
		i++;
	return i;
}

static void
add(struct sinks *sinks, const struct config *config, const struct sink_config *section)
{
	const struct sink_hooks hooks = { on_changed, on_down, sinks };
	/* A configuration changed over and over is quicker than what it ends. */
	if (sinks->n == sizeof(sinks->v) / sizeof(sinks->v[0]))
		drop(sinks, first_ending(sinks));
	sinks->v[sinks->n++] = (struct entry){
		.sink = sink_new(sinks->loop, sinks->jobs, config, section, &hooks),
	};
}

static const struct sink_config *
find_section(const struct config *config, const struct sink *sink)
{
	for (size_t i = 0; i < config->n_sinks; i++) {
		if (sink_is(sink, config, &config->sinks[i]))
			return &config->sinks[i];
	}
	return NULL;
}

static bool
is_running(
    const struct sinks *sinks, const struct config *config, const struct sink_config *s)
{
	for (size_t i = 0; i < sinks->n; i++) {
		if (!sinks->v[i].ending && sink_is(sinks->v[i].sink, config, s))
			return true;
	}
	return false;
}

/* Backwards: what is down at once is dropped. */
static void
end_changed(struct sinks *sinks, const struct config *config)
{
	for (size_t i = sinks->n; i-- > 0;) {
		struct entry *entry = &sinks->v[i];
		if (entry->ending || find_section(config, entry->sink))
			continue;
		entry->ending = true;
		sink_stop(entry->sink);
		if (sink_is_down(entry->sink))
			drop(sinks, i);
	}
}

void
sinks_configure(struct sinks *sinks, const struct config *config)
{
	end_changed(sinks, config);
	for (size_t i = 0; i < config->n_sinks; i++) {
		if (!is_running(sinks, config, &config->sinks[i]))
			add(sinks, config, &config->sinks[i]);
	}
	tell_log(sinks);
}

void
sinks_log(struct sinks *sinks, uint64_t seq)
{
	sinks->known = true;
	sinks->seq = seq;
	tell_log(sinks);
}

void
sinks_stop(struct sinks *sinks)
{
	sinks->stopping = true;
	for (size_t i = 0; i < sinks->n; i++)
		sink_stop(sinks->v[i].sink);
}

struct sinks *
sinks_new(struct ev_loop *loop, struct jobs *jobs, const struct sinks_hooks *hooks)
{
	struct sinks *sinks = xcalloc(1, sizeof(*sinks));
	sinks->loop = loop;
	sinks->jobs = jobs;
	sinks->hooks = *hooks;
	return sinks;
}

void
sinks_free(struct sinks *sinks)
{
	if (!sinks)
		return;
	while (sinks->n > 0)
		drop(sinks, sinks->n - 1);
	free(sinks);
}
