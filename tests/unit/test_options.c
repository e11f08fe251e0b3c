/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/xmalloc.h"
#include "conf/config.h"
#include "conf/options.h"

static struct config_error error;

/* Reads text as a project's file; the project is a directory made for it. */
static struct config *
load_text(const char *text, size_t len)
{
	char dir[] = "/tmp/filemon-options.XXXXXX", file[64];
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/conf", dir);
	ck_assert_int_eq(fd_write_atomic(file, text, len, 0600), 0);
	struct config_source source = { .project = dir, .file = file };
	struct config *c = config_load(&source, &error);
	unlink(file);
	rmdir(dir);
	return c;
}

START_TEST(a_row_is_found_in_its_scope_only)
{
	for (size_t i = 0; i < options_count; i++) {
		enum option_scope other =
		    options[i].scope == OPTION_TOP ? OPTION_HANDLER : OPTION_TOP;
		ck_assert_ptr_eq(
		    option_find(options[i].scope, options[i].name), &options[i]);
		ck_assert_ptr_null(option_find(other, options[i].name));
	}
	ck_assert_ptr_null(option_find(OPTION_TOP, "handler"));
	ck_assert_ptr_null(option_find(OPTION_TOP, ""));
}
END_TEST

START_TEST(a_slip_of_the_finger_is_near)
{
	static const struct {
		enum option_scope scope;
		const char *typed, *meant;
	} cases[] = {
		{ OPTION_TOP, "setle", "settle" },
		{ OPTION_TOP, "settel", "settle" },
		{ OPTION_TOP, "settle-maxx", "settle-max" },
		{ OPTION_TOP, "ignores", "ignore" },
		{ OPTION_TOP, "poll_interval", "poll-interval" },
		{ OPTION_TOP, "hander", "handler" },
		{ OPTION_HANDLER, "job", "jobs" },
		{ OPTION_HANDLER, "remove_file", "remove-file" },
		{ OPTION_HANDLER, "handler", NULL },
		{ OPTION_TOP, "frobnicate", NULL },
		{ OPTION_TOP, "", NULL },
		{ OPTION_TOP, "settlesettlesettlesettlesettlesettlesettle", NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_pstr_eq(
		    option_near(cases[i].scope, cases[i].typed), cases[i].meant);
}
END_TEST

START_TEST(every_row_says_what_it_is)
{
	for (size_t i = 0; i < options_count; i++) {
		const struct option *row = &options[i];
		size_t len = strlen(row->text);
		ck_assert_msg(
		    len > 20 && len < 90 && row->text[len - 1] == '.', "%s", row->name);
		ck_assert_msg(row->dflt || row->type == OPTION_STRING, "%s", row->name);
		ck_assert_msg(row->example || (row->dflt && strcmp(row->dflt, "{}") != 0),
		    "%s", row->name);
		ck_assert_msg(
		    !row->choices == (row->type != OPTION_CHOICE), "%s", row->name);
	}
}
END_TEST

START_TEST(quotes_keep_every_byte)
{
	static const char odd[] =
	    "a=\"b\" \\ ' ${HOME} $x {path} # // /* \n\r\t\x01\x7f\xff*";
	struct buf text = BUF_INIT;
	buf_adds(&text, "handler a { load = x\n env = { ");
	option_quote(&text, odd);
	buf_adds(&text, " } }\n");
	struct config *c = load_text(text.p, text.len);
	ck_assert_msg(c != NULL, "%s", error.text);
	ck_assert_str_eq(c->handlers[0].env.v[0], odd);
	config_free(c);
	buf_release(&text);
}
END_TEST

/* The configuration itself, or the first section of that kind. */
static const void *
section_of(const struct config *c, enum option_scope scope)
{
	struct section at;
	if (scope == OPTION_TOP)
		return c;
	ck_assert(config_section(c, scope, 0, &at));
	return at.at;
}

/* A file with every value of c but user, which depends on who runs the test. */
static void
write_config(const struct config *c, struct buf *out)
{
	struct buf value = BUF_INIT;
	for (int scope = OPTION_TOP; scope < OPTION_SCOPE_COUNT; scope++) {
		const void *section = section_of(c, (enum option_scope)scope);
		if (scope != OPTION_TOP)
			buf_addf(out, "%s example {\n",
			    option_scope_name((enum option_scope)scope));
		for (size_t i = 0; i < options_count; i++) {
			buf_reset(&value);
			if ((int)options[i].scope != scope)
				continue;
			option_format(&options[i], section, &value);
			if (value.len > 0)
				buf_addf(out, "%s = %s\n", options[i].name, value.p);
		}
		buf_adds(out, scope == OPTION_TOP ? "" : "}\n");
	}
	buf_release(&value);
}

/* The template with every option but user made to count. */
static void
uncomment(const char *text, struct buf *out)
{
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
		size_t len = strcspn(line, "\n") + 1;
		bool option = line[0] == '#' && line[1] != ' ' && line[1] != '\n' &&
		    strncmp(line, "#\tuser", 6) != 0;
		buf_add(out, line + option, len - option);
	}
}

START_TEST(the_template_says_nothing_and_uncommented_everything)
{
	struct buf text = BUF_INIT, full = BUF_INIT;
	options_template(&text);
	struct config *c = load_text(text.p, text.len);
	ck_assert_msg(c != NULL, "%s", error.text);
	ck_assert_uint_eq(c->n_handlers + c->n_sinks, 0);
	config_free(c);
	uncomment(text.p, &full);
	ck_assert_int_eq(setenv("SESSION_ID", "s1", 1), 0);
	c = load_text(full.p, full.len);
	ck_assert_msg(c != NULL, "%s in\n%s", error.text, full.p);
	ck_assert_uint_eq(c->n_handlers, 1);
	ck_assert_uint_eq(c->n_sinks, 1);
	ck_assert_str_eq(c->tags.v[1], "session_id=s-2041"); /* the option, over tags */
	ck_assert_str_eq(c->handlers[0].match.v[0], "docs/**/*.md");
	for (size_t i = 0; i < options_count; i++)
		ck_assert_msg(
		    strstr(text.p, options[i].text) && strstr(text.p, options[i].name),
		    "%s", options[i].name);
	config_free(c);
	buf_release(&text);
	buf_release(&full);
}
END_TEST

START_TEST(what_is_written_is_read_back)
{
	static const char text[] =
	    "settle = 1500ms settle-max = 1d rescan = 0 jobs-max = 7 gitignore = on\n"
	    "backend = poll log-level = warn tags = { 'a=${x}', 'b=\"\\n' } format = "
	    "none\n"
	    "handler example { load = { 'a b', '{path}', '' } move = x env = 'A=$\\'' "
	    "types = dir\n"
	    " success-exit = { 0, 2, 3, '9-12', 255 } permanent-exit = {} initial = "
	    "skip\n"
	    " timeout = 90m retries = -1 cwd = '/' }"
	    "sink example { command = { 'a b', '' } ack = on start = beginning }"
	    "alert example { rule = latency threshold = 250 window = 2s cooldown = 0 }";
	struct buf written = BUF_INIT, first = BUF_INIT, second = BUF_INIT;
	struct config *a = load_text(text, strlen(text));
	ck_assert_msg(a != NULL, "%s", error.text);
	write_config(a, &written);
	/* The directory that it was read in is gone. */
	char *watch = strstr(written.p, "watch = ");
	memcpy(watch, "#", 1);
	struct config *b = load_text(written.p, written.len);
	ck_assert_msg(b != NULL, "%s in\n%s", error.text, written.p);
	for (size_t i = 0; i < options_count; i++) {
		const void *from = section_of(a, options[i].scope);
		const void *to = section_of(b, options[i].scope);
		if (strcmp(options[i].name, "watch") == 0)
			continue;
		buf_reset(&first);
		buf_reset(&second);
		buf_adds(&first, options[i].name);
		buf_adds(&second, options[i].name);
		option_format(&options[i], from, &first);
		option_format(&options[i], to, &second);
		ck_assert_str_eq(first.p, second.p);
	}
	ck_assert_ptr_nonnull(
	    strstr(written.p, "success-exit = { 0, \"2-3\", \"9-12\", 255 }"));
	ck_assert_ptr_nonnull(strstr(written.p, "settle = 1500ms\n"));
	ck_assert_ptr_nonnull(strstr(written.p, "timeout = 90m\n"));
	config_free(a);
	config_free(b);
	buf_release(&written);
	buf_release(&first);
	buf_release(&second);
}
END_TEST

static unsigned
check_json_options(const cJSON *list)
{
	const cJSON *item;
	unsigned n = 0;
	cJSON_ArrayForEach(item, list)
	{
		ck_assert(cJSON_IsString(cJSON_GetObjectItem(item, "name")));
		ck_assert(cJSON_IsString(cJSON_GetObjectItem(item, "text")));
		ck_assert_ptr_nonnull(cJSON_GetObjectItem(item, "value"));
		ck_assert_ptr_nonnull(cJSON_GetObjectItem(item, "default"));
		n++;
	}
	return n;
}

START_TEST(json_has_every_option)
{
	static const char text[] =
	    "handler a { load = x }\nhandler b { load = \"\\xff\\\"\" }\n"
	    "sink a { command = x }\nalert a { rule = latency }";
	struct buf out = BUF_INIT;
	struct config *c = load_text(text, strlen(text));
	ck_assert_msg(c != NULL, "%s", error.text);
	options_json(c, &out);
	cJSON *json = cJSON_Parse(out.p);
	ck_assert_msg(json != NULL, "%s", out.p);
	unsigned n = check_json_options(cJSON_GetObjectItem(json, "options"));
	const cJSON *handlers = cJSON_GetObjectItem(json, "handlers");
	ck_assert_int_eq(cJSON_GetArraySize(handlers), 2);
	const cJSON *second = cJSON_GetArrayItem(handlers, 1);
	ck_assert_str_eq(cJSON_GetObjectItem(second, "name")->valuestring, "b");
	n += check_json_options(cJSON_GetObjectItem(second, "options"));
	const cJSON *sinks = cJSON_GetObjectItem(json, "sinks");
	ck_assert_int_eq(cJSON_GetArraySize(sinks), 1);
	n += check_json_options(
	    cJSON_GetObjectItem(cJSON_GetArrayItem(sinks, 0), "options"));
	const cJSON *alerts = cJSON_GetObjectItem(json, "alerts");
	ck_assert_int_eq(cJSON_GetArraySize(alerts), 1);
	n += check_json_options(
	    cJSON_GetObjectItem(cJSON_GetArrayItem(alerts, 0), "options"));
	ck_assert_uint_eq(n, options_count);
	ck_assert_str_eq(cJSON_GetObjectItem(json, "project")->valuestring, c->project);
	cJSON_Delete(json);
	config_free(c);
	buf_release(&out);
}
END_TEST

/* How many options of the list are not as they are where nothing is said. */
static unsigned
count_changed(const cJSON *list, const char *name)
{
	const cJSON *item;
	unsigned n = 0;
	cJSON_ArrayForEach(item, list)
	{
		ck_assert(cJSON_IsBool(cJSON_GetObjectItem(item, "is_default")));
		if (cJSON_IsTrue(cJSON_GetObjectItem(item, "is_default")))
			continue;
		ck_assert_str_eq(cJSON_GetObjectItem(item, "name")->valuestring, name);
		n++;
	}
	return n;
}

START_TEST(json_tells_what_is_a_default)
{
	static const struct {
		const char *text, *kind, *changed;
	} cases[] = {
		{ "", "options", NULL },
		{ "watch = \".\" state-dir = .filemon cgroup = auto", "options", NULL },
		{ "settle = 100ms ignore = {}", "options", NULL },
		{ "settle = 101ms", "options", "settle" },
		{ "state-dir = state", "options", "state-dir" },
		{ "control-socket = s", "options", "control-socket" },
		{ "cgroup = off", "options", "cgroup" },
		{ "tags = \"a=b\"", "options", "tags" },
		{ "handler a { load = x }", "handlers", "load" },
		{ "sink a { command = x }", "sinks", "command" },
		{ "alert a { rule = latency }", "alerts", "rule" },
	};
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct buf out = BUF_INIT;
		struct config *c = load_text(cases[i].text, strlen(cases[i].text));
		ck_assert_msg(c != NULL, "%s", error.text);
		options_json(c, &out);
		cJSON *json = cJSON_Parse(out.p);
		const cJSON *list = cJSON_GetObjectItem(json, cases[i].kind);
		if (list->child && cJSON_GetObjectItem(list->child, "options"))
			list = cJSON_GetObjectItem(list->child, "options");
		ck_assert_uint_eq(
		    count_changed(list, cases[i].changed), cases[i].changed != NULL);
		cJSON_Delete(json);
		config_free(c);
		buf_release(&out);
	}
}
END_TEST

