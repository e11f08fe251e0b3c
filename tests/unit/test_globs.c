/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/glob.h"
#include "policy/filter.h"
#include "unit.h"

static bool
one(const char *pattern, const char *path, bool is_dir)
{
	struct globs *globs = globs_new(NULL);
	struct glob_hit hit;
	const char *error = globs_add(globs, pattern, strlen(pattern), 0);
	ck_assert_msg(!error, "%s %s", pattern, error);
	bool found = globs_find(globs, path, strlen(path), is_dir, &hit);
	globs_free(globs);
	return found;
}

#define MATCHES(pattern, path) ck_assert(one(pattern, path, false))
#define MATCHES_NOT(pattern, path) ck_assert(!one(pattern, path, false))

START_TEST(a_pattern_without_a_slash_matches_at_any_depth)
{
	MATCHES("a.c", "a.c");
	MATCHES("a.c", "x/y/a.c");
	MATCHES_NOT("a.c", "a.c/x");
	MATCHES_NOT("a.c", "xa.c");
	MATCHES("*.c", ".c");
	MATCHES("*", ".hidden");
}
END_TEST

START_TEST(a_slash_anchors)
{
	MATCHES("/a", "a");
	MATCHES_NOT("/a", "b/a");
	MATCHES("a/b", "a/b");
	MATCHES_NOT("a/b", "x/a/b");
	MATCHES_NOT("a/b", "a/b/c");
}
END_TEST

START_TEST(a_trailing_slash_wants_a_directory)
{
	ck_assert(one("a/", "a", true));
	ck_assert(!one("a/", "a", false));
	ck_assert(one("a/", "x/a", true));
	ck_assert(one("/x/a/", "x/a", true));
	ck_assert(!one("/x/a/", "y/x/a", true));
}
END_TEST

START_TEST(a_star_and_a_question_mark_stay_in_a_name)
{
	MATCHES("a/*", "a/b");
	MATCHES_NOT("a/*", "a/b/c");
	MATCHES_NOT("a/*", "a");
	MATCHES("a?c", "abc");
	MATCHES_NOT("x/a?c", "x/a/c");
	MATCHES("*a*b*", "xxayybzz");
	MATCHES_NOT("*a*b*", "xxbyyazz");
	MATCHES("a*a", "aa");
	MATCHES_NOT("a*a", "a");
	MATCHES("a**b", "axxb");
	MATCHES_NOT("x/?a**b", "x/yax/b");
}
END_TEST

START_TEST(two_stars_cross_directories)
{
	MATCHES("**/a", "a");
	MATCHES("**/a", "x/y/a");
	MATCHES("a/**", "a/x");
	MATCHES("a/**", "a/x/y");
	MATCHES_NOT("a/**", "a");
	MATCHES("a/**/b", "a/b");
	MATCHES("a/**/b", "a/x/y/b");
	MATCHES_NOT("a/**/b", "ab");
	MATCHES_NOT("a/**/b", "a/xb");
	MATCHES("**/a/**/b/**", "x/a/y/z/b/c");
	MATCHES_NOT("**/a/**/b/**", "x/a/y/z/b");
	MATCHES("**/a/*/b", "a/a/a/x/b");
	MATCHES("/**", "x");
	MATCHES("a/***/b", "a/x/y/b");
}
END_TEST

START_TEST(sets_have_ranges_classes_and_negation)
{
	MATCHES("[abc]", "b");
	MATCHES_NOT("[abc]", "d");
	MATCHES("[a-c]x", "bx");
	MATCHES("[!a-c]", "d");
	MATCHES("[^a-c]", "d");
	MATCHES_NOT("[!a-c]", "b");
	MATCHES("[]a]", "]");
	MATCHES("[!]a]", "b");
	MATCHES("[a-]", "-");
	MATCHES("[\\]]", "]");
	MATCHES("[a\\-c]", "-");
	MATCHES_NOT("[a\\-c]", "b");
	MATCHES("[[:alpha:][:digit:]_]", "7");
	MATCHES_NOT("[[:alpha:][:digit:]_]", "-");
	MATCHES("[![:space:]]", "x");
	MATCHES("[[:punct:]]", "~");
	MATCHES("[[a:]", "[");
	MATCHES("[[:a]", ":");
	MATCHES_NOT("x[!a]y", "x/y");
	MATCHES_NOT("x/[.-0]y", "x//y");
}
END_TEST

START_TEST(a_backslash_takes_the_meaning_away)
{
	MATCHES("\\*", "*");
	MATCHES_NOT("\\*", "a");
	MATCHES("\\!a", "!a");
	MATCHES("\\#a", "#a");
	MATCHES("#a", "#a");
	MATCHES("a\\?", "a?");
	MATCHES("\\a", "a");
	MATCHES("a\\ ", "a ");
	MATCHES("a\\/b", "a/b");
}
END_TEST

