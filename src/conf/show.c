/* SPDX-License-Identifier: ISC */

/* A configuration told to people and programs: options_* and config_diff. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xmalloc.h"
#include "conf/config.h"
#include "conf/options.h"
#include "conf/place.h"

static void
add_section(struct buf *out, enum option_scope scope, const void *section)
{
	for (size_t i = 0; i < options_count; i++) {
		if (options[i].scope != scope)
			continue;
		buf_addf(out, "%s = ", options[i].name);
		option_format(&options[i], section, out);
		buf_addc(out, '\n');
	}
}

void
options_canonical(const struct config *c, struct buf *out)
{
	buf_addf(out, "# %s\n", c->project);
	add_section(out, OPTION_TOP, c);
	for (int scope = OPTION_TOP + 1; scope < OPTION_SCOPE_COUNT; scope++) {
		struct section at;
		for (size_t i = 0; config_section(c, (enum option_scope)scope, i, &at);
		     i++) {
			buf_addf(out, "%s %s {\n", option_scope_name(at.scope), at.name);
			add_section(out, at.scope, at.at);
			buf_adds(out, "}\n");
		}
	}
}

static void
add_json_string(struct buf *out, const char *s)
{
	if (s)
		buf_add_json(out, s, strlen(s));
	else
		buf_adds(out, "null");
}

/* What stands for a default as the table has it, where nothing is said. */
static char *
usual_path(const struct config *c, const struct option *row)
{
	if (row->scope == OPTION_TOP && strcmp(row->name, "watch") == 0)
		return xstrdup(c->project);
	if (row->scope == OPTION_TOP && strcmp(row->name, "state-dir") == 0)
		return place_join(c->project, row->dflt);
	if (row->scope == OPTION_TOP && strcmp(row->name, "control-socket") == 0)
		return c->state_dir ? place_join(c->state_dir, "control.sock") : NULL;
	return row->type == OPTION_STRING && row->dflt ? xstrdup(row->dflt) : NULL;
}

/* The same as a value is written. */
static char *
usual_value(const struct config *c, const struct option *row)
{
	struct buf text = BUF_INIT;
	char *path = usual_path(c, row);
	if (!path)
		return xstrdup(row->dflt ? row->dflt : "");
	buf_adds(&text, option_is_list(row) ? "{ " : "");
	option_quote(&text, path);
	buf_adds(&text, option_is_list(row) ? " }" : "");
	free(path);
	return text.p;
}

static bool
is_default(const struct config *c, const struct option *row, const char *value)
{
	char *usual = usual_value(c, row);
	bool is = strcmp(value, usual) == 0;
	free(usual);
	return is;
}

static void
add_json_option(struct buf *out, const struct config *c, const struct option *row,
    const void *section)
{
	struct buf value = BUF_INIT;
	option_format(row, section, &value);
	buf_adds(out, "{\"name\":");
	add_json_string(out, row->name);
	buf_adds(out, ",\"value\":");
	add_json_string(out, value.len > 0 ? value.p : NULL);
	buf_adds(out, ",\"default\":");
	add_json_string(out, row->dflt);
	buf_addf(out, ",\"is_default\":%s",
	    is_default(c, row, value.len > 0 ? value.p : "") ? "true" : "false");
	buf_adds(out, ",\"text\":");
	add_json_string(out, row->text);
	buf_addc(out, '}');
	buf_release(&value);
}

static void
add_json_options(
    struct buf *out, const struct config *c, enum option_scope scope, const void *section)
{
	const char *comma = "";
	buf_adds(out, ",\"options\":[");
	for (size_t i = 0; i < options_count; i++) {
		if (options[i].scope != scope)
			continue;
		buf_adds(out, comma);
		add_json_option(out, c, &options[i], section);
		comma = ",";
	}
	buf_addc(out, ']');
}

