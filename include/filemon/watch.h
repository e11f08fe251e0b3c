/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_H
#define FILEMON_WATCH_H

/*
 * libfilemon: tells what happens in a directory tree.
 *
 * A watch is one root with everything below it.  The kernel's notifications
 * and what was found by looking come through one callback, in order.  A kernel
 * notification is a hint: the state of a path is what lstat(2) says.  Nothing
 * is lost silently: where notifications were lost or cannot be had, the
 * library says FM_DIRTY and looks (lists directories) itself.
 *
 * Directories are listed in slices by fm_watch_step, so that no call takes
 * long.  A directory is watched first and listed then (inotify(7) tells
 * nothing about what appeared between mkdir and the watch), so what is created
 * between the two comes twice: as an event and as an entry.
 *
 * All paths are relative to the root, bytes without NUL, "" is the root
 * itself; they may be longer than PATH_MAX.  Symbolic links below the root are
 * never followed; the root itself may be one.  No descriptor is held open
 * below the root except while directories wait to be listed, so that the file
 * system can be unmounted.
 *
 * Memory grows with the number of directories (60 to 80 bytes each) and with
 * nothing else; while a directory is listed, with its number of names.
 *
 * A watch is used by one thread at a time; several watches are independent.
 * The library never logs, exits, forks, or touches signals.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fm_watch;

enum fm_kind {
	/* Hints from the kernel about one path. */
	FM_CREATED, /* a name appeared (made, linked, or moved in from outside) */
	FM_WRITTEN, /* content was written, or a writer closed */
	FM_ATTRIB,  /* mode, owner, times, links or extended attributes */
	FM_DELETED, /* a name went (removed, or moved out of the tree) */
	/* old_path is now path; both within the tree.  Of two names exchanged
	   (RENAME_EXCHANGE) one is renamed, the other created. */
	FM_RENAMED,
	/* From looking: BEGIN, ENTRY..., END for each directory that is listed.
	   Entries come sorted by name (memcmp).  A listing that cannot be made
	   or goes on no longer is FM_LIST_FAILED, with error: then nothing may be
	   concluded about names that did not come.  An entry that is no
	   directory has nothing below it, whatever was told before. */
	FM_LIST_BEGIN,
	FM_LIST_ENTRY,
	FM_LIST_END,
	FM_LIST_FAILED,
	/* About the watch itself. */
	FM_DIRTY,     /* events were lost below path: see cause; it will be listed */
	FM_ROOT_GONE, /* the root was removed, moved away, replaced or unmounted */
	FM_ROOT_BACK, /* a directory is at the root's path again; it will be listed */
	FM_DEGRADED,  /* directories are polled because cause; once per cause */
	FM_RESTORED,  /* no directory is polled for that cause any more */
};

enum fm_cause {
	FM_CAUSE_NONE,
	FM_CAUSE_OVERFLOW,     /* the kernel's queue was full (IN_Q_OVERFLOW) */
	FM_CAUSE_WATCH_LIMIT,  /* fs.inotify.max_user_watches (ENOSPC) */
	FM_CAUSE_WATCH_FAILED, /* a watch could not be added: error */
	FM_CAUSE_BACKEND,      /* the file system tells nothing; error 0 */
	FM_CAUSE_REPLACED, /* a directory was swapped or moved: its content is unknown */
	FM_CAUSE_BACKLOG,  /* notifications come too fast: see postpone */
};

/* How a listing came about; on FM_LIST_*. */
enum fm_scan {
	FM_SCAN_FRESH = 1,  /* the directory appeared while watching */
	FM_SCAN_POLL = 2,   /* it is polled */
	FM_SCAN_ASKED = 4,  /* fm_watch_scan, or the first scan */
	FM_SCAN_REPAIR = 8, /* after a loss (overflow, root back, replaced) */
};

