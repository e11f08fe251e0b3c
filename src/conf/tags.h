/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CONF_TAGS_H
#define FILEMON_CONF_TAGS_H

/*
 * What stands in every record: the option `tags`, under what the options
 * tenant-id, user-id, session-id and metadata say, over what the environment
 * does (FILEMON_TENANT_ID, FILEMON_USER_ID, FILEMON_SESSION_ID,
 * FILEMON_METADATA).
 */

#include <stddef.h>

#include "conf/config.h"

/* Makes config.tags all of it: each name once. */
void tags_merge(struct config *);
/* Sets a tag, in the place of one of the same name. */
void tags_set(struct strlist *, const char *name, size_t len, const char *value);
/* Sets those of lines of name=value for the three ids; all else is left out. */
void tags_set_ids(struct strlist *, const char *lines);
/* NULL where there is none of that name. */
const char *tags_get(const struct strlist *, const char *name);

#endif
