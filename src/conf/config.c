/* SPDX-License-Identifier: ISC */
#include "conf/config.h"

#include <stdlib.h>
#include <string.h>

#include "conf/options.h"

static void
release_section(enum option_scope scope, void *section)
{
	for (size_t i = 0; i < options_count; i++)
		if (options[i].scope == scope)
			option_release(&options[i], section);
}

void
config_free(struct config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_handlers; i++) {
		release_section(OPTION_HANDLER, &c->handlers[i]);
		free(c->handlers[i].name);
	}
	for (size_t i = 0; i < c->n_sinks; i++) {
		release_section(OPTION_SINK, &c->sinks[i]);
		free(c->sinks[i].name);
	}
	for (size_t i = 0; i < c->n_alerts; i++) {
		release_section(OPTION_ALERT, &c->alerts[i]);
		free(c->alerts[i].name);
	}
	release_section(OPTION_TOP, c);
	free(c->handlers);
	free(c->sinks);
	free(c->alerts);
	free(c->project);
	free(c->file);
	free(c);
}

void
config_text_release(struct config_text *text)
{
	free(text->file);
	free(text->p);
	*text = (struct config_text){ NULL, NULL, 0 };
}

struct handler_config *
config_handler(const struct config *c, const char *name)
{
	struct section at;
	return config_find_section(c, OPTION_HANDLER, name, &at) ? at.at : NULL;
}

bool
config_section(
    const struct config *c, enum option_scope scope, size_t i, struct section *at)
{
	if (scope == OPTION_HANDLER && i < c->n_handlers) {
		struct handler_config *h = &c->handlers[i];
		*at = (struct section){ scope, h->name, h->line, h };
		return true;
	}
	if (scope == OPTION_SINK && i < c->n_sinks) {
		struct sink_config *sink = &c->sinks[i];
		*at = (struct section){ scope, sink->name, sink->line, sink };
		return true;
	}
	if (scope == OPTION_ALERT && i < c->n_alerts) {
		struct alert_config *alert = &c->alerts[i];
		*at = (struct section){ scope, alert->name, alert->line, alert };
		return true;
	}
	return false;
}

bool
config_find_section(
    const struct config *c, enum option_scope scope, const char *name, struct section *at)
{
	for (size_t i = 0; config_section(c, scope, i, at); i++)
		if (strcmp(at->name, name) == 0)
			return true;
	return false;
}
