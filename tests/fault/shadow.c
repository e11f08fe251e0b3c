/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * A model of a power cut, for the directory fault_page->disk of the watcher.
 * Beside the directory that is left, <left>.shadow keeps each file as it was at
 * its last fsync(2), by inode, and of each directory the names it had at its
 * own.  What was there when the watcher began counts as synced.
 *
 * At the cut, with an even seed, nothing else is left: a file whose content was
 * never synced is empty, one whose directory was not synced is not there.  With
 * an odd seed the kernel has written some of it by itself: all names are there,
 * and each block of 4 KiB is, at random, that of the file or that of its shadow.
 * Of the event log, which only grows, a part of what was added is there: file
 * systems make a file longer when what it is longer by is on the disk.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim.h"

enum { BLOCK = 4096, PATH_SIZE = 1024 };

static bool begun;
static uint32_t chance;

static uint32_t
below(uint32_t limit)
{
	chance = chance * 1664525 + 1013904223;
	return (chance >> 8) % limit;
}

static void
shadow_path(char *out, char kind, ino_t ino)
{
	snprintf(
	    out, PATH_SIZE, "%s.shadow/%c%ju", fault_page->left, kind, (uintmax_t)ino);
}

static void
copy(int from, int to)
{
	char block[BLOCK];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(from, block, BLOCK, at)) > 0) {
		if (pwrite(to, block, (size_t)n, at) != n)
			abort();
		at += n;
	}
}

static void
keep_file(const char *path, ino_t ino)
{
	char shadow[PATH_SIZE];
	int from = open(path, O_RDONLY | O_CLOEXEC), to;

	shadow_path(shadow, 'f', ino);
	to = open(shadow, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (from != -1 && to != -1)
		copy(from, to);
	close(from);
	close(to);
}

/* A line for each name: its inode, f or d, the name. */
static void
keep_names(const char *path, ino_t ino, bool deep)
{
	char shadow[PATH_SIZE], child[PATH_SIZE];
	DIR *d = opendir(path);
	FILE *file;
	struct dirent *e;

	shadow_path(shadow, 'd', ino);
	file = fopen(shadow, "we");
	if (d == NULL || file == NULL)
		abort();
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || (e->d_type != DT_REG && e->d_type != DT_DIR))
			continue;
		fprintf(file, "%ju %c %s\n", (uintmax_t)e->d_ino,
		    e->d_type == DT_DIR ? 'd' : 'f', e->d_name);
		snprintf(child, sizeof(child), "%s/%s", path, e->d_name);
		if (deep && e->d_type == DT_REG)
			keep_file(child, e->d_ino);
		else if (deep)
			keep_names(child, e->d_ino, true);
	}
	fclose(file);
	closedir(d);
}

static void
begin(void)
{
	char path[PATH_SIZE];
	struct stat st;

	begun = true;
	snprintf(path, sizeof(path), "%s.shadow", fault_page->left);
	if (mkdir(path, 0700) == -1 || stat(fault_page->disk, &st) == -1)
		abort();
	keep_names(fault_page->disk, st.st_ino, true);
}

void
shadow_start(void)
{
	if (fault_page == NULL || fault_page->error != FAULT_POWER || begun)
		return;
	fault_pause(true);
	begin();
	fault_pause(false);
}

/* Is it below the directory?  An unlinked one is not. */
static bool
path_of(int fd, char *path)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_SIZE - 1);
	path[n > 0 ? n : 0] = '\0';
	n = (ssize_t)strlen(fault_page->disk);
	return strncmp(path, fault_page->disk, (size_t)n) == 0 &&
	    (path[n] == '/' || path[n] == '\0');
}

