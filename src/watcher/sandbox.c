/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "watcher/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/caps.h"
#include "watcher/landlock.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define HAS_SANITIZER 1 /* which looks for leaks from a traced thread */
#else
#define HAS_SANITIZER 0
#endif

static const int calls[] = {
	/* files */
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(preadv),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(pwrite64),
	SCMP_SYS(pwritev),
	SCMP_SYS(pwritev2),
	SCMP_SYS(lseek),
	SCMP_SYS(_llseek),
	SCMP_SYS(close),
	SCMP_SYS(close_range),
	SCMP_SYS(dup),
	SCMP_SYS(dup2),
	SCMP_SYS(dup3),
	SCMP_SYS(fcntl),
	SCMP_SYS(fcntl64),
	SCMP_SYS(ioctl),
	SCMP_SYS(flock),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(ftruncate),
	SCMP_SYS(ftruncate64),
	SCMP_SYS(fallocate),
	SCMP_SYS(fadvise64),
	SCMP_SYS(fadvise64_64),
	SCMP_SYS(readahead),
	/* names; chmod and chown are for SQLite's files */
	SCMP_SYS(stat),
	SCMP_SYS(stat64),
	SCMP_SYS(lstat),
	SCMP_SYS(lstat64),
	SCMP_SYS(fstat),
	SCMP_SYS(fstat64),
	SCMP_SYS(newfstatat),
	SCMP_SYS(fstatat64),
	SCMP_SYS(statx),
	SCMP_SYS(statfs),
	SCMP_SYS(statfs64),
	SCMP_SYS(fstatfs),
	SCMP_SYS(fstatfs64),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(getdents),
	SCMP_SYS(getdents64),
	SCMP_SYS(getcwd),
	SCMP_SYS(chdir),
	SCMP_SYS(fchdir),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(rmdir),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(chmod),
	SCMP_SYS(fchmod),
	SCMP_SYS(fchmodat),
	SCMP_SYS(fchown),
	SCMP_SYS(fchown32),
	SCMP_SYS(umask),
	/* notifications */
	SCMP_SYS(inotify_init1),
	SCMP_SYS(inotify_add_watch),
	SCMP_SYS(inotify_rm_watch),
	/* memory; memfd_create is what is handed over at a restart */
	SCMP_SYS(memfd_create),
	SCMP_SYS(brk),
	SCMP_SYS(mmap),
	SCMP_SYS(mmap2),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(mprotect),
	SCMP_SYS(madvise),
	/* the loop, signals, time */
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(ppoll_time64),
	SCMP_SYS(select),
	SCMP_SYS(pselect6),
	SCMP_SYS(eventfd2),
	SCMP_SYS(pipe2),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(timerfd_settime64),
	SCMP_SYS(timerfd_gettime),
	SCMP_SYS(signalfd4),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigreturn),
	SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_gettime64),
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(getrandom),
	/* sockets: which kinds, see below */
	SCMP_SYS(socketcall),
	SCMP_SYS(connect),
	SCMP_SYS(bind),
	SCMP_SYS(listen),
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(sendto),
	SCMP_SYS(send),
	SCMP_SYS(sendmsg),
	SCMP_SYS(recv),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(shutdown),
	/* itself; tgkill is abort(3) */
	SCMP_SYS(getpid),
	SCMP_SYS(getppid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(getuid32),
	SCMP_SYS(geteuid32),
	SCMP_SYS(getgid32),
	SCMP_SYS(getegid32),
	SCMP_SYS(getrusage),
	SCMP_SYS(sysinfo),
	SCMP_SYS(uname),
	SCMP_SYS(prctl),
	SCMP_SYS(tgkill),
	SCMP_SYS(futex),
	SCMP_SYS(futex_time64),
	SCMP_SYS(rseq),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(sched_yield),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

static const int fanotify_calls[] = {
	SCMP_SYS(fanotify_init),
	SCMP_SYS(fanotify_mark),
	SCMP_SYS(name_to_handle_at),
};

/* Calls that open files, and where they have their flags.  openat2(2), which has
   them where no filter sees them, is none of them. */
struct opening {
	int call;
	unsigned flags; /* the number of the argument */
};

static const struct opening openings[] = {
	{ SCMP_SYS(openat), 2 },
	{ SCMP_SYS(open), 1 },
};

static const struct opening fanotify_opening = { SCMP_SYS(open_by_handle_at), 2 };

static int
allow(scmp_filter_ctx filter, const int *list, size_t n)
{
	int rc = 0;

	/* A call that this architecture has not is -EDOM or nothing. */
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, list[i], 0);
	return rc == -EDOM ? 0 : rc;
}

/*
 * A file may be emptied by the way only where it is opened for writing, which is
 * landlock's to judge.
 */
