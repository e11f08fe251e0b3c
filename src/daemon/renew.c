/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "daemon/renew.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/nofile.h"
#include "base/notify.h"
#include "base/xmalloc.h"
#include "conf/argv.h"

#define VARIABLE "FILEMON_HANDOVER"
#define TRY_MS 10000
#define KILL_MS 1000
/* Locks, report, and what is handed over. */
#define FDS_MAX (3 + HANDOVER_FDS)

static bool
is_this_program(const char *path)
{
	struct stat there, here;

	return stat(path, &there) == 0 && stat("/proc/self/exe", &here) == 0 &&
	    there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

/* By the name it was called: behind a symbolic link there may be another one soon. */
static char *
called_as(const char *argv0)
{
	char *here, *path = NULL;

	if (argv0 == NULL || strchr(argv0, '/') == NULL)
		return NULL;
	if (argv0[0] == '/')
		return xstrdup(argv0);
	here = get_current_dir_name();
	if (here != NULL)
		path = xasprintf("%s/%s", here, argv0);
	free(here);
	return path;
}

void
renew_init(struct renew *r, const char *argv0)
{
	char link[PATH_MAX];
	ssize_t n;

	r->exe = called_as(argv0);
	if (r->exe != NULL && is_this_program(r->exe))
		return;
	free(r->exe);
	r->exe = NULL;
	n = readlink("/proc/self/exe", link, sizeof(link) - 1);
	if (n > 0)
		r->exe = xstrndup(link, (size_t)n);
}

/* argv[0], one more where it is not NULL, and the rest. */
static void
fill_argv(const struct renew *r, const char *first, struct strlist *argv)
{
	strlist_add(argv, r->exe);
	if (first != NULL)
		strlist_add(argv, first);
	for (char **arg = r->argv; *arg != NULL; arg++)
		strlist_add(argv, *arg);
}

static void NORETURN
become_test(char **argv)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	execv(argv[0], argv);
	fprintf(stderr, "filemond: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/*
 * The status of wait(2), or -1 where it does not end in time.  What hangs in the
 * kernel does not end by SIGKILL either: it is reaped as an orphan, whenever it
 * does, and does not hold up who waits.
 */
static int
wait_for_test(pid_t pid)
{
	struct pollfd fd = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	int status = -1;

	if (fd.fd != -1 && poll(&fd, 1, TRY_MS) == 1)
		waitpid(pid, &status, WNOHANG);
	if (status == -1) {
		kill(pid, SIGKILL);
		poll(&fd, 1, KILL_MS);
		waitpid(pid, NULL, WNOHANG);
	}
	fd_close(&fd.fd);
	return status;
}

int
renew_try(const struct renew *r, char *why, size_t size)
{
	struct strlist argv = { 0 };
	pid_t pid;
	int status = -1;

	if (r->exe == NULL) {
		snprintf(why, size, "/proc/self/exe does not tell what runs");
		return -1;
	}
	fill_argv(r, "--test", &argv);
	pid = fork();
	if (pid == 0)
		become_test(argv.v);
	if (pid > 0)
		status = wait_for_test(pid);
	strlist_release(&argv);
	if (status == 0)
		return 0;
	if (pid == -1)
		snprintf(why, size, "cannot fork: %s", strerror(errno));
	else if (status == -1)
		snprintf(why, size, "%s --test does not end", r->exe);
	else if (WIFSIGNALED(status))
		snprintf(why, size, "%s --test: killed by signal %d", r->exe,
		    WTERMSIG(status));
	else
		snprintf(why, size, "%s --test: exited with code %d", r->exe,
		    WEXITSTATUS(status));
	return -1;
}

/* Those that there are; each must be open in the new one. */
static size_t
descriptors(const struct renewal *r, int fds[FDS_MAX])
{
	size_t n = 0;

	fds[n++] = r->locks.state;
	fds[n++] = r->locks.project;
	fds[n++] = r->report_fd;
	fds[n++] = r->hand.table;
	for (size_t i = 0; i < r->hand.n_watches; i++)
		fds[n++] = r->hand.watches[i];
	return n;
}

static void
set_inherited(const int *fds, size_t n, bool inherited)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] != -1)
			fcntl(fds[i], F_SETFD, inherited ? 0 : FD_CLOEXEC);
}

