/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * deep DIR LEVELS NAME: makes directories called NAME within each other, LEVELS
 * of them, and a file "bottom" in the last.  The path may be longer than
 * PATH_MAX, as no sh can go there.
 */

#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	int fd;

	if (argc != 4)
		errx(64, "usage: deep DIR LEVELS NAME");
	if (chdir(argv[1]) == -1)
		err(1, "%s", argv[1]);
	for (int i = atoi(argv[2]); i > 0; i--)
		if (mkdir(argv[3], 0755) == -1 || chdir(argv[3]) == -1)
			err(1, "%s", argv[3]);
	if ((fd = open("bottom", O_WRONLY | O_CREAT, 0644)) == -1)
		err(1, "bottom");
	return write(fd, "1\n", 2) == 2 && close(fd) == 0 ? 0 : 1;
}
