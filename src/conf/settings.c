/* SPDX-License-Identifier: ISC */
#include "conf/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xmalloc.h"
#include "conf/argv.h"
#include "conf/fault.h"
#include "conf/reading.h"

static struct setting *
add_setting(struct settings *s, const struct option *row, const char *section)
{
	s->v = xreallocarray(s->v, s->n + 1, sizeof(*s->v));
	s->v[s->n] =
	    (struct setting){ row, section ? xstrdup(section) : NULL, 0, { NULL, 0 } };
	return &s->v[s->n++];
}

static void
take_words(cfg_opt_t *opt, struct strlist *out)
{
	for (unsigned i = 0; i < cfg_opt_size(opt); i++)
		strlist_add(out, cfg_opt_getnstr(opt, i));
}

/* The options that a section gives; head is NULL at the top. */
static void
take_section(struct settings *s, const struct reading *r, cfg_t *section,
    const struct settings_section *head)
{
	enum option_scope scope = head ? head->scope : r->scope;
	for (cfg_opt_t *opt = section->opts; opt->name; opt++) {
		const struct option *row = option_find(scope, opt->name);
		if (!row || !(opt->flags & CFGF_MODIFIED))
			continue;
		/* An empty list has no value, and so no mark. */
		const struct mark *mark = reading_mark(r, section, opt);
		struct setting *setting = add_setting(s, row, head ? head->name : NULL);
		setting->line = mark ? mark->line : head ? head->line : 1;
		take_words(opt, &setting->values);
	}
}

static const struct settings_section *
find_section(const struct settings *s, enum option_scope scope, const char *name)
{
	for (size_t i = 0; i < s->n_sections; i++)
		if (s->sections[i].scope == scope &&
		    strcmp(s->sections[i].name, name) == 0)
			return &s->sections[i];
	return NULL;
}

static const struct settings_section *
add_section(struct settings *s, enum option_scope scope, const char *name, unsigned line)
{
	s->sections = xreallocarray(s->sections, s->n_sections + 1, sizeof(*s->sections));
	s->sections[s->n_sections] =
	    (struct settings_section){ scope, xstrdup(name), line };
	return &s->sections[s->n_sections++];
}

static int
take_sections(struct settings *s, struct reading *r)
{
	unsigned next[OPTION_SCOPE_COUNT] = { 0 };
	char why[200];
	for (size_t i = 0; i < r->n_kinds; i++) {
		enum option_scope scope = r->kinds[i];
		const char *kind = option_scope_name(scope);
		cfg_t *section = cfg_getnsec(r->root, kind, next[scope]++);
		const char *title = cfg_title(section);
		if (fault_of_name(scope, title, why, sizeof(why)) == -1) {
			reading_fail(r, reading_section_line(r, i), "%s: %s", kind, why);
			return -1;
		}
		take_section(s, r, section,
		    add_section(s, scope, title, reading_section_line(r, i)));
	}
	return 0;
}

int
settings_add_text(struct settings *s, const char *file, char *text, size_t len,
    struct config_error *error)
{
	struct reading r = { .file = file, .error = error };
	int rc = reading_take(&r, reading_root(), text, len);
	if (rc == 0) {
		take_section(s, &r, r.root, NULL);
		rc = take_sections(s, &r);
	}
	reading_end(&r);
	return rc;
}

int
settings_add_defaults(
    struct settings *s, enum option_scope scope, struct config_error *error)
{
	struct reading r = { .file = "defaults", .scope = scope, .error = error };
	struct buf text = BUF_INIT;
	int rc;
	for (size_t i = 0; i < options_count; i++)
		if (options[i].scope == scope && options[i].dflt)
			buf_addf(&text, "%s = %s\n", options[i].name, options[i].dflt);
	rc = reading_take(&r, reading_flat_root(scope, NULL), text.p, text.len);
	if (rc == 0)
		take_section(s, &r, r.root, NULL);
	reading_end(&r);
	buf_release(&text);
	return rc;
}

/* The words of a value in the syntax of the file. */
static int
read_words(const struct option *row, const char *value, struct strlist *out,
    struct config_error *error)
{
	struct reading r = { .only = row, .scope = row->scope, .error = error };
	char *text = xasprintf("%s = %s", row->name, value);
	int rc = reading_take(&r, reading_flat_root(row->scope, row), text, strlen(text));
	if (rc == 0)
		take_words(cfg_getopt(r.root, row->name), out);
	reading_end(&r);
	free(text);
	return rc;
}

/* Cuts "handler.NAME.option" into its kind, its title, or NULL, and its option. */
static char *
split_name(char *name, enum option_scope *scope, char **title)
{
	char *first = strchr(name, '.'), *last = strrchr(name, '.');
	*scope = OPTION_TOP;
	*title = NULL;
	if (!first || last == first)
		return name;
	*first = '\0';
	*scope = reading_scope_of(name);
	*first = '.';
	if (*scope == OPTION_TOP)
		return name;
	*last = '\0';
	*title = first + 1;
	return last + 1;
}

static int
refuse_option(struct config_error *error, const char *name, size_t len, const char *why)
{
	snprintf(error->text, sizeof(error->text), "-o %.*s: %s",
	    (int)(len < 140 ? len : 140), name, why);
	return -1;
}

static int
add_words(struct setting *setting, const char *value, struct config_error *error)
{
	if (*value != '\0' && strchr("{\"'", *value))
		return read_words(setting->row, value, &setting->values, error);
	strlist_add(&setting->values, value);
	return 0;
}

int
settings_add_option(struct settings *s, const char *text, struct config_error *error)
{
	size_t len = strcspn(text, "=");
	char *copy = xstrndup(text, len), *title, why[200];
	enum option_scope scope;
	char *name = split_name(copy, &scope, &title);
	const struct option *row = option_find(scope, name);
	int rc = -1;
	if (text[len] == '\0') {
		refuse_option(error, text, len, "no value: name=value is wanted");
	} else if (title && fault_of_name(scope, title, why, sizeof(why)) == -1) {
		refuse_option(error, text, len, why);
	} else if (!row) {
		fault_unknown(scope, name, why, sizeof(why));
		refuse_option(error, text, len, why);
	} else {
		if (title && !find_section(s, scope, title))
			add_section(s, scope, title, 0);
		rc = add_words(add_setting(s, row, title), text + len + 1, error);
	}
	free(copy);
	return rc;
}

const struct setting *
settings_find(const struct settings *s, enum option_scope scope, const char *section,
    const char *name)
{
	for (size_t i = s->n; i-- > 0;) {
		const struct setting *v = &s->v[i];
		if (v->row->scope != scope || strcmp(v->row->name, name) != 0)
			continue;
		if (!section || strcmp(section, v->section) == 0)
			return v;
	}
	return NULL;
}

void
settings_release(struct settings *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].section);
		strlist_release(&s->v[i].values);
	}
	for (size_t i = 0; i < s->n_sections; i++)
		free(s->sections[i].name);
	free(s->v);
	free(s->sections);
	*s = (struct settings)SETTINGS_INIT;
}