struct fm_event {
	enum fm_kind kind;
	enum fm_cause cause;
	unsigned scan;	  /* fm_scan bits */
	int error;	  /* an errno, 0 where there is none */
	bool is_dir;	  /* as the kernel or the listing said */
	const char *path; /* valid during the call */
	size_t path_len;
	const char *old_path; /* FM_RENAMED */
	size_t old_path_len;
	/* On FM_CREATED where it came from, on FM_DELETED where it went, by a
	   rename whose other end is in the tree and not wanted; else NULL. */
	const char *other;
	size_t other_len;
	const char *name;      /* the last component of path, within path */
	const struct stat *st; /* FM_LIST_ENTRY (see names_only), FM_LIST_BEGIN: lstat */
	/* On an event for one path: it is told because the queue repeats what a
	   listing of a fresh directory has told already.  On FM_DIRTY: directories
	   that were told as dirty still are.  On FM_LIST_FAILED: so did the last
	   listing of it. */
	bool repeated;
	/* FM_WRITTEN: data were written, it is not only that a writer closed.  write(2)
	   sets the times first, puts the data there, and tells then; in between it may
	   be stuck for long.  So who looked at the file, or read it, before this event
	   came may have seen its last times with older data.  On FM_LIST_ENTRY: this
	   was said of it, perhaps, and not told (see postpone). */
	bool modified;
	/* On an event for one path: who did it, as the kernel said (fanotify); 0
	   where it is not known.  The process may have ended by now. */
	int pid;
	/* With fm_options.pidfd: a pidfd of that process, valid during the call; -1
	   where there is none. */
	int pidfd;
};

enum fm_backend {
	FM_BACKEND_AUTO, /* inotify or poll, by the type of the file system */
	FM_BACKEND_INOTIFY,
	FM_BACKEND_POLL,
	/* One mark a file system instead of a watch a directory, and the process
	   whose doing it was.  Where it is refused (CAP_SYS_ADMIN, Linux 5.17,
	   not on overlayfs and others) as AUTO; fm_stats.why says why. */
	FM_BACKEND_FANOTIFY,
};

struct fm_options {
	const char *root; /* absolute; copied */
	enum fm_backend backend;
	bool pidfd; /* have a pidfd in events, where the backend can: it costs */
	/* Do not list the tree at the start, where the backend (fanotify, within one
	   file system) can do without: then directories are told of, and known,
	   when something happens in them, and the start costs the same however
	   large the tree is. */
	bool lazy;
	/*
	 * Where notifications come faster than on_event returns, and before the
	 * kernel's queue overflows: drop what is told of files in some directories,
	 * and list these when it is calm (inotify alone).  Each is FM_DIRTY for
	 * FM_CAUSE_BACKLOG; what came and went meanwhile is not told.
	 */
	bool postpone;
	int64_t poll_interval_ms; /* of polled directories; 0: 2000 */
	int64_t rename_wait_ms;	  /* how long half a rename waits; 0: 10 */
	bool cross_filesystems;	  /* go below other mount points */
	/*
	 * FM_LIST_ENTRY comes without st for what is no directory, except where
	 * the listed directory appeared while watching: that saves a look at
	 * each file.
	 */
	bool names_only;
	/*
	 * The same for directories that are going to be listed: FM_LIST_BEGIN or
	 * FM_LIST_FAILED of their own follows.
	 */
	bool bare_dirs;
	/*
	 * Is path wanted?  Asked before a directory is watched and for every
	 * event and entry; what is not wanted is neither watched nor told.
	 * NULL: everything.
	 */
	bool (*want)(void *ctx, const char *path, size_t len, bool is_dir);
	/*
	 * Is the directory now at the root's path to be taken for the root?  Asked
	 * at the start and when one is there again.  False: it counts as gone, and
	 * is asked about again from time to time.  NULL: always.
	 */
	bool (*accept_root)(void *ctx, const struct stat *);
	void (*on_event)(void *ctx, const struct fm_event *);
	void *ctx;
	/* For tests: limits the number of watches as the kernel would (0: none). */
	unsigned long max_watches;
};

struct fm_stats {
	enum fm_backend backend; /* the one in use, never AUTO */
	const char *why;	 /* why AUTO chose it: "inotify", "nfs", ... */
	unsigned long dirs;	 /* known directories */
	unsigned long watches;	 /* kernel watches held */
	unsigned long polled;	 /* directories without one */
	unsigned long events;	 /* notifications read since the start */
	unsigned long elsewhere; /* ... about other parts of the file system */
	unsigned long overflows;
	unsigned long unknown;	 /* notifications for watches no longer known */
	unsigned long postponed; /* directories that are dirty for FM_CAUSE_BACKLOG */
	unsigned long skipped;	 /* notifications about files in such */
	unsigned long listed;	 /* directories listed since the start */
	unsigned long to_list;	 /* directories waiting to be listed */
	bool held;		 /* half a rename, or a repair, waits for its time */
	size_t memory;		 /* bytes of tables */
	unsigned long failed;	 /* directories that could not be listed the last time */
	unsigned long limited;	 /* ... of polled: for FM_CAUSE_WATCH_LIMIT */
};

