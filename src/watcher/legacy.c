/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "watcher/legacy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "watcher/handover.h"
#include "watcher/watcher_priv.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct legacy {
	struct handover *hand;
	struct handover_piece all; /* mapped */
	struct handover_piece pieces[HANDOVER_ROOTS];
	size_t taken;
};

static struct handover_key
key_of(const struct watcher *w)
{
	struct evlog_stats log;

	evlog_stats(w->log, &log);
	return (struct handover_key){
		.config = strtoull(w->config->digest, NULL, 16),
		.rules = filter_rules(),
		.seq = (int64_t)log.seq,
		.rescan_due_ms = w->rescan_due_ms,
	};
}

/* NULL, or why not. */
static const char *
export_roots(struct watcher *w, struct handover *h, struct handover_piece *pieces)
{
	if (w->n_roots > HANDOVER_ROOTS)
		return "there are too many roots";
	for (size_t i = 0; i < w->n_roots; i++) {
		struct fm_watch *watch = w->roots[i].watch;

		if (fm_watch_export(watch, &pieces[i].data, &pieces[i].len) == -1)
			return errno == EBUSY  ? "the tree does not come to rest"
			    : errno == ENOTSUP ? "not all of it is watched by inotify"
					       : strerror(errno);
		h->watches[h->n_watches++] = fm_watch_fd(watch);
	}
	return NULL;
}

static int
write_table(const struct buf *text)
{
	int fd = fd_memory("filemon-handover", MFD_ALLOW_SEALING);

	if (fd == -1 || fd_write_all(fd, text->p, text->len) == -1 ||
	    fcntl(fd, F_ADD_SEALS, SEALS) == -1)
		fd_close(&fd);
	return fd;
}

/* What h has of the watches stays theirs. */
static const char *
send_roots(struct watcher *w, struct handover *h, const struct handover_piece *pieces)
{
	const struct handover_key key = key_of(w);
	struct buf text = BUF_INIT;
	const char *why = NULL;

	handover_pack(&text, &key, pieces, w->n_roots);
	h->table = write_table(&text);
	buf_release(&text);
	if (h->table == -1 || handover_send(w->setup.hand_fd, h) == -1)
		why = strerror(errno);
	fd_close(&h->table);
	return why;
}

void
legacy_leave(struct watcher *w)
{
	struct handover_piece pieces[HANDOVER_ROOTS] = { { NULL, 0 } };
	struct handover h = HANDOVER_NONE;
	const char *why = export_roots(w, &h, pieces);

	if (why == NULL)
		why = send_roots(w, &h, pieces);
	for (size_t i = 0; i < HANDOVER_ROOTS; i++)
		free(pieces[i].data);
	if (why != NULL)
		log_info("hand-over: none: %s (the tree will be compared)", why);
}

/* Only what nobody can change any more is mapped. */
static int
map_table(int fd, struct handover_piece *all)
{
	struct stat st;

	int seals = fcntl(fd, F_GET_SEALS);

	/* The kernel may have added F_SEAL_EXEC (vm.memfd_noexec). */
	if (seals == -1 || (seals & SEALS) != SEALS || fstat(fd, &st) == -1 ||
	    st.st_size <= 0)
		return -1;
	all->len = (size_t)st.st_size;
	all->data = mmap(NULL, all->len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (all->data != MAP_FAILED)
		return 0;
	all->data = NULL;
	return -1;
}

static const char *
unpack(struct watcher *w, struct legacy *legacy)
{
	const struct handover_key key = key_of(w);

	if (w->state == NULL || state_is_new(w->state) || state_seq(w->state) != key.seq)
		return "the state is another one";
	if (map_table(legacy->hand->table, &legacy->all) == -1)
		return "it cannot be read";
	if (legacy->hand->n_watches != w->config->roots.n)
		return "the configuration is another one";
	return handover_unpack(
	    &legacy->all, &key, legacy->pieces, legacy->hand->n_watches);
}

static void
release(struct legacy *legacy)
{
	if (legacy->all.data != NULL)
		munmap(legacy->all.data, legacy->all.len);
	handover_close(legacy->hand);
	free(legacy);
}

/* root NULL: of none. */
static void
say_refused(struct watcher *w, const struct root *root, const char *why)
{
	if (root != NULL)
		log_info("hand-over: not taken for %s: %s (the tree is compared)",
		    root->path, why);
	else
		log_info("hand-over: not taken: %s (the tree is compared)", why);
	snprintf(w->taken.why, sizeof(w->taken.why), "%s", why);
}

struct legacy *
legacy_open(struct watcher *w)
{
	struct legacy *legacy;
	const char *why;

	if (w->setup.hand == NULL || w->setup.hand->table == -1)
		return NULL;
	legacy = xcalloc(1, sizeof(*legacy));
	legacy->hand = w->setup.hand;
	why = unpack(w, legacy);
	if (why == NULL)
		return legacy;
	say_refused(w, NULL, why);
	release(legacy);
	return NULL;
}

struct fm_watch *
legacy_watch(
    struct legacy *legacy, const struct root *root, const struct fm_options *options)
{
	struct handover_piece *piece;
	struct fm_watch *watch;

	if (legacy == NULL)
		return NULL;
	piece = &legacy->pieces[root->index];
	watch = fm_watch_import(
	    options, legacy->hand->watches[root->index], piece->data, piece->len);
	if (watch == NULL) {
		say_refused(root->watcher, root,
		    errno == ESTALE	   ? "the root is another one"
			: errno == EBADMSG ? "its table is damaged"
					   : strerror(errno));
		/* A user may have few of them, and the root needs one. */
		fd_close(&legacy->hand->watches[root->index]);
		return NULL;
	}
	legacy->hand->watches[root->index] = -1;
	legacy->taken++;
	return watch;
}

void
legacy_close(struct watcher *w, struct legacy *legacy)
{
	if (legacy == NULL)
		return;
	w->taken.roots = legacy->taken;
	w->taken.rescan_due_ms = handover_rescan_due(&legacy->all);
	release(legacy);
}
