/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WIRE_WIRE_H
#define FILEMON_WIRE_WIRE_H

/*
 * What watcher and runner say to each other over one SOCK_SEQPACKET socketpair.
 * The watcher asks for a run of a configured handler's command for a path; the
 * runner builds argv itself from the configuration it was forked with, so the
 * watcher can have nothing run but that.  A message is at most WIRE_MAX bytes;
 * one that is malformed, too long or of an unknown type is refused as a whole
 * (EBADMSG), and the receiver ends the connection.  Numbers are little-endian;
 * strings are u32 length and bytes without NUL inside.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/content.h"

#define WIRE_MAX (128 * 1024)

enum wire_type {
	WIRE_RUN = 1,  /* watcher to runner: start a job when its handler has a slot */
	WIRE_STOP,     /* watcher to runner: no new jobs; end all by TERM, grace, KILL */
	WIRE_RELOAD,   /* watcher to runner: read the configuration; text = its digest */
	WIRE_REOPEN,   /* watcher to runner: the trace log was rotated */
	WIRE_READY,    /* runner to watcher: hello; text = digest of its configuration */
	WIRE_STARTED,  /* runner to watcher: id, pid */
	WIRE_ENDED,    /* runner to watcher: id, outcome, ... */
	WIRE_RELOADED, /* runner to watcher: code 0 switched, text = digest; else text =
			  error */
	WIRE_STOPPED,  /* runner to watcher: nothing of ours runs any more */
	WIRE_PACK,    /* watcher to runner: compress the closed event segment seq; STARTED
			 and ENDED follow as for a job */
	WIRE_LOG,     /* watcher to runner: the event log is written up to seq */
	WIRE_SINK,    /* runner to watcher: how a sink is: name, seq, ... */
	WIRE_DROP,    /* watcher to runner: not that job (id), if it did not start yet */
	WIRE_LIMITS,  /* runner to watcher: text = what keeps jobs within their limits */
	WIRE_ALERT,   /* watcher to runner: the alert of that name was raised: its rule in
			 state, its value in seq */
	WIRE_TOKEN,   /* runner to watcher: code 0: text = lines of name=value; else why
			  not */
	WIRE_READ,    /* watcher to runner: what does this file hold?  Always answered */
	WIRE_CONTENT, /* runner to watcher: id, content */
	WIRE_TYPE_MAX,
};

enum wire_command { WIRE_LOAD = 0, WIRE_REMOVE, WIRE_MOVE, WIRE_COMMAND_MAX };

/* How a run ended.  The watcher classifies EXIT by the configured tables. */
enum wire_outcome {
	WIRE_EXIT = 0,	  /* code is the exit code */
	WIRE_SIGNAL,	  /* code is the signal */
	WIRE_TIMEOUT,	  /* ended because its time was up */
	WIRE_EXEC_FAILED, /* code is the errno of execve(2) or of what came before */
	WIRE_CUT,	  /* ended because filemon stops, or not begun: not an attempt */
	WIRE_OUTCOME_MAX,
};

struct wire_msg {
	enum wire_type type;
	/* Of the job: RUN PACK STARTED ENDED; of the question: READ CONTENT */
	uint64_t id;
	/* RUN; root and path in READ too */
	uint32_t handler; /* index in the configuration */
	enum wire_command command;
	uint32_t root; /* index in config.roots */
	int64_t attempt, max_attempts;
	int64_t size;	      /* of the file, -1 unknown */
	const char *path;     /* relative to the root */
	const char *old_path; /* relative, "" if none */
	const char *event;    /* "created" ... */
	const char *event_id; /* "" if none */
	/* PACK: of the segment's first record; LOG: of the last that is written; SINK:
	   of the last that it has */
	uint64_t seq;
	const char *checksum; /* "sha256:...", "" if not known */
	/* STARTED, ENDED, RELOADED */
	int64_t pid;
	enum wire_outcome outcome;
	int32_t code;
	int64_t duration_us;
	int64_t max_rss_kib;
	const char *text;   /* digest, or error */
	const char *output; /* ENDED: the last output, cut to WIRE_OUTPUT_MAX */
	size_t output_len;  /* may hold any byte */
	/* SINK */
	uint64_t fed; /* the last record given to it */
	uint64_t starts, deaths;
	uint64_t missed; /* records that could not be given to it, since it was started */
	int64_t wall_ns; /* of the first record that it has not; 0: not known */
	const char *name;	/* of the sink */
	const char *state;	/* "up", "backoff", ...; its last error is in text */
	struct content content; /* CONTENT */
};

#define WIRE_OUTPUT_MAX 4096

/* Encodes into out (WIRE_MAX bytes); the length, or -1 with EMSGSIZE. */
int wire_encode(const struct wire_msg *, void *out, size_t size);
/*
 * Decodes in place: strings point into data, which must stay and be one byte
 * longer than len.  A string that the type does not have is "".  -1 with EBADMSG.
 */
int wire_decode(struct wire_msg *, void *data, size_t len);

struct wire;

/*
 * One end.  Sending never blocks: what the socket does not take is queued; the
 * queue is bounded by what was asked for (a run per slot), and wire_send says
 * false, and the end is to be considered dead, past 64 MiB (ENOBUFS) or when the
 * peer is gone (on_close follows).  False with EMSGSIZE is about that message
 * alone.  on_close comes once, from the loop, after everything that was read;
 * nothing comes after it.  wire_free closes fd; both callbacks may call it.
 */
struct ev_loop;
struct wire *wire_new(struct ev_loop *, int fd,
    void (*on_msg)(void *ctx, const struct wire_msg *),
    void (*on_close)(void *ctx, const char *why), void *ctx);
void wire_free(struct wire *);
bool wire_send(struct wire *, const struct wire_msg *);
/*
 * As wire_send, for what may be told a few milliseconds later: it goes with the
 * next message, or with others of its kind.  The order stays.
 */
bool wire_gather(struct wire *, const struct wire_msg *);
/* So many are gathered at most. */
#define WIRE_GATHER 6
/* A connected pair, close-on-exec, non-blocking. */
int wire_pair(int fds[2]);

#endif