/*
 * The manual's entry for a row: from its .It to the next; NULL where there is
 * none.  Entries of handlers and sinks come behind the titles of their sections.
 */
static char *
manual_entry(const char *page, const struct option *row)
{
	char *head = xasprintf("\n.It Ic %s No = ", row->name);
	const char *begin[OPTION_SCOPE_COUNT + 1] = {
		page,
		strstr(page, ".Sh HANDLERS"),
		strstr(page, ".Sh SINKS"),
		strstr(page, ".Sh ALERTS"),
		page + strlen(page),
	};
	ck_assert(begin[OPTION_HANDLER] && begin[OPTION_SINK] && begin[OPTION_ALERT]);
	const char *at = strstr(begin[row->scope], head), *end;
	free(head);
	if (!at || at > begin[row->scope + 1])
		return NULL;
	end = strstr(at + 1, "\n.It ");
	if (!end || (strstr(at, "\n.El") && strstr(at, "\n.El") < end))
		end = strstr(at, "\n.El");
	ck_assert_ptr_nonnull(end);
	return xstrndup(at, (size_t)(end - at));
}

/* Does entry have word between characters that belong to no word? */
static bool
has_word(const char *entry, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = entry; (p = strstr(p, word)); p++) {
		unsigned char before = (unsigned char)p[-1], after = (unsigned char)p[n];
		if (!isalnum(before) && before != '-' && !isalnum(after) && after != '-')
			return true;
	}
	return false;
}

