/* SPDX-License-Identifier: ISC */
#include "policy/settle.h"

/* The kernel's coarse clock ticks every 10 ms at HZ=100; two of them. */
#define TICK_MS 20
/* FAT counts in steps of 2 s. */
#define COARSE_TICK_MS 2000
#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

int64_t
settle_due(const struct settle_limits *limits, int64_t first_ms, int64_t now_ms)
{
	int64_t quiet = now_ms + limits->settle_ms;
	int64_t last = first_ms + limits->settle_max_ms;
	return quiet < last ? quiet : last;
}

static int64_t
to_ns(const struct timespec *ts)
{
	int64_t ns;
	if (__builtin_mul_overflow((int64_t)ts->tv_sec, NS_PER_S, &ns) ||
	    __builtin_add_overflow(ns, ts->tv_nsec, &ns))
		return INT64_MIN; /* as far from now as can be */
	return ns;
}

/* How long from now until a stamp is tick_ms old; 0: it is, or it lies in the
   future, where somebody put it on purpose. */
static int64_t
wait_ms(int64_t stamp_ns, int64_t wall_ns, int64_t tick_ms)
{
	int64_t age, tick = tick_ms * NS_PER_MS;
	if (__builtin_sub_overflow(wall_ns, stamp_ns, &age))
		return 0;
	if (age >= tick || age <= -tick)
		return 0;
	return (tick - age + NS_PER_MS - 1) / NS_PER_MS;
}

int64_t
settle_unsure_stamps_ms(int64_t mtime_ns, int64_t ctime_ns, int64_t wall_ns)
{
	bool coarse = mtime_ns % NS_PER_S == 0 && ctime_ns % NS_PER_S == 0;
	int64_t tick = coarse ? COARSE_TICK_MS : TICK_MS;
	int64_t mtime = wait_ms(mtime_ns, wall_ns, tick);
	int64_t ctime = wait_ms(ctime_ns, wall_ns, tick);
	return mtime > ctime ? mtime : ctime;
}

int64_t
settle_unsure_ms(const struct stat *st, int64_t wall_ns)
{
	return settle_unsure_stamps_ms(to_ns(&st->st_mtim), to_ns(&st->st_ctim), wall_ns);
}
