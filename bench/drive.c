/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * drive [-r READY] [-p PROBE [-i MS]] [-f FIFO] [-w SECONDS] CMD ARG...
 *
 * Starts CMD, reads all it prints, and says in one line of JSON when it was
 * live: when it printed READY, or named PROBE, a file that is rewritten every MS
 * (2) meanwhile.  Then it takes commands, a line each, from standard input and
 * answers each with one line of JSON:
 *
 *	latency COUNT GAP_US FILES PER TOP   rewrites COUNT of the files of a tree
 *	storm FILES WRITERS DIRS RATE QUIET_MS LIMIT_MS TOP
 *	rename FROM TO
 *	settle QUIET_MS LIMIT_MS             until nothing is printed for so long
 *	count TEXT                           lines with TEXT, since it was first asked
 *	named                                different files since a storm began
 *
 * At the end of its input it ends CMD.
 */

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/child.h"
#include "bench/lab.h"
#include "bench/storm.h"

#define MS INT64_C(1000000)
#define FILES_MAX 10000000
#define WORDS 8
#define LATENCY_LIMIT (10 * 1000 * MS)
#define TEXTS 8

/* What was seen in the lines so far. */
static struct {
	bool handlers; /* files are named by what mark says, not by the program */
	unsigned char files[FILES_MAX / 8];
	unsigned long named; /* different files since the last reset */
	unsigned long lines;
	int64_t last_line, last_new;
	long want; /* a file, and when it was first named */
	int64_t want_at;
	const char *text; /* the same for a text */
	int64_t text_at;
	struct {
		const char *text;
		unsigned long n;
	} counts[TEXTS];
} seen = { .want = -1 };

static struct child child;

static void
on_line(const char *line, long id, bool marked, int64_t at)
{
	seen.lines++;
	seen.last_line = at;
	if (seen.text != NULL && seen.text_at == 0 && strstr(line, seen.text) != NULL)
		seen.text_at = at;
	for (int i = 0; i < TEXTS && seen.counts[i].text != NULL; i++)
		seen.counts[i].n += strstr(line, seen.counts[i].text) != NULL;
	if (id < 0 || id >= FILES_MAX || marked != seen.handlers)
		return;
	if (id == seen.want && seen.want_at == 0)
		seen.want_at = at;
	if (seen.files[id / 8] & 1 << id % 8)
		return;
	seen.files[id / 8] |= (unsigned char)(1 << id % 8);
	seen.named++;
	seen.last_new = at;
}

static void
forget(void)
{
	memset(seen.files, 0, sizeof(seen.files));
	seen.named = seen.lines = 0;
	seen.last_new = 0;
}

static double
ms(int64_t ns)
{
	return (double)ns / 1e6;
}

static void
latency(char **words)
{
	unsigned long count = lab_number(words[1]), files = lab_number(words[3]);
	unsigned long lost = 0;
	int64_t gap = (int64_t)lab_number(words[2]) * 1000;
	char path[LAB_PATH];

	printf("{\"us\":[");
	for (unsigned long i = 0; i < count; i++) {
		long id = (long)(i * files / count);
		int64_t from, until;

		lab_file(path, words[5], (unsigned long)id, lab_number(words[4]));
		seen.want = id;
		seen.want_at = 0;
		from = lab_now();
		lab_write(path);
		while (seen.want_at == 0 && lab_now() < from + LATENCY_LIMIT)
			child_poll(&child, -1, 100000);
		if (seen.want_at == 0)
			lost++;
		else
			printf("%s%.1f", i > lost ? "," : "",
			    (double)(seen.want_at - from) / 1e3);
		for (until = from + gap; lab_now() < until;)
			child_poll(&child, -1, (until - lab_now()) / 1000 + 1);
	}
	seen.want = -1;
	printf("],\"lost\":%lu}\n", lost);
}

static void
storm(char **words)
{
	const struct storm storm = {
		.files = lab_number(words[1]),
		.writers = (unsigned)lab_number(words[2]),
		.dirs = lab_number(words[3]),
		.rate = lab_number(words[4]),
		.top = words[7],
	};
	int64_t quiet = (int64_t)lab_number(words[5]) * MS;
	int64_t limit = (int64_t)lab_number(words[6]) * MS;
	int64_t from, wrote, last;

	forget();
	from = storm_start(&storm);
	while (!storm_over(&wrote) || seen.named < storm.files) {
		child_poll(&child, -1, 1000);
		last = seen.last_new > wrote ? seen.last_new : wrote;
		if (wrote > 0 && storm_over(&wrote) &&
		    (lab_now() - last > quiet || lab_now() - wrote > limit))
			break;
	}
	printf("{\"files\":%lu,\"reported\":%lu,\"lines\":%lu,\"writers_ms\":%.3f,"
	       "\"last_ms\":%.3f,\"after_ms\":%.3f}\n",
	    storm.files, seen.named, seen.lines, ms(wrote - from),
	    seen.last_new > 0 ? ms(seen.last_new - from) : 0.,
	    seen.last_new > wrote ? ms(seen.last_new - wrote) : 0.);
}

