/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "eventlog/evlog.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/fd.h"
#include "base/log.h"
#include "eventlog/chain.h"
#include "eventlog/name.h"
#include "eventlog/outlet.h"
#include "unit.h"

static const struct config config = { 0 };
static char top[64];

static void
begin(void)
{
	snprintf(top, sizeof(top), "/tmp/filemon-evlog.XXXXXX");
	ck_assert(mkdtemp(top));
	ck_assert_int_eq(chdir(top), 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	log_set_fd(open("trace", O_WRONLY | O_CREAT | O_APPEND, 0600));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
end(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static struct evlog *
open_log(void)
{
	const struct evlog_options options = {
		.dir = "events", .stdout_fd = -1, .format = FORMAT_JSON, .config = &config
	};
	return evlog_open(&options);
}

static struct evlog *
open_stream(int fd, enum config_format format)
{
	const struct evlog_options options = { .stdout_fd = fd,
		.format = format,
		.loop = ev_default_loop(0),
		.config = &config };
	return evlog_open(&options);
}

static uint64_t
add(struct evlog *log, const char *path)
{
	const struct event ev = { .type = EVENT_CREATED,
		.root = "/p",
		.path = path,
		.path_len = strlen(path) };
	return evlog_add(log, &ev, NULL);
}

static void
add_many(struct evlog *log, int n)
{
	for (int i = 0; i < n; i++)
		add(log, "docs/a/rather/ordinary/name/of/a/file.md");
}

static struct evlog_stats
stats(const struct evlog *log)
{
	struct evlog_stats s;
	evlog_stats(log, &s);
	return s;
}

static void
write_text(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
}

#define FIRST "events/00000000000000000001.ndjson"

static off_t
size_of(const char *path)
{
	struct stat st;
	return stat(path, &st) == -1 ? -1 : st.st_size;
}

/* What a reader of whole lines learns. */
struct reading {
	uint64_t records, last_seq, missing; /* of which gap records tell */
	uint64_t gaps;
	char cause[64];
};

static void
read_line(struct reading *r, const char *line)
{
	cJSON *record = cJSON_ParseWithOpts(line, NULL, true);
	ck_assert_msg(record, "no record: %s", line);
	const cJSON *type = cJSON_GetObjectItem(record, "event_type");
	uint64_t seq = (uint64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(record, "seq"));
	ck_assert_int_gt(seq, r->last_seq);
	uint64_t hole = seq - r->last_seq - 1;
	if (strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(type, "type")), "gap") == 0) {
		r->gaps++;
		snprintf(r->cause, sizeof(r->cause), "%s",
		    cJSON_GetStringValue(cJSON_GetObjectItem(type, "cause")));
		if (hole > 0) {
			r->missing += hole + 1;
			ck_assert_int_eq((int64_t)(hole + 1),
			    (int64_t)cJSON_GetNumberValue(
				cJSON_GetObjectItem(type, "count")));
			hole = 0;
		}
	}
	ck_assert_int_eq(hole, 0);
	r->records++;
	r->last_seq = seq;
	cJSON_Delete(record);
}

static void
read_text(struct reading *r, char *text)
{
	char *save = NULL;
	size_t len = strlen(text);
	ck_assert(len == 0 || text[len - 1] == '\n');
	for (char *p = strtok_r(text, "\n", &save); p; p = strtok_r(NULL, "\n", &save))
		read_line(r, p);
}

static void
read_segment(struct reading *r, const char *path)
{
	size_t len;
	char *text = fd_read_file(path, 100 << 20, &len);
	ck_assert_msg(text, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(strlen(text), len);
	read_text(r, text);
	free(text);
}

START_TEST(records_go_to_a_private_segment_named_by_the_first)
{
	struct reading r = { 0 };
	struct stat st;
	begin();
	umask(0);
	struct evlog *log = open_log();
	ck_assert_int_eq(add(log, "a"), 1);
	ck_assert_int_eq(add(log, "b"), 2);
	ck_assert_int_eq(size_of(FIRST), -1);
	ck_assert_int_eq(evlog_flush(log), 0);
	read_segment(&r, FIRST);
	ck_assert_int_eq(r.records, 2);
	ck_assert_int_eq(stat(FIRST, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(stat("events", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(stats(log).bytes, size_of(FIRST));
	evlog_close(log, 0);
	end();
}
END_TEST

static off_t
size_of_first(void)
{
	struct stat st;
	ck_assert_int_eq(stat("events/00000000000000000001.ndjson", &st), 0);
	return st.st_size;
}

START_TEST(a_record_in_a_hurry_does_not_wait_for_the_flush)
{
	begin();
	struct evlog *log = open_log();
	evlog_hurry(log);
	add(log, "a");
	off_t one = size_of_first();
	ck_assert_int_gt(one, 0);
	add(log, "b"); /* the first alone was */
	ck_assert_int_eq(size_of_first(), one);
	evlog_hurry(log);
	ck_assert_int_eq(evlog_flush(log), 0);
	off_t two = size_of_first();
	ck_assert_int_gt(two, one);
	add(log, "c"); /* of the next turn, of which nothing was said */
	ck_assert_int_eq(size_of_first(), two);
	evlog_close(log, 0);
	ck_assert_int_gt(size_of_first(), two);
	end();
}
END_TEST

START_TEST(numbers_go_on_after_a_restart)
{
	struct reading r = { 0 };
	begin();
	for (int i = 0; i < 3; i++) {
		struct evlog *log = open_log();
		add_many(log, 5);
		ck_assert_int_eq(stats(log).seq, 5 * (i + 1));
		ck_assert_int_eq(stats(log).records, 5);
		ck_assert_int_eq(stats(log).by_type[EVENT_CREATED], 5);
		evlog_close(log, 0);
	}
	read_segment(&r, FIRST);
	ck_assert_int_eq(r.records, 15);
	ck_assert_int_eq(r.gaps, 0);
	end();
}
END_TEST

START_TEST(the_id_that_is_told_is_the_one_written)
{
	char id[EVENT_ID_SIZE];
	const struct event ev = { .type = EVENT_STOPPED, .reason = "x" };
	begin();
	struct evlog *log = open_log();
	evlog_add(log, &ev, id);
	evlog_close(log, 0);
	char *text = fd_read_file(FIRST, 4096, NULL);
	ck_assert(strstr(text, id));
	free(text);
	end();
}
END_TEST

START_TEST(a_torn_record_is_cut_off_and_told_of)
{
	static const char torn[] = "{\"v\":1,\"seq\":4,\"id\":\"0198";
	struct reading r = { 0 };
	begin();
	struct evlog *log = open_log();
	add_many(log, 3);
	evlog_close(log, 0);
	write_text(FIRST, torn, strlen(torn));
	log = open_log();
	ck_assert_int_eq(add(log, "after"), 5);
	evlog_close(log, 0);
	read_segment(&r, FIRST);
	ck_assert_int_eq(r.records, 5);
	ck_assert_int_eq(r.gaps, 1);
	ck_assert_str_eq(r.cause, "torn-record");
	end();
}
END_TEST

START_TEST(numbers_that_were_given_out_are_not_given_again)
{
	struct reading r = { 0 };
	begin();
	struct evlog *log = open_log();
	add_many(log, 3);
	evlog_skip(log, 3);
	evlog_skip(log, 7);
	ck_assert_int_eq(add(log, "after"), 8);
	evlog_close(log, 0);
	read_segment(&r, FIRST);
	ck_assert_int_eq(r.records, 5);
	ck_assert_int_eq(r.gaps, 1);
	ck_assert_int_eq(r.missing, 4);
	ck_assert_str_eq(r.cause, "lost-tail");
	end();
}
END_TEST

START_TEST(zeros_that_a_power_failure_left_are_cut_off)
{
	static const char zeros[5000];
	struct reading r = { 0 };
	begin();
	struct evlog *log = open_log();
	add_many(log, 3);
	evlog_close(log, 0);
	write_text(FIRST, zeros, sizeof(zeros));
	log = open_log();
	evlog_close(log, 0);
	read_segment(&r, FIRST);
	ck_assert_int_eq(r.last_seq, 4);
	end();
}
END_TEST

START_TEST(a_segment_of_nothing_but_a_torn_record_begins_anew)
{
	struct reading r = { 0 };
	begin();
	mkdir("events", 0700);
	write_text("events/00000000000000000042.ndjson", "{\"v\"", 4);
	struct evlog *log = open_log();
	ck_assert_int_eq(stats(log).seq, 42);
	evlog_close(log, 0);
	r.last_seq = 41;
	read_segment(&r, "events/00000000000000000042.ndjson");
	ck_assert_int_eq(r.gaps, 1);
	end();
}
END_TEST

START_TEST(an_empty_segment_is_gone_on_with)
{
	begin();
	mkdir("events", 0700);
	write_text("events/00000000000000000042.ndjson", "", 0);
	write_text("events/00000000000000000007.ndjson", "", 0);
	write_text("events/99999999999999999999.ndjson.gz", "", 0);
	write_text("events/x.ndjson", "", 0);
	struct evlog *log = open_log();
	ck_assert_int_eq(add(log, "a"), 42);
	evlog_close(log, 0);
	ck_assert_int_gt(size_of("events/00000000000000000042.ndjson"), 0);
	end();
}
END_TEST

START_TEST(lines_that_are_no_records_never_have_a_number_given_twice)
{
	struct reading r = { 0 };
	begin();
	struct evlog *log = open_log();
	add_many(log, 3);
	evlog_close(log, 0);
	write_text(FIRST, "rubbish\n\n", 9);
	log = open_log();
	ck_assert_int_eq(stats(log).seq, 6); /* 3, two that may have been, the gap */
	evlog_close(log, 0);
	ck_assert_int_eq(truncate(FIRST, 0), 0);
	for (int i = 0; i < 100; i++)
		write_text(FIRST, "rubbish rubbish rubbish\n", 24);
	log = open_log();
	uint64_t seq = stats(log).seq;
	ck_assert_int_gt(seq, 24);
	evlog_close(log, 0);
	char *name = NULL;
	ck_assert(asprintf(&name, "events/%020d.ndjson", (int)seq) > 0);
	r.last_seq = seq - 1;
	read_segment(&r, name);
	ck_assert_int_eq(r.gaps, 1);
	ck_assert_int_eq(size_of(FIRST), 2400);
	free(name);
	end();
}
END_TEST

START_TEST(rotation_begins_a_segment_at_the_next_number)
{
	struct reading r = { 0 };
	begin();
	struct evlog *log = open_log();
	add_many(log, 2);
	ck_assert_int_eq(evlog_rotate(log), 0);
	ck_assert_int_eq(size_of("events/00000000000000000003.ndjson"), 0);
	ck_assert_int_eq(evlog_rotate(log), 0);
	add_many(log, 2);
	evlog_close(log, 0);
	read_segment(&r, FIRST);
	ck_assert_int_eq(r.last_seq, 2);
	read_segment(&r, "events/00000000000000000003.ndjson");
	ck_assert_int_eq(r.last_seq, 4);
	end();
}
END_TEST

/* A segment of 64 MiB, less room, most of it a hole, with one record at its end. */
static void
make_big(off_t room)
{
	struct evlog *log = open_log();
	add_many(log, 1);
	evlog_close(log, 0);
	char *line = fd_read_file(FIRST, 4096, NULL);
	int fd = open(FIRST, O_WRONLY);
	off_t at = 64 * 1024 * 1024 - (off_t)strlen(line) - room;
	ck_assert_int_eq(pwrite(fd, "\n", 1, at - 1), 1);
	ck_assert_int_eq(pwrite(fd, line, strlen(line), at), (ssize_t)strlen(line));
	close(fd);
	free(line);
}

START_TEST(a_segment_that_is_full_is_followed_by_a_new_one)
{
	struct reading r = { .last_seq = 2 };
	begin();
	make_big(10);
	struct evlog *log = open_log();
	add(log, "b");
	evlog_flush(log);
	add(log, "c");
	evlog_close(log, 0);
	ck_assert_int_gt(size_of(FIRST), 64 * 1024 * 1024);
	read_segment(&r, "events/00000000000000000003.ndjson");
	ck_assert_int_eq(r.records, 1);
	end();
}
END_TEST

START_TEST(a_full_segment_is_not_gone_on_with)
{
	struct reading r = { .last_seq = 1 };
	begin();
	make_big(0);
	struct evlog *log = open_log();
	add(log, "b");
	evlog_close(log, 0);
	ck_assert_int_eq(size_of(FIRST), 64 * 1024 * 1024);
	read_segment(&r, "events/00000000000000000002.ndjson");
	end();
}
END_TEST

START_TEST(symbolic_links_are_refused)
{
	begin();
	mkdir("elsewhere", 0700);
	ck_assert_int_eq(symlink("elsewhere", "events"), 0);
	ck_assert(!open_log());
	unlink("events");
	mkdir("events", 0700);
	write_text("elsewhere/file", "", 0);
	ck_assert_int_eq(symlink("../elsewhere/file", FIRST), 0);
	ck_assert(!open_log());
	ck_assert_int_eq(errno, ELOOP);
	unlink(FIRST);
	ck_assert_int_eq(mkfifo(FIRST, 0600), 0);
	ck_assert(!open_log());
	end();
}
END_TEST

START_TEST(a_removed_segment_is_followed_by_a_new_one)
{
	struct reading r = { .last_seq = 1 };
	begin();
	struct evlog *log = open_log();
	add(log, "a");
	evlog_flush(log);
	unlink(FIRST);
	add(log, "b");
	ck_assert_int_eq(evlog_flush(log), 0);
	read_segment(&r, "events/00000000000000000002.ndjson");
	unlink("events/00000000000000000002.ndjson");
	rmdir("events");
	add(log, "c");
	ck_assert_int_eq(evlog_flush(log), 0);
	read_segment(&r, "events/00000000000000000003.ndjson");
	evlog_close(log, 0);
	end();
}
END_TEST

/* While this stands, check could not write its own notes: no assertion may be
   made until it is lifted. */
static void
limit_files(rlim_t bytes)
{
	struct rlimit limit;
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static struct evlog *
open_with(const struct config *with)
{
	const struct evlog_options options = {
		.dir = "events", .stdout_fd = -1, .format = FORMAT_JSON, .config = with
	};
	return evlog_open(&options);
}

static int
count_segments(void)
{
	struct names names;
	int dirfd = open("events", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(names_list(dirfd, &names), 0);
	int n = (int)names.n;
	names_release(&names);
	close(dirfd);
	return n;
}

START_TEST(a_segment_has_the_size_of_the_configuration)
{
	const struct config small = { .events_segment_size = 4096 };
	begin();
	struct evlog *log = open_with(&small);
	for (int i = 0; i < 50; i++) {
		add(log, "docs/a");
		evlog_flush(log);
	}
	evlog_close(log, 0);
	ck_assert_int_ge(size_of(FIRST), 4096);
	ck_assert_int_lt(size_of(FIRST), 5000);
	ck_assert_int_eq(count_segments(), 3);
	end();
}
END_TEST

START_TEST(a_segment_that_is_old_is_followed_by_a_new_one)
{
	const struct config young = { .events_segment_age_ms = 1 };
	begin();
	struct evlog *log = open_with(&young);
	add(log, "a");
	evlog_flush(log);
	poll(NULL, 0, 10);
	add(log, "b");
	evlog_flush(log);
	add(log, "c");
	evlog_close(log, 0);
	ck_assert_int_ge(count_segments(), 2);
	end();
}
END_TEST

/* Is every record of the file linked to the one before it?  hash goes along. */
static void
check_chain(const char *path, char hash[CHAIN_SIZE], int at_least)
{
	char *text = fd_read_file(path, 4 * 1024 * 1024, NULL), *save = NULL;
	int n = 0;
	ck_assert_ptr_nonnull(text);
	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save), n++) {
		const char *prev = chain_prev(line, strlen(line));
		ck_assert_msg(prev, "not chained: %s", line);
		ck_assert_mem_eq(prev, hash, CHAIN_SIZE - 1);
		chain_hash(line, strlen(line), hash);
	}
	ck_assert_int_ge(n, at_least);
	free(text);
}

START_TEST(a_chain_goes_on_over_restarts_rotations_and_torn_records)
{
	const struct config chained = { .chain = true };
	char hash[CHAIN_SIZE] = CHAIN_NOTHING;
	begin();
	struct evlog *log = open_with(&chained);
	add(log, "a");
	add(log, "b");
	evlog_close(log, 0);
	write_text(FIRST, "{\"v\":1,\"seq\":3,\"id", 19);
	log = open_with(&chained);
	add(log, "c");
	ck_assert_int_eq(evlog_rotate(log), 0);
	evlog_close(log, 0); /* the new segment is empty */
	log = open_with(&chained);
	add(log, "d");
	evlog_close(log, 0);
	check_chain(FIRST, hash, 4); /* with the gap */
	check_chain("events/00000000000000000005.ndjson", hash, 1);
	end();
}
END_TEST

START_TEST(a_chain_that_is_switched_on_goes_on_from_the_last_record)
{
	static const bool switches[] = { false, true, false, false, true, true };
	const struct config chained = { .chain = true };
	char hash[CHAIN_SIZE], *save = NULL;
	size_t n = 0;
	begin();
	struct evlog *log = open_log();
	for (size_t i = 0; i < COUNTOF(switches); i++) {
		evlog_configure(log, &config); /* off and on for nothing */
		evlog_configure(log, &chained);
		evlog_configure(log, switches[i] ? &chained : &config);
		add(log, "a");
	}
	evlog_configure(log, &config);
	add(log, "z");
	evlog_close(log, 0);
	log = open_with(&chained); /* after a restart, too */
	add(log, "b");
	evlog_close(log, 0);
	char *text = fd_read_file(FIRST, 8192, NULL);
	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save), n++) {
		const char *prev = chain_prev(line, strlen(line));
		bool on = n < COUNTOF(switches) ? switches[n] : n > COUNTOF(switches);
		ck_assert_int_eq(prev != NULL, on);
		if (prev)
			ck_assert_mem_eq(prev, hash, CHAIN_SIZE - 1);
		chain_hash(line, strlen(line), hash);
	}
	ck_assert_uint_eq(n, COUNTOF(switches) + 2);
	free(text);
	end();
}
END_TEST

START_TEST(the_chain_is_of_what_is_in_the_segments)
{
	const struct config chained = { .chain = true };
	char hash[CHAIN_SIZE] = CHAIN_NOTHING;
	begin();
	struct evlog *log = open_with(&chained);
	add(log, "a");
	evlog_flush(log);
	limit_files(100); /* the disk is full: some records are dropped */
	add_many(log, 6000);
	ck_assert_int_eq(evlog_flush(log), -1);
	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(evlog_flush(log), 0);
	add(log, "z");
	struct evlog_stats s = stats(log);
	ck_assert_int_gt(s.dropped, 0);
	evlog_close(log, 0);
	check_chain(FIRST, hash, 1000);
	end();
}
END_TEST

START_TEST(a_log_whose_last_segment_is_only_packed_gives_no_number_twice)
{
	static const unsigned char table[] = { 0x5e, 0x2a, 0x4d, 0x18, 17, 0, 0, 0, 5, 0,
		0, 0, 0x10, 0x27, 0, 0, 1, 0, 0, 0, 0, 0xb1, 0xea, 0x92, 0x8f };
	begin();
	ck_assert_int_eq(mkdir("events", 0700), 0);
	write_text("events/00000000000000000007.ndjson.zst", "12345", 5);
	write_text(
	    "events/00000000000000000007.ndjson.zst", (const char *)table, sizeof(table));
	struct evlog *log = open_log();
	ck_assert_int_ge(add(log, "a"), 7 + 10000 / 100 + 1);
	evlog_close(log, 0);
	end();
}
END_TEST

START_TEST(a_disk_that_is_full_for_a_while_loses_nothing)
{
	struct reading r = { 0 };
	begin();
	struct evlog *log = open_log();
	add_many(log, 2);
	evlog_flush(log);
	limit_files((rlim_t)size_of(FIRST) + 50);
	add_many(log, 100);
	int flushed = evlog_flush(log), error = errno, rotated = evlog_rotate(log);
	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(flushed, -1);
	ck_assert_int_eq(error, EFBIG);
	ck_assert_int_eq(rotated, -1);
	ck_assert(stats(log).failing);
	ck_assert_int_eq(stats(log).error, EFBIG);
	ck_assert_int_eq(evlog_flush(log), 0);
	ck_assert(!stats(log).failing);
	evlog_close(log, 0);
	read_segment(&r, FIRST);
	ck_assert_int_eq(r.records, 102);
	ck_assert_int_eq(r.gaps, 0);
	end();
}
END_TEST

START_TEST(what_a_full_disk_made_us_drop_is_counted_and_told_of)
{
	struct reading r = { 0 };
	begin();
	struct evlog *log = open_log();
	add_many(log, 2);
	evlog_flush(log);
	limit_files((rlim_t)size_of(FIRST) + 50);
	for (int i = 0; i < 20; i++) {
		add_many(log, 1000);
		evlog_flush(log);
	}
	limit_files(RLIM_INFINITY);
	uint64_t dropped = stats(log).dropped;
	ck_assert_int_gt(dropped, 10000);
	ck_assert_int_lt(dropped, 20000);
	ck_assert_int_eq(evlog_flush(log), 0);
	add_many(log, 3);
	evlog_close(log, 0);
	read_segment(&r, FIRST);
	ck_assert_int_eq(r.last_seq, 20005);
	ck_assert_int_eq(r.gaps, 1);
	ck_assert_str_eq(r.cause, "log-full");
	ck_assert_int_eq(r.missing, dropped);
	end();
}
END_TEST

START_TEST(many_records_in_one_turn_are_no_reason_to_drop)
{
	struct reading r = { 0 };
	begin();
	struct evlog *log = open_log();
	add_many(log, 30000);
	ck_assert_int_eq(stats(log).dropped, 0);
	evlog_close(log, 0);
	read_segment(&r, FIRST);
	ck_assert_int_eq(r.records, 30000);
	end();
}
END_TEST

/* Adds what can be read now. */
static void
drain(int fd, struct buf *b)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	while (poll(&pfd, 1, 0) == 1) {
		buf_reserve(b, 65536);
		ssize_t n = read(fd, b->p + b->len, 65536);
		if (n <= 0)
			break;
		b->len += (size_t)n;
		b->p[b->len] = '\0';
	}
}

START_TEST(a_pipe_gets_the_records_and_stays_as_it_is)
{
	struct reading r = { 0 };
	struct buf got = BUF_INIT;
	int p[2];
	begin();
	ck_assert_int_eq(pipe(p), 0);
	struct evlog *log = open_stream(p[1], FORMAT_JSON);
	add_many(log, 3);
	ck_assert_int_eq(evlog_flush(log), 0);
	drain(p[0], &got);
	read_text(&r, got.p);
	ck_assert_int_eq(r.records, 3);
	ck_assert_int_eq(fcntl(p[1], F_GETFL) & O_NONBLOCK, 0);
	evlog_close(log, 0);
	buf_release(&got);
	end();
}
END_TEST

START_TEST(a_slow_reader_is_told_what_it_missed)
{
	struct reading r = { 0 };
	struct buf got = BUF_INIT;
	int p[2];
	begin();
	ck_assert_int_eq(pipe(p), 0);
	struct evlog *log = open_stream(p[1], FORMAT_JSON);
	for (int i = 0; i < 20; i++) {
		add_many(log, 1000);
		evlog_flush(log);
	}
	uint64_t left_out = stats(log).left_out;
	ck_assert_int_gt(left_out, 10000);
	do {
		drain(p[0], &got);
		ev_run(ev_default_loop(0), EVRUN_NOWAIT);
	} while (!strstr(got.p, "slow-reader"));
	add_many(log, 3);
	evlog_flush(log);
	drain(p[0], &got);
	read_text(&r, got.p);
	ck_assert_int_eq(r.last_seq, 20003);
	ck_assert_int_eq(r.missing, left_out);
	ck_assert_str_eq(r.cause, "slow-reader");
	ck_assert_int_eq(r.gaps, 1);
	evlog_close(log, 0);
	buf_release(&got);
	end();
}
END_TEST

START_TEST(a_slow_reader_costs_the_segments_nothing)
{
	struct reading r = { 0 };
	int p[2];
	begin();
	ck_assert_int_eq(pipe(p), 0);
	const struct evlog_options options = { .dir = "events",
		.stdout_fd = p[1],
		.format = FORMAT_JSON,
		.loop = ev_default_loop(0),
		.config = &config };
	struct evlog *log = evlog_open(&options);
	add_many(log, 20000);
	ck_assert_int_eq(evlog_flush(log), 0);
	ck_assert_int_eq(stats(log).dropped, 0);
	ck_assert_int_gt(stats(log).left_out, 0);
	evlog_close(log, 0);
	read_segment(&r, FIRST);
	ck_assert_int_eq(r.records, 20000);
	end();
}
END_TEST

START_TEST(a_reader_that_went_away_ends_the_stream)
{
	int p[2];
	begin();
	ck_assert_int_eq(pipe(p), 0);
	struct evlog *log = open_stream(p[1], FORMAT_JSON);
	add_many(log, 1);
	evlog_flush(log);
	ck_assert(!stats(log).stdout_closed);
	close(p[0]);
	add_many(log, 1);
	ck_assert_int_eq(evlog_flush(log), 0);
	ck_assert(stats(log).stdout_closed);
	add_many(log, 1000);
	ck_assert_int_eq(evlog_flush(log), 0);
	evlog_close(log, 100);
	end();
}
END_TEST

START_TEST(a_socket_is_written_without_blocking)
{
	struct reading r = { 0 };
	struct buf got = BUF_INIT;
	int s[2];
	begin();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	struct evlog *log = open_stream(s[1], FORMAT_JSON);
	add_many(log, 4000);
	evlog_flush(log);
	while (r.last_seq < 4000) {
		drain(s[0], &got);
		ev_run(ev_default_loop(0), EVRUN_NOWAIT);
		if (got.len > 0 && got.p[got.len - 1] == '\n') {
			read_text(&r, got.p);
			buf_reset(&got);
		}
	}
	ck_assert_int_eq(r.records, 4000);
	ck_assert_int_eq(fcntl(s[1], F_GETFL) & O_NONBLOCK, 0);
	evlog_close(log, 0);
	buf_release(&got);
	end();
}
END_TEST

/* What another user's pipe has to be: it cannot be opened anew. */
START_TEST(a_shared_pipe_is_asked_before_each_write)
{
	static char line[10000];
	struct buf got = BUF_INIT;
	struct outlet o;
	int p[2];
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	ck_assert_int_eq(pipe(p), 0);
	outlet_init(&o);
	o.fd = p[1];
	o.way = OUTLET_POLLED;
	for (int i = 0; i < 50; i++)
		ck_assert(outlet_put(&o, line, sizeof(line), (uint64_t)i));
	ck_assert_int_eq(outlet_write(&o), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert(o.begun);
	for (int ret = -1; ret == -1; ret = outlet_write(&o))
		drain(p[0], &got);
	drain(p[0], &got);
	ck_assert_int_eq(got.len, 50 * sizeof(line));
	ck_assert(!o.begun);
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	outlet_put(&o, line, sizeof(line), 50);
	ck_assert_int_eq(outlet_write(&o), -1);
	ck_assert_int_eq(errno, EPIPE);
	outlet_release(&o);
	ck_assert_int_eq(o.lost_ever, 1);
	buf_release(&got);
}
END_TEST

START_TEST(a_file_is_written_like_a_segment)
{
	struct reading r = { 0 };
	begin();
	int fd = open("out", O_WRONLY | O_CREAT, 0600);
	struct evlog *log = open_stream(fd, FORMAT_JSON);
	add_many(log, 30000);
	evlog_flush(log);
	evlog_close(log, 0);
	read_segment(&r, "out");
	ck_assert_int_eq(r.records, 30000);
	end();
}
END_TEST

START_TEST(stdout_is_in_the_format_that_was_asked_for)
{
	struct buf got = BUF_INIT;
	int p[2];
	begin();
	ck_assert_int_eq(pipe(p), 0);
	struct evlog *log = open_stream(p[1], FORMAT_PRETTY);
	add(log, "a");
	evlog_close(log, 0);
	drain(p[0], &got);
	ck_assert(strstr(got.p, " created a\n"));
	buf_reset(&got);
	log = open_stream(p[1], FORMAT_CLOUDEVENTS);
	add(log, "a");
	evlog_close(log, 0);
	drain(p[0], &got);
	ck_assert(strstr(got.p, "\"specversion\":\"1.0\""));
	buf_reset(&got);
	log = open_stream(p[1], FORMAT_NONE);
	add(log, "a");
	evlog_close(log, 0);
	drain(p[0], &got);
	ck_assert_int_eq(got.len, 0);
	buf_release(&got);
	end();
}
END_TEST

START_TEST(closing_gives_the_reader_time)
{
	struct reading r = { 0 };
	char *text;
	int p[2], status;
	begin();
	ck_assert_int_eq(pipe(p), 0);
	struct evlog *log = open_stream(p[1], FORMAT_JSON);
	add_many(log, 2000);
	evlog_flush(log);
	pid_t pid = fork();
	if (pid == 0) {
		char block[65536];
		int out = open("copy", O_WRONLY | O_CREAT, 0600);
		ssize_t n;
		close(p[1]);
		ev_loop_fork(ev_default_loop(0));
		evlog_close(log, 0); /* the write end is held by it too */
		while ((n = read(p[0], block, sizeof(block))) > 0)
			fd_write_all(out, block, (size_t)n);
		_exit(0);
	}
	evlog_close(log, 30000);
	close(p[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	text = fd_read_file("copy", 100 << 20, NULL);
	ck_assert(text);
	free(text);
	read_segment(&r, "copy");
	end();
}
END_TEST

START_TEST(closing_does_not_wait_for_ever)
{
	int p[2];
	begin();
	ck_assert_int_eq(pipe(p), 0);
	struct evlog *log = open_stream(p[1], FORMAT_JSON);
	add_many(log, 2000);
	evlog_close(log, 20);
	end();
}
END_TEST

START_TEST(new_tags_stand_in_the_next_record)
{
	char *words[] = { (char *)"tenant_id=acme", NULL };
	const struct config tagged = { .tags = { words, 1 } };
	begin();
	struct evlog *log = open_log();
	add(log, "a");
	evlog_configure(log, &tagged);
	add(log, "b");
	evlog_close(log, 0);
	char *text = fd_read_file(FIRST, 4096, NULL);
	char *second = strchr(text, '\n');
	ck_assert(strstr(text, "\"tenant_id\":\"acme\"") > second);
	free(text);
	end();
}
END_TEST

START_TEST(a_log_without_outputs_still_counts)
{
	begin();
	struct evlog *log = open_stream(-1, FORMAT_JSON);
	ck_assert_int_eq(add(log, "a"), 1);
	ck_assert_int_eq(evlog_flush(log), 0);
	ck_assert_int_eq(evlog_rotate(log), 0);
	ck_assert_int_eq(stats(log).records, 1);
	evlog_close(log, 1000);
	evlog_close(NULL, 0);
	end();
}
END_TEST

UNIT_MAIN("evlog", records_go_to_a_private_segment_named_by_the_first,
    a_record_in_a_hurry_does_not_wait_for_the_flush, numbers_go_on_after_a_restart,
    the_id_that_is_told_is_the_one_written, a_torn_record_is_cut_off_and_told_of,
    numbers_that_were_given_out_are_not_given_again,
    zeros_that_a_power_failure_left_are_cut_off,
    a_segment_of_nothing_but_a_torn_record_begins_anew, an_empty_segment_is_gone_on_with,
    lines_that_are_no_records_never_have_a_number_given_twice,
    rotation_begins_a_segment_at_the_next_number,
    a_segment_that_is_full_is_followed_by_a_new_one, a_full_segment_is_not_gone_on_with,
    symbolic_links_are_refused, a_removed_segment_is_followed_by_a_new_one,
    a_disk_that_is_full_for_a_while_loses_nothing,
    what_a_full_disk_made_us_drop_is_counted_and_told_of,
    many_records_in_one_turn_are_no_reason_to_drop,
    a_pipe_gets_the_records_and_stays_as_it_is, a_slow_reader_is_told_what_it_missed,
    a_slow_reader_costs_the_segments_nothing, a_reader_that_went_away_ends_the_stream,
    a_socket_is_written_without_blocking, a_shared_pipe_is_asked_before_each_write,
    a_file_is_written_like_a_segment, stdout_is_in_the_format_that_was_asked_for,
    closing_gives_the_reader_time, closing_does_not_wait_for_ever,
    new_tags_stand_in_the_next_record, a_log_without_outputs_still_counts,
    a_segment_has_the_size_of_the_configuration,
    a_segment_that_is_old_is_followed_by_a_new_one,
    a_chain_goes_on_over_restarts_rotations_and_torn_records,
    a_chain_that_is_switched_on_goes_on_from_the_last_record,
    the_chain_is_of_what_is_in_the_segments,
    a_log_whose_last_segment_is_only_packed_gives_no_number_twice)
