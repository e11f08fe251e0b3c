/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_SLOTS_H
#define FILEMON_WATCH_SLOTS_H

/*
 * The two hash tables of dirtab.h.  They hold numbers of directories, probe
 * linearly and close the gap when one is taken out, so there are no marks of
 * what was deleted.  What a directory is found by must not change while it is
 * in the table.
 */

#include "watch/dirtab.h"

/* Makes sure that n directories fit, three quarters full at most; -1: ENOMEM. */
int slots_reserve(const struct dirtab *, struct dirtab_slots *, uint32_t n);
void slots_put(const struct dirtab *, struct dirtab_slots *, uint32_t dir);
void slots_del(const struct dirtab *, struct dirtab_slots *, uint32_t dir);
/* DIRTAB_NONE where there is none. */
uint32_t slots_find_wd(const struct dirtab *, int wd);
uint32_t slots_find_name(
    const struct dirtab *, uint32_t parent, const char *name, size_t len);

#endif
