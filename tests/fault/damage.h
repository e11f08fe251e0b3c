/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_TESTS_DAMAGE_H
#define FILEMON_TESTS_DAMAGE_H

#include <stdint.h>

/*
 * Damages state.db, or its WAL, in the directory, in one of many ways, that
 * seed chooses; says which.
 */
const char *damage(const char *dir, uint32_t seed);

#endif