START_TEST(names_are_bytes)
{
	MATCHES("\xff*", "\xff\xfe");
	MATCHES("[\xf0-\xff]", "\xf5");
	MATCHES("a\nb", "a\nb");
	MATCHES_NOT("?", "\xc3\xa9");
	MATCHES("??", "\xc3\xa9");
}
END_TEST

static bool
matched(const char *list, const char *path, bool is_dir)
{
	char *copy = strdup(list), *v[16], *save = NULL;
	struct strlist patterns = { v, 0 };
	for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save))
		v[patterns.n++] = p;
	struct globs *globs = globs_new(&patterns);
	bool result = globs_match(globs, path, strlen(path), is_dir);
	globs_free(globs);
	free(copy);
	return result;
}

START_TEST(a_list_counts_what_is_above_and_the_last_match_wins)
{
	ck_assert(matched("", "anything", false));
	ck_assert(matched("docs/**/*.md", "docs/x/a.md", false));
	ck_assert(matched("docs/", "docs/x/a.md", false));
	ck_assert(!matched("docs/", "src/docs.md", false));
	ck_assert(!matched("docs/ !docs/private/", "docs/private/x", false));
	ck_assert(!matched("*.md !drafts/", "drafts/a.md", false));
	ck_assert(matched("!drafts/ *.md", "drafts/a.md", false));
	ck_assert(matched("*.md !drafts/ drafts/keep.md", "drafts/keep.md", false));
	ck_assert(matched("docs", "docs", true));
}
END_TEST

START_TEST(a_list_of_negations_is_everything_but)
{
	ck_assert(matched("!*.o", "a.c", false));
	ck_assert(!matched("!*.o", "a.o", false));
}
END_TEST

START_TEST(either_end_of_a_name_may_be_what_matches)
{
	static const char *const patterns[] = { "a*", "*z", "m", "b*y" };
	struct globs *globs = globs_new(NULL);
	struct glob_hit hit;

	for (size_t i = 0; i < 3; i++)
		ck_assert_ptr_null(globs_add(globs, patterns[i], strlen(patterns[i]), 0));
	ck_assert(globs_find(globs, "a", 1, false, &hit));
	ck_assert(globs_find(globs, "x/ay", 4, false, &hit));
	ck_assert(globs_find(globs, "x/z", 3, false, &hit));
	ck_assert(globs_find(globs, "yz", 2, false, &hit));
	ck_assert(globs_find(globs, "m", 1, false, &hit));
	ck_assert(!globs_find(globs, "mm", 2, false, &hit));
	ck_assert(!globs_find(globs, "za", 2, false, &hit));
	ck_assert(!globs_find(globs, "a/x", 3, false, &hit));
	ck_assert(!globs_find(globs, "bxy", 3, false, &hit));
	ck_assert_ptr_null(globs_add(globs, patterns[3], strlen(patterns[3]), 0));
	ck_assert(globs_find(globs, "bxy", 3, false, &hit));
	globs_free(globs);
}
END_TEST

START_TEST(the_hit_tells_the_pattern_as_written)
{
	struct globs *globs = globs_new(NULL);
	struct glob_hit hit;
	globs_add(globs, "*.o", 3, 7);
	globs_add(globs, "!/a.o", 5, 9);
	ck_assert(globs_find(globs, "a.o", 3, false, &hit));
	ck_assert_str_eq(hit.pattern, "!/a.o");
	ck_assert_int_eq(hit.line, 9);
	ck_assert(hit.negated);
	ck_assert(globs_find(globs, "b/a.o", 5, false, &hit));
	ck_assert_str_eq(hit.pattern, "*.o");
	ck_assert(!hit.negated);
	globs_free(globs);
}
END_TEST

START_TEST(what_can_match_nothing_is_refused_with_a_reason)
{
	static const char *const bad[][2] = { { "", "empty" }, { "!", "empty" },
		{ "/", "empty" }, { "!/", "empty" }, { "[a", "[ without" },
		{ "a[", "[ without" }, { "[a\\", "[ without" },
		{ "[[:alpha:]", "[ without" }, { "a\\", "backslash" },
		{ "[[:foo:]]", "class" }, { "a//b", "empty name" },
		{ "//a", "empty name" }, { "a//", "slash" }, { "./a", "." },
		{ "a/../b", "." }, { "[/]", "matches nothing" }, { "a\\//", "slash" } };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *error = glob_check(bad[i][0]);
		ck_assert_msg(error && strstr(error, bad[i][1]), "%s: %s", bad[i][0],
		    error ? error : "accepted");
	}
}
END_TEST

