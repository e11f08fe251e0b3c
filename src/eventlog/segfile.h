/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_EVENTLOG_SEGFILE_H
#define FILEMON_EVENTLOG_SEGFILE_H

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
/* As pread(2); EBADMSG: what is there is damaged, what is behind it need not be. */
ssize_t segfile_read(struct segfile *, void *, size_t, off_t at);
/* What is decompressed, or damaged, together with the byte at. */
void segfile_frame(const struct segfile *, off_t at, off_t *begin, off_t *end);
/* Was it removed, and not by being compressed? */
bool segfile_is_gone(const struct segfile *);

#endif
