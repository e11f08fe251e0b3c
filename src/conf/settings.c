/* SPDX-License-Identifier: ISC */
#include "conf/settings.h"

#include <confuse.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xmalloc.h"
#include "conf/argv.h"
#include "conf/fault.h"
#include "conf/lexis.h"

/* The line of an option's first value: libconfuse does not keep it. */
struct mark {
	const cfg_t *section;
	const cfg_opt_t *opt;
	unsigned line;
};

struct reading {
	const char *file;	   /* for messages; NULL: not from a file */
	const struct option *only; /* the one option that is read; NULL: all */
	enum option_scope scope;   /* of the options at its top */
	cfg_t *root;
	struct lexis lexis;
	struct mark *marks;
	size_t n_marks;
	enum option_scope *kinds; /* of the sections in their order, as lexis's lines */
	size_t n_kinds;
	struct config_error *error; /* text "" until the first fault */
};

/* libconfuse passes its callbacks nothing of ours. */
static struct reading *reading;

static void fail(struct reading *, unsigned line, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void
fail(struct reading *r, unsigned line, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	if (r->error->text[0])
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (r->file)
		snprintf(r->error->text, sizeof(r->error->text), "%.300s:%u: %.190s",
		    r->file, line, text);
	else
		snprintf(r->error->text, sizeof(r->error->text), "-o %.64s: %s",
		    r->only->name, text);
}

/* Of the section number i in the file's order. */
static unsigned
section_line(const struct reading *r, size_t i)
{
	return i < r->lexis.n ? r->lexis.sections[i] : 0;
}

/* A section of a kind that this version does not have; those before it are read. */
static void
fail_planned(struct reading *r, const char *kind)
{
	fail(r, section_line(r, r->n_kinds),
	    "%s: sections of this kind are not available in this version", kind);
}

static bool
is_planned(const cfg_t *section)
{
	return strcmp(section->name, "service") == 0;
}

/* OPTION_TOP where it is none of ours. */
static enum option_scope
kind_of(const char *keyword)
{
	for (int i = OPTION_TOP + 1; i < OPTION_SCOPE_COUNT; i++)
		if (strcmp(option_scope_name((enum option_scope)i), keyword) == 0)
			return (enum option_scope)i;
	return OPTION_TOP;
}

/* The same with the section that it is in: "handler a: ". */
static void
fail_in(struct reading *r, const cfg_t *section, const char *text)
{
	unsigned line = (unsigned)section->line;
	if (section == r->root)
		fail(r, line, "%s", text);
	else
		fail(r, line, "%s %.64s: %s", section->name, section->title, text);
}

/* The kind of section that has one of this title already. */
static const char *
kind_with(cfg_t *root, const char *title)
{
	for (int i = OPTION_TOP + 1; i < OPTION_SCOPE_COUNT; i++) {
		const char *kind = option_scope_name((enum option_scope)i);
		if (cfg_gettsec(root, kind, title))
			return kind;
	}
	return "section";
}

static void on_error(cfg_t *, const char *fmt, va_list) PRINTF_LIKE(2, 0);

static void
on_error(cfg_t *section, const char *fmt, va_list ap)
{
	struct reading *r = reading;
	char text[256], name[65], words[256];
	vsnprintf(text, sizeof(text), fmt, ap);
	if (is_planned(section)) {
		fail_planned(r, section->name);
	} else if (sscanf(text, "found duplicate title '%64[^']'", name) == 1) {
		fail(r, (unsigned)section->line, "%s %s: a second section of this name",
		    kind_with(section, name), name);
	} else {
		fault_describe(section == r->root ? r->scope : kind_of(section->name),
		    text, words, sizeof(words));
		fail_in(r, section, words);
	}
}

static const struct mark *
find_mark(const struct reading *r, const cfg_t *section, const cfg_opt_t *opt)
{
	for (size_t i = 0; i < r->n_marks; i++)
		if (r->marks[i].section == section && r->marks[i].opt == opt)
			return &r->marks[i];
	return NULL;
}

/* libconfuse takes "handler=a|jobs" for a path to another section's option. */
static bool
belongs(const cfg_t *section, const cfg_opt_t *opt)
{
	for (const cfg_opt_t *o = section->opts; o->name; o++)
		if (o == opt)
			return true;
	return false;
}

/* Called for every value; an option's first one leaves its line. */
static int
on_value(cfg_t *section, cfg_opt_t *opt, const char *value, void *result)
{
	struct reading *r = reading;
	const struct mark *mark = find_mark(r, section, opt);
	char text[128];
	*(const char **)result = value;
	if (!belongs(section, opt)) {
		snprintf(text, sizeof(text), "%s: this is no place for it", opt->name);
		fail_in(r, section, text);
		return -1;
	}
	if (mark && opt->nvalues == 1) {
		snprintf(text, sizeof(text), "%s: given twice: first in line %u",
		    opt->name, mark->line);
		fail_in(r, section, text);
		return -1;
	}
	if (!mark) {
		r->marks = xreallocarray(r->marks, r->n_marks + 1, sizeof(*r->marks));
		r->marks[r->n_marks++] =
		    (struct mark){ section, opt, (unsigned)section->line };
	}
	return 0;
}

/* Called when a section has ended: there is none within another. */
static int
on_section(cfg_t *root, cfg_opt_t *opt)
{
	struct reading *r = reading;
	(void)root;
	r->kinds = xreallocarray(r->kinds, r->n_kinds + 1, sizeof(*r->kinds));
	r->kinds[r->n_kinds++] = kind_of(opt->name);
	return 0;
}

static int
on_planned(cfg_t *section, cfg_opt_t *opt)
{
	(void)section;
	fail_planned(reading, opt->name);
	return -1;
}

static cfg_opt_t
make_opt(const struct option *row)
{
	if (option_is_list(row))
		return (cfg_opt_t)CFG_STR_LIST_CB(
		    row->name, NULL, CFGF_NODEFAULT, on_value);
	return (cfg_opt_t)CFG_STR_CB(row->name, NULL, CFGF_NODEFAULT, on_value);
}

/* The options of a scope, or the only one, with room for extra ones and CFG_END. */
static cfg_opt_t *
make_opts(enum option_scope scope, const struct option *only, size_t *n)
{
	enum { EXTRA = 4 };
	cfg_opt_t *opts = xcalloc(options_count + EXTRA, sizeof(*opts));
	*n = 0;
	for (size_t i = 0; i < options_count; i++)
		if (only ? &options[i] == only : options[i].scope == scope)
			opts[(*n)++] = make_opt(&options[i]);
	return opts;
}

static cfg_t *
init_root(cfg_opt_t *opts)
{
	cfg_t *root = cfg_init(opts, CFGF_NONE);
	if (!root)
		fatalx("configuration: no memory to read it");
	cfg_set_error_function(root, on_error);
	return root;
}

/* For options alone: no section has a place in it. */
static cfg_t *
make_flat(enum option_scope scope, const struct option *only)
{
	size_t n;
	cfg_opt_t *opts = make_opts(scope, only, &n);
	cfg_t *root = init_root(opts);
	free(opts);
	return root;
}

/* For a whole file. */
static cfg_t *
make_root(void)
{
	cfg_opt_t planned[] = { CFG_END() };
	size_t n, unused;
	cfg_opt_t *opts[OPTION_SCOPE_COUNT] = { make_opts(OPTION_TOP, NULL, &n) };
	int flags = CFGF_MULTI | CFGF_TITLE;
	for (int i = OPTION_TOP + 1; i < OPTION_SCOPE_COUNT; i++) {
		opts[i] = make_opts((enum option_scope)i, NULL, &unused);
		opts[OPTION_TOP][n++] =
		    (cfg_opt_t)CFG_SEC(option_scope_name((enum option_scope)i), opts[i],
			flags | CFGF_NO_TITLE_DUPES);
	}
	opts[OPTION_TOP][n++] = (cfg_opt_t)CFG_SEC("service", planned, flags);
	cfg_t *root = init_root(opts[OPTION_TOP]);
	for (int i = 0; i < OPTION_SCOPE_COUNT; i++)
		free(opts[i]);
	for (int i = OPTION_TOP + 1; i < OPTION_SCOPE_COUNT; i++)
		cfg_set_validate_func(
		    root, option_scope_name((enum option_scope)i), on_section);
	cfg_set_validate_func(root, "service", on_planned);
	return root;
}

/* Reads text into root, which is r's from then on; -1 with r->error. */
static int
read_text(struct reading *r, cfg_t *root, char *text, size_t len)
{
	struct lexis_error fault;
	int rc;
	r->root = root;
	r->error->text[0] = '\0';
	if (lexis_clean(text, len, &r->lexis, &fault) == -1) {
		fail(r, fault.line, "%s", fault.text);
		return -1;
	}
	reading = r;
	rc = cfg_parse_buf(r->root, text);
	reading = NULL;
	if (rc != CFG_SUCCESS)
		fail(r, (unsigned)r->root->line, "cannot be read");
	else if (r->lexis.unclosed > 0)
		fail(r, r->lexis.unclosed,
		    "the brace that opens here is not closed: } is missing");
	return r->error->text[0] ? -1 : 0;
}

static void
end_reading(struct reading *r)
{
	cfg_free(r->root);
	lexis_release(&r->lexis);
	free(r->marks);
	free(r->kinds);
}

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
		const struct mark *mark = find_mark(r, section, opt);
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
			fail(r, section_line(r, i), "%s: %s", kind, why);
			return -1;
		}
		take_section(
		    s, r, section, add_section(s, scope, title, section_line(r, i)));
	}
	return 0;
}

int
settings_add_text(struct settings *s, const char *file, char *text, size_t len,
    struct config_error *error)
{
	struct reading r = { .file = file, .error = error };
	int rc = read_text(&r, make_root(), text, len);
	if (rc == 0) {
		take_section(s, &r, r.root, NULL);
		rc = take_sections(s, &r);
	}
	end_reading(&r);
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
	rc = read_text(&r, make_flat(scope, NULL), text.p, text.len);
	if (rc == 0)
		take_section(s, &r, r.root, NULL);
	end_reading(&r);
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
	int rc = read_text(&r, make_flat(row->scope, row), text, strlen(text));
	if (rc == 0)
		take_words(cfg_getopt(r.root, row->name), out);
	end_reading(&r);
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
	*scope = kind_of(name);
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
