/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_ENV_H
#define FILEMON_RUNNER_ENV_H

/*
 * The environment of a job, as execve(2) takes it.  It begins with what
 * filemond inherited, without what was meant for filemond alone: the service
 * manager's NOTIFY_SOCKET, LISTEN_*, WATCHDOG_*, and any FILEMON_* of a
 * filemond around this one.
 */

#include <stddef.h>
#include <stdint.h>

struct env {
	char **v; /* NULL-terminated */
	size_t n, cap;
	size_t borrowed; /* the first so many are those inherited, not ours to free */
};

/* The strings of inherited have to stay where they are. */
void env_init(struct env *, char *const *inherited);
void env_release(struct env *);
/* Replaces the variable or adds it. */
void env_set(struct env *, const char *name, const char *value);
void env_seti(struct env *, const char *name, int64_t value); /* in decimal */
/* "NAME=value"; without "=" nothing happens. */
void env_put(struct env *, const char *pair);
const char *env_get(const struct env *, const char *name);

#endif
