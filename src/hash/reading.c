/* SPDX-License-Identifier: ISC */
#include "hash/reading.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "hash/beneath.h"
#include "hash/entropy.h"

#define PIECE 65536
/* Of each so many bytes the first SAMPLE count: a quarter of the cost. */
#define SAMPLE 4096
#define SAMPLE_EVERY 16384
#define SAMPLES_OF_LARGE 64

struct reader {
	EVP_MD *algorithm;
	EVP_MD_CTX *digest;
	struct entropy entropy;
	char sum[CONTENT_SUM_SIZE];
	unsigned char piece[PIECE];
};

struct reader *
reader_new(void)
{
	struct reader *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	r->digest = EVP_MD_CTX_new();
	if (r->algorithm && r->digest)
		return r;
	reader_free(r);
	errno = ENOTSUP;
	return NULL;
}

void
reader_free(struct reader *r)
{
	if (!r)
		return;
	EVP_MD_CTX_free(r->digest);
	EVP_MD_free(r->algorithm);
	free(r);
}

static int64_t
stamp(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_ino == b->st_ino &&
	    stamp(&a->st_mtim) == stamp(&b->st_mtim) &&
	    stamp(&a->st_ctim) == stamp(&b->st_ctim);
}

static ssize_t
read_at(struct reader *r, int fd, size_t want, off_t at)
{
	ssize_t n;
	do
		n = pread(fd, r->piece, want, at);
	while (n == -1 && errno == EINTR);
	return n;
}

static void
sample_piece(struct reader *r, size_t n)
{
	for (size_t at = 0; at < n; at += SAMPLE_EVERY)
		entropy_add(
		    &r->entropy, r->piece + at, n - at < SAMPLE ? n - at : SAMPLE);
}

/* Bytes read up to size; -1 with errno. */
static int64_t
read_whole(struct reader *r, int fd, int64_t size)
{
	int64_t at = 0;
	if (EVP_DigestInit_ex2(r->digest, r->algorithm, NULL) != 1) {
		errno = ENOTSUP;
		return -1;
	}
	while (at < size) {
		ssize_t n =
		    read_at(r, fd, size - at < PIECE ? (size_t)(size - at) : PIECE, at);
		if (n <= 0)
			return n == 0 ? at : -1;
		EVP_DigestUpdate(r->digest, r->piece, (size_t)n);
		sample_piece(r, (size_t)n);
		at += n;
	}
	return at;
}

static int
read_samples(struct reader *r, int fd, int64_t size)
{
	for (int i = 0; i < SAMPLES_OF_LARGE; i++) {
		ssize_t n = read_at(r, fd, SAMPLE, size / SAMPLES_OF_LARGE * i);
		if (n == -1)
			return -1;
		entropy_add(&r->entropy, r->piece, (size_t)n);
	}
	return 0;
}

static void
finish_sum(struct reader *r)
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	EVP_DigestFinal_ex(r->digest, raw, NULL);
	content_sum_text(raw, r->sum);
}

static enum content_state
read_open(struct reader *r, int fd, const struct stat *st, int64_t max)
{
	struct stat after;
	int64_t n = st->st_size;
	bool large = n > max;
	if (large ? read_samples(r, fd, n) == -1 : (n = read_whole(r, fd, n)) == -1)
		return CONTENT_UNREADABLE;
	if (fstat(fd, &after) == -1)
		return CONTENT_UNREADABLE;
	if (n != st->st_size || !is_same(st, &after))
		return CONTENT_CHANGED;
	if (large)
		return CONTENT_TOO_LARGE;
	finish_sum(r);
	return CONTENT_READ;
}

static enum content_state
state_of_error(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP || error == EINVAL
	    ? CONTENT_NO_FILE
	    : CONTENT_UNREADABLE;
}

void
reader_read(struct reader *r, const struct content_request *request, struct content *out)
{
	struct stat st;
	int fd = beneath_open(request->root, request->path, &st);
	*out = (struct content){ .entropy = -1, .sum = r->sum };
	r->sum[0] = '\0';
	if (fd == -1) {
		out->state = state_of_error(errno);
		return;
	}
	memset(&r->entropy, 0, sizeof(r->entropy));
	out->state = read_open(r, fd, &st, request->max);
	out->size = st.st_size;
	out->ino = st.st_ino;
	out->mtime_ns = stamp(&st.st_mtim);
	out->ctime_ns = stamp(&st.st_ctim);
	out->entropy = entropy_milli(&r->entropy);
	fd_close(&fd);
}
