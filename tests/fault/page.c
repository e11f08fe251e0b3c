/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * page FILE SECONDS: makes FILE a page for the shim (fault.h) where it is none,
 * and steps the wall clock of all that have it mapped to SECONDS from the real
 * one.
 */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault.h"

int
main(int argc, char **argv)
{
	struct fault_page *page;
	int fd;

	if (argc != 3)
		errx(64, "usage: page FILE SECONDS");
	fd = open(argv[1], O_RDWR | O_CREAT, 0600);
	if (fd == -1 || ftruncate(fd, sizeof(*page)) == -1)
		err(1, "%s", argv[1]);
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		err(1, "mmap");
	page->clock_ns = strtoll(argv[2], NULL, 10) * 1000000000;
	return 0;
}
