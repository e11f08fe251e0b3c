/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_SEGFILE_H
#define FILEMON_CTL_SEGFILE_H

/*
 * One segment of the event log, read as plain text whether it is compressed or
 * not.  Of a compressed one a frame at a time is held; what is read in order,
 * in either direction, is decompressed once.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct segfile;

/* NULL with errno: ENOENT where it is gone, EBADMSG where it is damaged. */
struct segfile *segfile_open(const char *dir, uint64_t first);
void segfile_close(struct segfile *);
/* Of the plain text; a plain one can grow. */
off_t segfile_size(const struct segfile *);
/* As pread(2). */
ssize_t segfile_read(struct segfile *, void *, size_t, off_t at);
/* Was it removed, and not by being compressed? */
bool segfile_is_gone(const struct segfile *);

#endif