START_TEST(what_can_match_is_accepted)
{
	static const char *const good[] = { "a", "!a", "*", "**", "/**", "**/", "a/**/",
		"...", ".*", "..a", "[!/]", "[]]", "a b", " ", "\\\\", "#", "!!a",
		"[a/b]" };
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(
		    !glob_check(good[i]), "%s: %s", good[i], glob_check(good[i]));
}
END_TEST

START_TEST(a_pattern_has_a_longest_length)
{
	char pattern[5000];
	memset(pattern, '*', sizeof(pattern));
	pattern[4096] = '\0';
	ck_assert(!glob_check(pattern));
	pattern[4096] = '*';
	pattern[4097] = '\0';
	ck_assert(strstr(glob_check(pattern), "longer"));
}
END_TEST

/* Backtracking without a bound would take longer than the universe has. */
START_TEST(hostile_patterns_take_no_time)
{
	char name[256], path[20000];
	int64_t start = clk_mono_ms();
	memset(name, 'a', 255);
	name[255] = '\0';
	MATCHES_NOT("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", name);
	memset(path, 'a', sizeof(path) - 1);
	for (size_t i = 1; i < sizeof(path) - 1; i += 2)
		path[i] = '/';
	path[sizeof(path) - 1] = '\0';
	MATCHES_NOT("**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/b", path);
	MATCHES_NOT("**/*a*/**/*a*/**/*a*/**/*a*/**/*a*/**/*a*/**/*a*/**/*b*", path);
	ck_assert_int_lt(clk_mono_ms() - start, 5000);
}
END_TEST

/* Against git itself: each list of patterns is the .gitignore of a directory. */

enum { LISTS = 400, PATHS = 25, LIST_MAX = 4, TEXT_MAX = 256 };

static uint32_t seed = 20260131;

