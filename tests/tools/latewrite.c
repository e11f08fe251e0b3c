/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * latewrite FILE GATE: writes over the first bytes of FILE by a write(2) that is
 * stuck half way: its time is in the inode, its data are not there yet.  Says
 * "stamped" then, and goes on when GATE is there.  A full disk queue does the same
 * to any write, for a shorter time.  (The data are a page that userfaultfd(2) keeps
 * back.)  77 where the machine does not let us.
 */

#include <err.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CANNOT 77
#define LOOK_US 5000
#define TEXT "late"

static char *page;
static const char *gate;

/* A page that is not there before we say so. */
static int
keep_back(size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	page =
	    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fd == -1 || page == MAP_FAILED || ioctl(fd, UFFDIO_API, &api) == -1)
		err(CANNOT, "userfaultfd");
	range.range = (struct uffdio_range){ (uintptr_t)page, size };
	if (ioctl(fd, UFFDIO_REGISTER, &range) == -1)
		err(CANNOT, "UFFDIO_REGISTER");
	return fd;
}

static void *
hand_over(void *arg)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	char *data = calloc(1, size);
	struct uffdio_copy copy = { .dst = (uintptr_t)page, .len = size };
	struct uffd_msg msg;
	int fd = *(int *)arg;

	if (data == NULL || read(fd, &msg, sizeof(msg)) != sizeof(msg))
		err(1, "userfaultfd");
	puts("stamped");
	fflush(stdout);
	while (access(gate, F_OK) == -1)
		usleep(LOOK_US);
	memcpy(data, TEXT, strlen(TEXT));
	copy.src = (uintptr_t)data;
	if (ioctl(fd, UFFDIO_COPY, &copy) == -1)
		err(1, "UFFDIO_COPY");
	free(data);
	return NULL;
}

int
main(int argc, char **argv)
{
	pthread_t thread;
	int fd, held;

	if (argc != 3)
		errx(64, "usage: latewrite FILE GATE");
	gate = argv[2];
	held = keep_back((size_t)sysconf(_SC_PAGESIZE));
	fd = open(argv[1], O_WRONLY | O_CLOEXEC);
	if (fd == -1)
		err(1, "%s", argv[1]);
	if (pthread_create(&thread, NULL, hand_over, &held) != 0)
		errx(1, "no thread");
	if (pwrite(fd, page, strlen(TEXT), 0) != (ssize_t)strlen(TEXT))
		err(1, "%s", argv[1]);
	pthread_join(thread, NULL);
	return close(fd) == 0 ? 0 : 1;
}
