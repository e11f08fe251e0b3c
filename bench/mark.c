/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/* mark FIFO PATH: a handler that tells when its first instruction ran. */

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "bench/lab.h"

int
main(int argc, char **argv)
{
	int64_t at = lab_now();
	char line[LAB_PATH + 32];
	int fd, len;

	if (argc < 3 || (fd = open(argv[1], O_WRONLY | O_CLOEXEC)) == -1)
		return 1;
	len = snprintf(line, sizeof(line), "%lld %s\n", (long long)at, argv[2]);
	if (len >= (int)sizeof(line))
		return 1;
	return write(fd, line, (size_t)len) == len ? 0 : 1;
}
