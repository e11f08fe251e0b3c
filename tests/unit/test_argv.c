/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <string.h>

#include "base/compiler.h"
#include "conf/argv.h"

static const struct argv_values values = {
	.path = "/p/docs/a b.tar.gz",
	.relpath = "docs/a b.tar.gz",
	.root = "/p",
	.event = "modified",
	.old_path = NULL,
	.attempt = 3,
	.id = "42",
};

static struct strlist
list_of(const char *const *words)
{
	struct strlist list = { NULL, 0 };
	for (; *words; words++)
		strlist_add(&list, *words);
	return list;
}

#define LIST(...) list_of((const char *const[]){ __VA_ARGS__, NULL })

/* What one element becomes; the caller frees with argv_free. */
static char **
build(struct strlist list, const struct argv_values *v)
{
	char **argv = argv_build(&list, v);
	strlist_release(&list);
	return argv;
}

START_TEST(every_placeholder_becomes_its_value)
{
	static const char *const cases[][2] = {
		{ "{path}", "/p/docs/a b.tar.gz" },
		{ "{relpath}", "docs/a b.tar.gz" },
		{ "{root}", "/p" },
		{ "{name}", "a b.tar.gz" },
		{ "{dir}", "/p/docs" },
		{ "{ext}", "gz" },
		{ "{event}", "modified" },
		{ "{old_path}", "" },
		{ "{attempt}", "3" },
		{ "{id}", "42" },
		{ "x{id}-{attempt}y", "x42-3y" },
		{ "{{path}", "{path}" },
		{ "{{\"id\":{id}}", "{\"id\":42}" },
		{ "}", "}" },
	};
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		char **argv = build(LIST("cmd", cases[i][0], "{path}"), &values);
		ck_assert_str_eq(argv[1], cases[i][1]);
		ck_assert_str_eq(argv[2], values.path);
		ck_assert_ptr_null(argv[3]);
		argv_free(argv);
	}
}
END_TEST

START_TEST(a_hidden_file_has_no_extension_and_the_top_directory_is_a_slash)
{
	struct argv_values v = values;
	v.path = "/.profile";
	char **argv = build(LIST("{ext}", "{dir}", "{name}"), &v);
	ck_assert_str_eq(argv[0], "");
	ck_assert_str_eq(argv[1], "/");
	ck_assert_str_eq(argv[2], ".profile");
	argv_free(argv);
}
END_TEST

START_TEST(a_command_without_placeholder_gets_the_path)
{
	struct argv_values v = values;
	char **argv = build(LIST("cmd", "{{x"), &v);
	ck_assert_str_eq(argv[2], values.path);
	ck_assert_ptr_null(argv[3]);
	argv_free(argv);
	v.old_path = "/p/old";
	argv = build(LIST("cmd"), &v);
	ck_assert_str_eq(argv[1], "/p/old");
	ck_assert_str_eq(argv[2], values.path);
	ck_assert_ptr_null(argv[3]);
	argv_free(argv);
	argv = build(LIST("cmd", "{event}"), &v);
	ck_assert_ptr_null(argv[2]);
	argv_free(argv);
}
END_TEST

START_TEST(what_a_name_holds_is_never_expanded_again)
{
	struct argv_values v = values;
	v.path = "/p/{id} $(x) `y`;'\"\n\xff";
	char **argv = build(LIST("cmd", "{path}"), &v);
	ck_assert_str_eq(argv[1], v.path);
	argv_free(argv);
}
END_TEST

START_TEST(a_bad_placeholder_is_refused_by_name)
{
	static const char *const bad[] = { "{pth}", "{", "{}", "a{path", "{path }",
		"{{{" };
	for (size_t i = 0; i < COUNTOF(bad); i++) {
		char error[200] = "";
		struct strlist list = LIST("cmd", bad[i]);
		ck_assert_int_eq(argv_check(&list, error, sizeof(error)), -1);
		ck_assert_ptr_nonnull(strstr(error, "{{"));
		strlist_release(&list);
	}
	struct strlist good = LIST("cmd", "{{", "{path}{{{id}", "}");
	char error[200];
	ck_assert_int_eq(argv_check(&good, error, sizeof(error)), 0);
	strlist_release(&good);
}
END_TEST

START_TEST(an_alert_has_placeholders_of_its_own_and_no_path)
{
	static const struct argv_alert alert = { "many", "event-rate", "12", "10" };
	struct strlist list =
	    LIST("cmd", "{name}/{rule}", "{value}>{threshold} {{x} 5%%", "{path}");
	char error[200] = "";
	ck_assert_int_eq(argv_check_alert(&list, error, sizeof(error)), -1);
	ck_assert_ptr_nonnull(strstr(error, "'{path}' is no placeholder: {name} {rule}"));
	char **argv = argv_build_alert(&list, &alert);
	ck_assert_str_eq(argv[1], "many/event-rate");
	ck_assert_str_eq(argv[2], "12>10 {x} 5%%");
	ck_assert_ptr_null(argv[4]);
	argv_free(argv);
	strlist_release(&list);
}
END_TEST

START_TEST(a_line_is_split_as_a_shell_quotes)
{
	static const struct {
		const char *line;
		const char *words[5];
	} cases[] = {
		{ "cp {path} /tmp", { "cp", "{path}", "/tmp" } },
		{ "  a \t b\n", { "a", "b" } },
		{ "'a b' \"c d\"e", { "a b", "c de" } },
		{ "a\\ b '\\n' \"\\n\\\"\\$x\"", { "a b", "\\n", "\\n\"$x" } },
		{ "'' \"\"", { "", "" } },
		{ "$HOME `x` *", { "$HOME", "`x`", "*" } },
		{ "a\\\nb \"c\\\nd\"", { "ab", "cd" } },
		{ "", { NULL } },
	};
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct strlist out;
		char error[100];
		ck_assert_int_eq(
		    argv_split(cases[i].line, &out, error, sizeof(error)), 0);
		size_t n = 0;
		for (; cases[i].words[n]; n++) {
			ck_assert_uint_lt(n, out.n);
			ck_assert_str_eq(out.v[n], cases[i].words[n]);
		}
		ck_assert_uint_eq(out.n, n);
		strlist_release(&out);
	}
}
END_TEST

START_TEST(an_open_quote_is_refused)
{
	static const char *const bad[] = { "a 'b", "a \"b", "\"a\\\"", "a\\" };
	for (size_t i = 0; i < COUNTOF(bad); i++) {
		struct strlist out;
		char error[100] = "";
		ck_assert_int_eq(argv_split(bad[i], &out, error, sizeof(error)), -1);
		ck_assert_str_ne(error, "");
		ck_assert_ptr_null(out.v);
	}
}
END_TEST

UNIT_MAIN("argv", every_placeholder_becomes_its_value,
    a_hidden_file_has_no_extension_and_the_top_directory_is_a_slash,
    a_command_without_placeholder_gets_the_path,
    what_a_name_holds_is_never_expanded_again, a_bad_placeholder_is_refused_by_name,
    an_alert_has_placeholders_of_its_own_and_no_path, a_line_is_split_as_a_shell_quotes,
    an_open_quote_is_refused)