static int
allow_opening(scmp_filter_ctx filter, const struct opening *opening)
{
	const struct scmp_arg_cmp ways[] = {
		SCMP_CMP(opening->flags, SCMP_CMP_MASKED_EQ, O_TRUNC, 0),
		SCMP_CMP(opening->flags, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_WRONLY),
		SCMP_CMP(opening->flags, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_RDWR),
	};
	int rc = 0;

	for (size_t i = 0; i < COUNTOF(ways) && rc == 0; i++)
		rc = seccomp_rule_add_array(
		    filter, SCMP_ACT_ALLOW, opening->call, 1, &ways[i]);
	return rc == -EDOM ? 0 : rc;
}

static int
allow_openings(scmp_filter_ctx filter, const struct sandbox_setup *setup)
{
	int rc = 0;

	for (size_t i = 0; i < COUNTOF(openings) && rc == 0; i++)
		rc = allow_opening(filter, &openings[i]);
	if (rc == 0 && setup->fanotify)
		rc = allow_opening(filter, &fanotify_opening);
	return rc;
}

/*
 * What is not allowed answers ENOSYS, not EPERM: libc takes the older way where a
 * call that is newer than this table is refused so.
 */
static int
load_filter(const struct sandbox_setup *setup)
{
	const struct scmp_arg_cmp unix_socket = { .op = SCMP_CMP_EQ, .datum_a = AF_UNIX };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int rc;

	if (filter == NULL)
		return -ENOMEM;
	/* A tree by number, not a chain: the kernel walks it for every call there is when
	   it is loaded, and for each open(2) later.  Before libseccomp 2.5 a chain. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	rc = allow(filter, calls, COUNTOF(calls));
	if (rc == 0 && setup->fanotify)
		rc = allow(filter, fanotify_calls, COUNTOF(fanotify_calls));
	if (rc == 0)
		rc = allow_openings(filter, setup);
	if (rc == 0)
		rc = seccomp_rule_add_array(
		    filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, &unix_socket);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc;
}

/* 0, or what it fails with. */
static int
enter_seccomp(const struct sandbox_setup *setup)
{
	return -load_filter(setup);
}

/* Files of all users are watched and compared. */
static uint64_t
needed(const struct sandbox_setup *setup)
{
	uint64_t keep = setup->caps | CAPS_BIT(CAP_DAC_OVERRIDE) |
	    CAPS_BIT(CAP_DAC_READ_SEARCH) | CAPS_BIT(CAP_FOWNER);

	/* fanotify_mark(2) of a file system, also when a root is back */
	return setup->fanotify ? keep | CAPS_BIT(CAP_SYS_ADMIN) : keep;
}

static int
enter_capabilities(const struct sandbox_setup *setup)
{
	return caps_limit(needed(setup)) == 0 ? 0 : errno;
}

/* In this order: the filter, the last, lets nothing of the others through. */
static const struct part {
	enum sandbox_part part;
	int (*enter)(const struct sandbox_setup *);
} steps[] = {
	{ SANDBOX_CAPABILITIES, enter_capabilities },
	{ SANDBOX_LANDLOCK, landlock_enter },
	{ SANDBOX_SECCOMP, enter_seccomp },
};

static const struct part truncating = { SANDBOX_LANDLOCK, landlock_enter_truncate };

static const char *
reason(enum sandbox_part part, int code)
{
	if (part == SANDBOX_LANDLOCK && (code == ENOSYS || code == EOPNOTSUPP))
		return "not in this kernel";
	return strerror(code);
}

static void
take_step(const struct part *step, const struct sandbox_setup *setup,
    struct sandbox_state *state)
{
	const char *why = "";

	if (!setup->wanted[step->part]) {
		why = "switched off";
	} else if (step->part == SANDBOX_SECCOMP && HAS_SANITIZER) {
		why = "built with a sanitizer";
	} else {
		int code = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1
		    ? errno
		    : step->enter(setup);
		state->holds = code == 0;
		why = code == 0 ? "" : reason(step->part, code);
	}
	snprintf(state->why, sizeof(state->why), "%s", why);
}

void
sandbox_enter(const struct sandbox_setup *setup, struct sandbox *s)
{
	*s = (struct sandbox){ 0 };
	for (size_t i = 0; i < COUNTOF(steps); i++)
		take_step(&steps[i], setup, &s->part[steps[i].part]);
	if (s->part[SANDBOX_LANDLOCK].holds && !s->part[SANDBOX_SECCOMP].holds)
		take_step(&truncating, setup, &s->part[SANDBOX_LANDLOCK]);
}

const char *
sandbox_name(enum sandbox_part part)
{
	static const char *const names[] = {
		[SANDBOX_SECCOMP] = "seccomp",
		[SANDBOX_LANDLOCK] = "landlock",
		[SANDBOX_CAPABILITIES] = "capabilities",
	};

	return names[part];
}
