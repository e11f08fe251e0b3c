/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/leftovers.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clk.h"
#include "runner/procs.h"

/* A process that forks and exits in a loop is only met by one who is as quick. */
#define QUICK_PASSES 20
#define LOOK_AGAIN_MS 5

/* Zombies of ours are only to be reaped; those below others are theirs. */
static void
kill_living(const struct procs *list)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!list->v[i].dead)
			procs_signal(&list->v[i], SIGKILL);
	}
}

/* false where no child is left at all. */
static bool
reap_dead(void)
{
	pid_t pid;
	do
		pid = waitpid(-1, NULL, WNOHANG | __WALL);
	while (pid > 0 || (pid == -1 && errno == EINTR));
	return pid == 0;
}

size_t
leftovers_end_all(int64_t max_ms)
{
	struct procs list = PROCS_INIT;
	int64_t end = clk_mono_ms() + max_ms;
	size_t left = 0;
	/* A descendant is below a child, so none is left when no child is. */
	for (int pass = 0; reap_dead(); pass++) {
		procs_reset(&list);
		procs_tree(getpid(), &list);
		kill_living(&list);
		if (clk_mono_ms() >= end) {
			left = list.n > 0 ? list.n : 1;
			break;
		}
		poll(NULL, 0, pass < QUICK_PASSES ? 0 : LOOK_AGAIN_MS);
	}
	procs_release(&list);
	return left;
}

/* Itself and those above it. */
static void
add_ancestors(struct procs *list)
{
	struct proc proc;
	for (pid_t pid = getpid(); pid > 0 && procs_stat(pid, &proc) == 0;
	     pid = proc.ppid)
		procs_add(list, &proc);
}

static bool
holds(const struct procs *list, pid_t pid)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].pid == pid)
			return true;
	}
	return false;
}

static bool
is_marked(const struct proc *proc, const char *name, const char *prefix, const char *ours)
{
	char value[256];
	return procs_env(proc, name, value, sizeof(value)) &&
	    strncmp(value, prefix, strlen(prefix)) == 0 &&
	    strncmp(value, ours, strlen(ours)) != 0;
}

size_t
leftovers_end_marked(const char *name, const char *prefix, const char *ours)
{
	struct procs all = PROCS_INIT, spared = PROCS_INIT;
	size_t n = 0;
	add_ancestors(&spared);
	procs_all(&all);
	for (size_t i = 0; i < all.n; i++) {
		const struct proc *proc = &all.v[i];
		if (!proc->dead && !holds(&spared, proc->pid) &&
		    is_marked(proc, name, prefix, ours) &&
		    procs_signal(proc, SIGKILL) == 0)
			n++;
	}
	procs_release(&all);
	procs_release(&spared);
	return n;
}
