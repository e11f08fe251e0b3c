/* SPDX-License-Identifier: ISC */
#include "base/walfile.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Of the file's format: its header, then frames of a header and a page. */
#define FRAME_HEADER 24
#define COMMITS_AT 4 /* in a frame's header: not 0 in a transaction's last */

/* Some frames of the usual size; a longer transaction goes out in several pieces. */
#define GATHER_MAX (10 * (FRAME_HEADER + 4096))

/* The log; the file below comes right behind it. */
struct walfile {
	sqlite3_file base;
	sqlite3_file *real;
	sqlite3_int64 end; /* of the last write, gathered or not */
	bool commits;	   /* the frame that is being written is a transaction's last */
	unsigned char *gathered;
	int len;
};

static sqlite3_vfs *below;

static struct walfile *
of(sqlite3_file *file)
{
	return (struct walfile *)(void *)file;
}

/* What cannot be written is dropped: its transaction fails as a whole. */
static int
flush(struct walfile *w)
{
	int len = w->len;

	if (len == 0)
		return SQLITE_OK;
	w->len = 0;
	return w->real->pMethods->xWrite(w->real, w->gathered, len, w->end - len);
}

/* What does not follow on the last write (frames written anew) goes out at once. */
static int
wal_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
	struct walfile *w = of(file);
	bool follows = at == w->end && n <= GATHER_MAX;
	bool header = n == FRAME_HEADER;
	static const unsigned char none[4];
	int rc = SQLITE_OK;

	if (header)
		w->commits = memcmp((const char *)p + COMMITS_AT, none, 4) != 0;
	if (!follows || w->len + n > GATHER_MAX)
		rc = flush(w);
	if (rc != SQLITE_OK)
		return rc;
	w->end = at + n;
	if (!follows)
		return w->real->pMethods->xWrite(w->real, p, n, at);
	memcpy(w->gathered + w->len, p, (size_t)n);
	w->len += n;
	return w->commits && !header ? flush(w) : SQLITE_OK;
}

static int
wal_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
	struct walfile *w = of(file);
	int rc = flush(w);

	return rc == SQLITE_OK ? w->real->pMethods->xRead(w->real, p, n, at) : rc;
}

static int
wal_close(sqlite3_file *file)
{
	struct walfile *w = of(file);
	int rc = flush(w), closed = w->real->pMethods->xClose(w->real);

	sqlite3_free(w->gathered);
	return rc == SQLITE_OK ? closed : rc;
}

static int
wal_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct walfile *w = of(file);
	int rc = flush(w);

	return rc == SQLITE_OK ? w->real->pMethods->xTruncate(w->real, size) : rc;
}

static int
wal_sync(sqlite3_file *file, int flags)
{
	struct walfile *w = of(file);
	int rc = flush(w);

	return rc == SQLITE_OK ? w->real->pMethods->xSync(w->real, flags) : rc;
}

static int
wal_size(sqlite3_file *file, sqlite3_int64 *size)
{
	struct walfile *w = of(file);
	int rc = flush(w);

	return rc == SQLITE_OK ? w->real->pMethods->xFileSize(w->real, size) : rc;
}

static int
wal_lock(sqlite3_file *file, int level)
{
	return of(file)->real->pMethods->xLock(of(file)->real, level);
}

static int
wal_unlock(sqlite3_file *file, int level)
{
	return of(file)->real->pMethods->xUnlock(of(file)->real, level);
}

static int
wal_is_reserved(sqlite3_file *file, int *out)
{
	return of(file)->real->pMethods->xCheckReservedLock(of(file)->real, out);
}

static int
wal_control(sqlite3_file *file, int op, void *arg)
{
	return of(file)->real->pMethods->xFileControl(of(file)->real, op, arg);
}

static int
wal_sector(sqlite3_file *file)
{
	return of(file)->real->pMethods->xSectorSize(of(file)->real);
}

static int
wal_traits(sqlite3_file *file)
{
	return of(file)->real->pMethods->xDeviceCharacteristics(of(file)->real);
}

/* Version 1: what maps and shares memory is asked of the database's file alone. */
static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = wal_close,
	.xRead = wal_read,
	.xWrite = wal_write,
	.xTruncate = wal_truncate,
	.xSync = wal_sync,
	.xFileSize = wal_size,
	.xLock = wal_lock,
	.xUnlock = wal_unlock,
	.xCheckReservedLock = wal_is_reserved,
	.xFileControl = wal_control,
	.xSectorSize = wal_sector,
	.xDeviceCharacteristics = wal_traits,
};

static int
open_log(sqlite3_filename name, struct walfile *w, int flags, int *out)
{
	int rc;

	memset(w, 0, sizeof(*w));
	w->real = (sqlite3_file *)(void *)(w + 1);
	w->end = -1;
	w->gathered = sqlite3_malloc(GATHER_MAX);
	if (w->gathered == NULL)
		return SQLITE_NOMEM;
	rc = below->xOpen(below, name, w->real, flags, out);
	if (rc == SQLITE_OK)
		w->base.pMethods = &methods;
	else
		sqlite3_free(w->gathered);
	return rc;
}

static int
open_any(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out)
{
	(void)vfs;
	if (flags & SQLITE_OPEN_WAL)
		return open_log(name, of(file), flags, out);
	return below->xOpen(below, name, file, flags, out);
}

const char *
walfile_vfs(void)
{
	static sqlite3_vfs vfs;

	if (below == NULL) {
		below = sqlite3_vfs_find(NULL);
		if (below == NULL)
			return NULL;
		vfs = *below;
		vfs.pNext = NULL;
		vfs.zName = "filemon";
		vfs.szOsFile += (int)sizeof(struct walfile);
		vfs.xOpen = open_any;
	}
	return sqlite3_vfs_find(vfs.zName) != NULL ||
		sqlite3_vfs_register(&vfs, 0) == SQLITE_OK
	    ? vfs.zName
	    : NULL;
}
