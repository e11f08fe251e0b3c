/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CONF_CONFIG_H
#define FILEMON_CONF_CONFIG_H

/*
 * The configuration of one project, read from its file and from -o options
 * into a plain structure.  Reading never exits and changes nothing on failure:
 * the error names file:line and option, says what is wanted, and, where near,
 * what was meant.  What may be set, its type, limits, default, unit and text
 * is the table in conf/options.c; the members here are filled by its rows.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/log.h"

struct strlist {
	char **v; /* NULL-terminated, also when empty */
	size_t n;
};

/* Bits of handler.types: what kinds of file a handler wants. */
enum file_type_bit {
	TYPE_BIT_FILE = 1,
	TYPE_BIT_DIR = 2,
	TYPE_BIT_SYMLINK = 4,
	TYPE_BIT_OTHER = 8, /* devices, FIFOs, sockets */
};

enum config_backend { BACKEND_AUTO, BACKEND_INOTIFY, BACKEND_POLL, BACKEND_FANOTIFY };
enum config_checksum { CHECKSUM_OFF, CHECKSUM_SHA256 };
enum config_compare { COMPARE_STAT, COMPARE_HASH };
enum config_initial { INITIAL_LOAD, INITIAL_SKIP };
enum config_start { START_NOW, START_BEGINNING };
enum config_mode { MODE_EXEC, MODE_BATCH, MODE_WORKER, MODE_FLEET };
enum config_stdin { STDIN_NULL, STDIN_PATHS0, STDIN_JSON };
enum config_format { FORMAT_JSON, FORMAT_PRETTY, FORMAT_CLOUDEVENTS, FORMAT_NONE };

#define EXIT_CODE_WORDS (256 / 64)

struct exit_set {
	uint64_t bits[EXIT_CODE_WORDS];
};
bool exit_set_has(const struct exit_set *, int code);

/* A handler's section, with what it says and its defaults. */
struct handler_config {
	char *name;
	unsigned line;	      /* of the section, for messages */
	struct strlist match; /* gitignore-style globs; empty: everything */
	unsigned types;	      /* file_type_bit; default file */
	struct strlist load;  /* argv templates; n == 0: not set */
	struct strlist remove_file;
	struct strlist move;
	int64_t jobs;	    /* slots */
	int64_t memory_max; /* bytes; 0: none */
	int64_t cpu_weight; /* 0: none */
	int64_t timeout_ms; /* 0: none */
	int64_t stop_grace_ms;
	int64_t retries; /* runs after the first failure; -1: without end */
	int64_t backoff_ms;
	int64_t backoff_max_ms;
	struct exit_set success;
	struct exit_set permanent;
	int64_t breaker_failures; /* consecutive, on different paths */
	int64_t breaker_cooldown_ms;
	enum config_initial initial;
	enum config_mode mode;	 /* always MODE_EXEC in this version */
	enum config_stdin input; /* `stdin`; always STDIN_NULL in this version */
	struct strlist env;	 /* NAME=value */
	char *user;		 /* NULL: as filemond */
	char *cwd;		 /* absolute; NULL: the project's root */
};

/* A sink's section. */
struct sink_config {
	char *name;
	unsigned line;
	struct strlist command; /* argv as it is */
	bool ack;		/* it says what it has: `ack SEQ` */
	enum config_start start;
	int64_t stop_grace_ms;
	int64_t backoff_ms;
	int64_t backoff_max_ms;
	struct strlist env;
	char *user;
	char *cwd; /* absolute; NULL: the project's root */
};

/* What an alert looks at (policy/alert.h). */
enum alert_rule {
	ALERT_EVENT_RATE,
	ALERT_MASS_DELETE,
	ALERT_MASS_RENAME,
	ALERT_HIGH_ENTROPY,
	ALERT_LATENCY,
	ALERT_QUEUE_AGE,
};

/* An alert's section. */
struct alert_config {
	char *name;
	unsigned line;
	enum alert_rule rule;
	int64_t threshold;
	int64_t window_ms;
	int64_t cooldown_ms;
	struct strlist command; /* `on-alert`; n == 0: none */
};

