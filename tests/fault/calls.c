/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/* The system calls: each counts, fails where it must, else it is made. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim.h"

#define UNPACK(...) __VA_ARGS__

/* CALL(class, type, what it returns where it fails, name, (parameters), (names)) */
#define CALL(class, type, failed, name, parameters, names) \
	type name(UNPACK parameters) \
	{ \
		static type (*real)(UNPACK parameters); \
		SHIM_REAL(real, #name); \
		if (fault_hit(class)) \
			return failed; \
		return real(UNPACK names); \
	}

/* clang-format off */
CALL(CLASS_READ, ssize_t, -1, read, (int fd, void *p, size_t n), (fd, p, n))
CALL(CLASS_READ, ssize_t, -1, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at))
CALL(CLASS_READ, ssize_t, -1, pread64, (int fd, void *p, size_t n, off64_t at), (fd, p, n, at))
CALL(CLASS_READ, ssize_t, -1, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags))
CALL(CLASS_WRITE, ssize_t, -1, write, (int fd, const void *p, size_t n), (fd, p, n))
CALL(CLASS_WRITE, ssize_t, -1, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
CALL(CLASS_WRITE, ssize_t, -1, pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at))
CALL(CLASS_WRITE, ssize_t, -1, pwrite64, (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at))
CALL(CLASS_WRITE, ssize_t, -1, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags))
CALL(CLASS_ENTRY, int, -1, rename, (const char *from, const char *to), (from, to))
CALL(CLASS_ENTRY, int, -1, unlink, (const char *path), (path))
CALL(CLASS_ENTRY, int, -1, mkdir, (const char *path, mode_t mode), (path, mode))
CALL(CLASS_ENTRY, int, -1, ftruncate, (int fd, off_t size), (fd, size))
CALL(CLASS_ENTRY, int, -1, ftruncate64, (int fd, off64_t size), (fd, size))
CALL(CLASS_MMAP, void *, MAP_FAILED, mmap, (void *p, size_t n, int prot, int flags, int fd, off_t at),
    (p, n, prot, flags, fd, at))
CALL(CLASS_MMAP, void *, MAP_FAILED, mmap64, (void *p, size_t n, int prot, int flags, int fd, off64_t at),
    (p, n, prot, flags, fd, at))
CALL(CLASS_EXEC, int, -1, execve, (const char *path, char *const argv[], char *const envp[]),
    (path, argv, envp))
CALL(CLASS_PIPE, int, -1, pipe2, (int fds[2], int flags), (fds, flags))
CALL(CLASS_PIPE, int, -1, socketpair, (int domain, int type, int protocol, int fds[2]),
    (domain, type, protocol, fds))
CALL(CLASS_WATCH, int, -1, inotify_init1, (int flags), (flags))
CALL(CLASS_WATCH, int, -1, inotify_add_watch, (int fd, const char *path, uint32_t mask),
    (fd, path, mask))
CALL(CLASS_ACCEPT, int, -1, accept4, (int fd, struct sockaddr *addr, socklen_t *len, int flags),
    (fd, addr, len, flags))
CALL(CLASS_STAT, int, -1, stat, (const char *path, struct stat *st), (path, st))
CALL(CLASS_STAT, int, -1, stat64, (const char *path, struct stat64 *st), (path, st))
CALL(CLASS_STAT, int, -1, lstat, (const char *path, struct stat *st), (path, st))
CALL(CLASS_STAT, int, -1, lstat64, (const char *path, struct stat64 *st), (path, st))
CALL(CLASS_STAT, int, -1, fstat, (int fd, struct stat *st), (fd, st))
CALL(CLASS_STAT, int, -1, fstat64, (int fd, struct stat64 *st), (fd, st))
CALL(CLASS_STAT, int, -1, fstatat, (int dir, const char *path, struct stat *st, int flags),
    (dir, path, st, flags))
CALL(CLASS_STAT, int, -1, statx, (int dir, const char *path, int flags, unsigned mask, struct statx *st),
    (dir, path, flags, mask, st))
