/* SPDX-License-Identifier: ISC */
#include "ctl/typed.h"

#include <string.h>

#include "base/compiler.h"
#include "conf/argv.h"
#include "conf/options.h"

#define OF_HANDLER "handler."

void
typed_value(
    const struct ctl *ctl, const char *typed, const char *option, const char *value)
{
	const size_t skip = strlen(OF_HANDLER);
	bool is_handlers = strncmp(option, OF_HANDLER, skip) == 0;
	const struct option *row = is_handlers
	    ? option_find(OPTION_HANDLER, option + skip)
	    : option_find(OPTION_TOP, option);
	struct config top = { 0 };
	struct handler_config handler = { 0 };
	struct strlist values = { 0 };
	char why[256];

	/* Only numbers and durations: what is filled has nothing to free. */
	strlist_add(&values, value);
	if (option_set(row, is_handlers ? (void *)&handler : &top, &values, why,
		sizeof(why)) == -1)
		usage_error(ctl, "%s: %s", typed, why);
	strlist_release(&values);
}

void
typed_format(const struct ctl *ctl, const char *value)
{
	static const char *const names[] = { "json", "pretty", "cloudevents", "none" };

	for (size_t i = 0; i < COUNTOF(names); i++)
		if (strcmp(names[i], value) == 0)
			return;
	usage_error(
	    ctl, "--format: %s: json, pretty, cloudevents or none is wanted", value);
}
