/* SPDX-License-Identifier: ISC */
#include "git/gitfile.h"

#include <string.h>

#define HEX "0123456789abcdef"

/* Bytes of the object's name that text begins with; 0: it does not. */
static size_t
take_oid(const char *text, char oid[GITFILE_OID_SIZE])
{
	size_t len = strspn(text, HEX);

	if (len != 40 && len != 64)
		return 0;
	memcpy(oid, text, len);
	oid[len] = '\0';
	return len;
}

/*
 * It becomes a path below the .git directory.  Where refs are in tables instead
 * of files, HEAD names a branch that no repository can have, to keep others out.
 */
static bool
is_usable(const char *ref)
{
	return strncmp(ref, "refs/", 5) == 0 && strstr(ref, "..") == NULL &&
	    strcmp(ref, "refs/heads/.invalid") != 0;
}

bool
gitfile_head(const char *text, struct git_head *head)
{
	size_t len;

	memset(head, 0, sizeof(*head));
	if (strncmp(text, "ref:", 4) != 0) {
		len = take_oid(text, head->commit);
		return len > 0 && (text[len] == '\0' || text[len] == '\n');
	}
	text += 4;
	text += strspn(text, " \t");
	len = strcspn(text, "\r\n");
	if (len >= sizeof(head->ref))
		return false;
	memcpy(head->ref, text, len);
	return is_usable(head->ref);
}

bool
gitfile_packed(const char *line, const char *ref, char oid[GITFILE_OID_SIZE])
{
	size_t len = take_oid(line, oid), ref_len = strlen(ref);

	if (len == 0 || line[len] != ' ')
		return false;
	line += len + 1;
	return strncmp(line, ref, ref_len) == 0 &&
	    (line[ref_len] == '\0' || line[ref_len] == '\n');
}

const char *
gitfile_dir(char *text)
{
	if (strncmp(text, "gitdir:", 7) != 0)
		return NULL;
	text += 7;
	text += strspn(text, " \t");
	text[strcspn(text, "\r\n")] = '\0';
	return *text == '\0' ? NULL : text;
}
