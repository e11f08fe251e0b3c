/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "enrich/process.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/xmalloc.h"
#include "enrich/procfile.h"
#include "enrich/session.h"

#define STAT_MAX 1024
#define STATUS_MAX 8192
#define CMDLINE_MAX 2048 /* of a longer one the beginning is shown */
#define GROUPS_MAX 64
#define PASSWD_LINES 20000

/* Such files come whole in one read. */
char *
process_read(int pid, const char *name, size_t max, size_t *len)
{
	char path[64], *text = NULL;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return NULL;
	text = xmalloc(max + 1);
	n = read(fd, text, max);
	close(fd);
	*len = n > 0 ? (size_t)n : 0;
	text[*len] = '\0';
	return text;
}

/* The arguments, with blanks between them; empty for what has none. */
static void
add_cmdline(struct buf *out, int pid)
{
	size_t len = 0;
	char *text = process_read(pid, "cmdline", CMDLINE_MAX, &len);

	while (text != NULL && len > 0 && text[len - 1] == '\0')
		len--;
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	if (text != NULL && len > 0)
		buf_add_member(out, "cmdline", text, len);
	free(text);
}

/* The caller frees the text, which stat is within; NULL: there is none. */
static char *
read_stat(int pid, struct proc_stat *stat)
{
	size_t len = 0;
	char *text = process_read(pid, "stat", STAT_MAX, &len);

	if (text != NULL && procfile_stat(text, stat))
		return text;
	free(text);
	return NULL;
}

bool
process_ids(int pid, struct process_ids *ids)
{
	struct proc_stat stat;
	char *text = read_stat(pid, &stat);

	if (text == NULL)
		return false;
	*ids = (struct process_ids){ stat.parent, stat.session, stat.tty };
	free(text);
	return true;
}

static bool
add_stat(struct buf *out, int pid)
{
	struct proc_stat stat;
	char *text = read_stat(pid, &stat);

	if (text == NULL)
		return false;
	buf_add_member(out, "command", stat.command, stat.command_len);
	buf_addf(out, ",\"parent\":%d", stat.parent);
	free(text);
	return true;
}

static bool
add_process(struct buf *out, int pid)
{
	bool read = add_stat(out, pid);

	if (read)
		add_cmdline(out, pid);
	return read;
}

static void
add_user_name(struct buf *out, uid_t uid)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *pw = NULL;

	if (file == NULL)
		return;
	for (int n = 0; n < PASSWD_LINES && (pw = fgetpwent(file)) != NULL; n++)
		if (pw->pw_uid == uid)
			break;
	if (pw != NULL && pw->pw_uid == uid)
		buf_add_member(out, "name", pw->pw_name, strlen(pw->pw_name));
	fclose(file);
}

static void
add_groups(struct buf *out, const char *line)
{
	char *end;

	buf_adds(out, ",\"groups\":[");
	for (int n = 0; n < GROUPS_MAX; n++, line = end) {
		unsigned long gid;
		while (*line == ' ' || *line == '\t')
			line++;
		if (*line < '0' || *line > '9')
			break;
		gid = strtoul(line, &end, 10);
		buf_addf(out, n > 0 ? ",%lu" : "%lu", gid);
	}
	buf_addc(out, ']');
}

/* By the effective user, whose rights the kernel looked at. */
static bool
add_user(struct buf *out, int pid)
{
	size_t len = 0;
	char *text = process_read(pid, "status", STATUS_MAX, &len);
	const char *uids = text == NULL ? NULL : strstr(text, "\nUid:");
	const char *groups = text == NULL ? NULL : strstr(text, "\nGroups:");
	unsigned uid;
	bool read = uids != NULL && sscanf(uids, "\nUid: %*u %u", &uid) == 1;

	if (read) {
		buf_addf(out, "\"uid\":%u", uid);
		add_user_name(out, uid);
		if (groups != NULL)
			add_groups(out, groups + strlen("\nGroups:"));
	}
	free(text);
	return read;
}

/* What belongs to one context. */
struct part {
	const char *member; /* NULL: it is there also where nothing was read */
	unsigned kind;
	bool (*add)(struct buf *, int pid);
	struct buf text;
	bool is_read;
};

static void
add_part(struct buf *out, const struct part *part)
{
	buf_addf(out, ",\"%s\":{", part->member);
	buf_add(out, part->text.p, part->text.len);
	buf_addc(out, '}');
}

bool
process_is_running(int pidfd)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };

	return pidfd != -1 && poll(&pfd, 1, 0) == 0;
}

static void
read_parts(struct part *parts, size_t n, unsigned kinds, int pid)
{
	for (size_t i = 0; i < n; i++)
		parts[i].is_read =
		    (kinds & parts[i].kind) && parts[i].add(&parts[i].text, pid);
}

void
process_render(struct buf *out, unsigned kinds, int pid, int pidfd)
{
	struct part parts[] = {
		{ "user_context", ENRICH_USER, add_user, BUF_INIT, false },
		{ "session_context", ENRICH_SESSION, session_render, BUF_INIT, false },
		{ NULL, ENRICH_PROCESS, add_process, BUF_INIT, false },
	};
	const struct part *process = &parts[COUNTOF(parts) - 1];
	bool running = process_is_running(pidfd);

	if (running)
		read_parts(parts, COUNTOF(parts), kinds, pid);
	running = running && process_is_running(pidfd);
	buf_adds(out, ",\"attribution\":\"exact\"");
	if (kinds & ENRICH_PROCESS) {
		buf_addf(out, ",\"process_context\":{\"pid\":%d", pid);
		if (process->is_read && running)
			buf_add(out, process->text.p, process->text.len);
		buf_addc(out, '}');
	}
	for (size_t i = 0; i < COUNTOF(parts); i++) {
		if (parts[i].is_read && running && parts[i].member != NULL)
			add_part(out, &parts[i]);
		buf_release(&parts[i].text);
	}
}
