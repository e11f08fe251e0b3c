/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "enrich/session.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "enrich/process.h"
#include "enrich/procfile.h"

#define ENVIRON_MAX (64 * 1024) /* what is further on is not found */
#define VALUE_MAX 1024

/* The device of others than pseudo terminals is named in /sys. */
static void
add_terminal(struct buf *out, int tty)
{
	char path[64], link[PATH_MAX], name[64];
	int pts = procfile_pts(tty);
	const char *base = NULL;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u", procfile_tty_major(tty),
	    procfile_tty_minor(tty));
	if (pts >= 0) {
		snprintf(name, sizeof(name), "/dev/pts/%d", pts);
	} else if ((n = readlink(path, link, sizeof(link) - 1)) > 0) {
		link[n] = '\0';
		base = strrchr(link, '/');
		snprintf(
		    name, sizeof(name), "/dev/%.50s", base == NULL ? link : base + 1);
	} else {
		return;
	}
	buf_add_member(out, "terminal", name, strlen(name));
}

/* SSH_CONNECTION: "address port address port" of client and server. */
static void
add_ssh(struct buf *out, const char *value)
{
	size_t len = strcspn(value, " ");
	unsigned port;

	buf_add_member(out, "ssh_client", value, len);
	if (sscanf(value + len, " %5u", &port) == 1 && port <= 65535)
		buf_addf(out, ",\"ssh_client_port\":%u", port);
}

/* TMUX: "socket,pid,session"; the socket is a path, which may have commas. */
static void
add_tmux(struct buf *out, const char *value)
{
	size_t len = strlen(value);

	for (int commas = 0; len > 0 && commas < 2;)
		commas += value[--len] == ',';
	buf_add_member(out, "tmux", value, len == 0 ? strlen(value) : len);
}

static void
add_pane(struct buf *out, const char *value)
{
	buf_add_member(out, "tmux_pane", value, strlen(value));
}

static const struct variable {
	const char *name;
	void (*add)(struct buf *, const char *value);
} variables[] = {
	{ "SSH_CONNECTION", add_ssh },
	{ "TMUX", add_tmux },
	{ "TMUX_PANE", add_pane },
};

/* Those that are not found yet, by their bits, which it returns then. */
static unsigned
add_environment(struct buf *out, int pid, unsigned found)
{
	size_t len = 0;
	char *text = process_read(pid, "environ", ENVIRON_MAX, &len);

	for (unsigned i = 0; text != NULL && i < COUNTOF(variables); i++) {
		const char *value = procfile_env(text, len, variables[i].name);

		if (found & 1U << i || value == NULL || *value == '\0' ||
		    strlen(value) > VALUE_MAX)
			continue;
		variables[i].add(out, value);
		found |= 1U << i;
	}
	free(text);
	return found;
}

/* The number of a session's leader is given to nobody else while the session
   has a process. */
bool
session_render(struct buf *out, int pid)
{
	struct process_ids ids;
	unsigned found;

	if (!process_ids(pid, &ids))
		return false;
	buf_addf(out, "\"session\":%d", ids.session);
	if (ids.tty != 0)
		add_terminal(out, ids.tty);
	found = add_environment(out, pid, 0);
	if (ids.session > 0 && ids.session != pid)
		add_environment(out, ids.session, found);
	return true;
}
