/* SPDX-License-Identifier: ISC */
#include "conf/checks.h"

#include <ctype.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/glob.h"
#include "conf/argv.h"
#include "conf/config.h"

int
check_filled(const struct strlist *list, char *error, size_t size)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i][0] == '\0') {
			snprintf(error, size, "a value is empty: a text is wanted");
			return -1;
		}
	}
	return 0;
}

int
check_program(const struct strlist *list, char *error, size_t size)
{
	if (list->n == 0 || list->v[0][0] != '\0')
		return 0;
	snprintf(error, size, "the command is empty: the name of a program is wanted");
	return -1;
}

/* A whole command line where the program's name belongs. */
static bool
is_line(const char *word)
{
	return strchr(word, ' ') != NULL && strchr(word, '{') != NULL;
}

int
check_command(const struct strlist *list, char *error, size_t size)
{
	if (check_program(list, error, size) == -1)
		return -1;
	if (list->n == 1 && is_line(list->v[0])) {
		snprintf(error, size,
		    "'%.60s' is one word: a list is wanted, such as { \"program\", "
		    "\"{path}\" }",
		    list->v[0]);
		return -1;
	}
	return argv_check(list, error, size);
}

int
check_alert(const struct strlist *list, char *error, size_t size)
{
	if (check_program(list, error, size) == -1)
		return -1;
	return argv_check_alert(list, error, size);
}

int
check_globs(const struct strlist *list, char *error, size_t size)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *glob = list->v[i], *why;
		if (glob[0] == '\0' || strcmp(glob, "!") == 0) {
			snprintf(error, size,
			    "'%s' matches nothing: a glob like \"*.log\" is wanted",
			    glob);
			return -1;
		}
		if ((why = glob_check(glob)) != NULL) {
			snprintf(error, size, "'%.60s' %s", glob, why);
			return -1;
		}
	}
	return 0;
}

/* Is s NAME=value, with a name of letters, digits, '_' and the extra ones? */
static bool
is_assignment(const char *s, const char *extra)
{
	size_t n = strcspn(s, "=");
	if (n == 0 || s[n] == '\0')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '_' && !strchr(extra, s[i]))
			return false;
	return true;
}

int
check_env(const struct strlist *list, char *error, size_t size)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *s = list->v[i];
		if (!is_assignment(s, "") || isdigit((unsigned char)s[0])) {
			snprintf(error, size,
			    "'%.60s' sets no variable: \"NAME=value\" is wanted", s);
			return -1;
		}
		if (strncmp(s, "FILEMON_", 8) == 0) {
			snprintf(error, size,
			    "'%.60s' is taken: names that begin with FILEMON_ are set by "
			    "filemon",
			    s);
			return -1;
		}
	}
	return 0;
}

int
check_tags(const struct strlist *list, char *error, size_t size)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!is_assignment(list->v[i], ".-")) {
			snprintf(error, size,
			    "'%.60s' is no tag: \"name=value\" is wanted", list->v[i]);
			return -1;
		}
	}
	return 0;
}

int
check_pairs(const struct strlist *list, char *error, size_t size)
{
	for (const char *at = list->v[0]; *at;) {
		size_t name = strcspn(at, "=,"), len = strcspn(at, ",");
		if (name == 0 || at[name] != '=' || name + 1 == len) {
			snprintf(
			    error, size, "'%.60s': name=value,... is wanted", list->v[0]);
			return -1;
		}
		at += len + (at[len] == ',');
	}
	return check_filled(list, error, size);
}

int
check_user(const struct strlist *list, char *error, size_t size)
{
	const struct passwd *pw = getpwnam(list->v[0]);
	if (!pw) {
		snprintf(error, size, "'%.60s' is unknown: the name of a user is wanted",
		    list->v[0]);
		return -1;
	}
	if (geteuid() != 0 && pw->pw_uid != geteuid()) {
		snprintf(
		    error, size, "only a daemon of root can run jobs as another user");
		return -1;
	}
	return 0;
}
