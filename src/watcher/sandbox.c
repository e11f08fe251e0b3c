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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/fd.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define HAS_SANITIZER 1 /* which looks for leaks from a traced thread */
#else
#define HAS_SANITIZER 0
#endif

/* landlock(7), by the version of the interface: the headers may be older. */
enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_BLOCK = 1 << 11,
	FS_MAKE_SYM = 1 << 12,
	FS_REFER = 1 << 13,    /* 2 */
	FS_TRUNCATE = 1 << 14, /* 3 */
	NET_TCP = 3,	       /* 4: bind, connect */
	SCOPE_SIGNAL = 1 << 1, /* 6 */
};

#define FS_WRITING \
	(FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | \
	    FS_MAKE_SOCK)
#define FS_DENIED (FS_EXECUTE | FS_MAKE_CHAR | FS_MAKE_FIFO | FS_MAKE_BLOCK | FS_MAKE_SYM)
#define LANDLOCK_VERSION 1 /* the flag that asks for it */
#define LANDLOCK_BENEATH 1

struct landlock_attr {
	uint64_t fs, net, scoped;
};

/* landlock_path_beneath_attr is packed. */
struct landlock_place {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

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
	SCMP_SYS(lseek),
	SCMP_SYS(_llseek),
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(openat2),
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
	SCMP_SYS(fanotify_init),
	SCMP_SYS(fanotify_mark),
	SCMP_SYS(name_to_handle_at),
	SCMP_SYS(open_by_handle_at),
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
	SCMP_SYS(open_by_handle_at),
};

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
	rc = allow(filter, calls, COUNTOF(calls));
	if (rc == 0 && setup->fanotify)
		rc = allow(filter, fanotify_calls, COUNTOF(fanotify_calls));
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

/* The version of the interface; -1 with errno where there is none. */
static int
landlock_version(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);
}

static struct landlock_attr
restrictions(int version)
{
	struct landlock_attr attr = { .fs = FS_WRITING | FS_DENIED };

	attr.fs |= version >= 2 ? FS_REFER : 0;
	attr.fs |= version >= 3 ? FS_TRUNCATE : 0;
	attr.net = version >= 4 ? NET_TCP : 0;
	attr.scoped = version >= 6 ? SCOPE_SIGNAL : 0;
	return attr;
}

/* A place that is not there cannot be written either. */
static int
allow_place(int ruleset, const char *path, uint64_t rights)
{
	struct landlock_place place = { .allowed = rights };
	int rc;

	place.fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place.fd == -1)
		return errno == ENOENT ? 0 : -1;
	rc = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_BENEATH, &place, 0);
	close(place.fd);
	return rc;
}

static int
restrict_self(const struct sandbox_setup *setup, int version)
{
	struct landlock_attr attr = restrictions(version);
	size_t size = version >= 6 ? sizeof(attr)
	    : version >= 4	   ? 2 * sizeof(uint64_t)
				   : sizeof(uint64_t);
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	int rc = ruleset == -1 ? -1 : 0, saved;

	for (size_t i = 0; i < COUNTOF(setup->places) && rc == 0; i++)
		if (setup->places[i] != NULL)
			rc = allow_place(ruleset, setup->places[i],
			    attr.fs & (FS_WRITING | FS_REFER | FS_TRUNCATE));
	if (rc == 0)
		rc = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
	saved = errno;
	fd_close(&ruleset);
	errno = saved;
	return rc;
}

static int
enter_landlock(const struct sandbox_setup *setup)
{
	int version = landlock_version();

	return version > 0 && restrict_self(setup, version) == 0 ? 0 : errno;
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
	{ SANDBOX_LANDLOCK, enter_landlock },
	{ SANDBOX_SECCOMP, enter_seccomp },
};

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
