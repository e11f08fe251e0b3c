/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/fd.h"
#include "base/nofile.h"
#include "base/xmalloc.h"
#include "runner/privilege.h"

#define STATUS_FD 3
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"
#define GROUPS_MAX 65536
/* The child's few calls need little; execve(2) takes the lists from where they are. */
#define STACK_SIZE (64 * 1024)

/* A child on a foreign stack in shared memory is nothing for AddressSanitizer. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CANNOT_BORROW 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define CANNOT_BORROW 1
#endif

static const char *const step_names[] = {
	[SPAWN_LOOKUP] = "look in PATH",
	[SPAWN_PIPE] = "pipe",
	[SPAWN_FORK] = "fork",
	[SPAWN_SETSID] = "setsid",
	[SPAWN_STDIO] = "stdio",
	[SPAWN_CGROUP] = "cgroup",
	[SPAWN_LIMITS] = "limits",
	[SPAWN_USER] = "change of user",
	[SPAWN_PARENT] = "parent",
	[SPAWN_CHDIR] = "chdir",
	[SPAWN_EXEC] = "exec",
};
_Static_assert(COUNTOF(step_names) == SPAWN_STEP_MAX, "a step lacks its name");

/* All that the child needs, so that it has nothing to compute. */
struct plan {
	const struct spawn *spawn;
	const char *program;
	pid_t parent;
	int status_fd; /* -1: failure is told through memory */
	struct spawn_error failure;
	int in_fd;
	const int *changed_signals;
	bool change_user;
};

static int
failed(struct spawn_error *error, enum spawn_step step, int number)
{
	*error = (struct spawn_error){ step, number };
	return -1;
}

static void NORETURN
give_up(struct plan *plan, enum spawn_step step)
{
	struct spawn_error error = { step, errno };
	if (plan->status_fd == -1) {
		plan->failure = error;
		_exit(127);
	}
	/* Smaller than PIPE_BUF and into an empty pipe: written whole, or nobody reads.
	 */
	ssize_t n = write(plan->status_fd, &error, sizeof(error));
	_exit(n == sizeof(error) ? 127 : 126);
}

/* Signals that are not as a program expects them; in 0, how many. */
static const int *
changed_signals(void)
{
	static int changed[NSIG + 1];
	static bool known;
	struct sigaction now;
	for (int sig = 1; !known && sig < NSIG; sig++) {
		if (sigaction(sig, NULL, &now) == 0 && now.sa_handler != SIG_DFL)
			changed[++changed[0]] = sig;
	}
	known = true;
	return changed;
}

/* exec keeps SIG_IGN: with SIGPIPE ignored no `handler | head` would ever end. */
static void
reset_signals(const int *changed)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;
	for (int i = 1; i <= changed[0]; i++)
		sigaction(changed[i], &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Opened once, so that a child has nothing to look up. */
static int
null_fd(void)
{
	static int fd = -1;
	if (fd == -1)
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd;
}

static void
set_stdio(struct plan *plan)
{
	if (dup2(plan->in_fd, STDIN_FILENO) == -1 ||
	    dup2(plan->spawn->out_fd, STDOUT_FILENO) == -1 ||
	    dup2(plan->spawn->err_fd, STDERR_FILENO) == -1)
		give_up(plan, SPAWN_STDIO);
}

/* What lies at STATUS_FD goes: it may be an output pipe, which is at 1 or 2 by now. */
static void
close_others(struct plan *plan)
{
	if (plan->status_fd == -1) {
		closefrom(STATUS_FD);
		return;
	}
	if (plan->status_fd != STATUS_FD) {
		if (dup3(plan->status_fd, STATUS_FD, O_CLOEXEC) == -1)
			give_up(plan, SPAWN_STDIO);
		plan->status_fd = STATUS_FD;
	}
	closefrom(STATUS_FD + 1);
}

/* "0" is the writer itself. */
static void
enter_cgroup(struct plan *plan)
{
	int fd = plan->spawn->cgroup_fd;
	if (fd > 0 && write(fd, "0", 1) == -1)
		give_up(plan, SPAWN_CGROUP);
}

static void NORETURN
child(struct plan *plan)
{
	const struct spawn *spawn = plan->spawn;
	set_stdio(plan);
	enter_cgroup(plan);
	close_others(plan);
	if (setsid() == -1)
		give_up(plan, SPAWN_SETSID);
	if (spawn->limits && privilege_limit(spawn->limits) == -1)
		give_up(plan, SPAWN_LIMITS);
	if (plan->change_user && privilege_drop(spawn->user) == -1)
		give_up(plan, SPAWN_USER);
	/* After setresuid(2), which clears it; the parent may be gone already. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != plan->parent)
		give_up(plan, SPAWN_PARENT);
	if (spawn->cwd && chdir(spawn->cwd) == -1)
		give_up(plan, SPAWN_CHDIR);
	reset_signals(plan->changed_signals);
	nofile_restore();
	execve(plan->program, spawn->argv, spawn->envp);
	give_up(plan, SPAWN_EXEC);
}

static const char *
path_of(char *const *envp)
{
	for (; *envp; envp++) {
		if (strncmp(*envp, "PATH=", 5) == 0)
			return *envp + 5;
	}
	return DEFAULT_PATH;
}

/* 0 where it can be run, else why not. */
static int
look_at(const char *program)
{
	struct stat st;
	if (stat(program, &st) == -1)
		return errno;
	return S_ISREG(st.st_mode) && (st.st_mode & 0111) ? 0 : EACCES;
}

/*
 * As execvp(3), but relative folders in PATH are passed over: the child's
 * working directory is a tree that others write to.  And a file of no known
 * format is not given to a shell.  NULL with errno.
 */
static char *
look_up(const char *name, const char *path)
{
	struct buf full = BUF_INIT;
	int error = ENOENT;
	if (strchr(name, '/'))
		return xstrdup(name);
	for (size_t n; *path && *name; path += n + (path[n] == ':')) {
		n = strcspn(path, ":");
		if (path[0] != '/')
			continue;
		buf_reset(&full);
		buf_add(&full, path, n);
		buf_addc(&full, '/');
		buf_adds(&full, name);
		int why = look_at(full.p);
		if (why == 0)
			return full.p;
		if (why == EACCES)
			error = why;
	}
	buf_release(&full);
	errno = error;
	return NULL;
}

int
spawn_find(const char *program, char *const *envp)
{
	char *place = look_up(program, path_of(envp));
	int error = place == NULL ? errno : look_at(place);
	free(place);
	return error;
}

static int
borrowing_child(void *plan)
{
	child(plan);
}

/* As vfork(2), on a stack of its own: the parent stands still until the exec. */
static pid_t
borrow(struct plan *plan)
{
	static char stack[STACK_SIZE] __attribute__((aligned(64)));
	return clone(borrowing_child, stack + sizeof(stack),
	    CLONE_VM | CLONE_VFORK | SIGCHLD, plan);
}

/* Signals are blocked meanwhile: the parent's handlers must not run in the child. */
static pid_t
fork_child(struct plan *plan)
{
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = plan->status_fd == -1 ? borrow(plan) : fork();
	if (pid == 0)
		child(plan);
	int saved = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return pid;
}

/* Where the program did not start there is no child, whom nobody would expect. */
static int
start_quick(struct plan *plan, struct spawned *out, struct spawn_error *error)
{
	out->pid = fork_child(plan);
	if (out->pid == -1)
		return failed(error, SPAWN_FORK, errno);
	if (plan->failure.error == 0)
		return 0;
	waitpid(out->pid, NULL, 0);
	*error = plan->failure;
	return -1;
}

static int
start_told(struct plan *plan, struct spawned *out, struct spawn_error *error)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) == -1)
		return failed(error, SPAWN_PIPE, errno);
	plan->status_fd = fds[1];
	out->pid = fork_child(plan);
	if (out->pid == -1) {
		failed(error, SPAWN_FORK, errno);
		fd_close(&fds[0]);
	}
	fd_close(&fds[1]);
	out->status_fd = fds[0];
	return out->pid == -1 ? -1 : 0;
}

