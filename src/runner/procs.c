/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/procs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/xmalloc.h"

#define READ_SIZE 4096
/* /proc/PID/environ is searched so far: the rest of a huge one is not ours. */
#define TEXT_MAX (256 * 1024)

void
procs_reset(struct procs *list)
{
	list->n = 0;
	list->partial = false;
}

void
procs_release(struct procs *list)
{
	free(list->v);
	*list = (struct procs)PROCS_INIT;
}

void
procs_add(struct procs *list, const struct proc *proc)
{
	if (list->n == list->cap) {
		list->cap = list->cap > 0 ? 2 * list->cap : 16;
		list->v = xreallocarray(list->v, list->cap, sizeof(*list->v));
	}
	list->v[list->n++] = *proc;
}

/* To be said while errno is that of a look that failed: is it for want of ours? */
static void
note_failure(struct procs *list)
{
	if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
		list->partial = true;
}

/* At most max bytes of an open file of /proc, whose size is not known before. */
static int
read_up_to(int fd, size_t max, struct buf *out)
{
	for (;;) {
		buf_reserve(out, READ_SIZE);
		size_t room = max - out->len < READ_SIZE ? max - out->len : READ_SIZE;
		ssize_t n = room > 0 ? read(fd, out->p + out->len, room) : 0;
		if (n <= 0)
			return (int)n;
		out->len += (size_t)n;
	}
}

/* NUL-terminated; the caller frees.  NULL with errno. */
static char *
read_proc(pid_t pid, const char *name, size_t *len)
{
	char path[64];
	struct buf text = BUF_INIT;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return NULL;
	int result = read_up_to(fd, TEXT_MAX, &text);
	fd_close(&fd);
	if (result == -1) {
		buf_release(&text);
		return NULL;
	}
	buf_addc(&text, '\0');
	*len = text.len - 1;
	return text.p;
}

/* proc(5): the name, in parentheses, may hold spaces and parentheses too. */
int
procs_stat(pid_t pid, struct proc *proc)
{
	size_t len;
	char *text = read_proc(pid, "stat", &len);
	if (!text)
		return -1;
	const char *p = strrchr(text, ')');
	int ppid, pgrp, session, threads, n = 0;
	char state;
	if (p)
		n = sscanf(p + 1,
		    " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d"
		    " %d %*d %" SCNu64,
		    &state, &ppid, &pgrp, &session, &threads, &proc->start);
	free(text);
	if (n != 6) {
		errno = ESRCH;
		return -1;
	}
	proc->pid = pid;
	/* The state is that of the first thread, which may end before others do. */
	proc->dead = state == 'Z' && threads <= 1;
	proc->headless = state == 'Z' && threads > 1;
	proc->ppid = ppid;
	proc->pgrp = pgrp;
	proc->session = session;
	return 0;
}

static DIR *
open_threads(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	return opendir(path);
}

/* The next entry of an open folder that is a number; 0 at the end. */
static pid_t
next_number(DIR *dir)
{
	const struct dirent *entry;
	while ((entry = readdir(dir))) {
		if (isdigit((unsigned char)entry->d_name[0]))
			return (pid_t)strtol(entry->d_name, NULL, 10);
	}
	return 0;
}

static void
add_listed(const char *text, pid_t parent, struct procs *list)
{
	struct proc proc;
	char *end;
	for (;; text = end) {
		long pid = strtol(text, &end, 10);
		if (end == text)
			return;
		if (procs_stat((pid_t)pid, &proc) == -1)
			note_failure(list);
		else if (proc.ppid == parent)
			procs_add(list, &proc);
	}
}

/* false where the kernel has no such file (CONFIG_PROC_CHILDREN). */
static bool
read_children(pid_t pid, struct procs *list)
{
	char path[64];
	DIR *dir = open_threads(pid);
	if (!dir) {
		note_failure(list);
		return true;
	}
	bool known = true;
	for (pid_t tid; known && (tid = next_number(dir)) > 0;) {
		size_t len;
		snprintf(path, sizeof(path), "task/%d/children", (int)tid);
		char *text = read_proc(pid, path, &len);
		if (text)
			add_listed(text, pid, list);
		else if (errno != ENOENT)
			note_failure(list);
		else
			known = access("/proc/thread-self/children", F_OK) == 0;
		free(text);
	}
	closedir(dir);
	return known;
}

