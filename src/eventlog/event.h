/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_EVENTLOG_EVENT_H
#define FILEMON_EVENTLOG_EVENT_H

/*
 * The event record (DESIGN.md, filemon-events(5)): what was seen to happen to
 * one path, and its renderings.  Written by a small writer, not as a tree of
 * objects.  Additive changes only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "conf/config.h"

enum event_type {
	EVENT_CREATED,
	EVENT_MODIFIED,
	EVENT_DELETED,
	EVENT_RENAMED,
	EVENT_EDITED,
	EVENT_GAP,
	EVENT_STARTED,
	EVENT_STOPPED,
	EVENT_LIMITED,
	EVENT_ALERT,
	EVENT_CLOCK,
	EVENT_CHECKSUMMED,
	EVENT_TYPE_COUNT,
};

enum event_kind { EVENT_KIND_NONE, EVENT_CONTENT, EVENT_METADATA, EVENT_EXTENDED };

/* How an editor saves: EVENT_EDITED. */
enum event_method { EVENT_ATOMIC, EVENT_BACKUP, EVENT_IN_PLACE };

struct event_temp {
	const char *path; /* relative */
	size_t len;
};

struct event {
	enum event_type type;
	enum event_kind kind; /* of EVENT_MODIFIED */
	const char *root;     /* absolute */
	const char *path;     /* relative; NULL for the stream's own records */
	size_t path_len;
	const char *old_path; /* relative, EVENT_RENAMED */
	size_t old_path_len;
	bool is_dir;
	const struct stat *st; /* NULL where it could not be had */
	const char *source;    /* "inotify", "poll", "scan" */
	const char *doer;      /* members of the record (doer.h); NULL: not known */
	const char *git;       /* a member of the record (git.h); NULL: none */
	/* What tells saves apart (save.h); not in the record. */
	bool listed;   /* found by a listing */
	bool replaced; /* there was another file at path before */
	bool shrunk;   /* the same file, and shorter than it was */
	/* EVENT_EDITED */
	enum event_method method;
	bool fresh; /* the path was not there before */
	const struct event_temp *temps;
	size_t n_temps;
	/* EVENT_ALERT */
	const char *alert, *rule;
	int64_t value, threshold;
	int64_t step_ms; /* EVENT_CLOCK */
	/* EVENT_GAP; EVENT_LIMITED: count */
	const char *cause;
	uint64_t count; /* 0: not known */
	bool repaired;
	/* EVENT_STARTED, EVENT_STOPPED */
	const char *backend;
	const char *reason;
	uint64_t directories, files;
	int64_t ready_ms;
	bool handover; /* the watches were taken over; nothing was compared */
	/* EVENT_CHECKSUMMED */
	uint64_t of;		    /* the record that is completed; 0: not known */
	const char *checksum;	    /* NULL: there is none, and the state says why */
	const char *checksum_state; /* as content_state_name */
	int32_t entropy;	    /* 1/1000 bit a byte; -1: not known */
};

/* What is the same in every record of a process: the tags, rendered once. */
struct event_frame;
struct event_frame *event_frame_new(const struct config *);
void event_frame_free(struct event_frame *);

#define EVENT_ID_SIZE 37 /* a UUIDv7 (RFC 9562) as text */
void event_id(int64_t wall_ns, char out[EVENT_ID_SIZE]);

/*
 * Adds the record as one line of JSON with its newline.  seq, id and time are
 * given by the log.  file_path is the absolute path; a path that is not UTF-8
 * is shown with U+FFFD and carried exactly in file_path_b64 (of the absolute
 * path; from_b64 for the old one).
 */
void event_render_json(struct buf *, const struct event_frame *, const struct event *,
    uint64_t seq, const char *id, int64_t wall_ns);

/*
 * A line of a log, as it stands, into another rendering: FORMAT_JSON copies,
 * FORMAT_PRETTY is for people ("13:59:43.416 modified docs/a.md (6.9 kB)"),
 * FORMAT_CLOUDEVENTS is CloudEvents 1.0 in JSON.  -1 where line is no record.
 */
int event_convert(const char *line, size_t len, enum config_format, struct buf *out);

const char *event_type_name(enum event_type);

#endif
