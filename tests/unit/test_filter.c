/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "policy/filter.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "unit.h"

enum { WORDS = 16 };

/* A configuration and the filter made of it; its lists are words. */
struct fixture {
	struct config config;
	char *ignore[WORDS], *include[WORDS];
	struct filter *filter;
	struct filter_rule rule;
};

static char top[64];

static void
add_word(struct strlist *list, char **v, const char *word)
{
	list->v = v;
	v[list->n++] = strdup(word);
	v[list->n] = NULL;
}

static struct fixture *
fixture(void)
{
	struct fixture *x = calloc(1, sizeof(*x));
	x->config.default_ignores = true;
	x->config.state_dir = (char *)"/p/.filemon";
	x->config.control_socket = (char *)"/p/.filemon/control.sock";
	x->config.file = (char *)"/p/.filemon/filemon.conf";
	return x;
}

static struct fixture *
open_fixture(struct fixture *x, const char *root)
{
	x->filter = filter_new(&x->config, root);
	return x;
}

static void
close_fixture(struct fixture *x)
{
	filter_free(x->filter);
	for (int i = 0; i < WORDS; i++) {
		free(x->ignore[i]);
		free(x->include[i]);
	}
	free(x);
}

static bool
wants(struct fixture *x, const char *path)
{
	size_t len = strlen(path);
	bool is_dir = len > 0 && path[len - 1] == '/';
	return filter_want(x->filter, path, len - is_dir, is_dir, &x->rule);
}

/* As above, in memory that ends with the path: nothing beyond it may be read. */
static bool
wants_exactly(struct fixture *x, const char *path)
{
	size_t len = strlen(path);
	char *copy = malloc(len);
	memcpy(copy, path, len);
	bool result = filter_want(x->filter, copy, len, false, NULL);
	free(copy);
	return result;
}