struct config {
	char *file;	      /* absolute; NULL where there was none */
	char *project;	      /* the root, absolute, resolved; no slash at the end */
	char *state_dir;      /* absolute; NULL: no state (the plain monitor) */
	char *control_socket; /* absolute; NULL where state_dir is */
	struct strlist roots; /* absolute, not nested; default: the project */
	enum config_backend backend;
	unsigned enrich; /* bits of enrich/process.h */
	int64_t poll_interval_ms;
	int64_t rescan_ms; /* 0: never */
	int64_t settle_ms;
	int64_t settle_max_ms;
	bool edited;	    /* saves are put together */
	int64_t events_max; /* in a second; 0: any number */
	int64_t file_events_max;
	struct strlist include; /* globs; empty: everything */
	struct strlist ignore;
	bool ignore_by_option; /* of -o, not of the file */
	bool default_ignores;
	bool gitignore; /* read .gitignore and .filemonignore */
	bool defer_vcs;
	enum config_checksum checksum;
	int64_t checksum_max_size;
	enum config_compare compare;
	bool ignore_metadata;
	bool cross_filesystems;
	bool seccomp; /* of the watcher, once it runs */
	bool landlock;
	bool drop_capabilities;
	int64_t drain_timeout_ms;
	enum log_level log_level;
	enum config_format format; /* of stdout in the foreground */
	struct strlist tags; /* NAME=value, each once: of all that give some (tags.h) */
	char *tenant_id, *user_id, *session_id; /* NULL: not given */
	char *token_file, *token_key;		/* absolute; both or neither */
	char *metadata;				/* "k=v,k=v" */
	int64_t events_segment_size;
	int64_t events_segment_age_ms;
	bool events_compress;
	int64_t events_keep_bytes, events_keep_age_ms, events_keep_count;
	int64_t events_hard_cap;
	bool chain;
	bool sync_state;   /* before a run */
	int64_t jobs_max;  /* of all handlers together */
	int64_t loop_runs; /* 0: no run is taken for one of a loop */
	int64_t loop_cooldown_ms;
	char *cgroup; /* auto, off, or a directory */
	int64_t db_cache_kib;
	int64_t clients_max;
	char digest[17]; /* of everything above and below: hex, 64 bits */
	struct handler_config *handlers;
	size_t n_handlers;
	struct sink_config *sinks; /* at most CONFIG_SINKS_MAX */
	size_t n_sinks;
	struct alert_config *alerts; /* at most CONFIG_ALERTS_MAX */
	size_t n_alerts;
};

#define CONFIG_SINKS_MAX 32
#define CONFIG_ALERTS_MAX 32

struct config_error {
	char text[512]; /* "/p/.filemon/filemon.conf:12: settle: ..." */
};

/*
 * A process that changes its directory before it reads again gives project and
 * file as the first reading found them.  Without .filemon/ in the project
 * there must be a file, or a state-dir among the options.
 */
struct config_source {
	const char *project; /* directory; NULL: found by walking up from "." to one with
				.filemon/ */
	const char *file; /* NULL: .filemon/filemon.conf below the project, which may be
			     missing */
	const char *const *options; /* "name=value", "handler.NAME.option=value" or
				       "sink.NAME..."; NULL-terminated; may be NULL */
	bool monitor; /* no state: state_dir stays NULL; project need not hold .filemon */
};

/* What was read from a configuration's file. */
struct config_text {
	char *file; /* absolute; NULL: there was none */
	char *p;    /* NUL-terminated; NULL where there was no file */
	size_t len;
};
void config_text_release(struct config_text *);

/* The caller frees with config_free.  NULL: *error is filled.  Not for threads. */
struct config *config_load(const struct config_source *, struct config_error *);
/* As config_load; *text, to be released, is what the file held, also on failure. */
struct config *config_load_text(
    const struct config_source *, struct config_text *text, struct config_error *);
/*
 * A configuration that was in use, again, from what its file held then: neither the
 * file nor the directories that it names are looked at.  start is an earlier one of
 * this source, with the same roots: those cannot be changed by a reload.
 */
struct config *config_recall(const struct config_source *, const struct config_text *,
    const struct config *start, struct config_error *);
void config_free(struct config *);
struct handler_config *config_handler(const struct config *, const char *name);
struct section;
enum option_scope;
/* Lends the section number i of that kind; false where there is none. */
bool config_section(const struct config *, enum option_scope, size_t i, struct section *);
bool config_find_section(
    const struct config *, enum option_scope, const char *name, struct section *);

/*
 * The directory that holds .filemon/, walking up from dir ("." if NULL);
 * absolute, the caller frees; NULL with ENOENT, or why dir cannot be resolved.
 */
char *config_find_project(const char *dir);

/*
 * One line for each difference between two configurations ("settle: 100ms ->
 * 250ms", "handler memory: added"), for people.  The caller frees; "" if none.
 */
char *config_diff(const struct config *from, const struct config *to);

#endif
