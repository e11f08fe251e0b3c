/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * Preloaded into filemond: see fault.h.  Of the libraries that it uses (SQLite,
 * libev, libbsd ...) the calls are counted as its own.
 */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct fault_page *fault_page;
static enum fault_role role = ROLE_SUPERVISOR;
static bool between; /* after a fork, until there is a title */
static bool paused;

static const char *const role_names[ROLES] = {
	[ROLE_SUPERVISOR] = "supervisor",
	[ROLE_WATCHER] = "watcher",
	[ROLE_RUNNER] = "runner",
	[ROLE_JOB] = "job",
};

__attribute__((constructor)) static void
map_page(void)
{
	const char *name = getenv("FAULT_PAGE");
	int fd = name == NULL ? -1 : open(name, O_RDWR | O_CLOEXEC);
	void *page = MAP_FAILED;

	if (fd != -1)
		page = mmap(
		    NULL, sizeof(*fault_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd != -1)
		close(fd);
	if (page != MAP_FAILED)
		fault_page = page;
}

void
fault_pause(bool pause)
{
	paused = pause;
}

bool
fault_in_role(enum fault_role wanted)
{
	return fault_page != NULL && !between && role == wanted;
}

bool fault_hit(enum fault_class class)
{
	struct fault_page *p = fault_page;
	uint32_t n;

	if (p == NULL || between || paused || p->fired)
		return false;
	n = __atomic_add_fetch(&p->hits[role][class], 1, __ATOMIC_RELAXED);
	if (p->error == 0 || p->role != (int)role || p->class != (int)class ||
	    n != (uint32_t)p->nth)
		return false;
	p->fired = 1;
	if (p->error == FAULT_POWER)
		shadow_cut();
	if (p->error < 0) {
		kill(getpid(), SIGKILL);
		__builtin_trap(); /* the watcher's sandbox may not let it */
	}
	errno = p->error;
	return true;
}

void
fault_forked(void)
{
	if (role == ROLE_RUNNER)
		role = ROLE_JOB;
	else
		between = true;
}

void
setproctitle(const char *fmt, ...)
{
	static void (*real)(const char *, ...);
	char title[512];
	va_list ap;

	SHIM_REAL(real, "setproctitle");
	va_start(ap, fmt);
	vsnprintf(title, sizeof(title), fmt, ap);
	va_end(ap);
	for (int i = 0; i < ROLES; i++)
		if (strncmp(title, role_names[i], strlen(role_names[i])) == 0) {
			role = (enum fault_role)i;
			between = false;
		}
	if (role == ROLE_WATCHER)
		shadow_start();
	real("%s", title);
}

int
clock_gettime(clockid_t clock, struct timespec *t)
{
	static int (*real)(clockid_t, struct timespec *);
	int rc;

	SHIM_REAL(real, "clock_gettime");
	rc = real(clock, t);
	if (rc == 0 && fault_page != NULL && fault_page->clock_ns != 0 &&
	    (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
		int64_t ns =
		    t->tv_sec * INT64_C(1000000000) + t->tv_nsec + fault_page->clock_ns;

		t->tv_sec = ns / 1000000000;
		t->tv_nsec = ns % 1000000000;
	}
	return rc;
}
