/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/* xattr FILE NAME VALUE: sets an extended attribute; 77 where there are none. */

#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

int
main(int argc, char **argv)
{
	if (argc != 4)
		errx(64, "usage: xattr FILE NAME VALUE");
	if (setxattr(argv[1], argv[2], argv[3], strlen(argv[3]), 0) == 0)
		return 0;
	if (errno == ENOTSUP)
		errx(77, "%s: no extended attributes here", argv[1]);
	err(1, "%s", argv[1]);
}