static void
check_limit(const struct option *row, const char *entry, int64_t limit)
{
	char section[sizeof(struct config) + sizeof(struct handler_config)] = { 0 };
	struct buf text = BUF_INIT;
	memcpy(section + row->offset, &limit, sizeof(limit));
	option_format(row, section, &text);
	ck_assert_msg(has_word(entry, text.p), "%s: the limit %s is not in the manual",
	    row->name, text.p);
	buf_release(&text);
}

static void
check_manual(const struct option *row, const char *entry)
{
	ck_assert_msg(entry != NULL, "%s is not in filemon.conf(5)", row->name);
	ck_assert_msg(
	    strstr(entry, "\nDefault:\n"), "%s: no default in the manual", row->name);
	if (row->dflt && strcmp(row->dflt, "{}") != 0) {
		char *dflt = xasprintf("\nDefault:\n.Li %s", row->dflt);
		for (char *quote = dflt; (quote = strchr(quote, '"'));) {
			char *head = xstrndup(dflt, (size_t)(quote - dflt));
			char *next = xasprintf("%s\\(dq%s", head, quote + 1);
			quote = next + strlen(head);
			free(head);
			free(dflt);
			dflt = next;
		}
		ck_assert_msg(strstr(entry, dflt),
		    "%s: the default %s is not in the manual", row->name, row->dflt);
		free(dflt);
	}
	if (row->type == OPTION_INT || row->type == OPTION_DURATION ||
	    row->type == OPTION_SIZE) {
		check_limit(row, entry, row->min);
		check_limit(row, entry, row->max);
	}
	for (const char *word = row->choices; word;) {
		char *one = xstrndup(word, strcspn(word, "|"));
		ck_assert_msg(has_word(entry, one),
		    "%s: the choice %s is not in the manual", row->name, one);
		word = strchr(word, '|');
		word = word ? word + 1 : NULL;
		free(one);
	}
}