static void
make_top(void)
{
	snprintf(top, sizeof(top), "/tmp/filemon-filter.XXXXXX");
	ck_assert(mkdtemp(top));
	ck_assert_int_eq(chdir(top), 0);
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
remove_top(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	ck_assert(f);
	fputs(text, f);
	fclose(f);
}

START_TEST(default_ignores_hide_what_is_nobodys_business)
{
	static const char *const hidden[] = { ".git/", ".git/config", "a/.hidden", "a~",
		"x/b.tmp", ".a.swp", "a.swp", "a.swx", "4913", ".#lock",
		"d/.goutputstream-ABC", "a.metadata.json", ".cache/x/y" };
	static const char *const wanted[] = { "", "a", "a/b/c", "tmp", "a.tmp.c", "49130",
		"metadata.json", "a.json", "swp" };
	struct fixture *x = open_fixture(fixture(), "/p");
	for (size_t i = 0; i < COUNTOF(hidden); i++) {
		ck_assert_msg(!wants(x, hidden[i]), "%s", hidden[i]);
		ck_assert_str_eq(x->rule.source, "default ignores");
	}
	for (size_t i = 0; i < COUNTOF(wanted); i++)
		ck_assert_msg(wants(x, wanted[i]), "%s", wanted[i]);
	close_fixture(x);
}
END_TEST

START_TEST(default_ignores_can_be_switched_off)
{
	struct fixture *x = fixture();
	x->config.default_ignores = false;
	open_fixture(x, "/p");
	ck_assert(wants(x, ".hidden/a~"));
	ck_assert(!x->rule.pattern);
	close_fixture(x);
}
END_TEST

START_TEST(a_users_rule_takes_back_a_default)
{
	struct fixture *x = fixture();
	add_word(&x->config.ignore, x->ignore, "!.env");
	add_word(&x->config.ignore, x->ignore, "!.github/");
	add_word(&x->config.ignore, x->ignore, "*.log");
	open_fixture(x, "/p");
	ck_assert(wants(x, ".env"));
	ck_assert_str_eq(x->rule.pattern, "!.env");
	ck_assert_str_eq(x->rule.source, "/p/.filemon/filemon.conf");
	ck_assert(wants(x, "sub/.env"));
	ck_assert(wants(x, ".github/workflows/ci.yml"));
	ck_assert(!wants(x, ".github/.hidden"));
	ck_assert(!wants(x, "a/b.log"));
	ck_assert_str_eq(x->rule.pattern, "*.log");
	close_fixture(x);
}
END_TEST

START_TEST(nothing_below_an_excluded_directory_comes_back)
{
	struct fixture *x = fixture();
	add_word(&x->config.ignore, x->ignore, "build/");
	add_word(&x->config.ignore, x->ignore, "!build/keep.txt");
	open_fixture(x, "/p");
	ck_assert(!wants(x, "build/"));
	ck_assert(!wants(x, "build/keep.txt"));
	ck_assert_str_eq(x->rule.pattern, "build/");
	ck_assert(!wants(x, "a/b/build/c/d/e"));
	ck_assert(wants(x, "build"));
	ck_assert(wants(x, "builds/x"));
	close_fixture(x);
}
END_TEST

START_TEST(own_state_is_never_of_interest)
{
	struct fixture *x = fixture();
	x->config.default_ignores = false;
	x->config.state_dir = (char *)"/p/var/state";
	x->config.control_socket = (char *)"/p/run/sock";
	add_word(&x->config.ignore, x->ignore, "!var");
	open_fixture(x, "/p");
	ck_assert(!wants(x, "var/state/"));
	ck_assert_str_eq(x->rule.source, "state directory");
	ck_assert(!wants(x, "var/state/events/1.ndjson"));
	ck_assert(!wants(x, "run/sock"));
	ck_assert(wants(x, "var/"));
	ck_assert(wants(x, "var/state2"));
	ck_assert(wants(x, "var/stat"));
	ck_assert(wants(x, "run/sock2"));
	close_fixture(x);
}
END_TEST

START_TEST(state_elsewhere_hides_nothing)
{
	struct fixture *x = fixture();
	x->config.default_ignores = false;
	x->config.state_dir = (char *)"/pp/.filemon";
	x->config.control_socket = NULL;
	open_fixture(x, "/p");
	ck_assert(wants(x, ".filemon/x"));
	close_fixture(x);
}
END_TEST

START_TEST(the_root_may_be_the_file_system)
{
	struct fixture *x = fixture();
	x->config.default_ignores = false;
	x->config.state_dir = (char *)"/.filemon";
	open_fixture(x, "/");
	ck_assert(wants(x, "etc/passwd"));
	ck_assert(!wants(x, ".filemon/state.db"));
	close_fixture(x);
}
END_TEST

START_TEST(a_root_within_the_state_is_empty)
{
	struct fixture *x = open_fixture(fixture(), "/p/.filemon/events");
	ck_assert(!wants(x, "1.ndjson"));
	close_fixture(x);
}
END_TEST

START_TEST(include_limits_files_and_not_directories)
{
	struct fixture *x = fixture();
	add_word(&x->config.include, x->include, "docs/**/*.md");
	add_word(&x->config.include, x->include, "src/");
	add_word(&x->config.include, x->include, "!src/gen/");
	open_fixture(x, "/p");
	ck_assert(wants(x, "docs/x/a.md"));
	ck_assert(!wants(x, "docs/x/a.txt"));
	ck_assert(!x->rule.pattern);
	ck_assert_str_eq(x->rule.source, "include");
	ck_assert(wants(x, "other/"));
	ck_assert(!wants(x, "other/a.md"));
	ck_assert(wants(x, "src/a/b.c"));
	ck_assert(!wants(x, "src/gen/b.c"));
	ck_assert(!wants(x, "docs/.hidden.md"));
	ck_assert_str_eq(x->rule.source, "default ignores");
	close_fixture(x);
}
END_TEST

static struct fixture *
with_ignore_files(void)
{
	struct fixture *x = fixture();
	x->config.gitignore = true;
	return x;
}

START_TEST(ignore_files_are_read_only_when_asked)
{
	make_top();
	write_file(".gitignore", "*.o\n");
	struct fixture *x = open_fixture(fixture(), top);
	ck_assert(wants(x, "a.o"));
	ck_assert(!filter_forget(x->filter, ".gitignore", 10));
	close_fixture(x);
	x = open_fixture(with_ignore_files(), top);
	ck_assert(!wants(x, "a.o"));
	close_fixture(x);
	remove_top();
}
END_TEST

START_TEST(the_nearest_ignore_file_decides)
{
	char want[128];
	make_top();
	mkdir("a", 0700);
	mkdir("a/b", 0700);
	write_file(".gitignore", "# objects\n*.o\r\n\n/only-here\nspace\\ \nlost   \n");
	write_file("a/.gitignore", "!keep.o\n/b/x\n");
	write_file("a/.filemonignore", "*.md\n");
	struct fixture *x = open_fixture(with_ignore_files(), top);
	ck_assert(!wants(x, "x.o"));
	snprintf(want, sizeof(want), "%s/.gitignore", top);
	ck_assert_str_eq(x->rule.source, want);
	ck_assert_str_eq(x->rule.pattern, "*.o");
	ck_assert_int_eq(x->rule.line, 2);
	ck_assert(!wants(x, "a/b/x.o"));
	ck_assert(wants(x, "a/b/keep.o"));
	ck_assert(!wants(x, "keep.o"));
	ck_assert(!wants(x, "a/b/x"));
	ck_assert(wants(x, "b/x"));
	ck_assert(!wants(x, "only-here"));
	ck_assert(wants(x, "a/only-here"));
	ck_assert(!wants(x, "a/README.md"));
	ck_assert_int_eq(x->rule.line, 1);
	ck_assert(wants(x, "README.md"));
	ck_assert(!wants(x, "space "));
	ck_assert(!wants(x, "lost"));
	ck_assert(wants(x, "# objects"));
	close_fixture(x);
	remove_top();
}
END_TEST

START_TEST(the_configuration_goes_before_ignore_files)
{
	make_top();
	write_file(".gitignore", "*.log\n!.profile\n");
	struct fixture *x = with_ignore_files();
	add_word(&x->config.ignore, x->ignore, "!important.log");
	open_fixture(x, top);
	ck_assert(!wants(x, "a.log"));
	ck_assert(wants(x, "important.log"));
	ck_assert(wants(x, ".profile"));
	close_fixture(x);
	remove_top();
}
END_TEST

START_TEST(a_changed_ignore_file_counts_at_once)
{
	make_top();
	mkdir("d", 0700);
	struct fixture *x = open_fixture(with_ignore_files(), top);
	ck_assert(wants(x, "d/a.o"));
	ck_assert(!filter_take_changed(x->filter));
	write_file("d/.gitignore", "*.o\n");
	ck_assert(!wants(x, "d/.gitignore"));
	ck_assert(filter_take_changed(x->filter));
	ck_assert(!filter_take_changed(x->filter));
	ck_assert(!wants(x, "d/a.o"));
	unlink("d/.gitignore");
	ck_assert(filter_forget(x->filter, "d/.gitignore", strlen("d/.gitignore")));
	ck_assert(wants(x, "d/a.o"));
	ck_assert(!filter_forget(x->filter, "d/gitignore", strlen("d/gitignore")));
	ck_assert(!filter_forget(x->filter, NULL, 0));
	close_fixture(x);
	remove_top();
}
END_TEST

START_TEST(a_directory_moved_here_brings_its_rules)
{
	make_top();
	mkdir("d", 0700);
	mkdir("new", 0700);
	write_file("new/.gitignore", "*.o\n");
	struct fixture *x = open_fixture(with_ignore_files(), top);
	ck_assert(wants(x, "d/a.o"));
	ck_assert_int_eq(rename("d", "old"), 0);
	ck_assert_int_eq(rename("new", "d"), 0);
	ck_assert(wants(x, "d/"));
	ck_assert(filter_take_changed(x->filter));
	ck_assert(!wants(x, "d/a.o"));
	close_fixture(x);
	remove_top();
}
END_TEST

START_TEST(what_is_no_regular_file_has_no_rules)
{
	make_top();
	write_file("rules", "*.o\n");
	mkdir("l", 0700);
	mkdir("f", 0700);
	ck_assert_int_eq(symlink("../rules", "l/.gitignore"), 0);
	ck_assert_int_eq(mkfifo("f/.gitignore", 0600), 0);
	struct fixture *x = open_fixture(with_ignore_files(), top);
	ck_assert(wants(x, "l/a.o"));
	ck_assert(wants(x, "f/a.o"));
	ck_assert(wants(x, "l/"));
	ck_assert(wants(x, "f/"));
	ck_assert(!filter_take_changed(x->filter));
	close_fixture(x);
	remove_top();
}
END_TEST

START_TEST(an_ignore_file_that_is_too_long_is_left_out)
{
	make_top();
	write_file(".gitignore", "*.o\n");
	ck_assert_int_eq(truncate(".gitignore", 2 * 1024 * 1024), 0);
	int null = open("/dev/null", O_WRONLY);
	log_set_fd(null);
	struct fixture *x = open_fixture(with_ignore_files(), top);
	ck_assert(wants(x, "a.o"));
	close_fixture(x);
	close(null);
	remove_top();
}
END_TEST

START_TEST(more_directories_than_the_cache_holds)
{
	char path[64];
	struct fixture *x = fixture();
	add_word(&x->config.ignore, x->ignore, "d*7/");
	open_fixture(x, "/p");
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 2000; i++) {
			snprintf(path, sizeof(path), "a/b%d/d%d/file", i % 13, i);
			ck_assert_msg(wants(x, path) == (i % 10 != 7), "%s", path);
		}
	}
	close_fixture(x);
}
END_TEST

