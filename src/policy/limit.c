/* SPDX-License-Identifier: ISC */
#include "policy/limit.h"

#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

#define WAYS 4	    /* places that a path may have */
#define RECORD 1000 /* a record's worth of tokens: a rate's worth comes each ms */
#define PATH_KEEP_MAX 4096

struct bucket {
	int64_t tokens, filled_ms;
};

struct file {
	uint64_t hash; /* of root and path; 0: free */
	struct bucket bucket;
	uint64_t dropped; /* since the last report */
	const char *root;
	char *path; /* while dropped > 0 */
	size_t len;
};

struct limit {
	struct limit_rates rates;
	struct bucket all;
	uint64_t dropped; /* since the last report, for all paths together */
	uint64_t dropped_ever;
	int64_t report_ms; /* -1: nothing to tell */
	struct file files[LIMIT_FILES];
};

struct limit *
limit_new(const struct limit_rates *rates)
{
	struct limit *limit = xcalloc(1, sizeof(*limit));

	limit->rates = *rates;
	limit->all.filled_ms = -1;
	limit->report_ms = -1;
	return limit;
}

static void
forget(struct file *file)
{
	free(file->path);
	file->path = NULL;
	file->dropped = 0;
}

void
limit_free(struct limit *limit)
{
	if (limit == NULL)
		return;
	for (size_t i = 0; i < LIMIT_FILES; i++)
		forget(&limit->files[i]);
	free(limit);
}

static void
fill(struct bucket *b, int64_t rate, int64_t now)
{
	int64_t passed = now - b->filled_ms;

	if (b->filled_ms < 0 || passed >= 1000)
		b->tokens = rate * RECORD;
	else
		b->tokens += rate * passed;
	if (b->tokens > rate * RECORD)
		b->tokens = rate * RECORD;
	b->filled_ms = now;
}

static uint64_t
hash_of(const struct event *ev)
{
	uint64_t hash = 0xcbf29ce484222325ULL ^ (uintptr_t)ev->root;

	for (size_t i = 0; i < ev->path_len; i++)
		hash = (hash ^ (unsigned char)ev->path[i]) * 0x100000001b3ULL;
	return hash + (hash == 0);
}

/* The path's place, perhaps a new one; NULL: there is none now. */
static struct file *
file_of(struct limit *limit, const struct event *ev)
{
	uint64_t hash = hash_of(ev);
	struct file *set = &limit->files[hash % (LIMIT_FILES / WAYS) * WAYS];
	struct file *oldest = NULL;

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].hash == hash)
			return &set[i];
		if (set[i].dropped == 0 &&
		    (oldest == NULL ||
			set[i].bucket.filled_ms < oldest->bucket.filled_ms))
			oldest = &set[i];
	}
	if (oldest != NULL)
		*oldest = (struct file){ .hash = hash, .bucket.filled_ms = -1 };
	return oldest;
}

static void
count(struct limit *limit, uint64_t *dropped, int64_t now)
{
	++*dropped;
	limit->dropped_ever++;
	if (limit->report_ms < 0)
		limit->report_ms = now + LIMIT_REPORT_MS;
}

static void
drop_of_file(struct limit *limit, struct file *file, const struct event *ev, int64_t now)
{
	if (file->path == NULL) {
		file->root = ev->root;
		file->len = ev->path_len < PATH_KEEP_MAX ? ev->path_len : PATH_KEEP_MAX;
		file->path = xstrndup(ev->path, file->len);
	}
	count(limit, &file->dropped, now);
}

bool
limit_pass(struct limit *limit, const struct event *ev, int64_t now)
{
	struct file *file = limit->rates.per_file > 0 ? file_of(limit, ev) : NULL;

	if (file != NULL) {
		fill(&file->bucket, limit->rates.per_file, now);
		if (file->bucket.tokens < RECORD) {
			drop_of_file(limit, file, ev, now);
			return false;
		}
	}
	if (limit->rates.per_second > 0) {
		fill(&limit->all, limit->rates.per_second, now);
		if (limit->all.tokens < RECORD) {
			count(limit, &limit->dropped, now);
			return false;
		}
		limit->all.tokens -= RECORD;
	}
	if (file != NULL)
		file->bucket.tokens -= RECORD;
	return true;
}

int64_t
limit_due(const struct limit *limit)
{
	return limit->report_ms;
}

void
limit_report(struct limit *limit, limit_report_cb report, void *ctx)
{
	struct event ev = { .type = EVENT_LIMITED, .count = limit->dropped };

	for (size_t i = 0; i < LIMIT_FILES; i++) {
		struct file *file = &limit->files[i];
		struct event of_file = { .type = EVENT_LIMITED,
			.count = file->dropped,
			.root = file->root,
			.path = file->path,
			.path_len = file->len };

		if (file->dropped == 0)
			continue;
		report(ctx, &of_file);
		forget(file);
	}
	if (limit->dropped > 0)
		report(ctx, &ev);
	limit->dropped = 0;
	limit->report_ms = -1;
}

uint64_t
limit_dropped(const struct limit *limit)
{
	return limit->dropped_ever;
}
