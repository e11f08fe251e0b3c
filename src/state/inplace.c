/* SPDX-License-Identifier: ISC */
#include "state/inplace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/xmalloc.h"

static struct file_id
id_of(const char *path, const char *tail)
{
	char *name = xasprintf("%s%s", path, tail);
	struct file_id id = { 0, 0 };
	struct stat st;

	if (lstat(name, &st) == 0)
		id = (struct file_id){ st.st_dev, st.st_ino };
	free(name);
	return id;
}

void
inplace_note(struct inplace *in, const char *path)
{
	in->file = id_of(path, "");
	in->wal = id_of(path, "-wal");
}

static bool
holds(const struct file_id *was, const char *path, const char *tail)
{
	struct file_id is;

	if (was->ino == 0)
		return true;
	errno = 0;
	is = id_of(path, tail);
	return is.ino == 0 ? errno != ENOENT : is.ino == was->ino && is.dev == was->dev;
}

bool
inplace_holds(const struct inplace *in, const char *path)
{
	return holds(&in->file, path, "") && holds(&in->wal, path, "-wal");
}

static int
sync_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int rc = fd == -1 ? -1 : fsync(fd);

	fd_close(&fd);
	return rc;
}

/* The file is made first, so that nobody else may read it. */
static int
copy(struct sql *sql, const char *to)
{
	int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	char *text;
	int rc;

	if (fd == -1)
		return -1;
	fd_close(&fd);
	text = sqlite3_mprintf("VACUUM INTO %Q", to);
	rc = text == NULL ? -1 : sql_exec(sql, text);
	sqlite3_free(text);
	return rc == -1 ? -1 : sync_path(to);
}

/* A WAL that is left there would be taken for the new file's. */
static int
put(const char *from, const char *path)
{
	char *wal = xasprintf("%s-wal", path);
	char *dir = xstrdup(path), *slash = strrchr(dir, '/');
	int rc = unlink(wal) == -1 && errno != ENOENT ? -1 : rename(from, path);

	if (slash != NULL && rc == 0) {
		slash[1] = '\0';
		rc = sync_path(dir);
	}
	free(dir);
	free(wal);
	return rc;
}

int
inplace_restore(struct sql *sql, const char *path)
{
	char *new = xasprintf("%s.new", path);
	int rc;

	/* So that without its WAL the old file, where it is in place, has all as well. */
	sql_exec(sql, "PRAGMA wal_checkpoint(TRUNCATE)");
	unlink(new);
	rc = copy(sql, new);
	if (rc == 0)
		rc = put(new, path);
	if (rc == -1) {
		log_error("state: %s cannot be put back (what the file there does not "
			  "hold is forgotten)",
		    path);
		unlink(new);
	}
	free(new);
	return rc;
}
