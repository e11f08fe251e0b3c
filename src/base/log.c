/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clk.h"
#include "base/vis.h"

#define TEXT_MAX 8192
#define LINE_MAX_BYTES (4 * TEXT_MAX + 256)
/* A message that goes on and on is told again, with its count, this often. */
#define REPEAT_MS 60000

/* Fixed memory: the line that says that memory is out is written from here. */
struct line {
	size_t len;
	char p[LINE_MAX_BYTES];
};

static const struct {
	const char *name;
	int syslog; /* sd-daemon(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", 3 },
	[LOG_LEVEL_WARN] = { "warn", 4 },
	[LOG_LEVEL_INFO] = { "info", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", 7 },
};

static enum log_format format = LOG_FORMAT_TEXT;
static enum log_level threshold = LOG_LEVEL_INFO;
static const char *process = "";
static int out_fd = STDERR_FILENO;
static unsigned long unwritten; /* lines that nobody read in time */
static bool is_cut;		/* the last one has no end */

static struct {
	enum log_level level;
	int64_t said_ms;
	unsigned long repeats;
	bool any;
	char text[TEXT_MAX];
} last;

int
log_level_parse(const char *name)
{
	for (size_t i = 0; i < COUNTOF(levels); i++) {
		if (strcmp(levels[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

const char *
log_level_name(enum log_level level)
{
	return levels[level].name;
}

static void
add(struct line *line, const char *s, size_t n)
{
	size_t room = sizeof(line->p) - 1 - line->len; /* one byte for the newline */
	if (n > room)
		n = room;
	memcpy(line->p + line->len, s, n);
	line->len += n;
}

static void addf(struct line *, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
addf(struct line *line, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		add(line, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* As vis(3) with VIS_OCTAL | VIS_NL | VIS_TAB, which would not know UTF-8
   without a locale.  quoted: within a JSON string. */
static void
add_escaped(struct line *line, const char *text, bool quoted)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = strlen(text), len;
	const char *slash = quoted ? "\\\\" : "\\";
	for (; n > 0; s += len, n -= len) {
		len = buf_utf8(s, n);
		if (len > 0 && vis_is_harmless(s, len)) {
			if (quoted && *s == '"')
				add(line, "\\", 1);
			add(line, (const char *)s, len);
		} else if (*s == '\\') {
			addf(line, "%s%s", slash, slash);
		} else {
			len = len > 0 ? len : 1;
			for (size_t i = 0; i < len; i++)
				addf(line, "%s%03o", slash, s[i]);
		}
	}
}

static void
make_text(struct line *line, enum log_level level, const char *text)
{
	char time[CLK_RFC3339_SIZE];
	clk_rfc3339(clk_wall_ns(), time);
	addf(line, "%.23sZ %s %s[%ld]: ", time, levels[level].name, process,
	    (long)getpid());
	add_escaped(line, text, false);
}

static void
make_systemd(struct line *line, enum log_level level, const char *text)
{
	addf(line, "<%d>%s%s", levels[level].syslog, process, *process ? ": " : "");
	add_escaped(line, text, false);
}

static void
make_json(struct line *line, enum log_level level, const char *text)
{
	char time[CLK_RFC3339_SIZE];
	clk_rfc3339(clk_wall_ns(), time);
	addf(line, "{\"timestamp_utc\":\"%s\",\"level\":\"%s\",\"process\":\"", time,
	    levels[level].name);
	add_escaped(line, process, true);
	addf(line, "\",\"pid\":%ld,\"message\":\"", (long)getpid());
	add_escaped(line, text, true);
	add(line, "\"}", 2);
}

/* RWF_NOWAIT where it can: another writer may take the room that poll(2) saw. */
static ssize_t
write_at_once(const char *p, size_t n)
{
	struct pollfd pfd = { .fd = out_fd, .events = POLLOUT };
	const struct iovec iov = { (void *)(uintptr_t)p, n };
	int ready = poll(&pfd, 1, 0);
	if (ready == 0)
		errno = EAGAIN;
	if (ready != 1)
		return -1;
	ssize_t done = pwritev2(out_fd, &iov, 1, -1, RWF_NOWAIT);
	if (done == -1 && (errno == EOPNOTSUPP || errno == ENOSYS))
		done = write(out_fd, p, n);
	return done;
}

/* A pipe that can be written to has room for PIPE_BUF. */
static bool
write_to_reader(const char *p, size_t len, size_t piece)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n =
		    write_at_once(p + done, len - done < piece ? len - done : piece);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	is_cut = done > 0 ? done < len : is_cut;
	return done == len;
}

/* A disk is waited for, whoever reads a pipe, a socket or a terminal is not. */
static bool
put_line(const struct line *line)
{
	struct stat st;
	if (fstat(out_fd, &st) == 0 && !S_ISREG(st.st_mode))
		return write_to_reader(
		    line->p, line->len, S_ISFIFO(st.st_mode) ? PIPE_BUF : line->len);
	while (write(out_fd, line->p, line->len) == -1 && errno == EINTR)
		;
	return true;
}

static bool
put_text(enum log_level level, const char *text)
{
	static void (*const make[])(struct line *, enum log_level, const char *) = {
		[LOG_FORMAT_TEXT] = make_text,
		[LOG_FORMAT_SYSTEMD] = make_systemd,
		[LOG_FORMAT_JSON] = make_json,
	};
	static struct line line;
	line.len = 0;
	if (is_cut)
		add(&line, "\n", 1);
	make[format](&line, level, text);
	line.p[line.len++] = '\n';
	return put_line(&line);
}

static void
write_line(enum log_level level, const char *text)
{
	char lost[64];
	snprintf(lost, sizeof(lost), "%lu lines were not written: nobody read them",
	    unwritten);
	if (unwritten > 0 && put_text(LOG_LEVEL_WARN, lost))
		unwritten = 0;
	if (unwritten > 0 || !put_text(level, text))
		unwritten++;
}

static void
tell_repeats(void)
{
	char text[64];
	if (last.repeats == 0)
		return;
	snprintf(text, sizeof(text), "last message repeated %lu times", last.repeats);
	last.repeats = 0;
	write_line(last.level, text);
}

static bool
is_repeated(enum log_level level, const char *text)
{
	int64_t now = clk_mono_ms();
	if (!last.any || last.level != level || strcmp(last.text, text) != 0)
		return false;
	last.repeats++;
	if (now - last.said_ms >= REPEAT_MS) {
		last.said_ms = now;
		tell_repeats();
	}
	return true;
}

static void
say(enum log_level level, const char *text)
{
	tell_repeats();
	write_line(level, text);
	last.any = true;
	last.level = level;
	last.said_ms = clk_mono_ms();
	memmove(last.text, text, strlen(text) + 1);
}

static void compose(char text[TEXT_MAX], int error, const char *fmt, va_list)
    PRINTF_LIKE(3, 0);

/* The text of a message, cut where it is too long; error 0: without strerror. */
static void
compose(char text[TEXT_MAX], int error, const char *fmt, va_list ap)
{
	static const char cut[] = "...";
	const char *why = error ? strerror(error) : "";
	size_t room = TEXT_MAX - (error ? strlen(why) + 2 : 0);
	int n = vsnprintf(text, room, fmt, ap);
	size_t len = n < 0 ? 0 : (size_t)n;
	if (len >= room) {
		len = room - 1;
		memcpy(text + len - (sizeof(cut) - 1), cut, sizeof(cut) - 1);
	}
	if (error)
		snprintf(text + len, TEXT_MAX - len, ": %s", why);
}

static void vlog(enum log_level, int error, const char *fmt, va_list) PRINTF_LIKE(3, 0);

static void
vlog(enum log_level level, int error, const char *fmt, va_list ap)
{
	static char text[TEXT_MAX];
	int saved = errno;
	if (level <= threshold) {
		compose(text, error, fmt, ap);
		if (!is_repeated(level, text))
			say(level, text);
	}
	errno = saved;
}

void
log_init(enum log_format new_format, enum log_level level)
{
	format = new_format;
	threshold = level;
}

/* A process is named after it was forked: what was said before was the parent's. */
void
log_set_process(const char *name)
{
	process = name;
	last.any = false;
	last.repeats = 0;
	unwritten = 0;
	is_cut = false;
}

void
log_set_level(enum log_level level)
{
	threshold = level;
}

void
log_set_fd(int fd)
{
	int saved = errno;
	tell_repeats();
	last.any = false;
	unwritten = 0;
	is_cut = false;
	out_fd = fd;
	errno = saved;
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vlog(LOG_LEVEL_DEBUG, 0, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vlog(LOG_LEVEL_INFO, 0, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vlog(LOG_LEVEL_WARN, errno, fmt, ap);
	va_end(ap);
}

void
log_warnx(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vlog(LOG_LEVEL_WARN, 0, fmt, ap);
	va_end(ap);
}

void
log_error(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vlog(LOG_LEVEL_ERROR, errno, fmt, ap);
	va_end(ap);
}

void
log_errorx(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vlog(LOG_LEVEL_ERROR, 0, fmt, ap);
	va_end(ap);
}

void
fatal(const char *fmt, ...)
{
	int error = errno;
	va_list ap;
	va_start(ap, fmt);
	tell_repeats();
	last.any = false;
	vlog(LOG_LEVEL_ERROR, error, fmt, ap);
	va_end(ap);
	exit(1);
}

void
fatalx(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	tell_repeats();
	last.any = false;
	vlog(LOG_LEVEL_ERROR, 0, fmt, ap);
	va_end(ap);
	exit(1);
}
