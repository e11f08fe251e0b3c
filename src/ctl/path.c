/* SPDX-License-Identifier: ISC */
#include "ctl/path.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xmalloc.h"

static void
add_component(struct buf *out, const char *name, size_t len)
{
	if (len == 0 || (len == 1 && name[0] == '.'))
		return;
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		while (out->len > 0 && out->p[out->len - 1] != '/')
			buf_truncate(out, out->len - 1);
		if (out->len > 0)
			buf_truncate(out, out->len - 1);
		return;
	}
	buf_addc(out, '/');
	buf_add(out, name, len);
}

static void
add_components(struct buf *out, const char *path)
{
	while (*path != '\0') {
		size_t n = strcspn(path, "/");
		add_component(out, path, n);
		path += n + (path[n] == '/');
	}
}

char *
path_absolute(const char *base, const char *path)
{
	struct buf out = BUF_INIT;

	if (*path != '/')
		add_components(&out, base);
	add_components(&out, path);
	if (out.len == 0)
		buf_addc(&out, '/');
	return out.p;
}

bool
path_is_below(const char *root, const char *path)
{
	size_t n = strlen(root);

	while (n > 0 && root[n - 1] == '/')
		n--;
	return strncmp(root, path, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static bool
is_below_any(const struct strlist *roots, const char *path)
{
	for (size_t i = 0; i < roots->n; i++)
		if (path_is_below(roots->v[i], path))
			return true;
	return false;
}

/* Resolves what is there of the folders above path; what is missing stays. */
static char *
resolve_above(const char *path)
{
	char *head = xstrdup(path), *real = NULL, *slash;

	while (real == NULL && (slash = strrchr(head, '/')) != NULL) {
		*slash = '\0';
		real = realpath(*head != '\0' ? head : "/", NULL);
	}
	char *result = NULL;
	if (real != NULL) {
		struct buf out = BUF_INIT;
		add_components(&out, real);
		add_components(&out, path + strlen(head));
		result = out.p;
	}
	free(real);
	free(head);
	return result;
}

char *
path_in_project(const struct strlist *roots, const char *cwd, const char *path)
{
	char *found = path_absolute(cwd, path);

	if (is_below_any(roots, found))
		return found;
	char *real = resolve_above(found);
	free(found);
	if (real != NULL && is_below_any(roots, real))
		return real;
	free(real);
	if (*path == '/' || roots->n == 0)
		return NULL;
	found = path_absolute(roots->v[0], path);
	if (is_below_any(roots, found))
		return found;
	free(found);
	return NULL;
}
