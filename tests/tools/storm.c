/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * storm [-n WRITES] [-f FILES] [-b BURST] [-d MICROSECONDS] DIR: rewrites the
 * FILES f0, f1, ... in DIR in turn, with a length that changes, WRITES times (0:
 * until killed), and waits MICROSECONDS after each BURST, so that a kernel
 * queue of the usual size does not overflow.
 */

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
rewrite(unsigned long file, unsigned long turn)
{
	char name[32], bytes[256];
	size_t len = 1 + turn % sizeof(bytes);
	int fd;

	snprintf(name, sizeof(name), "f%lu", file);
	memset(bytes, 'a' + (int)(turn % 26), len);
	if ((fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644)) == -1)
		err(1, "%s", name);
	if (write(fd, bytes, len) != (ssize_t)len)
		err(1, "%s", name);
	close(fd);
}

int
main(int argc, char **argv)
{
	unsigned long n = 0, files = 1000, burst = 50, delay = 1000;
	int c;

	while ((c = getopt(argc, argv, "n:f:b:d:")) != -1)
		if (c == 'n')
			n = strtoul(optarg, NULL, 10);
		else if (c == 'f')
			files = strtoul(optarg, NULL, 10);
		else if (c == 'b')
			burst = strtoul(optarg, NULL, 10);
		else if (c == 'd')
			delay = strtoul(optarg, NULL, 10);
		else
			return 64;
	if (argc - optind != 1 || files == 0 || burst == 0)
		errx(64, "usage: storm [-n N] [-f FILES] [-b BURST] [-d US] DIR");
	if (chdir(argv[optind]) == -1)
		err(1, "%s", argv[optind]);
	for (unsigned long i = 0; n == 0 || i < n; i++) {
		rewrite(i % files, i / files);
		if (i % burst == burst - 1)
			usleep((useconds_t)delay);
	}
	return 0;
}
