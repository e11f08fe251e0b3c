/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_CTL_H
#define FILEMON_CTL_CTL_H

/*
 * What a command of filemonctl is, and what it gets.  The table of commands is
 * in main.c; parsing and help text come from the rows.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "conf/config.h"

/* Exit codes, after the LSB's for init scripts. */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_STATUS_STOPPED = 3, /* of status only */
	CTL_STATUS_UNKNOWN = 4, /* of status only */
	CTL_NOT_INSTALLED = 5,	/* no filemond */
	CTL_NO_PROJECT = 6,	/* not configured */
	CTL_NOT_RUNNING = 7,
	CTL_USAGE = 64, /* EX_USAGE of sysexits(3) */
};

/* Options without a short form. */
enum option_key {
	OPT_NO_WAIT = 256,
	OPT_FORCE,
	OPT_FORMAT,
	OPT_COMMANDS,
	OPT_OPTIONS,
	OPT_SETTINGS,
	OPT_TENANT,
	OPT_USER,
	OPT_SESSION,
	OPT_TENANT_ID,
	OPT_USER_ID,
	OPT_SESSION_ID,
	OPT_METADATA,
};

struct option_row {
	int key;	  /* the short option, or an option_key */
	const char *name; /* the long option */
	const char *arg;  /* "N", "[=INTERVAL]" where it may be left out, NULL: none */
	const char *text; /* NULL ends the table */
};

struct ctl {
	const struct command *command;
	const char *dir;	/* -C; NULL: the working directory */
	const char *file;	/* -c; NULL: the project's */
	struct strlist options; /* -o */
	bool json;
	bool quiet;
};

struct command {
	const char *name;
	const char *args;		  /* "[PATH]" */
	const char *summary;		  /* one line */
	const char *help;		  /* what more there is to say; NULL: nothing */
	const struct option_row *options; /* NULL: only those of all commands */
	int (*run)(struct ctl *, int argc, char **argv);
};

extern const struct command commands[];
extern const size_t commands_count;
const struct command *command_find(const char *name);
/* The nearest name of a command, NULL where nothing is near. */
const char *command_near(const char *name);

/*
 * The next option of the command as getopt_long(3) gives it, -1 at their end
 * (argv is from optind on).  Options of all commands are taken here; what is
 * wrong ends the process with CTL_USAGE, --help with CTL_OK.
 */
int args_next(struct ctl *, int argc, char **argv);
/* The same for what stands before the command: stops at the first word. */
int args_first(struct ctl *, int argc, char **argv);
/* Ends with CTL_USAGE where there are fewer or more words (max -1: no limit). */
void args_words(const struct ctl *, int argc, int min, int max);
/* Of a command without options of its own: what is left are its words. */
void args_only_words(struct ctl *, int argc, char **argv, int min, int max);
/* A number from min on, a duration in ms: end with CTL_USAGE where arg is none. */
long args_number(const struct ctl *, const char *option, const char *arg, long min);
int64_t args_duration(const struct ctl *, const char *option, const char *arg);
/* A command line as sh(1) splits it; ends with CTL_USAGE where it is none. */
void args_command(
    const struct ctl *, const char *option, const char *arg, struct strlist *out);
void usage_error(const struct ctl *, const char *fmt, ...) PRINTF_LIKE(2, 3) NORETURN;

void help_all(void);
void help_command(const struct command *);
void help_option_words(const struct command *); /* for completion */

/* "filemonctl start: text" on stderr; failed returns CTL_FAILED. */
void complain(const struct ctl *, const char *fmt, ...) PRINTF_LIKE(2, 3);
int failed(const struct ctl *, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A line on stdout, unless -q or --json was given. */
void say(const struct ctl *, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* What was printed must have gone out: a full disk is a failure.  The exit code. */
int end_output(const struct ctl *, int code);

int cmd_init(struct ctl *, int argc, char **argv);
int cmd_start(struct ctl *, int argc, char **argv);
int cmd_stop(struct ctl *, int argc, char **argv);
int cmd_restart(struct ctl *, int argc, char **argv);
int cmd_reload(struct ctl *, int argc, char **argv);
int cmd_ensure(struct ctl *, int argc, char **argv);
int cmd_status(struct ctl *, int argc, char **argv);
int cmd_list(struct ctl *, int argc, char **argv);
int cmd_watch(struct ctl *, int argc, char **argv);
int cmd_run(struct ctl *, int argc, char **argv);
int cmd_events(struct ctl *, int argc, char **argv);
int cmd_queue(struct ctl *, int argc, char **argv);
int cmd_failures(struct ctl *, int argc, char **argv);
int cmd_retry(struct ctl *, int argc, char **argv);
int cmd_discard(struct ctl *, int argc, char **argv);
int cmd_scan(struct ctl *, int argc, char **argv);
int cmd_wait(struct ctl *, int argc, char **argv);
int cmd_pause(struct ctl *, int argc, char **argv);
int cmd_resume(struct ctl *, int argc, char **argv);
int cmd_why(struct ctl *, int argc, char **argv);
int cmd_verify(struct ctl *, int argc, char **argv);
int cmd_config(struct ctl *, int argc, char **argv);

#endif