void
shadow_synced(int fd)
{
	char path[PATH_SIZE];
	struct stat st;

	if (fault_page == NULL || !begun || fault_page->fired)
		return;
	fault_pause(true);
	if (path_of(fd, path) && fstat(fd, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			keep_names(path, st.st_ino, false);
		else
			keep_file(path, st.st_ino);
	}
	fault_pause(false);
}

static void
leave_shadow(ino_t dir, const char *to)
{
	char list[PATH_SIZE], shadow[PATH_SIZE], path[PATH_SIZE], name[256], kind;
	uintmax_t ino;
	FILE *file;
	int from, fd;

	mkdir(to, 0700);
	shadow_path(list, 'd', dir);
	file = fopen(list, "re");
	while (
	    file != NULL && fscanf(file, "%ju %c %255[^\n]\n", &ino, &kind, name) == 3) {
		snprintf(path, sizeof(path), "%s/%s", to, name);
		if (kind == 'd') {
			leave_shadow((ino_t)ino, path);
			continue;
		}
		shadow_path(shadow, 'f', (ino_t)ino);
		from = open(shadow, O_RDONLY | O_CLOEXEC);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		copy(from, fd);
		close(from);
		close(fd);
	}
	if (file != NULL)
		fclose(file);
}

static void
leave_longer(int now, int then, int fd)
{
	struct stat old = { 0 }, st;

	if (fstat(now, &st) == -1 || (then != -1 && fstat(then, &old) == -1))
		abort();
	copy(now, fd);
	if (ftruncate(fd, st.st_size - below((uint32_t)(st.st_size - old.st_size) + 1)) ==
	    -1)
		abort();
}

/* Each block: as it is, or as it was (zeros where it was not). */
static void
leave_blocks(int now, int then, int fd)
{
	char block[BLOCK];
	ssize_t n;

	for (off_t at = 0; (n = pread(now, block, BLOCK, at)) > 0; at += n) {
		if (below(2) == 0) {
			memset(block, 0, sizeof(block));
			if (pread(then, block, (size_t)n, at) == -1)
				memset(block, 0, sizeof(block));
		}
		if (pwrite(fd, block, (size_t)n, at) != n)
			abort();
	}
}

static void
leave_some(const char *from, ino_t ino, const char *to)
{
	char shadow[PATH_SIZE];
	int now, then, fd;

	shadow_path(shadow, 'f', ino);
	now = open(from, O_RDONLY | O_CLOEXEC);
	then = open(shadow, O_RDONLY | O_CLOEXEC);
	fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (strstr(from, ".ndjson") != NULL)
		leave_longer(now, then, fd);
	else
		leave_blocks(now, then, fd);
	close(now);
	close(then);
	close(fd);
}

static void
leave_mixed(const char *from, const char *to)
{
	char from_path[PATH_SIZE], path[PATH_SIZE];
	DIR *d = opendir(from);
	struct dirent *e;

	mkdir(to, 0700);
	while (d != NULL && (e = readdir(d)) != NULL) {
		snprintf(from_path, sizeof(from_path), "%s/%s", from, e->d_name);
		snprintf(path, sizeof(path), "%s/%s", to, e->d_name);
		if (e->d_name[0] == '.')
			continue;
		if (e->d_type == DT_DIR)
			leave_mixed(from_path, path);
		else if (e->d_type == DT_REG)
			leave_some(from_path, e->d_ino, path);
	}
	if (d != NULL)
		closedir(d);
}

/* No process of the daemon sees the world go on.  The supervisor's death would
   be that of this process too: it is only stopped. */
static void
stop_others(pid_t parent)
{
	char path[64];
	pid_t pid;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	kill(parent, SIGSTOP);
	file = fopen(path, "re");
	while (file != NULL && fscanf(file, "%d", &pid) == 1)
		if (pid != getpid())
			kill(pid, SIGKILL);
	if (file != NULL)
		fclose(file);
}

void
shadow_cut(void)
{
	pid_t parent = getppid();
	struct stat st;

	fault_pause(true);
	stop_others(parent);
	chance = fault_page->seed * 2654435761U;
	if (fault_page->seed % 2 == 0 && stat(fault_page->disk, &st) == 0)
		leave_shadow(st.st_ino, fault_page->left);
	else
		leave_mixed(fault_page->disk, fault_page->left);
	kill(parent, SIGKILL);
}
