/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/fd.h"
#include "base/xmalloc.h"
#include "conf/config.h"
#include "conf/options.h"

static char dir[PATH_MAX]; /* the project of the test that runs */
static struct config_error error;

static char *
below(const char *name)
{
	static char path[PATH_MAX + 300];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
put(const char *name, const char *text)
{
	int fd = open(below(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static void
make_project(void)
{
	char *resolved;
	const char *tmp = getenv("TMPDIR");
	snprintf(dir, sizeof(dir), "%s/filemon-config.XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	resolved = realpath(dir, NULL);
	ck_assert_ptr_nonnull(resolved);
	snprintf(dir, sizeof(dir), "%s", resolved);
	free(resolved);
	ck_assert_int_eq(mkdir(below(".filemon"), 0700), 0);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void
remove_project(void)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct config *
load_with(const char *const *opts)
{
	struct config_source source = { .project = dir, .options = opts };
	return config_load(&source, &error);
}

#define LOAD(...) load_with((const char *const[]){ __VA_ARGS__, NULL })

static struct config *
load_text(const char *text)
{
	put(".filemon/filemon.conf", text);
	return load_with(NULL);
}

static struct config *
must(struct config *c)
{
	ck_assert_msg(c != NULL, "%s", error.text);
	return c;
}

/* Loading must fail, with all these in its message. */
static void
refuses(struct config *c, const char *a, const char *b)
{
	ck_assert_msg(c == NULL, "taken, where \"%s\" was to be refused", a);
	ck_assert_msg(strstr(error.text, a) && strstr(error.text, b),
	    "\"%s\" lacks \"%s\" or \"%s\"", error.text, a, b);
}

static void
refuses_text(const char *text, const char *a, const char *b)
{
	struct config *c = load_text(text);
	if (c)
		fprintf(stderr, "# %s\n", text);
	refuses(c, a, b);
}

static bool
is_list(const struct strlist *list, const char *const *words)
{
	size_t n = 0;
	for (; words[n]; n++)
		if (n >= list->n || strcmp(words[n], list->v[n]) != 0)
			return false;
	return n == list->n && list->v && !list->v[n];
}

#define IS_LIST(list, ...) is_list(list, (const char *const[]){ __VA_ARGS__, NULL })

START_TEST(an_empty_project_has_the_defaults)
{
	make_project();
	struct config *c = must(load_with(NULL));
	ck_assert_ptr_null(c->file);
	ck_assert_str_eq(c->project, dir);
	ck_assert_str_eq(c->state_dir, below(".filemon"));
	ck_assert_str_eq(c->control_socket, below(".filemon/control.sock"));
	ck_assert(IS_LIST(&c->roots, dir));
	ck_assert_int_eq(c->settle_ms, 100);
	ck_assert_int_eq(c->settle_max_ms, 5000);
	ck_assert_int_eq(c->poll_interval_ms, 2000);
	ck_assert_int_eq(c->rescan_ms, 3600000);
	ck_assert(
	    c->default_ignores && !c->gitignore && c->defer_vcs && !c->ignore_metadata);
	ck_assert(!c->cross_filesystems);
	ck_assert_int_eq(c->backend, BACKEND_AUTO);
	ck_assert_int_eq(c->compare, COMPARE_STAT);
	ck_assert_int_eq(c->log_level, LOG_LEVEL_INFO);
	ck_assert_int_eq(c->format, FORMAT_JSON);
	ck_assert_int_eq(c->drain_timeout_ms, 10000);
	ck_assert_int_eq(c->jobs_max, 64);
	ck_assert_int_eq(c->db_cache_kib, 384);
	ck_assert_int_eq(c->clients_max, 32);
	ck_assert_ptr_nonnull(c->ignore.v);
	ck_assert_uint_eq(c->n_handlers, 0);
	ck_assert_uint_eq(strlen(c->digest), 16);
	config_free(c);
	remove_project();
}
END_TEST

START_TEST(a_handler_has_the_defaults)
{
	make_project();
	struct config *c = must(load_text("\nhandler memory {\n load = cp\n}\n"));
	ck_assert_str_eq(c->file, below(".filemon/filemon.conf"));
	struct handler_config *h = config_handler(c, "memory");
	ck_assert_ptr_nonnull(h);
	ck_assert_ptr_null(config_handler(c, "other"));
	ck_assert_uint_eq(h->line, 2);
	ck_assert(IS_LIST(&h->load, "cp"));
	ck_assert_uint_eq(h->remove_file.n, 0);
	ck_assert_ptr_nonnull(h->remove_file.v);
	ck_assert_uint_eq(h->types, TYPE_BIT_FILE);
	ck_assert_int_eq(h->jobs, 1);
	ck_assert_int_eq(h->timeout_ms, 300000);
	ck_assert_int_eq(h->stop_grace_ms, 10000);
	ck_assert_int_eq(h->retries, 3);
	ck_assert_int_eq(h->backoff_ms, 2000);
	ck_assert_int_eq(h->backoff_max_ms, 600000);
	ck_assert_int_eq(h->breaker_failures, 5);
	ck_assert_int_eq(h->breaker_cooldown_ms, 30000);
	ck_assert_int_eq(h->initial, INITIAL_LOAD);
	ck_assert_ptr_null(h->user);
	ck_assert_ptr_null(h->cwd);
	for (int code = -1; code <= 256; code++) {
		bool permanent = (code >= 64 && code <= 68) ||
		    (code >= 76 && code <= 78) || code == 100 || code == 125;
		ck_assert_int_eq(exit_set_has(&h->success, code), code == 0);
		ck_assert_int_eq(exit_set_has(&h->permanent, code), permanent);
	}
	config_free(c);
	remove_project();
}
END_TEST

START_TEST(a_full_file_is_read)
{
	make_project();
	setenv("FILEMON_TEST_ID", "s 1", 1);
	unsetenv("FILEMON_TEST_NONE");
	ck_assert_int_eq(mkdir(below("sub"), 0700), 0);
	struct config *c = must(load_text(
	    "# a comment\n"
	    "settle = 250ms // another\n"
	    "ignore = { \"*.log\", # within a list\n"
	    "  'build/', /* and\n this */ \"a\\\\b\", }\n"
	    "include = \"*.md\"\n"
	    "tags = { \"session_id=${FILEMON_TEST_ID}\", \"x=${FILEMON_TEST_NONE}\",\n"
	    "  \"y=${FILEMON_TEST_NONE:-z}\", 'v=${W}', \"w=\\${W}\" }\n"
	    "gitignore = yes  backend = poll log-level = debug\r\n"
	    "handler a { load = { \"cp\", \"{path}\", \"/tmp/x y\" } jobs = 256\n"
	    "  types = { file, symlink } success-exit = { 0, 3, \"10-12\" } "
	    "permanent-exit = {}\n"
	    "  retries = -1 timeout = 0 initial = skip cwd = sub env = \"A=b=c\" }\n"
	    "handler b-2 { remove-file = rm mode = exec stdin = null }\n"));
	ck_assert_int_eq(c->settle_ms, 250);
	ck_assert(IS_LIST(&c->ignore, "*.log", "build/", "a\\b"));
	ck_assert(IS_LIST(&c->include, "*.md"));
	ck_assert(IS_LIST(&c->tags, "session_id=s 1", "x=", "y=z", "v=${W}", "w=${W}"));
	ck_assert(c->gitignore);
	ck_assert_int_eq(c->backend, BACKEND_POLL);
	ck_assert_int_eq(c->log_level, LOG_LEVEL_DEBUG);
	ck_assert_uint_eq(c->n_handlers, 2);
	const struct handler_config *a = &c->handlers[0];
	ck_assert(IS_LIST(&a->load, "cp", "{path}", "/tmp/x y"));
	ck_assert_uint_eq(a->line, 10);
	ck_assert_int_eq(a->jobs, 256);
	ck_assert_uint_eq(a->types, TYPE_BIT_FILE | TYPE_BIT_SYMLINK);
	ck_assert(exit_set_has(&a->success, 11) && !exit_set_has(&a->success, 13));
	ck_assert(!exit_set_has(&a->permanent, 64));
	ck_assert_int_eq(a->retries, -1);
	ck_assert_int_eq(a->timeout_ms, 0);
	ck_assert_int_eq(a->initial, INITIAL_SKIP);
	ck_assert_str_eq(a->cwd, below("sub"));
	ck_assert_str_eq(c->handlers[1].name, "b-2");
	ck_assert_uint_eq(c->handlers[1].line, 13);
	config_free(c);
	remove_project();
}
END_TEST

/* What is wrong, the line and the word that its message must hold. */
static const struct {
	const char *text, *where, *what;
} bad_texts[] = {
	{ "\nsetle = 5s\n", ":2: setle: ", "did you mean 'settle'?" },
	{ "handlr a { load = x }", ":1: handlr: ", "did you mean 'handler'?" },
	{ "frobnicate = 5s", ":1: frobnicate: ", "filemon.conf(5)" },
	{ "handler a {\n remove_file = x\n}",
	    ":2: handler a: remove_file: ", "'remove-file'" },
	{ "handler a { settle = 1s }",
	    ":1: handler a: settle: ", "outside the handler's section" },
	{ "jobs = 1", ":1: jobs: ", "in a handler's section" },
	{ "# one\n/* two\n */ settle = 5x\n", ":3: settle: ", "'5x' is no duration" },
	{ "settle = 5", ":1: settle: ", "no duration" },
	{ "events-segment-size = 5MB", ":1: events-segment-size: ", "no size" },
	{ "events-segment-size = K", ":1: events-segment-size: ", "no size" },
	{ "events-segment-size = -1", ":1: events-segment-size: ", "no size" },
	{ "events-segment-size = 9999999999P", ":1: events-segment-size: ", "no size" },
	{ "events-segment-size = 1K", ":1: events-segment-size: ", "4K to 1T" },
	{ "settle = -5s", ":1: settle: ", "no duration" },
	{ "settle = 10s",
	    ":1: settle: ", "settle-max (5s) is shorter than settle (10s)" },
	{ "settle = 1s\nsettle-max = 20ms",
	    ":2: settle-max: ", "is shorter than settle (1s)" },
	{ "settle = 1s\nsettle = 2s", ":2: settle: ", "first in line 1" },
	{ "ignore = a ignore = { b, c }", ":1: ignore: ", "given twice" },
	{ "ignore = *.log", ":1: ", "'*' outside quotes" },
	{ "ignore = docs/**/*.md", ":1: ", "'*' outside quotes" },
	{ "ignore += a", ":1: ", "'+=' is not available" },
	{ "ignore = \"!\"", ":1: ignore: ", "matches nothing" },
	{ "ignore = \"\"", ":1: ignore: ", "matches nothing" },
	{ "\nignore = { a, \"[a\" }", ":2: ignore: '[a' has a [", "without its ]" },
	{ "include = \"a//b\"", ":1: include: 'a//b' ", "empty name" },
	{ "handler h {\nload = { x }\nmatch = \"[a\" }", ":3: handler h: match: '[a' ",
	    "without its ]" },
	{ "\n\nignore = \"a\n", ":3: ", "not closed" },
	{ "ignore = 'a\n'", ":1: ", "not closed" },
	{ "ignore = \"${HOME\"", ":1: ", "'${' without '}'" },
	{ "ignore = \"a\\0b\"", ":1: ", "\\0" },
	{ "ignore = \"a\\x00b\"", ":1: ", "NUL" },
	{ "ignore = \"\\400\"", ":1: ", "\\400" },
	{ "\n/* no end\n\n", ":2: ", "*/ is missing" },
	{ "ignore = { a b }", ":1: unexpected 'b'", "is wanted" },
	{ "settle = { 5s }", ":1: settle: one value is wanted", "no list" },
	{ "handler a {\n jobs = { 5 }\n}\n", ":2: handler a: jobs: one value",
	    "no list" },
	{ "ignore = { { a } }", ":1: unexpected '{'", "is wanted" },
	{ "\nsettle =\n\n", ":2: settle: no value", "'='" },
	{ "settle = 5s;\n", ":1: ';' outside quotes", "" },
	{ "settle\n", ": ", "comes too early" },
	{ "\nhandler a {\n load = x\n", ":2: ", "} is missing" },
	{ "handler a {\n load = { x\n jobs = 2\n}\n", ":3: handler a: unexpected 'jobs'",
	    "" },
	{ "}", ":1: ", "a closing brace too many" },
	{ "settle = 5 s", ":1: s: unknown option: ", "without a space, like 5s" },
	{ "settle 5s", ":1: settle: ", "no equal sign: settle = value is wanted" },
	{ "handler a {\n load = x\n jobs 2\n}",
	    ":3: handler a: jobs: ", "no equal sign: jobs = value is wanted" },
	{ "settle:\n", ":1: settle: ", "':' sets no value: settle = value is wanted" },
	{ "settle: 5s", ":1: settle: ", "settle = value is wanted" },
	{ "settle:5s", ":1: settle: ", "settle = value is wanted" },
	{ "handler a {\n jobs: 2\n}", ":2: handler a: jobs: ", "jobs = value is wanted" },
	{ "settle =\nsettle-max = 5s", ":2: unexpected '='", "above has no value" },
	{ "handler a b { load = x }",
	    ":1: handler: ", "no brace behind its name, one word: handler NAME {" },
	{ "backend = kqueue", ":1: backend: ", "auto, inotify, poll" },
	{ "compare = content", ":1: compare: ", "stat, hash" },
	{ "checksum = md5", ":1: checksum: ", "off, sha256" },
	{ "checksum-max-size = 2T", ":1: checksum-max-size: ", "0 to 1T" },
	{ "gitignore = 2", ":1: gitignore: ", "true or false" },
	{ "jobs-max = 0", ":1: jobs-max: ", "1 to 1024" },
	{ "jobs-max = 1x", ":1: jobs-max: ", "no number" },
	{ "db-cache = 63", ":1: db-cache: ", "64 to" },
	{ "jobs-max = 99999999999999999999", ":1: jobs-max: ", "too large" },
	{ "tags = nothing", ":1: tags: ", "name=value" },
	{ "watch = missing", ":1: watch: ", "directory is wanted" },
	{ "watch = .filemon/filemon.conf", ":1: watch: ", "no directory" },
	{ "watch = { \".\", .filemon }", ":1: watch: ", "is within" },
	{ "watch = { \".\", \".\" }", ":1: watch: ", "is within" },
	{ "\nsink a {\n ack = on\n}", ":2: sink a: command: ", "no command" },
	{ "sink a {\n command = \"\"\n}", ":2: sink a: command: ", "is empty" },
	{ "sink a {\n command = x\n settle = 2s\n}",
	    ":3: sink a: settle: ", "outside the sink's section" },
	{ "sink a { command = x }\nsink a { command = y }", ":2: sink a: ", "second" },
	{ "ack = on", ":1: ack: ", "belongs in a sink's section" },
	{ "handler a { load = x }\n\nsink a { command = x }\nhandler b {\n jobs = 2\n}",
	    ":4: handler b: load: ", "move is wanted" },
	{ "sink b { command = x }\nhandler a { load = x }\nservice b { }",
	    ":3: service: ", "not available" },
	{ "handler a { load = x }\nhandler a { load = y }", ":2: handler a: ", "second" },
	{ "handler \"a b\" { load = x }", ":1: handler: 'a b'", "letters" },
	{ "handler \"\" { load = x }", ":1: handler: ''", "letters" },
	{ "handler { load = x }",
	    ":1: handler: no name: ", "handler NAME { ... } is wanted" },
	{ "sink { command = x }", ":1: sink: no name: ", "sink NAME { ... } is wanted" },
	{ "\nhandler a {\n jobs = 2\n}", ":2: handler a: load: ", "move is wanted" },
	{ "handler a {\n load = x\n mode = batch\n}",
	    ":3: handler a: mode: ", "\"batch\" is not available in this version" },
	{ "handler a {\n load = x\n stdin = json\n}",
	    ":3: handler a: stdin: ", "\"json\" is not available" },
	{ "handler a { load = \"\" }", ":1: handler a: load: ", "the command is empty" },
	{ "handler a { load = \"my cmd {path}\" }",
	    ":1: handler a: load: ", "'my cmd {path}' is one word: a list is wanted" },
	{ "handler a { load = { x, \"{pth}\" } }",
	    ":1: handler a: load: ", "'{pth}' is no placeholder" },
	{ "alert a {\n on-alert = { x, \"{{{rul}\" }\n}", ":2: alert a: on-alert: ",
	    "'{rul}' is no placeholder: {name} {rule} {value} {threshold} are" },
	{ "handler a { move = { x, \"{\" } }", ":1: handler a: move: ", "open brace" },
	{ "handler a { load = x jobs = 257 }", ":1: handler a: jobs: ", "1 to 256" },
	{ "handler a { load = x retries = -2 }",
	    ":1: handler a: retries: ", "too small" },
	{ "handler a { load = x\n backoff = 1h }",
	    ":2: handler a: backoff: ", "backoff-max (10m) is shorter" },
	{ "handler a { load = x\n success-exit = {} }",
	    ": handler a: success-exit: ", "at least one" },
	{ "handler a { load = x success-exit = 256 }",
	    ": handler a: success-exit: ", "0 to 255" },
	{ "handler a { load = x success-exit = \"9-3\" }",
	    ": handler a: success-exit: ", "'9-3'" },
	{ "handler a { load = x success-exit = \"1-2-3\" }",
	    ": handler a: success-exit: ", "'1-2-3'" },
	{ "handler a { load = x types = { files } }",
	    ": handler a: types: ", "'files' is unknown" },
	{ "handler a { load = x env = { PATH } }", ": handler a: env: ", "NAME=value" },
	{ "handler a { load = x env = { \"FILEMON_X=1\" } }",
	    ": handler a: env: ", "set by filemon" },
	{ "handler a { load = x user = no-such-user-here }",
	    ": handler a: user: ", "is unknown" },
	{ "handler a { load = x cwd = nowhere }",
	    ":1: handler a: cwd: ", "/nowhere: No such file" },
	{ "handler a { load = x cwd = .filemon/filemon.conf }",
	    ":1: handler a: cwd: ", "/filemon.conf: is no directory" },
	{ "handler a { load = x } \"handler=a|jobs\" = 3", ":1: ", "no place for it" },
	{ "handler|jobs = 3", ":1: ", "handler" },
};

START_TEST(what_is_wrong_is_told_with_its_line)
{
	make_project();
	for (size_t i = 0; i < COUNTOF(bad_texts); i++)
		refuses_text(bad_texts[i].text, bad_texts[i].where, bad_texts[i].what);
	ck_assert_ptr_eq(strstr(error.text, dir), error.text);
	remove_project();
}
END_TEST

START_TEST(a_bad_file_leaves_nothing_behind_for_the_next)
{
	make_project();
	for (size_t i = 0; i < COUNTOF(bad_texts); i++) {
		config_free(load_text(bad_texts[i].text));
		struct config *c = must(load_text("ignore = { \"a\" } settle = 70ms\n"));
		ck_assert(IS_LIST(&c->ignore, "a"));
		ck_assert_int_eq(c->settle_ms, 70);
		config_free(c);
	}
	remove_project();
}
END_TEST

START_TEST(a_file_with_a_nul_or_too_long_is_refused)
{
	make_project();
	int fd =
	    open(below(".filemon/filemon.conf"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(fd_write_all(fd, "\nsettle = 5\0s", 13), 0);
	refuses(load_with(NULL), ":2: ", "NUL");
	ck_assert_int_eq(ftruncate(fd, 2 * 1024 * 1024), 0);
	refuses(load_with(NULL), "filemon.conf: ", "1 MiB");
	close(fd);
	remove_project();
}
END_TEST

/* A value just outside a limit, in the unit of the row. */
static void
try_limit(const struct option *row, int64_t value, bool good)
{
	char option[200];
	static const char *const scopes[] = { "", "handler.h.", "sink.h.", "alert.h." };
	const char *scope = scopes[row->scope];
	const char *unit = row->type == OPTION_DURATION ? "ms" : "";
	snprintf(option, sizeof(option), "%s%s=%lld%s", scope, row->name,
	    (long long)value, unit);
	struct config *c = LOAD("settle=0", "settle-max=1d", "handler.h.load=x",
	    "handler.h.backoff=0", "handler.h.backoff-max=30d", "sink.h.command=x",
	    "sink.h.backoff=1ms", "sink.h.backoff-max=30d", option);
	if (good) {
		config_free(must(c));
	} else {
		refuses(c, row->name, " is wanted");
	}
}

START_TEST(every_limit_is_kept_and_names_its_option)
{
	make_project();
	unsigned tried = 0;
	for (size_t i = 0; i < options_count; i++) {
		const struct option *row = &options[i];
		if (row->type != OPTION_INT && row->type != OPTION_DURATION &&
		    row->type != OPTION_SIZE)
			continue;
		try_limit(row, row->min, true);
		try_limit(row, row->max, true);
		try_limit(row, row->max + 1, false);
		if (row->min > 0 || row->type == OPTION_INT)
			try_limit(row, row->min - 1, false);
		tried++;
	}
	ck_assert_uint_gt(tried, 10);
	remove_project();
}
END_TEST

START_TEST(a_size_has_units_and_is_written_with_the_largest)
{
	static const struct {
		const char *text, *shown;
		int64_t bytes;
	} cases[] = {
		{ "4096", "4K", 4096 },
		{ "5000", "5000", 5000 },
		{ "64KiB", "64K", 65536 },
		{ "3M", "3M", 3145728 },
		{ "2048M", "2G", INT64_C(2147483648) },
	};
	make_project();
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		char option[64];
		struct buf shown = BUF_INIT;
		snprintf(option, sizeof(option), "events-segment-size=%s", cases[i].text);
		struct config *c = must(LOAD(option));
		ck_assert_int_eq(c->events_segment_size, cases[i].bytes);
		option_format(option_find(OPTION_TOP, "events-segment-size"), c, &shown);
		ck_assert_str_eq(shown.p, cases[i].shown);
		buf_release(&shown);
		config_free(c);
	}
	remove_project();
}
END_TEST

START_TEST(options_go_over_the_file)
{
	make_project();
	put(".filemon/filemon.conf",
	    "settle = 5s ignore = a\nhandler m { load = x jobs = 2 }\n");
	struct config *c = must(LOAD("settle=70ms", "ignore={ \"x y\", 'b' }",
	    "include=*.md", "handler.m.jobs=7", "handler.new.load={ cp, \"{path}\" }",
	    "handler.new.jobs=3", "tags=\"a=${FILEMON_TEST_NONE}\""));
	ck_assert_int_eq(c->settle_ms, 70);
	ck_assert(IS_LIST(&c->ignore, "x y", "b"));
	ck_assert(IS_LIST(&c->include, "*.md"));
	ck_assert(IS_LIST(&c->tags, "a="));
	ck_assert_uint_eq(c->n_handlers, 2);
	ck_assert_int_eq(config_handler(c, "m")->jobs, 7);
	ck_assert(IS_LIST(&config_handler(c, "m")->load, "x"));
	ck_assert(IS_LIST(&config_handler(c, "new")->load, "cp", "{path}"));
	ck_assert_int_eq(config_handler(c, "new")->jobs, 3);
	config_free(c);
	remove_project();
}
END_TEST

START_TEST(a_bad_option_is_told_by_its_name)
{
	static const char *const cases[][3] = {
		{ "setle=5s", "-o setle: ", "'settle'" },
		{ "settle", "-o settle: ", "name=value" },
		{ "settle=x", "-o settle: ", "no duration" },
		{ "ignore={ \"a\"", "-o ignore: ", "comes too early" },
		{ "ignore={ \"a", "-o ignore: ", "not closed" },
		{ "ignore={a} settle = 5s", "-o ignore: settle: ", "" },
		{ "handler.m.job=1", "-o handler.m.job: ", "'jobs'" },
		{ "handler.m.jobs=0", "-o handler.m.jobs: ", "1 to 256" },
		{ "handler.m.jobs=2", "handler m: load: ", "move is wanted" },
		{ "handler..jobs=2", "-o handler..jobs: ", "no name" },
		{ "handler.jobs=2", "-o handler.jobs: ", "unknown" },
		{ "jobs=2", "-o jobs: ", "handler's section" },
		{ "=5", "-o : ", "unknown" },
		{ "", "-o : ", "name=value" },
	};
	make_project();
	for (size_t i = 0; i < COUNTOF(cases); i++)
		refuses(LOAD(cases[i][0]), cases[i][1], cases[i][2]);
	remove_project();
}
END_TEST

START_TEST(a_project_is_found_from_below)
{
	make_project();
	char deep[PATH_MAX + 20];
	ck_assert_int_eq(mkdir(below("a"), 0700), 0);
	ck_assert_int_eq(mkdir(below("a/b"), 0700), 0);
	snprintf(deep, sizeof(deep), "%s/a/b", dir);
	char *found = config_find_project(deep);
	ck_assert_ptr_nonnull(found);
	ck_assert_str_eq(found, dir);
	free(found);
	ck_assert_int_eq(chdir(deep), 0);
	struct config_source source = { .project = NULL };
	struct config *c = must(config_load(&source, &error));
	ck_assert_str_eq(c->project, dir);
	config_free(c);
	ck_assert_int_eq(rmdir(below(".filemon")), 0);
	ck_assert_ptr_null(config_find_project(deep));
	ck_assert_int_eq(errno, ENOENT);
	refuses(config_load(&source, &error), "no .filemon/ in ", "filemonctl init");
	ck_assert_int_eq(chdir("/"), 0);
	remove_project();
}
END_TEST

START_TEST(without_a_filemon_directory_a_file_or_state_dir_is_wanted)
{
	make_project();
	ck_assert_int_eq(rmdir(below(".filemon")), 0);
	refuses(load_with(NULL), "no .filemon/ in ", "filemonctl init");
	struct config *c = must(LOAD("state-dir=state/"));
	ck_assert_str_eq(c->state_dir, below("state"));
	ck_assert_str_eq(c->control_socket, below("state/control.sock"));
	config_free(c);
	put("my.conf", "control-socket = c.sock");
	char *file = xstrdup(below("my.conf"));
	struct config_source source = { .project = dir, .file = file };
	c = must(config_load(&source, &error));
	ck_assert_str_eq(c->file, file);
	ck_assert_str_eq(c->state_dir, below(".filemon"));
	ck_assert_str_eq(c->control_socket, below("c.sock"));
	config_free(c);
	free(file);
	source.file = "/nonexistent/file";
	refuses(config_load(&source, &error), "/nonexistent/file: ", "No such file");
	remove_project();
}
END_TEST

START_TEST(a_state_directory_of_another_or_a_link_is_refused)
{
	make_project();
	ck_assert_int_eq(chmod(below(".filemon"), 0777), 0);
	refuses(load_with(NULL), "/.filemon: ", "everyone may write");
	ck_assert_int_eq(chmod(below(".filemon"), 0700), 0);
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(below(".filemon"), 12345, (gid_t)-1), 0);
		refuses(load_with(NULL), "/.filemon: belongs to ", "12345");
		ck_assert_int_eq(chown(below(".filemon"), 0, (gid_t)-1), 0);
		put(".filemon/filemon.conf", "");
		ck_assert_int_eq(
		    chown(below(".filemon/filemon.conf"), 12345, (gid_t)-1), 0);
		refuses(load_with(NULL), "/filemon.conf: belongs to ", "12345");
		ck_assert_int_eq(unlink(below(".filemon/filemon.conf")), 0);
	}
	ck_assert_int_eq(rmdir(below(".filemon")), 0);
	ck_assert_int_eq(symlink("elsewhere", below(".filemon")), 0);
	refuses(load_with(NULL), "/.filemon: ", "symbolic link");
	ck_assert_int_eq(unlink(below(".filemon")), 0);
	put(".filemon", "");
	refuses(load_with(NULL), "/.filemon: ", "no directory");
	remove_project();
}
END_TEST

START_TEST(the_monitor_needs_and_has_no_state)
{
	make_project();
	put(".filemon/filemon.conf", "not = read");
	static const char *const opts[] = { "settle=1s", "handler.a.load=x", NULL };
	struct config_source source = {
		.project = dir, .monitor = true, .options = opts
	};
	struct config *c = must(config_load(&source, &error));
	ck_assert_ptr_null(c->file);
	ck_assert_ptr_null(c->state_dir);
	ck_assert_ptr_null(c->control_socket);
	ck_assert_uint_eq(c->n_handlers, 0);
	ck_assert_int_eq(c->settle_ms, 1000);
	ck_assert(IS_LIST(&c->roots, dir));
	config_free(c);
	ck_assert_int_eq(chdir(below(".filemon")), 0);
	source.project = NULL;
	c = must(config_load(&source, &error));
	ck_assert_str_eq(c->project, below(".filemon"));
	config_free(c);
	source.project = "/nonexistent";
	refuses(config_load(&source, &error), "/nonexistent: ", "directory is wanted");
	ck_assert_int_eq(chdir("/"), 0);
	remove_project();
}
END_TEST

START_TEST(roots_are_resolved)
{
	make_project();
	ck_assert_int_eq(mkdir(below("a"), 0700), 0);
	ck_assert_int_eq(mkdir(below("ab"), 0700), 0);
	ck_assert_int_eq(symlink("a", below("link")), 0);
	struct config *c = must(load_text("watch = { link, \"./ab/\" }"));
	ck_assert_uint_eq(c->roots.n, 2);
	ck_assert_str_eq(c->roots.v[0], below("a"));
	ck_assert_str_eq(c->roots.v[1], below("ab"));
	config_free(c);
	refuses_text("watch = { a, link }", ": watch: ", "is within");
	remove_project();
}
END_TEST

START_TEST(the_digest_changes_with_the_meaning_only)
{
	make_project();
	struct config *a = must(load_text("settle = 1s\nhandler h { load = x }"));
	struct config *b =
	    must(load_text("# same\nhandler h { load = { \"x\" } }\nsettle = 1000ms"));
	struct config *c =
	    must(load_text("settle = 1s\nhandler h { load = x jobs = 2 }"));
	ck_assert_str_eq(a->digest, b->digest);
	ck_assert_str_ne(a->digest, c->digest);
	config_free(a);
	config_free(b);
	config_free(c);
	remove_project();
}
END_TEST

/* What a crash brings back: neither the file nor what it names is looked at again. */
START_TEST(one_that_was_in_use_is_recalled_from_its_text)
{
	struct config_text text;
	static const char conf[] = "watch = link\nhandler h { load = y cwd = d }";
	make_project();
	struct config_source source = { .project = dir };
	ck_assert_int_eq(mkdir(below("d"), 0700), 0);
	ck_assert_int_eq(symlink("d", below("link")), 0);
	struct config *start = must(load_text("watch = link\nhandler h { load = x }"));
	put(".filemon/filemon.conf", conf);
	struct config *used = must(config_load_text(&source, &text, &error));
	ck_assert_str_eq(text.p, conf);
	put(".filemon/filemon.conf", "handler h {");
	ck_assert_int_eq(unlink(below("link")), 0);
	ck_assert_int_eq(rmdir(below("d")), 0);
	struct config *again = must(config_recall(&source, &text, start, &error));
	ck_assert_str_eq(again->digest, used->digest);
	ck_assert_str_eq(again->file, used->file);
	ck_assert_str_eq(again->handlers[0].load.v[0], "y");
	config_text_release(&text);
	config_free(again);
	config_free(used);
	config_free(start);
	remove_project();
}
END_TEST

START_TEST(a_file_that_was_not_there_is_recalled_as_such)
{
	struct config_text text;
	make_project();
	struct config_source source = { .project = dir };
	struct config *used = must(config_load_text(&source, &text, &error));
	ck_assert_ptr_null(text.file);
	put(".filemon/filemon.conf", "settle = 7ms");
	struct config *again = must(config_recall(&source, &text, used, &error));
	ck_assert_str_eq(again->digest, used->digest);
	ck_assert_ptr_null(again->file);
	config_text_release(&text);
	config_free(again);
	config_free(used);
	remove_project();
}
END_TEST

START_TEST(a_difference_is_one_line)
{
	make_project();
	struct config *a =
	    must(load_text("handler h { load = x }\nhandler gone { load = x }"));
	struct config *b = must(load_text("settle = 250ms\nhandler new { load = x "
					  "}\nhandler h { load = { x, y } cwd = / }"));
	char *diff = config_diff(a, b);
	ck_assert_str_eq(diff,
	    "settle: 100ms -> 250ms\n"
	    "handler gone: removed\n"
	    "handler new: added\n"
	    "handler h: load: { \"x\" } -> { \"x\", \"y\" }\n"
	    "handler h: cwd: unset -> \"/\"\n");
	free(diff);
	diff = config_diff(a, a);
	ck_assert_str_eq(diff, "");
	free(diff);
	config_free(a);
	config_free(b);
	remove_project();
}
END_TEST

UNIT_MAIN("config", an_empty_project_has_the_defaults, a_handler_has_the_defaults,
    a_full_file_is_read, what_is_wrong_is_told_with_its_line,
    a_bad_file_leaves_nothing_behind_for_the_next,
    a_file_with_a_nul_or_too_long_is_refused, every_limit_is_kept_and_names_its_option,
    a_size_has_units_and_is_written_with_the_largest, options_go_over_the_file,
    a_bad_option_is_told_by_its_name, a_project_is_found_from_below,
    without_a_filemon_directory_a_file_or_state_dir_is_wanted,
    a_state_directory_of_another_or_a_link_is_refused, the_monitor_needs_and_has_no_state,
    roots_are_resolved, the_digest_changes_with_the_meaning_only,
    one_that_was_in_use_is_recalled_from_its_text,
    a_file_that_was_not_there_is_recalled_as_such, a_difference_is_one_line)