static uint32_t
chance(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static void
random_pattern(char *out)
{
	static const char *const pieces[] = { "a", "b", "ab", "*", "*", "?", "**", "/",
		"/", "/**/", "**/", "/**", "[ab]", "[!a]", "[a-c]", "[]b]", "[^-a]",
		"\\a", "\\*", "[[:alpha:]]", "[", ".", "c", "[a\\]]", "a/", "[a/b]" };
	*out = '\0';
	if (chance(5) == 0)
		strcat(out, "!");
	for (uint32_t n = 1 + chance(6); n > 0; n--)
		strcat(out, pieces[chance(sizeof(pieces) / sizeof(pieces[0]))]);
}

/* git takes the literal beginning of a pattern off, so that "a**" behaves as
   "**" does at the start; gitignore(5) says it is an ordinary star. */
static bool
is_gits_own(const char *pattern)
{
	size_t literal = strcspn(pattern, "*?[\\");
	return literal > 0 && pattern[literal - 1] != '/' &&
	    pattern[literal - 1] != '!' && strncmp(pattern + literal, "**", 2) == 0;
}

static void
random_path(char *out)
{
	static const char *const names[] = { "a", "b", "ab", "ba", "c", ".a", "aab",
		"a.c", "*", "]", "-", "abc" };
	*out = '\0';
	for (uint32_t n = 1 + chance(4); n > 0; n--) {
		if (*out)
			strcat(out, "/");
		strcat(out, names[chance(sizeof(names) / sizeof(names[0]))]);
	}
}

static struct {
	char patterns[LIST_MAX][TEXT_MAX];
	size_t n;
	char paths[PATHS][TEXT_MAX];
} lists[LISTS];

static void
make_directories(const char *path)
{
	char copy[TEXT_MAX];
	snprintf(copy, sizeof(copy), "%s", path);
	for (char *p = copy; (p = strchr(p, '/')) != NULL; *p++ = '/') {
		*p = '\0';
		ck_assert(mkdir(copy, 0700) == 0 || errno == EEXIST);
	}
	ck_assert(mkdir(copy, 0700) == 0 || errno == EEXIST);
}

static void
make_list(int i)
{
	char file[64], path[TEXT_MAX + 16];
	snprintf(file, sizeof(file), "%d", i);
	make_directories(file);
	snprintf(file, sizeof(file), "%d/.gitignore", i);
	FILE *f = fopen(file, "w");
	lists[i].n = 1 + chance(LIST_MAX);
	for (size_t n = 0; n < lists[i].n; n++) {
		do
			random_pattern(lists[i].patterns[n]);
		while (is_gits_own(lists[i].patterns[n]));
		fprintf(f, "%s\n", lists[i].patterns[n]);
	}
	fclose(f);
	for (int p = 0; p < PATHS; p++) {
		random_path(lists[i].paths[p]);
		snprintf(path, sizeof(path), "%d/%s", i, lists[i].paths[p]);
		if (chance(3) == 0)
			make_directories(path);
	}
}

static bool
is_dir(int list, const char *path, size_t len)
{
	char full[TEXT_MAX + 16];
	struct stat st;
	snprintf(full, sizeof(full), "%d/%.*s", list, (int)len, path);
	return len < strlen(path) || (lstat(full, &st) == 0 && S_ISDIR(st.st_mode));
}

/* A directory that is hidden hides what is below, whatever comes later. */
static bool
is_hidden(const struct globs *globs, int list, const char *path)
{
	struct glob_hit hit;
	for (size_t len = 1; len <= strlen(path); len++) {
		if (path[len] != '/' && path[len] != '\0')
			continue;
		if (globs_find(globs, path, len, is_dir(list, path, len), &hit) &&
		    !hit.negated)
			return true;
	}
	return false;
}

static int
run(char *const argv[], const char *in, const char *out)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(in ? open(in, O_RDONLY) : null, 0);
		dup2(out ? open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600) : null, 1);
		dup2(null, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
ask_git(void)
{
	char *argv[] = { (char *)"git", (char *)"check-ignore", (char *)"--no-index",
		(char *)"--stdin", (char *)"-z", NULL };
	FILE *f = fopen("../in", "w");
	for (int i = 0; i < LISTS; i++) {
		for (int p = 0; p < PATHS; p++)
			fprintf(f, "%d/%s%c", i, lists[i].paths[p], '\0');
	}
	fclose(f);
	ck_assert_int_le(run(argv, "../in", "../out"), 1);
}

/* What git printed is in the order of what it was asked. */
static void
compare(int *hidden)
{
	char *line = NULL, want[TEXT_MAX + 16];
	size_t cap = 0;
	FILE *f = fopen("../out", "r");
	bool more = getdelim(&line, &cap, '\0', f) > 0;
	for (int i = 0; i < LISTS; i++) {
		struct globs *globs = globs_new(NULL);
		for (size_t n = 0; n < lists[i].n; n++)
			globs_add(
			    globs, lists[i].patterns[n], strlen(lists[i].patterns[n]), 0);
		for (int p = 0; p < PATHS; p++) {
			snprintf(want, sizeof(want), "%d/%s", i, lists[i].paths[p]);
			bool git = more && strcmp(line, want) == 0;
			bool own = is_hidden(globs, i, lists[i].paths[p]);
			ck_assert_msg(git == own, "%s: git %d, own %d; %s | %s | %s | %s",
			    want, git, own, lists[i].patterns[0], lists[i].patterns[1],
			    lists[i].patterns[2], lists[i].patterns[3]);
			if (git)
				more = getdelim(&line, &cap, '\0', f) > 0;
			*hidden += git;
		}
		globs_free(globs);
	}
	ck_assert(!more);
	fclose(f);
	free(line);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

START_TEST(git_agrees_about_random_patterns)
{
	char dir[] = "/tmp/filemon-globs.XXXXXX";
	char *probe[] = { (char *)"git", (char *)"--version", NULL };
	char *init[] = { (char *)"git", (char *)"init", (char *)"-q", (char *)".", NULL };
	int hidden = 0;
	if (run(probe, NULL, NULL) != 0)
		return; /* nobody to ask */
	ck_assert(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(mkdir("repo", 0700), 0);
	ck_assert_int_eq(chdir("repo"), 0);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	setenv("HOME", dir, 1);
	setenv("XDG_CONFIG_HOME", dir, 1);
	unsetenv("GIT_DIR");
	unsetenv("GIT_WORK_TREE");
	ck_assert_int_eq(run(init, NULL, NULL), 0);
	for (int i = 0; i < LISTS; i++)
		make_list(i);
	ask_git();
	compare(&hidden);
	ck_assert_int_gt(hidden, LISTS * PATHS / 10);
	ck_assert_int_lt(hidden, LISTS * PATHS * 9 / 10);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}
END_TEST

UNIT_MAIN("globs", a_pattern_without_a_slash_matches_at_any_depth, a_slash_anchors,
    a_trailing_slash_wants_a_directory, a_star_and_a_question_mark_stay_in_a_name,
    two_stars_cross_directories, sets_have_ranges_classes_and_negation,
    a_backslash_takes_the_meaning_away, names_are_bytes,
    a_list_counts_what_is_above_and_the_last_match_wins,
    a_list_of_negations_is_everything_but, either_end_of_a_name_may_be_what_matches,
    the_hit_tells_the_pattern_as_written, what_can_match_nothing_is_refused_with_a_reason,
    what_can_match_is_accepted, a_pattern_has_a_longest_length,
    hostile_patterns_take_no_time, git_agrees_about_random_patterns)
