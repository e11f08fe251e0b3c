/* SPDX-License-Identifier: ISC */

/* A configuration told to people and programs: options_* and config_diff. */

#include <string.h>

#include "base/buf.h"
#include "conf/config.h"
#include "conf/options.h"

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
	for (size_t i = 0; i < c->n_handlers; i++) {
		buf_addf(out, "handler %s {\n", c->handlers[i].name);
		add_section(out, OPTION_HANDLER, &c->handlers[i]);
		buf_adds(out, "}\n");
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

static void
add_json_option(struct buf *out, const struct option *row, const void *section)
{
	struct buf value = BUF_INIT;
	option_format(row, section, &value);
	buf_adds(out, "{\"name\":");
	add_json_string(out, row->name);
	buf_adds(out, ",\"value\":");
	add_json_string(out, value.len > 0 ? value.p : NULL);
	buf_adds(out, ",\"default\":");
	add_json_string(out, row->dflt);
	buf_adds(out, ",\"text\":");
	add_json_string(out, row->text);
	buf_addc(out, '}');
	buf_release(&value);
}

static void
add_json_options(struct buf *out, enum option_scope scope, const void *section)
{
	const char *comma = "";
	buf_adds(out, ",\"options\":[");
	for (size_t i = 0; i < options_count; i++) {
		if (options[i].scope != scope)
			continue;
		buf_adds(out, comma);
		add_json_option(out, &options[i], section);
		comma = ",";
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
	add_json_options(out, OPTION_TOP, c);
	buf_adds(out, ",\"handlers\":[");
	for (size_t i = 0; i < c->n_handlers; i++) {
		buf_adds(out, i > 0 ? ",{\"name\":" : "{\"name\":");
		add_json_string(out, c->handlers[i].name);
		add_json_options(out, OPTION_HANDLER, &c->handlers[i]);
		buf_addc(out, '}');
	}
	buf_adds(out, "]}");
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
diff_handler(
    struct buf *out, const struct handler_config *from, const struct handler_config *to)
{
	const void *const sections[2] = { from, to };
	struct buf prefix = BUF_INIT;
	buf_addf(&prefix, "handler %s: ", to->name);
	diff_section(out, prefix.p, OPTION_HANDLER, sections);
	buf_release(&prefix);
}

char *
config_diff(const struct config *from, const struct config *to)
{
	const void *const tops[2] = { from, to };
	struct buf out = BUF_INIT;
	buf_adds(&out, "");
	diff_section(&out, "", OPTION_TOP, tops);
	for (size_t i = 0; i < from->n_handlers; i++)
		if (!config_handler(to, from->handlers[i].name))
			buf_addf(&out, "handler %s: removed\n", from->handlers[i].name);
	for (size_t i = 0; i < to->n_handlers; i++) {
		const struct handler_config *old =
		    config_handler(from, to->handlers[i].name);
		if (old)
			diff_handler(&out, old, &to->handlers[i]);
		else
			buf_addf(&out, "handler %s: added\n", to->handlers[i].name);
	}
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
	buf_adds(out, "#}\n");
}
