/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/* tree DIR DIRECTORIES FILES: makes DIR with so many directories (itself is one) and
   FILES files in each. */

#include <err.h>
#include <errno.h>
#include <sys/stat.h>

#include "bench/lab.h"

int
main(int argc, char **argv)
{
	char path[LAB_PATH];
	unsigned long dirs, per;

	if (argc != 4)
		errx(64, "usage: tree DIR DIRECTORIES FILES");
	dirs = lab_number(argv[2]);
	per = lab_number(argv[3]);
	for (unsigned long i = 0; i < dirs; i++) {
		lab_dir(path, argv[1], i);
		if (mkdir(path, 0755) == -1 && errno != EEXIST)
			err(1, "%s", path);
		for (unsigned long id = i * per; id < (i + 1) * per; id++) {
			lab_file(path, argv[1], id, per);
			lab_write(path);
		}
	}
	return 0;
}