static void
add_json_sections(struct buf *out, const struct config *c, enum option_scope scope)
{
	struct section at;
	buf_addf(out, ",\"%ss\":[", option_scope_name(scope));
	for (size_t i = 0; config_section(c, scope, i, &at); i++) {
		buf_adds(out, i > 0 ? ",{\"name\":" : "{\"name\":");
		add_json_string(out, at.name);
		add_json_options(out, c, scope, at.at);
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
}

void
options_json(const struct config *c, struct buf *out)
{
	buf_adds(out, "{\"file\":");
	add_json_string(out, c->file);
	buf_adds(out, ",\"project\":");
	add_json_string(out, c->project);
	add_json_options(out, c, OPTION_TOP, c);
	add_json_sections(out, c, OPTION_HANDLER);
	add_json_sections(out, c, OPTION_SINK);
	add_json_sections(out, c, OPTION_ALERT);
	buf_addc(out, '}');
}

static void
add_difference(struct buf *out, const char *prefix, const struct option *row,
    const struct buf values[2])
{
	const char *from = values[0].len > 0 ? values[0].p : "unset";
	const char *to = values[1].len > 0 ? values[1].p : "unset";
	if (strcmp(from, to) != 0)
		buf_addf(out, "%s%s: %s -> %s\n", prefix, row->name, from, to);
}

static void
diff_section(struct buf *out, const char *prefix, enum option_scope scope,
    const void *const sections[2])
{
	struct buf values[2] = { BUF_INIT, BUF_INIT };
	for (size_t i = 0; i < options_count; i++) {
		if (options[i].scope != scope)
			continue;
		for (int side = 0; side < 2; side++) {
			buf_reset(&values[side]);
			option_format(&options[i], sections[side], &values[side]);
		}
		add_difference(out, prefix, &options[i], values);
	}
	buf_release(&values[0]);
	buf_release(&values[1]);
}

static void
diff_sections(struct buf *out, enum option_scope scope, const struct config *from,
    const struct config *to)
{
	const char *kind = option_scope_name(scope);
	struct section old, new;
	for (size_t i = 0; config_section(from, scope, i, &old); i++)
		if (!config_find_section(to, scope, old.name, &new))
			buf_addf(out, "%s %s: removed\n", kind, old.name);
	for (size_t i = 0; config_section(to, scope, i, &new); i++) {
		struct buf prefix = BUF_INIT;
		buf_addf(&prefix, "%s %s: ", kind, new.name);
		if (config_find_section(from, scope, new.name, &old))
			diff_section(out, prefix.p, scope,
			    (const void *const[]){ old.at, new.at });
		else
			buf_addf(out, "%sadded\n", prefix.p);
		buf_release(&prefix);
	}
}

char *
config_diff(const struct config *from, const struct config *to)
{
	const void *const tops[2] = { from, to };
	struct buf out = BUF_INIT;
	buf_adds(&out, "");
	diff_section(&out, "", OPTION_TOP, tops);
	diff_sections(&out, OPTION_HANDLER, from, to);
	diff_sections(&out, OPTION_SINK, from, to);
	diff_sections(&out, OPTION_ALERT, from, to);
	return out.p;
}

static void
add_template_options(struct buf *out, enum option_scope scope, const char *indent)
{
	for (size_t i = 0; i < options_count; i++) {
		const struct option *row = &options[i];
		bool shows = row->dflt && strcmp(row->dflt, "{}") != 0;
		if (row->scope != scope)
			continue;
		buf_addf(out, "#%s%s%s\n", indent, *indent ? "# " : " ", row->text);
		buf_addf(out, "#%s%s = %s\n", indent, row->name,
		    shows ? row->dflt : row->example);
	}
}

void
options_template(struct buf *out)
{
	buf_adds(out,
	    "# Configuration of filemon: see filemon.conf(5), filemon-handler(7).\n"
	    "# Every option is here, commented out, with its default, or an example\n"
	    "# where the default is nothing.  After a change run: filemonctl reload\n"
	    "# Globs and values with spaces stand in double quotes.\n\n");
	add_template_options(out, OPTION_TOP, "");
	buf_adds(out,
	    "\n# A handler: what is run for files that are new, changed or gone.  There "
	    "may\n"
	    "# be several, each with a name of its own.\n\n"
	    "#handler example {\n");
	add_template_options(out, OPTION_HANDLER, "\t");
	buf_adds(out,
	    "#}\n\n# A sink: a program that reads every event, a line each: see\n"
	    "# filemon-sink(7).\n\n#sink example {\n");
	add_template_options(out, OPTION_SINK, "\t");
	buf_adds(out,
	    "#}\n\n# An alert: an event when something unusual happens.\n\n"
	    "#alert example {\n");
	add_template_options(out, OPTION_ALERT, "\t");
	buf_adds(out, "#}\n");
}
