/* SPDX-License-Identifier: ISC */
#include "conf/reading.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xmalloc.h"
#include "conf/fault.h"

/* libconfuse passes its callbacks nothing of ours. */
static struct reading *reading;

void
reading_fail(struct reading *r, unsigned line, const char *fmt, ...)
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

unsigned
reading_section_line(const struct reading *r, size_t i)
{
	return i < r->lexis.n ? r->lexis.sections[i] : 0;
}

/* A section of a kind that this version does not have; those before it are read. */
static void
fail_planned(struct reading *r, const char *kind)
{
	reading_fail(r, reading_section_line(r, r->n_kinds),
	    "%s: sections of this kind are not available in this version", kind);
}

static bool
is_planned(const cfg_t *section)
{
	return strcmp(section->name, "service") == 0;
}

enum option_scope
reading_scope_of(const char *keyword)
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
		reading_fail(r, line, "%s", text);
	else
		reading_fail(
		    r, line, "%s %.64s: %s", section->name, section->title, text);
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
	enum option_scope scope =
	    section == r->root ? r->scope : reading_scope_of(section->name);
	struct fault_value value = { .line = (unsigned)section->line };
	char text[256], name[65], words[256];
	vsnprintf(text, sizeof(text), fmt, ap);
	if (is_planned(section)) {
		fail_planned(r, section->name);
	} else if (sscanf(text, "found duplicate title '%64[^']'", name) == 1) {
		reading_fail(r, (unsigned)section->line,
		    "%s %s: a second section of this name", kind_with(section, name),
		    name);
	} else if (fault_in_value(scope, r->text, text, &value)) {
		section->line = (int)value.line;
		snprintf(words, sizeof(words), "%s: %s", value.name, value.words);
		fail_in(r, section, words);
	} else {
		fault_describe(scope, text, words, sizeof(words));
		fail_in(r, section, words);
	}
}

const struct mark *
reading_mark(const struct reading *r, const cfg_t *section, const cfg_opt_t *opt)
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
	const struct mark *mark = reading_mark(r, section, opt);
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
	r->kinds[r->n_kinds++] = reading_scope_of(opt->name);
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

cfg_t *
reading_flat_root(enum option_scope scope, const struct option *only)
{
	size_t n;
	cfg_opt_t *opts = make_opts(scope, only, &n);
	cfg_t *root = init_root(opts);
	free(opts);
	return root;
}

cfg_t *
reading_root(void)
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

int
reading_take(struct reading *r, cfg_t *root, char *text, size_t len)
{
	struct lexis_error fault;
	int rc;
	r->root = root;
	r->text = text;
	r->error->text[0] = '\0';
	if (lexis_clean(text, len, &r->lexis, &fault) == -1) {
		reading_fail(r, fault.line, "%s", fault.text);
		return -1;
	}
	reading = r;
	rc = cfg_parse_buf(r->root, text);
	reading = NULL;
	if (rc != CFG_SUCCESS)
		reading_fail(r, (unsigned)r->root->line, "cannot be read");
	else if (r->lexis.unclosed > 0)
		reading_fail(r, r->lexis.unclosed,
		    "the brace that opens here is not closed: } is missing");
	return r->error->text[0] ? -1 : 0;
}

void
reading_end(struct reading *r)
{
	cfg_free(r->root);
	lexis_release(&r->lexis);
	free(r->marks);
	free(r->kinds);
}
