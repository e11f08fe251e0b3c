/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/fd.h"
#include "base/xmalloc.h"

#define STATUS_FD 3
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"
#define GROUPS_MAX 65536

static const char *const step_names[] = {
	[SPAWN_LOOKUP] = "look in PATH",
	[SPAWN_PIPE] = "pipe",
	[SPAWN_FORK] = "fork",
	[SPAWN_SETSID] = "setsid",
	[SPAWN_STDIO] = "stdio",
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
	int status_fd;
	bool change_user;
};

static int
failed(struct spawn_error *error, enum spawn_step step, int number)
{
	*error = (struct spawn_error){ step, number };
	return -1;
}

static void NORETURN
give_up(const struct plan *plan, enum spawn_step step)
{
	struct spawn_error error = { step, errno };
	/* Smaller than PIPE_BUF and into an empty pipe: written whole, or nobody reads.
	 */
	ssize_t n = write(plan->status_fd, &error, sizeof(error));
	_exit(n == sizeof(error) ? 127 : 126);
}

/* exec keeps SIG_IGN: with SIGPIPE ignored no `handler | head` would ever end. */
static void
reset_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;
	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
set_stdio(const struct plan *plan)
{
	int in = plan->spawn->in_fd;
	if (in == 0)
		in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (in == -1 || dup2(in, STDIN_FILENO) == -1 ||
	    dup2(plan->spawn->out_fd, STDOUT_FILENO) == -1 ||
	    dup2(plan->spawn->err_fd, STDERR_FILENO) == -1)
		give_up(plan, SPAWN_STDIO);
}

/* What lies at STATUS_FD goes: it may be an output pipe, which is at 1 or 2 by now. */
static void
close_others(struct plan *plan)
{
	if (plan->status_fd != STATUS_FD) {
		if (dup3(plan->status_fd, STATUS_FD, O_CLOEXEC) == -1)
			give_up(plan, SPAWN_STDIO);
		plan->status_fd = STATUS_FD;
	}
	closefrom(STATUS_FD + 1);
}

static void
set_user(const struct plan *plan)
{
	const struct spawn_user *user = plan->spawn->user;
	if (setgroups((size_t)user->n_groups, user->groups) == -1 ||
	    setgid(user->gid) == -1 || setuid(user->uid) == -1)
		give_up(plan, SPAWN_USER);
}

static void NORETURN
child(struct plan *plan)
{
	const struct spawn *spawn = plan->spawn;
	set_stdio(plan);
	close_others(plan);
	if (setsid() == -1)
		give_up(plan, SPAWN_SETSID);
	if (plan->change_user)
		set_user(plan);
	/* After setuid(2), which clears it; the parent may be gone already. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != plan->parent)
		give_up(plan, SPAWN_PARENT);
	if (spawn->cwd && chdir(spawn->cwd) == -1)
		give_up(plan, SPAWN_CHDIR);
	reset_signals();
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

/* Signals are blocked meanwhile: the parent's handlers must not run in the child. */
static pid_t
fork_child(struct plan *plan)
{
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (pid == 0)
		child(plan);
	int saved = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return pid;
}

int
spawn_start(const struct spawn *spawn, struct spawned *out, struct spawn_error *error)
{
	int fds[2] = { -1, -1 };
	int result = -1;
	*out = (struct spawned){ -1, -1 };
	char *program = look_up(spawn->argv[0], path_of(spawn->envp));
	if (!program)
		return failed(error, SPAWN_LOOKUP, errno);
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) == -1) {
		failed(error, SPAWN_PIPE, errno);
		goto out;
	}
	struct plan plan = {
		.spawn = spawn,
		.program = program,
		.parent = getpid(),
		.status_fd = fds[1],
		.change_user = spawn->user && spawn->user->uid != geteuid(),
	};
	out->pid = fork_child(&plan);
	if (out->pid == -1) {
		failed(error, SPAWN_FORK, errno);
		goto out;
	}
	out->status_fd = fds[0];
	fds[0] = -1;
	result = 0;
out:
	fd_close(&fds[0]);
	fd_close(&fds[1]);
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
