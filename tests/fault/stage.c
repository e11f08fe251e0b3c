/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "stage.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MS = 400, LINE_SIZE = 65536, PIDS_MAX = 64 };

static const char conf[] =
    "settle = 5ms\nsettle-max = 1s\ndrain-timeout = 1s\ndefault-ignores = false\n"
    "handler copy {\n types = { file, dir, symlink }\n"
    " load = { \"%s\", \"load\", \"{path}\" }\n"
    " remove-file = { \"%s\", \"remove\", \"{path}\" }\n"
    " jobs = 2\n retries = -1\n backoff = 5ms\n backoff-max = 50ms\n"
    " breaker-cooldown = 50ms\n}\n";

int64_t
stage_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void
clear(const char *path)
{
	nftw(path, remove_one, 16, FTW_PHYS | FTW_DEPTH);
}

static void
put(const struct stage *s, const char *name, const char *text)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", s->project, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd == -1 || write(fd, text, strlen(text)) == -1)
		err(99, "%s", path);
	close(fd);
}

static void
move(const struct stage *s, const char *from, const char *to)
{
	char a[512], b[512];

	snprintf(a, sizeof(a), "%s/%s", s->project, from);
	snprintf(b, sizeof(b), "%s/%s", s->project, to);
	if (rename(a, b) == -1)
		err(99, "%s", a);
}

static void
folder(const struct stage *s, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", s->project, name);
	if (mkdir(path, 0755) == -1)
		err(99, "%s", path);
}

static void
drop(const struct stage *s, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", s->project, name);
	if (remove(path) == -1)
		err(99, "%s", path);
}

static void
link_to(const struct stage *s, const char *text, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", s->project, name);
	if (symlink(text, path) == -1)
		err(99, "%s", path);
}

static void
open_notify(struct stage *s)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%.80s/notify", s->dir);
	s->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s->notify == -1 ||
	    bind(s->notify, (struct sockaddr *)&addr, sizeof(addr)) == -1)
		err(99, "%s", addr.sun_path);
}

static void
open_page(struct stage *s)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/page", s->dir);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	if (fd == -1 || ftruncate(fd, sizeof(*s->page)) == -1)
		err(99, "%s", path);
	s->page = mmap(NULL, sizeof(*s->page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (s->page == MAP_FAILED)
		err(99, "mmap");
	snprintf(s->page->disk, sizeof(s->page->disk), "%s", s->state);
	snprintf(s->page->left, sizeof(s->page->left), "%s/left", s->dir);
}

void
stage_build(struct stage *s, const struct stage_tools *tools, const char *dir)
{
	char text[2048];

	memset(s, 0, sizeof(*s));
	s->tools = tools;
	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	snprintf(s->project, sizeof(s->project), "%s/p", s->dir);
	snprintf(s->state, sizeof(s->state), "%s/.filemon", s->project);
	snprintf(s->target, sizeof(s->target), "%s/target", s->dir);
	clear(s->dir);
	if (mkdir(s->dir, 0700) == -1 || mkdir(s->project, 0755) == -1 ||
	    mkdir(s->state, 0700) == -1 || mkdir(s->target, 0755) == -1)
		err(99, "%s", s->dir);
	snprintf(text, sizeof(text), conf, tools->copy, tools->copy);
	put(s, ".filemon/filemon.conf", text);
	folder(s, "d");
	put(s, "a", "first");
	put(s, "b", "first");
	put(s, "d/x", "first");
	open_notify(s);
	open_page(s);
}

void
stage_open_sandbox(struct stage *s)
{
	char path[400];
	FILE *file;

	snprintf(path, sizeof(path), "%s/filemon.conf", s->state);
	file = fopen(path, "ae");
	if (file == NULL || fputs("seccomp = false\nlandlock = false\n", file) < 0 ||
	    fclose(file) != 0)
		err(99, "%s", path);
}

void
stage_release(struct stage *s)
{
	close(s->notify);
	munmap(s->page, sizeof(*s->page));
	clear(s->dir);
}

static void
run_daemon(struct stage *s, bool faulty)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/trace", s->dir);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, STDERR_FILENO);
	dup2(open("/dev/null", O_RDWR), STDOUT_FILENO);
	snprintf(path, sizeof(path), "%s/notify", s->dir);
	setenv("NOTIFY_SOCKET", path, 1);
	setenv("MIRROR_TARGET", s->target, 1);
	snprintf(path, sizeof(path), "%s/page", s->dir);
	setenv("FAULT_PAGE", path, 1);
	if (faulty)
		setenv("LD_PRELOAD", s->tools->shim, 1);
	execl(s->tools->daemon, "filemond", "-f", "-C", s->project, "--format", "none",
	    NULL);
	_exit(99);
}

