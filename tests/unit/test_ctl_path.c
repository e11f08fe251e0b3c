/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "ctl/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static void
absolute_is(const char *base, const char *path, const char *wanted)
{
	char *found = path_absolute(base, path);

	ck_assert_str_eq(found, wanted);
	free(found);
}

START_TEST(a_path_is_made_absolute_by_text_alone)
{
	absolute_is("/p", "docs/a.md", "/p/docs/a.md");
	absolute_is("/p/", "./docs//a.md/", "/p/docs/a.md");
	absolute_is("/p/q", "../r", "/p/r");
	absolute_is("/p", "../../../x", "/x");
	absolute_is("/p", "/y/./z", "/y/z");
	absolute_is("/", "..", "/");
	absolute_is("/p", "...", "/p/...");
	absolute_is("/p", "", "/p");
}
END_TEST

START_TEST(below_ends_at_a_slash)
{
	ck_assert(path_is_below("/p", "/p"));
	ck_assert(path_is_below("/p", "/p/a"));
	ck_assert(!path_is_below("/p", "/pa"));
	ck_assert(!path_is_below("/p/a", "/p"));
	ck_assert(path_is_below("/", "/anything"));
}
END_TEST

/* A project in T/p, a link T/l to it, and a link T/p/out out of it. */
struct tree {
	char top[64];
	char project[80];
	char *rootv[2];
	struct strlist roots;
};

static void
make_tree(struct tree *tree)
{
	char name[128];

	snprintf(tree->top, sizeof(tree->top), "/tmp/test_ctl_path.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(tree->top));
	snprintf(tree->project, sizeof(tree->project), "%s/p", tree->top);
	ck_assert_int_eq(mkdir(tree->project, 0700), 0);
	snprintf(name, sizeof(name), "%s/docs", tree->project);
	ck_assert_int_eq(mkdir(name, 0700), 0);
	snprintf(name, sizeof(name), "%s/l", tree->top);
	ck_assert_int_eq(symlink("p", name), 0);
	snprintf(name, sizeof(name), "%s/out", tree->project);
	ck_assert_int_eq(symlink("/etc", name), 0);
	tree->rootv[0] = tree->project;
	tree->rootv[1] = NULL;
	tree->roots = (struct strlist){ tree->rootv, 1 };
}

static void
remove_tree(const struct tree *tree)
{
	static const char *const names[] = { "p/out", "l" };
	char name[128];

	for (size_t i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "%s/%s", tree->top, names[i]);
		unlink(name);
	}
	snprintf(name, sizeof(name), "%s/docs", tree->project);
	rmdir(name);
	rmdir(tree->project);
	ck_assert_int_eq(rmdir(tree->top), 0);
}

static void
found_is(const struct tree *tree, const char *cwd, const char *path, const char *below)
{
	char wanted[128];
	char *found = path_in_project(&tree->roots, cwd, path);

	snprintf(wanted, sizeof(wanted), "%s%s", tree->project, below);
	ck_assert_ptr_nonnull(found);
	ck_assert_str_eq(found, wanted);
	free(found);
}

START_TEST(a_path_is_found_in_its_project)
{
	struct tree tree;
	char docs[128], linked[128];

	make_tree(&tree);
	snprintf(docs, sizeof(docs), "%s/docs", tree.project);
	snprintf(linked, sizeof(linked), "%s/l/gone/a", tree.top);
	found_is(&tree, docs, "a.md", "/docs/a.md");
	found_is(&tree, docs, "../b", "/b");
	found_is(&tree, "/", tree.project, "");
	/* Through a link above, also where the rest is gone. */
	found_is(&tree, "/", linked, "/gone/a");
	/* A link within is a path of its own. */
	found_is(&tree, tree.project, "out", "/out");
	found_is(&tree, tree.project, "out/passwd", "/out/passwd");
	/* From elsewhere a relative path is one of the project's. */
	found_is(&tree, "/", "docs/a.md", "/docs/a.md");
	remove_tree(&tree);
}
END_TEST

START_TEST(a_path_outside_is_none_of_the_project)
{
	struct tree tree;

	make_tree(&tree);
	ck_assert_ptr_null(path_in_project(&tree.roots, tree.project, "/etc/passwd"));
	ck_assert_ptr_null(path_in_project(&tree.roots, tree.project, "../../x"));
	remove_tree(&tree);
}
END_TEST

UNIT_MAIN("ctl_path", a_path_is_made_absolute_by_text_alone, below_ends_at_a_slash,
    a_path_is_found_in_its_project, a_path_outside_is_none_of_the_project)
