/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "git/gitrepo.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/xmalloc.h"
#include "git/gitread.h"
#include "git/gitstage.h"

#define TEXT_MAX (PATH_MAX + 64)
#define LINE_MAX_REF (GITFILE_OID_SIZE + GITFILE_REF_SIZE + 2)
#define PACKED_MAX (16 * 1024 * 1024)
#define HOPS_MAX 5 /* as git: a branch may be another name of a branch */

static bool
is_absence(int error)
{
	return error == ENOENT || error == ENOTDIR;
}

/* path as it is meant in dir; NULL: too long.  The caller frees. */
static char *
resolve(const char *dir, const char *path)
{
	char *all = path[0] == '/' ? xstrdup(path) : xasprintf("%s/%s", dir, path);

	if (strlen(all) < PATH_MAX)
		return all;
	free(all);
	return NULL;
}

/* The directory .git, or where the file of this name leads; as gitrepo_open. */
static int
find_dir(const char *top, struct gitrepo *repo)
{
	char text[TEXT_MAX], *dot_git = resolve(top, ".git");
	const char *path;
	struct stat st;
	int ret = -1;

	if (dot_git == NULL || stat(dot_git, &st) == -1) {
		ret = dot_git != NULL && is_absence(errno) ? 0 : -1;
	} else if (S_ISDIR(st.st_mode)) {
		repo->dir = dot_git;
		return 1;
	} else if (gitread_text(dot_git, text, sizeof(text)) == 0 &&
	    (path = gitfile_dir(text)) != NULL) {
		repo->linked = true;
		repo->dir = resolve(top, path);
		ret = repo->dir == NULL ? -1 : 1;
	}
	free(dot_git);
	return ret;
}

static char *
find_common(const char *dir)
{
	char text[TEXT_MAX], *path = resolve(dir, "commondir"), *common = NULL;

	if (path != NULL && gitread_text(path, text, sizeof(text)) == 0) {
		text[strcspn(text, "\r\n")] = '\0';
		common = resolve(dir, text);
	} else if (path != NULL && errno == ENOENT) {
		common = xstrdup(dir);
	}
	free(path);
	return common;
}

int
gitrepo_open(struct gitrepo *repo, const char *top)
{
	int ret;

	memset(repo, 0, sizeof(*repo));
	ret = find_dir(top, repo);
	if (ret != 1)
		return ret;
	repo->common = find_common(repo->dir);
	if (repo->common == NULL) {
		gitrepo_release(repo);
		return -1;
	}
	repo->top = xstrdup(top);
	repo->stage = gitstage_new();
	return 1;
}

void
gitrepo_release(struct gitrepo *repo)
{
	free(repo->top);
	free(repo->dir);
	free(repo->common);
	gitstage_free(repo->stage);
	memset(repo, 0, sizeof(*repo));
}

/* Leaves packed_oid empty where it is not there. */
static void
search_packed(struct gitrepo *repo, FILE *file)
{
	char line[LINE_MAX_REF];
	bool begins = true;

	while (fgets(line, sizeof(line), file) != NULL) {
		if (begins && gitfile_packed(line, repo->packed_ref, repo->packed_oid))
			return;
		begins = strchr(line, '\n') != NULL;
	}
	repo->packed_oid[0] = '\0';
}

static bool
is_read(const struct gitrepo *repo, const char *ref, const struct stat *st)
{
	const struct stat *was = &repo->packed;

	return strcmp(repo->packed_ref, ref) == 0 && was->st_ino == st->st_ino &&
	    was->st_size == st->st_size && was->st_mtim.tv_sec == st->st_mtim.tv_sec &&
	    was->st_mtim.tv_nsec == st->st_mtim.tv_nsec &&
	    was->st_ctim.tv_sec == st->st_ctim.tv_sec &&
	    was->st_ctim.tv_nsec == st->st_ctim.tv_nsec;
}

static void
read_packed(struct gitrepo *repo, const char *ref)
{
	char *path = resolve(repo->common, "packed-refs");
	struct stat st = { .st_size = 0 };
	int fd = path == NULL ? -1 : gitread_open(path, &st);
	FILE *file = NULL;

	free(path);
	if (fd != -1 && is_read(repo, ref, &st)) {
		close(fd);
		return;
	}
	repo->packed = st;
	snprintf(repo->packed_ref, sizeof(repo->packed_ref), "%s", ref);
	repo->packed_oid[0] = '\0';
	if (fd != -1 && st.st_size <= PACKED_MAX && (file = fdopen(fd, "r")) != NULL) {
		search_packed(repo, file);
		fclose(file);
	} else {
		fd_close(&fd);
	}
}

/* A branch has a file of its own, or else a line in packed-refs. */
static bool
read_ref(struct gitrepo *repo, const char *ref, struct git_head *head)
{
	char text[TEXT_MAX], *path = resolve(repo->common, ref);
	int ret = path == NULL ? -1 : gitread_text(path, text, sizeof(text));
	bool is_none = path != NULL && (is_absence(errno) || errno == EINVAL);

	free(path);
	if (ret == 0)
		return gitfile_head(text, head);
	if (!is_none)
		return false;
	read_packed(repo, ref);
	memset(head, 0, sizeof(*head));
	memcpy(head->commit, repo->packed_oid, sizeof(head->commit));
	return true;
}

static void
read_commit(struct gitrepo *repo)
{
	struct git_head head = repo->head;
	int hops = 0;

	while (head.ref[0] != '\0' && hops++ < HOPS_MAX) {
		char ref[GITFILE_REF_SIZE];

		memcpy(ref, head.ref, sizeof(ref));
		if (!read_ref(repo, ref, &head))
			return;
	}
	memcpy(repo->head.commit, head.commit, sizeof(head.commit));
}

/* A HEAD that is not understood is one of a repository all the same, of a kind
   that keeps its branches elsewhere. */
bool
gitrepo_read(struct gitrepo *repo)
{
	char text[TEXT_MAX], *path = resolve(repo->dir, "HEAD");
	int ret = path == NULL ? -1 : gitread_text(path, text, sizeof(text));
	bool is_none = ret == -1 && path != NULL && is_absence(errno);

	free(path);
	gitstage_forget(repo->stage);
	if (ret == 0 && gitfile_head(text, &repo->head))
		read_commit(repo);
	else
		memset(&repo->head, 0, sizeof(repo->head));
	return !is_none;
}
