/* SPDX-License-Identifier: ISC */
#include "watcher/spare.h"

#include <stddef.h>

#include "base/mem.h"
#include "watcher/watcher_priv.h"

/* Of nothing that is due.  Pages that the first event needs again come back in a
   tenth of a millisecond. */
#define CALM_MS 1000

void
spare_from(struct watcher *w, int64_t ms)
{
	w->spare_ms = ms;
}

static bool
is_calm(const struct watcher *w, int64_t now, int64_t due)
{
	return !watcher_scanning(w) && (due < 0 || due >= now + CALM_MS);
}

void
spare_turn(struct watcher *w, int64_t now, int64_t due)
{
	if (w->spare_ms < 0 || now < w->spare_ms)
		return;
	if (!is_calm(w, now, due)) {
		w->spare_ms = now + CALM_MS;
		return;
	}
	w->spare_ms = -1;
	if (w->state != NULL)
		sql_give_back(state_sql(w->state));
	mem_give_back();
}

int64_t
spare_due(const struct watcher *w)
{
	return w->spare_ms;
}