/* A child that has changed its user and shares our memory would lay it open. */
static bool
may_borrow(const struct plan *plan)
{
#ifdef CANNOT_BORROW
	(void)plan;
	return false;
#else
	return plan->spawn->quick && !plan->change_user;
#endif
}

int
spawn_start(const struct spawn *spawn, struct spawned *out, struct spawn_error *error)
{
	*out = (struct spawned){ -1, -1 };
	int in_fd = spawn->in_fd > 0 ? spawn->in_fd : null_fd();
	if (in_fd == -1)
		return failed(error, SPAWN_STDIO, errno);
	struct plan plan = {
		.spawn = spawn,
		.parent = getpid(),
		.status_fd = -1,
		.in_fd = in_fd,
		.changed_signals = changed_signals(),
		.change_user = spawn->user && spawn->user->uid != geteuid(),
	};
	char *program = look_up(spawn->argv[0], path_of(spawn->envp));
	if (!program)
		return failed(error, SPAWN_LOOKUP, errno);
	plan.program = program;
	int result = may_borrow(&plan) ? start_quick(&plan, out, error)
				       : start_told(&plan, out, error);
	free(program);
	return result;
}

int
spawn_status(int status_fd, struct spawn_error *error)
{
	ssize_t n;
	do
		n = read(status_fd, error, sizeof(*error));
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == EAGAIN ? 0 : failed(error, SPAWN_PIPE, errno);
	return n == sizeof(*error) ? -1 : 1;
}

void
spawn_error_format(
    const struct spawn_error *error, const char *program, char *text, size_t size)
{
	if (error->step == SPAWN_LOOKUP && error->error == ENOENT)
		snprintf(text, size, "%s: not found in PATH", program);
	else
		snprintf(text, size, "%s: %s: %s", program,
		    (unsigned)error->step < SPAWN_STEP_MAX ? step_names[error->step]
							   : "start",
		    strerror(error->error));
}

static int
find_groups(struct spawn_user *user)
{
	int room = 64;
	do {
		room *= 2;
		user->n_groups = room;
		user->groups = xreallocarray(user->groups, (size_t)room, sizeof(gid_t));
		if (getgrouplist(user->name, user->gid, user->groups, &user->n_groups) !=
		    -1)
			return 0;
	} while (room < GROUPS_MAX);
	errno = E2BIG;
	return -1;
}

struct spawn_user *
spawn_user_new(const char *name)
{
	errno = 0;
	const struct passwd *pw = getpwnam(name);
	if (!pw) {
		if (errno == 0)
			errno = ENOENT;
		return NULL;
	}
	struct spawn_user *user = xcalloc(1, sizeof(*user));
	user->uid = pw->pw_uid;
	user->gid = pw->pw_gid;
	user->name = xstrdup(pw->pw_name);
	user->home = xstrdup(pw->pw_dir);
	user->shell = xstrdup(pw->pw_shell);
	if (find_groups(user) == -1) {
		spawn_user_free(user);
		return NULL;
	}
	return user;
}

void
spawn_user_free(struct spawn_user *user)
{
	if (!user)
		return;
	free(user->groups);
	free(user->name);
	free(user->home);
	free(user->shell);
	free(user);
}
