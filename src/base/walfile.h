/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_WALFILE_H
#define FILEMON_BASE_WALFILE_H

/*
 * SQLite writes two pieces a page to its write-ahead log, each by a call of its own,
 * and a small transaction spends a good part of its time there.  With this VFS
 * over the default one what a transaction adds goes out in one piece, with
 * its last page: before the COMMIT returns, and with its error.
 */

/* The name for sqlite3_open_v2; NULL, the default one, where it cannot be had. */
const char *walfile_vfs(void);

#endif