uint64_t
procs_now(void)
{
	struct timespec now;
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * ticks +
	    (uint64_t)now.tv_nsec / (UINT64_C(1000000000) / ticks);
}

/* Kept open: the file is made anew whenever it is read from its beginning. */
static int
own_children_fd(void)
{
	static int fd = -1;
	static pid_t owner;
	if (owner == getpid())
		return fd;
	if (owner != 0)
		fd_close(&fd);
	owner = getpid();
	fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	return fd;
}

ssize_t
procs_own(pid_t *pids, size_t max)
{
	char text[READ_SIZE], *end;
	size_t n = 0;
	ssize_t len = pread(own_children_fd(), text, sizeof(text) - 1, 0);
	if (len == -1 || len == sizeof(text) - 1)
		return -1;
	text[len] = '\0';
	for (const char *p = text;; p = end, n++) {
		long pid = strtol(p, &end, 10);
		if (end == p)
			return (ssize_t)n;
		if (n < max)
			pids[n] = (pid_t)pid;
	}
}

void
procs_all(struct procs *list)
{
	struct proc proc;
	DIR *dir = opendir("/proc");
	if (!dir) {
		note_failure(list);
		return;
	}
	for (pid_t pid; (pid = next_number(dir)) > 0;) {
		if (procs_stat(pid, &proc) == 0)
			procs_add(list, &proc);
		else
			note_failure(list);
	}
	closedir(dir);
}

static void
add_children_among(const struct procs *all, pid_t parent, struct procs *list)
{
	for (size_t i = 0; i < all->n; i++) {
		if (all->v[i].ppid == parent)
			procs_add(list, &all->v[i]);
	}
}

void
procs_children(pid_t pid, struct procs *list)
{
	struct procs all = PROCS_INIT;
	size_t before = list->n;
	if (read_children(pid, list))
		return;
	list->n = before;
	procs_all(&all);
	add_children_among(&all, pid, list);
	list->partial |= all.partial;
	procs_release(&all);
}

static void
add_tree_among(const struct procs *all, pid_t pid, struct procs *list)
{
	size_t next = list->n;
	add_children_among(all, pid, list);
	for (; next < list->n && list->n <= all->n; next++)
		add_children_among(all, list->v[next].pid, list);
}

void
procs_tree(pid_t pid, struct procs *list)
{
	struct procs all = PROCS_INIT;
	size_t before = list->n, next = before;
	bool known = read_children(pid, list);
	for (; known && next < list->n; next++)
		known = read_children(list->v[next].pid, list);
	if (known)
		return;
	list->n = before;
	procs_all(&all);
	add_tree_among(&all, pid, list);
	list->partial |= all.partial;
	procs_release(&all);
}

/* A pidfd (Linux 5.3) pins the process, so that the look and the signal agree. */
int
procs_signal(const struct proc *proc, int sig)
{
	struct proc now;
	int fd = (int)syscall(SYS_pidfd_open, proc->pid, 0);
	int result = -1;
	if (fd == -1 && errno == ESRCH)
		return -1;
	if (procs_stat(proc->pid, &now) == -1 || now.start != proc->start)
		errno = ESRCH;
	else if (fd == -1)
		result = kill(proc->pid, sig);
	else
		result = (int)syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
	fd_close(&fd);
	return result;
}

/* That of a thread which still has one. */
static char *
read_threads_environ(pid_t pid, size_t *len)
{
	char name[64], *text = NULL;
	DIR *dir = open_threads(pid);
	if (!dir)
		return NULL;
	for (pid_t tid; !text && (tid = next_number(dir)) > 0;) {
		snprintf(name, sizeof(name), "task/%d/environ", (int)tid);
		text = read_proc(pid, name, len);
		if (text && *len == 0) {
			free(text);
			text = NULL;
		}
	}
	closedir(dir);
	return text;
}

bool
procs_env(const struct proc *proc, const char *name, char *value, size_t size)
{
	size_t len = 0, name_len = strlen(name);
	char *text = proc->headless ? read_threads_environ(proc->pid, &len)
				    : read_proc(proc->pid, "environ", &len);
	bool found = false;
	for (const char *p = text; p && p < text + len; p += strlen(p) + 1) {
		if (strncmp(p, name, name_len) != 0 || p[name_len] != '=')
			continue;
		found = (size_t)snprintf(value, size, "%s", p + name_len + 1) < size;
		break;
	}
	free(text);
	return found;
}