static void
rename_one(char **words)
{
	char *name = strrchr(words[2], '/');
	int64_t from, renamed;

	seen.text = name != NULL ? name + 1 : words[2];
	seen.text_at = 0;
	from = lab_now();
	if (rename(words[1], words[2]) == -1)
		err(1, "%s", words[1]);
	renamed = lab_now();
	while (seen.text_at == 0 && lab_now() < from + LATENCY_LIMIT)
		child_poll(&child, -1, 100000);
	printf("{\"rename_us\":%.1f,\"us\":%.1f}\n", (double)(renamed - from) / 1e3,
	    seen.text_at > 0 ? (double)(seen.text_at - from) / 1e3 : -1.);
	seen.text = NULL;
}

static void
settle(char **words)
{
	int64_t quiet = (int64_t)lab_number(words[1]) * MS;
	int64_t from = lab_now(), now = from;
	int64_t limit = from + (int64_t)lab_number(words[2]) * MS;

	seen.last_line = from;
	while (now - seen.last_line < quiet && now < limit) {
		child_poll(&child, -1, (quiet - (now - seen.last_line)) / 1000 + 1);
		now = lab_now();
	}
	printf("{\"lines\":%lu}\n", seen.lines);
}

static void
count(char **words)
{
	int i = 0;

	while (i < TEXTS - 1 && seen.counts[i].text != NULL &&
	    strcmp(seen.counts[i].text, words[1]) != 0)
		i++;
	if (seen.counts[i].text == NULL)
		seen.counts[i].text = strdup(words[1]);
	printf("{\"lines\":%lu}\n", seen.counts[i].n);
}

/* Different files since the start, or since a storm began. */
static void
named(char **words)
{
	(void)words;
	printf("{\"files\":%lu}\n", seen.named);
}

static const struct {
	const char *name;
	int words;
	void (*run)(char **words);
} commands[] = {
	{ "latency", 6, latency },
	{ "storm", 8, storm },
	{ "rename", 3, rename_one },
	{ "settle", 3, settle },
	{ "count", 2, count },
	{ "named", 1, named },
};

static void
obey(char *line)
{
	char *words[WORDS + 1], *rest = line, *word;
	int n = 0;

	while (n < WORDS && (word = strsep(&rest, " ")) != NULL)
		words[n++] = word;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (n == commands[i].words && strcmp(words[0], commands[i].name) == 0) {
			commands[i].run(words);
			fflush(stdout);
			return;
		}
	errx(64, "%s: no such command", words[0]);
}

/* Reads commands until the end of the input; meanwhile what the program prints. */
static void
converse(void)
{
	static char line[4096];
	size_t len = 0;
	char *nl;

	for (;;) {
		ssize_t n;
		if (!child_poll(&child, 0, -1))
			continue;
		n = read(0, line + len, sizeof(line) - len);
		if (n <= 0)
			return;
		len += (size_t)n;
		while ((nl = memchr(line, '\n', len)) != NULL) {
			size_t used = (size_t)(nl + 1 - line);
			*nl = '\0';
			obey(line);
			len -= used;
			memmove(line, line + used, len);
		}
		if (len == sizeof(line))
			errx(64, "a command is too long");
	}
}

struct options {
	const char *ready, *probe, *fifo;
	int64_t every, limit;
};

static void
wait_live(const struct options *o)
{
	int64_t until = child.started + o->limit, next = child.started;
	const char *name = o->probe != NULL ? strrchr(o->probe, '/') : NULL;

	seen.text = o->probe != NULL ? name + 1 : o->ready;
	while (seen.text != NULL && seen.text_at == 0) {
		int64_t now = lab_now();
		if (now > until ||
		    (child.in[CHILD_OUT].fd == -1 && child.in[CHILD_ERR].fd == -1)) {
			printf("{\"live_ms\":null,\"pid\":%d}\n", (int)child.pid);
			return;
		}
		if (o->probe != NULL && now >= next) {
			lab_write(o->probe);
			next = now + o->every;
		}
		child_poll(&child, -1, o->probe != NULL ? o->every / 1000 : 100000);
	}
	printf("{\"live_ms\":%.3f,\"pid\":%d}\n", ms(seen.text_at - child.started),
	    (int)child.pid);
	seen.text = NULL;
}

int
main(int argc, char **argv)
{
	struct options o = { .every = 2 * MS, .limit = 120 * 1000 * MS };
	int c;

	while ((c = getopt(argc, argv, "+r:p:i:f:w:")) != -1) {
		if (c == 'r')
			o.ready = optarg;
		else if (c == 'p' && strchr(optarg, '/') != NULL)
			o.probe = optarg;
		else if (c == 'i')
			o.every = (int64_t)lab_number(optarg) * MS;
		else if (c == 'f')
			o.fifo = optarg;
		else if (c == 'w')
			o.limit = (int64_t)lab_number(optarg) * 1000 * MS;
		else
			return 64;
	}
	if (optind == argc)
		errx(64, "usage: drive [-r READY] [-p PROBE [-i MS]] [-f FIFO] CMD");
	signal(SIGPIPE, SIG_IGN);
	child.on_line = on_line;
	seen.handlers = o.fifo != NULL;
	child_start(&child, argv + optind, o.fifo);
	wait_live(&o);
	fflush(stdout);
	converse();
	printf("{\"was_alive\":%s}\n", child_stop(&child) ? "true" : "false");
	return 0;
}
