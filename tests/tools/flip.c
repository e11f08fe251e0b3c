/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * flip DIR N: N times, under new names, one thing takes the place of another as
 * fast as it can be: a file that becomes a directory, a directory that becomes
 * a file, and both where what was there before came by a rename.  A watcher
 * that looks in between sees any part of it.
 */

#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_SIZE = 32, BEFORE_SIZE = NAME_SIZE + 8 };

static void
make(const char *name, bool dir)
{
	int fd = dir ? mkdir(name, 0755) : open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);

	if (fd == -1)
		err(1, "%s", name);
	if (!dir)
		close(fd);
}

static void
flip(int i, bool dir, bool renamed)
{
	char name[NAME_SIZE], before[BEFORE_SIZE];

	snprintf(name, sizeof(name), "%c%c%d", dir ? 'd' : 'f', renamed ? 'r' : 'n', i);
	snprintf(before, sizeof(before), "%s.before", name);
	make(renamed ? before : name, dir);
	if (renamed && rename(before, name) == -1)
		err(1, "%s", before);
	if ((dir ? rmdir(name) : unlink(name)) == -1)
		err(1, "%s", name);
	make(name, !dir);
}

int
main(int argc, char **argv)
{
	if (argc != 3)
		errx(64, "usage: flip DIR N");
	if (chdir(argv[1]) == -1)
		err(1, "%s", argv[1]);
	for (int i = atoi(argv[2]); i > 0; i--)
		for (unsigned kind = 0; kind < 4; kind++)
			flip(i, kind & 1, kind & 2);
	return 0;
}