/*
 * Starts watching.  The root must be a directory now.  Every directory is
 * queued to be listed (fm_watch_step).  NULL with errno: ENOENT, ENOTDIR,
 * EACCES, EMFILE (fs.inotify.max_user_instances, or descriptors), ENOMEM.
 */
struct fm_watch *fm_watch_new(const struct fm_options *);
void fm_watch_free(struct fm_watch *); /* NULL is fine; idempotent stop */

/*
 * Handing a watch over to a successor, another process on this machine, without
 * a look at the tree: the kernel's queue goes on filling meanwhile.  Export
 * gives the table of directories, which belongs to the descriptor of
 * fm_watch_fd; after it the watch must only be freed.  The caller frees *table.
 * -1 with errno: EBUSY where something is under way (notifications to be read,
 * directories to be listed, half a rename, a repair: go on and ask again),
 * ENOTSUP where there is what a table cannot tell (another backend, directories
 * that are polled or could not be listed, a root that is gone), ENOMEM.
 */
int fm_watch_export(struct fm_watch *, void **table, size_t *len);
/*
 * As fm_watch_new, with the watches of fd; nothing is listed.  What `want` says
 * of directories must be what it said before.  fd is taken where it succeeds.
 * NULL with errno besides those of fm_watch_new: EBADMSG for a table that is
 * damaged or of another version, ESTALE where the root is another one or fd
 * does not watch it, ENOTSUP where the options ask for another backend.
 */
struct fm_watch *fm_watch_import(
    const struct fm_options *, int fd, const void *table, size_t len);

/* Readable when fm_watch_read has something; -1 where only polling is done. */
int fm_watch_fd(const struct fm_watch *);
/*
 * Reads one bufferful and tells its events; 1 if there may be more, 0 if the
 * queue is empty, -1 with errno.  Never blocks.
 */
int fm_watch_read(struct fm_watch *);
/* Unread bytes in the kernel's queue. */
size_t fm_watch_unread(const struct fm_watch *);
/*
 * When fm_watch_tick wants to be called, CLOCK_MONOTONIC in ms; -1 never: for
 * halves of renames, polling, waiting for the root.  Changes with every call.
 */
int64_t fm_watch_due(const struct fm_watch *);
void fm_watch_tick(struct fm_watch *, int64_t now_ms);

/* Is a directory waiting to be listed, or half listed? */
bool fm_watch_scanning(const struct fm_watch *);
/*
 * Goes on listing: tells at most max entries, begins at most one directory.
 * Returns fm_watch_scanning().  Directories that are not wanted any more are
 * forgotten on the way; new ones found are watched and queued.
 */
bool fm_watch_step(struct fm_watch *, unsigned max);
/*
 * Queues a directory to be listed, with all below it where recursive.
 * 0, or -1 with ENOENT where it is not a known directory.
 */
int fm_watch_scan(struct fm_watch *, const char *path, bool recursive);
/* Drops all knowledge of what `want` said: queues everything, recursively. */
void fm_watch_refilter(struct fm_watch *);

/* Is the root away (between FM_ROOT_GONE and FM_ROOT_BACK)? */
bool fm_watch_root_gone(const struct fm_watch *);
/* Is the directory at the root's path still the one being watched?  Looks. */
bool fm_watch_root_same(const struct fm_watch *);
/* How changes are noticed, decided when the watch was made.  Never "auto". */
enum fm_backend fm_watch_backend(const struct fm_watch *);
/* How a directory stands: what happens in it may be told, or may not. */
enum fm_dir {
	FM_DIR_UNKNOWN, /* not in the tree, not wanted, of another file system, or new */
	FM_DIR_FAILED,	/* it could not be listed the last time */
	FM_DIR_WATCHED,
	FM_DIR_POLLED,
};
enum fm_dir fm_watch_dir(const struct fm_watch *, const char *path);
/*
 * Names one of those that could not be listed the last time: its path, cut to size,
 * with a NUL.  0, or -1 where there is none.  Goes through the whole table.
 */
int fm_watch_failed(const struct fm_watch *, char *path, size_t size);
/* Counts; for what is asked of each event it is too much. */
void fm_watch_stats(const struct fm_watch *, struct fm_stats *);

const char *fm_kind_name(enum fm_kind);
const char *fm_cause_name(enum fm_cause); /* "overflow", "watch-limit", ... */
const char *fm_backend_name(enum fm_backend);

#ifdef __cplusplus
}
#endif

#endif
