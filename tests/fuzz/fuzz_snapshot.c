/* SPDX-License-Identifier: ISC */

/*
 * Exercises snapshot_read: what a process takes over from the one before it.
 * The sum is put right first, so that the fields are reached.  What is taken
 * must be a table that agrees with itself, and is written as it was read.
 */

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "watch/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In the corpus the root is this one. */
static const struct snapshot_root root = { 7, 11, 13 };

static void
check(const struct dirtab *t, size_t size)
{
	void *again;
	size_t len;

	for (uint32_t dir = 0; dir < t->made; dir++) {
		assert(dirtab_by_wd(t, t->dirs[dir].wd) == dir);
		assert(dirtab_top(t, dir) == DIRTAB_ROOT);
	}
	assert(snapshot_write(t, &root, &again, &len) == 0);
	assert(len == size);
	free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);
	struct dirtab t;

	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	snapshot_seal(copy, size);
	if (dirtab_init(&t) == 0) {
		if (snapshot_read(&t, &root, copy, size) == 0)
			check(&t, size);
		dirtab_release(&t);
	}
	free(copy);
	return 0;
}
