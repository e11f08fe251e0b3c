/* SPDX-License-Identifier: ISC */
#include "daemon/locks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "base/compiler.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "daemon/lock.h"

/* Only filemonctl init makes a .filemon: a typo in -C must not. */
static bool
is_default_state_dir(const struct config *config)
{
	size_t n = strlen(config->project);
	return strncmp(config->state_dir, config->project, n) == 0 &&
	    strcmp(config->state_dir + n, "/.filemon") == 0;
}

/* The one that came over an exec, or a new one; -1 as lock_take. */
static int
keep_or_take(const char *dir, struct locks *had, pid_t *holder)
{
	int *const fds[] = { &had->state, &had->project };
	for (size_t i = 0; i < COUNTOF(fds); i++) {
		if (*fds[i] == -1 || !lock_is_held(dir, *fds[i]))
			continue;
		int fd = *fds[i];
		*fds[i] = -1;
		return fd;
	}
	return lock_take(dir, holder);
}

static int
refuse(const char *dir, pid_t holder, char *error, size_t size)
{
	if (errno != EWOULDBLOCK) {
		snprintf(error, size, "%s/lock: %s", dir, strerror(errno));
		return EXIT_FAILURE;
	}
	if (holder > 0)
		snprintf(error, size, "another filemond (pid %d) holds %s/lock",
		    (int)holder, dir);
	else
		snprintf(error, size, "another filemond holds %s/lock", dir);
	return EX_TEMPFAIL;
}

/* Is dir a directory, and another one than that of the state? */
static bool
is_besides(const char *dir, const char *state_dir)
{
	struct stat st, state;
	if (lstat(dir, &st) == -1 || !S_ISDIR(st.st_mode))
		return false;
	return stat(state_dir, &state) == -1 || st.st_dev != state.st_dev ||
	    st.st_ino != state.st_ino;
}

/* A .filemon that cannot be written to is no reason not to run. */
static int
take_project(struct locks *locks, const struct config *config, struct locks *had,
    char *error, size_t size)
{
	char *dir = xasprintf("%s/.filemon", config->project);
	pid_t holder = 0;
	int code = 0;
	if (is_besides(dir, config->state_dir)) {
		locks->project = keep_or_take(dir, had, &holder);
		if (locks->project == -1 && errno == EWOULDBLOCK)
			code = refuse(dir, holder, error, size);
		else if (locks->project == -1)
			log_warn("%s/lock (another filemond with another state-dir would "
				 "not be noticed)",
			    dir);
	}
	free(dir);
	return code;
}

static int
take_state(struct locks *locks, const struct config *config, struct locks *had,
    char *error, size_t size)
{
	const char *dir = config->state_dir;
	pid_t holder = 0;
	if (lock_check_dir(dir, !is_default_state_dir(config), error, size) == -1)
		return EXIT_FAILURE;
	locks->state = keep_or_take(dir, had, &holder);
	if (locks->state == -1)
		return refuse(dir, holder, error, size);
	if (!lock_is_passed_by(dir, &holder))
		return 0;
	snprintf(error, size,
	    "another process (pid %d) writes %s/state.db: a filemond whose lock file was "
	    "removed: end it by SIGTERM",
	    (int)holder, dir);
	return EX_TEMPFAIL;
}

/*
 * The project's is the first: it is free before the other one then, which is what
 * a stop waits for, and who is refused has made no directory.
 */
int
locks_take(struct locks *locks, const struct config *config, bool apart, char *error,
    size_t size)
{
	struct locks had = *locks;
	int code = 0;
	*locks = LOCKS_NONE;
	if (!apart)
		code = take_project(locks, config, &had, error, size);
	if (code == 0)
		code = take_state(locks, config, &had, error, size);
	locks_close(&had);
	return code;
}

void
locks_write_pid(const struct locks *locks, const struct config *config)
{
	if (lock_write_pid(locks->state) == -1 ||
	    (locks->project != -1 && lock_write_pid(locks->project) == -1))
		log_warn("%s/lock: the pid cannot be written", config->state_dir);
}

void
locks_close(struct locks *locks)
{
	fd_close(&locks->state);
	fd_close(&locks->project);
}
