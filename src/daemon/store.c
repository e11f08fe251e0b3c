/* SPDX-License-Identifier: ISC */
#include "daemon/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/log.h"
#include "base/notify.h"

#define FIRST_FD 3   /* SD_LISTEN_FDS_START */
#define FDS_MAX 1024 /* sockets may be among them, and what others stored */
#define TABLE "filemon-table"
#define WATCH "filemon-watch-"

static const char *const variables[] = { "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES" };

static bool
keep_one(int fd, const char *name)
{
	char text[96];

	/* FDPOLL: a queue that can be read is no reason to drop it */
	snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	if (notify_send_fd(fd, text) != -1)
		return true;
	log_warn("service manager: %s is not stored (the tree is compared at the next "
		 "start)",
	    name);
	return false;
}

void
store_keep(const struct handover *h)
{
	char name[sizeof(WATCH) + 3 * sizeof(size_t)];

	/* Each may wait for a manager that does not read: of no use without the rest. */
	bool kept = keep_one(h->table, TABLE);

	for (size_t i = 0; i < h->n_watches && kept; i++) {
		snprintf(name, sizeof(name), "%s%zu", WATCH, i);
		kept = keep_one(h->watches[i], name);
	}
}

/* Where a descriptor of that name belongs; NULL: nowhere. */
static int *
place_of(struct handover *h, const char *name)
{
	size_t len = strlen(WATCH);
	unsigned long i;
	char *end;

	if (strcmp(name, TABLE) == 0)
		return &h->table;
	if (strncmp(name, WATCH, len) != 0 || name[len] < '0' || name[len] > '9')
		return NULL;
	i = strtoul(name + len, &end, 10);
	if (*end != '\0' || i >= HANDOVER_ROOTS)
		return NULL;
	while (h->n_watches <= i)
		h->watches[h->n_watches++] = -1;
	return &h->watches[i];
}

/* false: there was one of that name. */
static bool
take_one(struct handover *h, int fd, const char *name)
{
	int *place = place_of(h, name);
	bool first = place == NULL || *place == -1;

	if (place == NULL || fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return true;
	notify_send("FDSTOREREMOVE=1\nFDNAME=%s", name);
	if (first)
		*place = fd;
	else
		close(fd);
	return first;
}

/* 0 where it is meant for another process, or no number; others may be among them. */
static long
count_fds(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	long n;

	if (pid == NULL || count == NULL || strtol(pid, NULL, 10) != getpid())
		return 0;
	n = strtol(count, NULL, 10);
	return n > 0 && n <= FDS_MAX ? n : 0;
}

bool
store_take(struct handover *h)
{
	const char *names = getenv("LISTEN_FDNAMES");
	long n = names == NULL ? 0 : count_fds();
	bool each_once = true;
	char name[64];

	*h = HANDOVER_NONE;
	for (int fd = FIRST_FD; fd < FIRST_FD + n; fd++) {
		size_t len = strcspn(names, ":");

		snprintf(name, sizeof(name), "%.*s", (int)len, names);
		if (len < sizeof(name))
			each_once = take_one(h, fd, name) && each_once;
		names += len + (names[len] == ':');
	}
	for (size_t i = 0; i < COUNTOF(variables); i++)
		unsetenv(variables[i]);
	if (each_once)
		return h->table != -1;
	log_warnx(
	    "service manager: what two daemons left is stored (the tree is compared)");
	handover_close(h);
	return false;
}