START_TEST(the_manual_has_every_option_with_its_default_and_limits)
{
	const char *srcdir = getenv("srcdir");
	char *path = xasprintf("%s/man/filemon.conf.5", srcdir ? srcdir : ".");
	size_t len;
	char *page = fd_read_file(path, 1024 * 1024, &len);
	ck_assert_msg(page != NULL, "%s cannot be read", path);
	for (size_t i = 0; i < options_count; i++) {
		char *entry = manual_entry(page, &options[i]);
		check_manual(&options[i], entry);
		free(entry);
	}
	free(page);
	free(path);
}
END_TEST

/* The other way round: nothing in the manual that the table does not have. */
START_TEST(the_manual_has_no_other_option)
{
	const char *srcdir = getenv("srcdir"), *mark = "\n.It Ic ";
	char *path = xasprintf("%s/man/filemon.conf.5", srcdir ? srcdir : "."), name[40];
	size_t len, n = 0;
	char *page = fd_read_file(path, 1024 * 1024, &len);
	ck_assert_msg(page != NULL, "%s cannot be read", path);
	for (const char *p = page; (p = strstr(p, mark)); p++, n++) {
		ck_assert_int_eq(sscanf(p, "\n.It Ic %39s No = ", name), 1);
		ck_assert_msg(option_find(OPTION_TOP, name) ||
			option_find(OPTION_HANDLER, name) ||
			option_find(OPTION_SINK, name) || option_find(OPTION_ALERT, name),
		    "%s is no option", name);
	}
	ck_assert_uint_eq(n, options_count);
	free(page);
	free(path);
}
END_TEST

UNIT_MAIN("options", a_row_is_found_in_its_scope_only, a_slip_of_the_finger_is_near,
    every_row_says_what_it_is, quotes_keep_every_byte,
    the_template_says_nothing_and_uncommented_everything, what_is_written_is_read_back,
    json_has_every_option, json_tells_what_is_a_default,
    the_manual_has_every_option_with_its_default_and_limits,
    the_manual_has_no_other_option)
