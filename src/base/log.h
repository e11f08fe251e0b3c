/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_LOG_H
#define FILEMON_BASE_LOG_H

/*
 * The trace log: one line a message, on stderr, and nothing else is ever
 * written there.  Form of a message: "subject: what happened: why (what
 * follows)".  Odd bytes are escaped as vis(3) does, so that no path or handler
 * output can break a line or a terminal.  errno survives every call.  INFO is
 * for changes of state, never per event.  Not for threads or signal handlers.
 *
 * A line reads "2026-01-31T13:59:43.416Z info watcher[4242]: text\n"; with
 * LOG_FORMAT_SYSTEMD "<6>watcher: text\n"; with LOG_FORMAT_JSON an object with
 * timestamp_utc, level, process, pid, message.  A line is a single write(2), but one
 * of more than PIPE_BUF to a pipe.
 *
 * Nobody who does not read can hold a process up: what a pipe, a socket or a terminal
 * does not take at once is left out, and how many lines that were is told before the
 * next one that is written.
 */

#include "base/compiler.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_SYSTEMD, LOG_FORMAT_JSON };

/* The names "error" "warn" "info" "debug"; -1 where name is none of them. */
int log_level_parse(const char *name);
const char *log_level_name(enum log_level);

/* Before the first call messages are INFO and up, as text, without a name. */
void log_init(enum log_format, enum log_level);
void log_set_process(const char *name); /* kept, not copied */
void log_set_level(enum log_level);
/* Messages go to this descriptor instead of stderr (fd 2). */
void log_set_fd(int fd);

void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* log_warn and log_error append ": strerror(errno)"; the x forms do not. */
void log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warnx(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_errorx(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Logs as error and ends the process with exit code 1. */
void fatal(const char *fmt, ...) PRINTF_LIKE(1, 2) NORETURN;
void fatalx(const char *fmt, ...) PRINTF_LIKE(1, 2) NORETURN;

#endif
