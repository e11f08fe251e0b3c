/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CONF_CHECKS_H
#define FILEMON_CONF_CHECKS_H

/* What a value must be beyond its type, for the table's rows; as option_set. */

#include <stddef.h>

struct strlist;

int check_program(const struct strlist *, char *error, size_t size);
int check_command(const struct strlist *, char *error, size_t size);
int check_alert(const struct strlist *, char *error, size_t size);
int check_globs(const struct strlist *, char *error, size_t size);
int check_env(const struct strlist *, char *error, size_t size);
int check_tags(const struct strlist *, char *error, size_t size);
int check_pairs(const struct strlist *, char *error, size_t size);
int check_filled(const struct strlist *, char *error, size_t size);
int check_user(const struct strlist *, char *error, size_t size);

#endif
