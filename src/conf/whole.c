/* SPDX-License-Identifier: ISC */
/* The whole of a configuration: what options must be to each other and to the disk. */
#include "base/buf.h"
#include "conf/argv.h"
#include "conf/loader.h"
#include "conf/place.h"
#include "conf/tags.h"

/* A longest time below the usual one: the fault is where it was set, if it was. */
static int
check_order(
    struct loader *l, const struct section *at, const char *usual, const char *longest)
{
	const void *values = at ? at->at : l->config;
	enum option_scope scope = at ? at->scope : OPTION_TOP;
	const struct option *low = option_find(scope, usual),
			    *high = option_find(scope, longest);
	const struct setting *set =
	    settings_find(&l->settings, scope, at ? at->name : NULL, longest);
	struct buf why = BUF_INIT;
	int rc = 0;
	if (option_number(high, values) < option_number(low, values)) {
		buf_addf(&why, "%s (", longest);
		option_format(high, values, &why);
		buf_addf(&why, ") is shorter than %s (", usual);
		option_format(low, values, &why);
		buf_adds(&why, "): the same or longer is wanted");
		rc = loader_refuse_value(l, at, set ? longest : usual, why.p);
	}
	buf_release(&why);
	return rc;
}

static void
same_roots(struct strlist *roots, const struct strlist *others)
{
	strlist_release(roots);
	for (size_t i = 0; i < others->n; i++)
		strlist_add(roots, others->v[i]);
}

static int
check_top(struct loader *l)
{
	struct config *c = l->config;
	char why[450];
	tags_merge(c);
	loader_absolute(&c->token_file, c->project);
	loader_absolute(&c->token_key, c->project);
	if (c->token_file && !c->token_key)
		return loader_refuse_value(
		    l, NULL, "token-file", "token-key is wanted too");
	if (c->token_key && !c->token_file)
		return loader_refuse_value(
		    l, NULL, "token-key", "token-file is wanted too");
	if (check_order(l, NULL, "settle", "settle-max") == -1)
		return -1;
	if (l->start) {
		same_roots(&c->roots, &l->start->roots);
		return 0;
	}
	if (place_roots(&c->roots, c->project, why, sizeof(why)) == -1)
		return loader_refuse_value(l, NULL, "watch", why);
	return 0;
}

static int
check_cwd(struct loader *l, const struct section *at, char **cwd)
{
	char why[450];
	loader_absolute(cwd, l->config->project);
	if (*cwd && !l->start && place_is_dir(*cwd, why, sizeof(why)) == -1)
		return loader_refuse_value(l, at, "cwd", why);
	return 0;
}

static int
check_handler(struct loader *l, const struct section *at)
{
	struct handler_config *h = at->at;
	if (h->load.n + h->remove_file.n + h->move.n == 0)
		return loader_refuse_value(
		    l, at, "load", "no command: load, remove-file or move is wanted");
	if (check_order(l, at, "backoff", "backoff-max") == -1)
		return -1;
	return check_cwd(l, at, &h->cwd);
}

static int
check_sink(struct loader *l, const struct section *at)
{
	struct sink_config *sink = at->at;
	if (sink->command.n == 0)
		return loader_refuse_value(
		    l, at, "command", "no command: the name of a program is wanted");
	if (check_order(l, at, "backoff", "backoff-max") == -1)
		return -1;
	return check_cwd(l, at, &sink->cwd);
}

int
loader_check(struct loader *l)
{
	struct section at;
	if (check_top(l) == -1)
		return -1;
	for (size_t i = 0; config_section(l->config, OPTION_HANDLER, i, &at); i++)
		if (check_handler(l, &at) == -1)
			return -1;
	for (size_t i = 0; config_section(l->config, OPTION_SINK, i, &at); i++)
		if (check_sink(l, &at) == -1)
			return -1;
	return 0;
}