CALL(CLASS_LIST, ssize_t, -1, getdents64, (int fd, void *p, size_t n), (fd, p, n))
CALL(CLASS_LIST, DIR *, NULL, opendir, (const char *path), (path))
CALL(CLASS_LIST, DIR *, NULL, fdopendir, (int fd), (fd))
CALL(CLASS_LIST, struct dirent *, NULL, readdir, (DIR *d), (d))
CALL(CLASS_SOCKET, int, -1, socket, (int domain, int type, int protocol), (domain, type, protocol))
CALL(CLASS_SOCKET, int, -1, bind, (int fd, const struct sockaddr *addr, socklen_t len), (fd, addr, len))
CALL(CLASS_SOCKET, int, -1, listen, (int fd, int backlog), (fd, backlog))
CALL(CLASS_POLL, int, -1, epoll_create1, (int flags), (flags))
CALL(CLASS_POLL, int, -1, epoll_wait, (int fd, struct epoll_event *v, int n, int ms), (fd, v, n, ms))
CALL(CLASS_POLL, int, -1, poll, (struct pollfd *v, nfds_t n, int ms), (v, n, ms))
CALL(CLASS_POLL, int, -1, eventfd, (unsigned value, int flags), (value, flags))
CALL(CLASS_OPEN, FILE *, NULL, fopen, (const char *path, const char *mode), (path, mode))
/* clang-format on */

static bool
creates(int flags)
{
	return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

#define OPEN(name) \
	int name(const char *path, int flags, ...) \
	{ \
		static int (*real)(const char *, int, ...); \
		va_list ap; \
		mode_t mode = 0; \
		SHIM_REAL(real, #name); \
		va_start(ap, flags); \
		if (creates(flags)) \
			mode = va_arg(ap, mode_t); \
		va_end(ap); \
		if (fault_hit(CLASS_OPEN)) \
			return -1; \
		return real(path, flags, mode); \
	}
OPEN(open)
OPEN(open64)

int
openat(int dir, const char *path, int flags, ...)
{
	static int (*real)(int, const char *, int, ...);
	va_list ap;
	mode_t mode = 0;

	SHIM_REAL(real, "openat");
	va_start(ap, flags);
	if (creates(flags))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	if (fault_hit(CLASS_OPEN))
		return -1;
	return real(dir, path, flags, mode);
}

#define SYNC(name) \
	int name(int fd) \
	{ \
		static int (*real)(int); \
		int rc; \
		SHIM_REAL(real, #name); \
		if (fault_hit(CLASS_SYNC)) \
			return -1; \
		rc = real(fd); \
		if (rc == 0) \
			shadow_synced(fd); \
		return rc; \
	}
SYNC(fsync)
SYNC(fdatasync)

pid_t
fork(void)
{
	static pid_t (*real)(void);
	pid_t pid;

	SHIM_REAL(real, "fork");
	if (fault_hit(CLASS_FORK))
		return -1;
	pid = real();
	if (pid == 0)
		fault_forked();
	return pid;
}

/* Its child may have the memory of the parent: what it calls counts as the parent's. */
int
clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
	static int (*real)(int (*)(void *), void *, int, void *, ...);
	va_list ap;
	void *more[3];

	SHIM_REAL(real, "clone");
	if (fault_hit(CLASS_FORK))
		return -1;
	va_start(ap, arg);
	for (int i = 0; i < 3; i++)
		more[i] = va_arg(ap, void *);
	va_end(ap);
	return real(fn, stack, flags, arg, more[0], more[1], more[2]);
}

/* The child of a vfork() must not return, as it would from here. */
pid_t
vfork(void)
{
	return fork();
}

/* What the C library itself calls by these names comes here too. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

void *
malloc(size_t n)
{
	return fault_hit(CLASS_MEMORY) ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return fault_hit(CLASS_MEMORY) ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *old, size_t n)
{
	return fault_hit(CLASS_MEMORY) ? NULL : __libc_realloc(old, n);
}