void
stage_start(struct stage *s, bool faulty)
{
	char text[512];

	while (recv(s->notify, text, sizeof(text), MSG_DONTWAIT) > 0)
		continue;
	s->daemon = fork();
	if (s->daemon == 0)
		run_daemon(s, faulty);
	if (s->daemon == -1)
		err(99, "fork");
}

/* Reaps it where it has ended. */
static bool
ended(struct stage *s)
{
	int status;

	if (s->daemon > 0 && waitpid(s->daemon, &status, WNOHANG) == s->daemon)
		s->daemon = 0;
	return s->daemon == 0;
}

bool
stage_wait_ready(struct stage *s, int ms)
{
	struct pollfd fd = { .fd = s->notify, .events = POLLIN };
	int64_t until = stage_now_ms() + ms;
	char text[512];
	ssize_t n;

	while (!ended(s) && stage_now_ms() < until) {
		if (poll(&fd, 1, 10) <= 0)
			continue;
		n = recv(s->notify, text, sizeof(text) - 1, MSG_DONTWAIT);
		text[n > 0 ? n : 0] = '\0';
		if (strncmp(text, "READY=1", 7) == 0)
			return true;
	}
	return false;
}

static int
dial(struct stage *s)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%.80s/p/.filemon/control.sock",
	    s->dir);
	if (fd != -1 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == -1) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* One request and its answer, a line; false where none came in time. */
static bool
ask(struct stage *s, const char *request, char *answer, int ms)
{
	int64_t until = stage_now_ms() + ms;
	int fd = dial(s);
	size_t len = 0;
	ssize_t n = 1;

	answer[0] = '\0';
	if (fd == -1)
		return false;
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) == -1)
		n = 0;
	while (n > 0 && strchr(answer, '\n') == NULL && stage_now_ms() < until) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };

		if (poll(&pfd, 1, 10) <= 0)
			continue;
		n = read(fd, answer + len, LINE_SIZE - 1 - len);
		len += n > 0 ? (size_t)n : 0;
		answer[len] = '\0';
	}
	close(fd);
	return strchr(answer, '\n') != NULL;
}

void
stage_change(struct stage *s)
{
	static char answer[LINE_SIZE];

	put(s, "c", "created");
	put(s, "a", "changed, and longer");
	folder(s, "e");
	put(s, "e/y", "in a new folder");
	move(s, "d", "moved");
	drop(s, "b");
	ask(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n", answer,
	    ANSWER_MS);
	link_to(s, "a", "link");
	move(s, "c", "e/c");
	put(s, "moved/x", "changed after the move");
	ask(s, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"scan\"}\n", answer, ANSWER_MS);
	drop(s, "e/y");
	put(s, "last", "last");
	ask(s, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"reload\"}\n", answer,
	    ANSWER_MS);
}

void
stage_change_offline(struct stage *s)
{
	drop(s, "e/c");
	put(s, "last", "changed while it was down");
	put(s, "new", "new");
}

void
stage_change_damaged(struct stage *s)
{
	put(s, "last", "changed while it was down");
	put(s, "new", "new");
}

void
stage_retry(struct stage *s)
{
	static char answer[LINE_SIZE];

	ask(s,
	    "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"retry\",\"params\":{\"all\":true}"
	    "}"
	    "\n",
	    answer, ANSWER_MS);
}

bool
stage_wait_idle(struct stage *s, int ms)
{
	static char answer[LINE_SIZE];
	int64_t until = stage_now_ms() + ms;

	while (!ended(s) && stage_now_ms() < until) {
		if (ask(s,
			"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"wait\",\"params\":{"
			"\"timeout_ms\":1000}}\n",
			answer, ms < 1200 ? ms : 1200) &&
		    strstr(answer, "\"idle\":true") != NULL)
			return true;
		poll(NULL, 0, 5);
	}
	return false;
}

bool
stage_stop(struct stage *s, int ms)
{
	int64_t until = stage_now_ms() + ms;

	if (!ended(s))
		kill(s->daemon, SIGTERM);
	while (!ended(s) && stage_now_ms() < until)
		poll(NULL, 0, 2);
	if (ended(s))
		return true;
	kill(s->daemon, SIGKILL);
	waitpid(s->daemon, NULL, 0);
	s->daemon = 0;
	return false;
}

