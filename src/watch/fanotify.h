/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_FANOTIFY_H
#define FILEMON_WATCH_FANOTIFY_H

/*
 * fanotify(7): one mark a file system, whatever the number of directories.
 * The number of a directory is the number of its file handle, so what happens
 * elsewhere on the file system costs a look into a table and nothing else.
 * Needs CAP_SYS_ADMIN, and a kernel with FAN_RENAME and FAN_REPORT_TARGET_FID
 * (5.17): before, the halves of a rename come unpaired, and what happens to
 * different files of one name is merged into one event.
 *
 * Nothing tells that the root's file system was unmounted, so an inotify watch
 * on the root alone guards it.
 */

#include <stddef.h>

struct fm_watch;

/* Applies bytes as they come from the kernel; arbitrary ones do no harm. */
void fanotify_feed(struct fm_watch *, const void *, size_t len);
/* What fanotify refuses with errno, in words. */
const char *fanotify_reason(int error);
size_t fanotify_memory(const struct fm_watch *);

#endif
