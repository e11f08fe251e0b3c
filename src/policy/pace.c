/* SPDX-License-Identifier: ISC */
#include "policy/pace.h"

int64_t
pace_next_ns(struct pace *pace, int64_t now_ns)
{
	int64_t left = pace->since + PACE_MOMENT_NS - now_ns;

	if (pace->reads == 0 || left <= 0) {
		pace->since = now_ns;
		pace->reads = 0;
	}
	pace->reads++;
	return pace->reads > PACE_READS ? left : 0;
}
