/* SPDX-License-Identifier: ISC */
#include "eventlog/retention.h"

#include "eventlog/name.h"

#define NSEC_PER_MSEC INT64_C(1000000)

struct decision {
	const struct retention *limits;
	const struct kept *v;
	size_t n;
	size_t closed; /* so many are not written to any more */
	int64_t bytes; /* of those that stay */
};

static size_t
count_closed(const struct kept *v, size_t n)
{
	while (n > 0 && v[n - 1].bytes == 0)
		n--;
	return n > 0 ? n - 1 : 0;
}

/* There is one after every closed segment. */
static bool
is_needed(const struct decision *d, size_t i)
{
	return d->v[i + 1].first > d->limits->floor;
}

static bool
is_beyond(const struct decision *d, size_t i, int64_t wall_ns)
{
	const struct retention *limits = d->limits;
	return (limits->bytes > 0 && d->bytes > limits->bytes) ||
	    (limits->count > 0 && d->n - i > (size_t)limits->count) ||
	    (limits->age_ms > 0 &&
		(wall_ns - d->v[i].last_ns) / NSEC_PER_MSEC > limits->age_ms);
}

static uint64_t
count_needed(const struct decision *d, size_t i)
{
	uint64_t floor = d->limits->floor, from = d->v[i].first;
	if (!is_needed(d, i))
		return 0;
	return d->v[i + 1].first - (floor > from ? floor : from);
}

static void
decide_drop(struct decision *d, int64_t wall_ns, struct retention_plan *plan)
{
	int64_t cap = d->limits->hard_cap;
	for (; plan->drop < d->closed; plan->drop++) {
		bool forced = cap > 0 && d->bytes > cap;
		if (!forced && !is_beyond(d, plan->drop, wall_ns))
			return;
		if (d->v[plan->drop].first == d->limits->busy ||
		    (!forced && is_needed(d, plan->drop))) {
			plan->held = true;
			return;
		}
		plan->lost += count_needed(d, plan->drop);
		d->bytes -= d->v[plan->drop].bytes;
	}
}

static void
decide_pack(const struct decision *d, struct retention_plan *plan)
{
	for (size_t i = plan->drop; i < d->closed && d->limits->pack; i++) {
		if (!(d->v[i].forms & FORM_PLAIN) || d->v[i].bytes == 0)
			continue;
		plan->passed = d->v[i].first < d->limits->pack_from;
		if (plan->passed)
			continue;
		plan->pack = !is_needed(d, i);
		plan->held = plan->held || !plan->pack;
		plan->pack_first = d->v[i].first;
		return;
	}
}

void
retention_decide(const struct retention *limits, const struct kept *v, size_t n,
    int64_t wall_ns, struct retention_plan *plan)
{
	struct decision d = { limits, v, n, count_closed(v, n), 0 };
	*plan = (struct retention_plan){ 0 };
	for (size_t i = 0; i < n; i++)
		d.bytes += v[i].bytes;
	decide_drop(&d, wall_ns, plan);
	decide_pack(&d, plan);
}