/* The children of a process, and how many of them nobody reaps. */
static int
children(pid_t pid, pid_t *out, int *zombies)
{
	char path[64], state;
	int n = 0;
	FILE *file, *stat;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	file = fopen(path, "re");
	while (file != NULL && n < PIDS_MAX && fscanf(file, "%d", &out[n]) == 1) {
		snprintf(path, sizeof(path), "/proc/%d/stat", out[n]);
		stat = fopen(path, "re");
		if (stat != NULL && fscanf(stat, "%*d (%*[^)]) %c", &state) == 1 &&
		    state == 'Z')
			++*zombies;
		if (stat != NULL)
			fclose(stat);
		n++;
	}
	if (file != NULL)
		fclose(file);
	return n;
}

/* When all is delivered: watcher and runner, no zombies.  What helpers there
   are may stay. */
const char *
stage_check_processes(struct stage *s)
{
	pid_t pids[PIDS_MAX], below[PIDS_MAX];
	int zombies = 0, n = 0;

	for (int turn = 0; turn < 500; turn++) {
		zombies = 0;
		n = children(s->daemon, pids, &zombies);
		for (int i = 0; i < n; i++)
			children(pids[i], below, &zombies);
		if (n == 2 && zombies == 0)
			return NULL;
		poll(NULL, 0, 10);
	}
	return zombies > 0 ? "a zombie is not reaped"
			   : "the supervisor has other children than two";
}

/* This process is a subreaper: what the daemon left became its child. */
const char *
stage_check_none_left(struct stage *s, int ms)
{
	int64_t until = stage_now_ms() + ms;
	pid_t pids[PIDS_MAX];
	int zombies;

	(void)s;
	for (;;) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
		zombies = 0;
		if (children(getpid(), pids, &zombies) == 0)
			return NULL;
		if (stage_now_ms() >= until)
			break;
		poll(NULL, 0, 2);
	}
	for (int i = children(getpid(), pids, &zombies); i-- > 0;)
		kill(pids[i], SIGKILL);
	return "a process is left";
}

const char *
stage_check_same(struct stage *s)
{
	char out[300];
	int status, fd;
	pid_t pid = fork();

	if (pid == 0) {
		snprintf(out, sizeof(out), "%s/diff", s->dir);
		fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, STDOUT_FILENO);
		execl(s->tools->treediff, "treediff", "-x", ".filemon", s->project,
		    s->target, NULL);
		_exit(99);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		return "no comparison";
	return status == 0 ? NULL : "the mirror differs from the tree";
}

static bool
row_is(sqlite3 *db, const char *text, const char *wanted)
{
	sqlite3_stmt *stmt = NULL;
	bool is = sqlite3_prepare_v2(db, text, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW &&
	    strcmp((const char *)sqlite3_column_text(stmt, 0), wanted) == 0;

	sqlite3_finalize(stmt);
	return is;
}

const char *
stage_check_state(struct stage *s)
{
	const char *fault = "state.db cannot be opened";
	char path[400];
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/state.db", s->state);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK) {
		fault = NULL;
		if (!row_is(db, "PRAGMA integrity_check", "ok"))
			fault = "state.db does not pass its integrity check";
		else if (!row_is(
			     db, "SELECT count(*) FROM delivered WHERE state <> 2", "0"))
			fault = "state.db has what is not delivered";
	}
	sqlite3_close(db);
	return fault;
}

/* Every line a record, their numbers growing. */
static const char *
check_segment(FILE *file, double *last)
{
	char *line = NULL;
	size_t size = 0;
	const char *fault = NULL;

	while (fault == NULL && getline(&line, &size, file) > 0) {
		cJSON *record = cJSON_Parse(line);
		const cJSON *seq = cJSON_GetObjectItem(record, "seq");

		if (!cJSON_IsNumber(seq) || strchr(line, '\n') == NULL)
			fault = "a line of the event log is no record";
		else if (seq->valuedouble <= *last)
			fault = "the numbers of the event log do not grow";
		else
			*last = seq->valuedouble;
		cJSON_Delete(record);
	}
	free(line);
	return fault;
}

static int
is_segment(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

const char *
stage_check_log(struct stage *s)
{
	struct dirent **names = NULL;
	const char *fault = NULL;
	char path[700];
	double last = 0;
	int n;

	snprintf(path, sizeof(path), "%s/events", s->state);
	n = scandir(path, &names, is_segment, alphasort);
	for (int i = 0; i < n; i++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s/events/%s", s->state, names[i]->d_name);
		file = fopen(path, "re");
		if (fault == NULL && file != NULL)
			fault = check_segment(file, &last);
		if (file != NULL)
			fclose(file);
		free(names[i]);
	}
	free(names);
	if (fault == NULL && (n <= 0 || last == 0))
		fault = "there is no event log";
	return fault;
}