/* Whose it is, how often, and the descriptors in their order. */
static char *
describe(const struct renewal *r, const int *fds, size_t n)
{
	struct buf text = BUF_INIT;

	buf_addf(&text, "%s=%d %u", VARIABLE, (int)getpid(), r->count);
	for (size_t i = 0; i < n; i++)
		buf_addf(&text, " %d", fds[i]);
	return text.p;
}

int
renew_exec(const struct renew *r, const struct renewal *renewal)
{
	extern char **environ;
	struct strlist argv = { 0 }, env = { 0 };
	int fds[FDS_MAX], error;
	size_t n = descriptors(renewal, fds);
	char *text = describe(renewal, fds, n), *line;

	for (char **at = environ; *at != NULL; at++)
		strlist_add(&env, *at);
	for (unsigned i = 0; (line = notify_env(i)) != NULL; i++) {
		strlist_add(&env, line);
		free(line);
	}
	strlist_add(&env, text);
	fill_argv(r, NULL, &argv);
	set_inherited(fds, n, true);
	nofile_restore();
	execve(r->exe, argv.v, env.v);
	error = errno;
	nofile_raise();
	set_inherited(fds, n, false);
	strlist_release(&argv);
	strlist_release(&env);
	free(text);
	errno = error;
	return -1;
}

/* The next number of text, within the limits. */
static bool
take_number(const char **text, long min, long max, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(*text, &end, 10);
	if (end == *text || errno != 0 || *out < min || *out > max)
		return false;
	*text = end;
	return true;
}

static bool
is_among(const int *fds, size_t n, int fd)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] == fd)
			return true;
	return false;
}

/* -1 or an open one above stderr; none twice. */
static bool
take_fd(const char **text, int *fds, size_t n)
{
	long fd;

	if (!take_number(text, -1, INT_MAX, &fd))
		return false;
	fds[n] = (int)fd;
	return fd == -1 ||
	    (fd > STDERR_FILENO && fcntl((int)fd, F_GETFD) != -1 &&
		!is_among(fds, n, (int)fd));
}

/* The number of descriptors; 0 where it is not for us, or makes no sense. */
static size_t
parse(const char *text, unsigned *count, int fds[FDS_MAX])
{
	size_t n = 0;
	long pid, number;

	if (!take_number(&text, getpid(), getpid(), &pid) ||
	    !take_number(&text, 1, INT_MAX, &number))
		return 0;
	*count = (unsigned)number;
	for (; *text != '\0'; n++)
		if (n == FDS_MAX || !take_fd(&text, fds, n))
			return 0;
	return n >= 4 && fds[0] != -1 ? n : 0;
}

void
renew_close_others(const struct renewal *r)
{
	int fds[FDS_MAX], from = STDERR_FILENO + 1;
	size_t n = descriptors(r, fds);

	for (;;) {
		int next = INT_MAX;

		for (size_t i = 0; i < n; i++)
			if (fds[i] >= from && fds[i] < next)
				next = fds[i];
		if (next == INT_MAX)
			break;
		if (next > from)
			close_range((unsigned)from, (unsigned)next - 1, 0);
		from = next + 1;
	}
	closefrom(from);
}

bool
renew_take(struct renewal *r)
{
	const char *text = getenv(VARIABLE);
	int fds[FDS_MAX];
	size_t n;

	*r = (struct renewal){
		.locks = LOCKS_NONE, .report_fd = -1, .hand = HANDOVER_NONE
	};
	n = text == NULL ? 0 : parse(text, &r->count, fds);
	unsetenv(VARIABLE);
	if (n == 0) {
		r->count = 0;
		return false;
	}
	set_inherited(fds, n, false);
	r->locks = (struct locks){ fds[0], fds[1] };
	r->report_fd = fds[2];
	r->hand.table = fds[3];
	for (size_t i = 4; i < n; i++)
		r->hand.watches[r->hand.n_watches++] = fds[i];
	return true;
}