START_TEST(a_path_without_an_end_is_judged)
{
	enum { NAMES = 5000 };
	char *path = malloc(NAMES * 4 + 8);
	struct fixture *x = open_fixture(fixture(), "/p");
	*path = '\0';
	char *p = path;
	for (int i = 0; i < NAMES; i++)
		p = stpcpy(p, "abc/");
	strcpy(p, "a.c");
	ck_assert(wants_exactly(x, path));
	strcpy(p, "a.tmp");
	ck_assert(!wants_exactly(x, path));
	memcpy(p - 4, ".bc/", 4);
	strcpy(p, "a.c");
	ck_assert(!wants_exactly(x, path));
	memcpy(path, ".bc/", 4);
	ck_assert(!wants_exactly(x, path));
	free(path);
	close_fixture(x);
}
END_TEST

START_TEST(deep_directories_have_ignore_files_too)
{
	char path[2048] = "";
	make_top();
	while (strlen(path) < 1500) {
		strcat(path, "0123456789012345678901234567890123456789");
		ck_assert_int_eq(mkdir(path, 0700), 0);
		strcat(path, "/");
	}
	char *end = path + strlen(path);
	strcpy(end, ".gitignore");
	write_file(path, "*.o\n");
	struct fixture *x = open_fixture(with_ignore_files(), top);
	strcpy(end, "a.o");
	ck_assert(!wants(x, path));
	ck_assert_str_eq(x->rule.pattern, "*.o");
	strcpy(end, "a.c");
	ck_assert(wants(x, path));
	close_fixture(x);
	remove_top();
}
END_TEST

UNIT_MAIN("filter", default_ignores_hide_what_is_nobodys_business,
    default_ignores_can_be_switched_off, a_users_rule_takes_back_a_default,
    nothing_below_an_excluded_directory_comes_back, own_state_is_never_of_interest,
    state_elsewhere_hides_nothing, the_root_may_be_the_file_system,
    a_root_within_the_state_is_empty, include_limits_files_and_not_directories,
    ignore_files_are_read_only_when_asked, the_nearest_ignore_file_decides,
    the_configuration_goes_before_ignore_files, a_changed_ignore_file_counts_at_once,
    a_directory_moved_here_brings_its_rules, what_is_no_regular_file_has_no_rules,
    an_ignore_file_that_is_too_long_is_left_out, more_directories_than_the_cache_holds,
    a_path_without_an_end_is_judged, deep_directories_have_ignore_files_too)
