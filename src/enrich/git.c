/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "enrich/git.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/xmalloc.h"
#include "eventlog/event.h"
#include "git/gitrepo.h"
#include "git/gitstage.h"

#define REPOS 8
#define LEVELS_MAX 128
#define PATH_ROOM (PATH_MAX - 64) /* of a longer path nothing is said */

struct slot {
	struct gitrepo repo; /* top NULL: free */
	uint64_t turn;	     /* when it was read last */
	uint64_t used;
};

struct git {
	struct slot slots[REPOS];
	uint64_t turn, uses;
	/* The directory that was asked for last, in this turn. */
	struct buf dir;
	struct slot *of_dir;
	bool dir_known;
	struct buf path; /* scratch: the absolute path */
	struct buf json;
};

struct git *
git_new(void)
{
	struct git *g = xcalloc(1, sizeof(*g));

	g->turn = 1;
	return g;
}

void
git_free(struct git *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < REPOS; i++)
		gitrepo_release(&g->slots[i].repo);
	buf_release(&g->dir);
	buf_release(&g->path);
	buf_release(&g->json);
	free(g);
}

void
git_forget(struct git *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < REPOS; i++)
		if (g->slots[i].turn == g->turn && g->slots[i].repo.top != NULL)
			gitstage_forget(g->slots[i].repo.stage);
	g->turn++;
	g->dir_known = false;
}

static struct slot *
slot_of(struct git *g, const char *top)
{
	for (size_t i = 0; i < REPOS; i++)
		if (g->slots[i].repo.top != NULL &&
		    strcmp(g->slots[i].repo.top, top) == 0)
			return &g->slots[i];
	return NULL;
}

static struct slot *
oldest_slot(struct git *g)
{
	struct slot *oldest = &g->slots[0];

	for (size_t i = 1; i < REPOS; i++)
		if (g->slots[i].used < oldest->used)
			oldest = &g->slots[i];
	return oldest;
}

/* What was read of it and is still true is kept. */
static struct slot *
put_repo(struct git *g, struct slot *slot, struct gitrepo *repo)
{
	if (slot != NULL && strcmp(slot->repo.dir, repo->dir) == 0 &&
	    strcmp(slot->repo.common, repo->common) == 0) {
		gitrepo_release(repo);
		return slot;
	}
	if (slot == NULL)
		slot = oldest_slot(g);
	gitrepo_release(&slot->repo);
	slot->repo = *repo;
	return slot;
}

/* The repository whose top is this directory, as gitrepo_open. */
static int
repo_at(struct git *g, const char *top, struct slot **out)
{
	struct slot *slot = slot_of(g, top);
	struct gitrepo now;
	int ret = 1;

	if (slot == NULL || slot->turn != g->turn) {
		ret = gitrepo_open(&now, top);
		if (ret == 1)
			slot = put_repo(g, slot, &now);
		else if (slot != NULL)
			gitrepo_release(&slot->repo);
		if (ret != 1)
			return ret;
		if (!gitrepo_read(&slot->repo)) {
			ret = slot->repo.linked ? -1 : 0;
			gitrepo_release(&slot->repo);
			return ret;
		}
	}
	slot->turn = g->turn;
	slot->used = ++g->uses;
	*out = slot;
	return 1;
}

/* Up from dir, as git does, over no border of a file system. */
static struct slot *
walk_up(struct git *g, char *dir)
{
	struct stat below = { .st_ino = 0 }, st;
	struct slot *slot = NULL;

	for (int level = 0; level < LEVELS_MAX; level++) {
		char *slash = strrchr(dir, '/');

		if (stat(slash == NULL ? "/" : dir, &st) == 0) {
			if (below.st_ino != 0 && below.st_dev != st.st_dev)
				return NULL;
			below = st;
			if (repo_at(g, dir, &slot) != 0)
				return slot;
		}
		if (slash == NULL)
			return NULL;
		*slash = '\0';
	}
	return NULL;
}

static struct slot *
repo_of(struct git *g, const char *path)
{
	size_t len = (size_t)(strrchr(path, '/') - path);
	char dir[PATH_MAX];

	if (g->dir_known && g->dir.len == len &&
	    (len == 0 || memcmp(g->dir.p, path, len) == 0))
		return g->of_dir;
	memcpy(dir, path, len);
	dir[len] = '\0';
	buf_reset(&g->dir);
	buf_add(&g->dir, path, len);
	g->of_dir = walk_up(g, dir);
	g->dir_known = true;
	return g->of_dir;
}

/* Is it .git, or in it? */
static bool
is_of_git(const char *path)
{
	for (const char *at = path; (at = strstr(at, "/.git")) != NULL; at++)
		if (at[5] == '/' || at[5] == '\0')
			return true;
	return false;
}

static void
add_repo(struct buf *out, const char *top)
{
	const char *path = top[0] == '\0' ? "/" : top;

	buf_adds(out, ",\"git_context\":{\"repo\":");
	if (buf_add_json(out, path, strlen(path)))
		return;
	buf_adds(out, ",\"repo_b64\":\"");
	buf_add_base64(out, path, strlen(path));
	buf_addc(out, '"');
}

static void
add_head(struct buf *out, const struct git_head *head)
{
	static const char branches[] = "refs/heads/";
	size_t len = sizeof(branches) - 1;
	const char *ref = head->ref;

	ref += strncmp(ref, branches, len) == 0 ? len : 0;
	if (ref[0] != '\0')
		buf_add_member(out, "branch", ref, strlen(ref));
	else if (head->commit[0] != '\0')
		buf_adds(out, ",\"detached\":true");
	if (head->commit[0] != '\0')
		buf_add_member(out, "commit", head->commit, strlen(head->commit));
}

/* Names of objects in the index are as long as the commit's. */
static void
add_dirty(struct buf *out, const struct gitrepo *repo, const char *path)
{
	size_t oid_len = strlen(repo->head.commit) / 2;
	struct stat st;
	bool is_there = lstat(path, &st) == 0;
	struct gitstage_answer answer;

	if (oid_len == 0 || (!is_there && errno != ENOENT && errno != ENOTDIR) ||
	    (is_there && S_ISDIR(st.st_mode)))
		return;
	answer = gitstage_look(repo->stage, repo->dir, oid_len,
	    path + strlen(repo->top) + 1, is_there ? &st : NULL);
	if (!answer.known)
		return;
	buf_addf(out, ",\"tracked\":%s", answer.tracked ? "true" : "false");
	if (answer.answer != GITINDEX_UNSURE)
		buf_addf(out, ",\"dirty\":%s",
		    answer.answer == GITINDEX_DIFFERS ? "true" : "false");
}

const char *
git_context(struct git *g, const struct event *ev)
{
	const struct slot *slot;
	size_t root_len = strlen(ev->root);

	if (ev->path_len == 0 || root_len + ev->path_len > PATH_ROOM)
		return NULL;
	buf_reset(&g->path);
	buf_adds(&g->path, strcmp(ev->root, "/") == 0 ? "" : ev->root);
	buf_addc(&g->path, '/');
	buf_add(&g->path, ev->path, ev->path_len);
	if (is_of_git(g->path.p) || (slot = repo_of(g, g->path.p)) == NULL)
		return NULL;
	buf_reset(&g->json);
	add_repo(&g->json, slot->repo.top);
	add_head(&g->json, &slot->repo.head);
	if (!ev->is_dir)
		add_dirty(&g->json, &slot->repo, g->path.p);
	buf_addc(&g->json, '}');
	return g->json.p;
}
