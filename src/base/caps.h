/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_CAPS_H
#define FILEMON_BASE_CAPS_H

/* What a process may do besides what its user may; capabilities(7). */

#include <linux/capability.h>
#include <stdint.h>

#define CAPS_BIT(cap) (UINT64_C(1) << (cap))

/*
 * Gives up, for good while no_new_privs or no exec follows, all that are not in
 * keep: of the permitted and effective ones; inheritable and ambient ones are
 * given up altogether.  Who has none gives up nothing.  -1 with errno.
 */
int caps_limit(uint64_t keep);
/* Has only those of want take effect, of what it may have; -1 with errno. */
int caps_effective(uint64_t want);

#endif
