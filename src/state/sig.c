/* SPDX-License-Identifier: ISC */
#include "state/sig.h"

#include <string.h>

#include "base/compiler.h"
#include "conf/config.h"

#define NS_PER_S 1000000000LL

static uint64_t
mix(uint64_t hash, uint64_t value)
{
	/* The finalizer of splitmix64: every bit of value reaches every bit. */
	hash ^= value + 0x9e3779b97f4a7c15ULL + (hash << 6) + (hash >> 2);
	hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ULL;
	hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebULL;
	return hash ^ (hash >> 31);
}

static enum sig_type
type_of(mode_t mode)
{
	if (S_ISREG(mode))
		return SIG_FILE;
	if (S_ISDIR(mode))
		return SIG_DIR;
	return S_ISLNK(mode) ? SIG_SYMLINK : SIG_OTHER;
}

static int64_t
stamp(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * NS_PER_S + ts->tv_nsec;
}

void
sig_from_stat(struct sig *sig, const struct stat *st)
{
	uint64_t meta = mix(mix(mix(1, st->st_mode), st->st_uid), st->st_gid);

	memset(sig, 0, sizeof(*sig));
	sig->type = type_of(st->st_mode);
	sig->ino = st->st_ino;
	if (sig->type != SIG_DIR) {
		sig->size = st->st_size;
		sig->mtime = stamp(&st->st_mtim);
		sig->ctime = stamp(&st->st_ctim);
		meta = mix(meta, st->st_nlink);
	}
	sig->meta = (int64_t)meta;
}

enum sig_change
sig_compare(const struct sig *from, const struct sig *to)
{
	if (from->type != to->type || from->ino != to->ino || from->size != to->size ||
	    from->mtime != to->mtime)
		return SIG_CONTENT;
	if (from->meta != to->meta)
		return SIG_METADATA;
	return from->ctime != to->ctime ? SIG_EXTENDED : SIG_SAME;
}

int64_t
sig_hash(const struct sig *sig)
{
	uint64_t hash = mix(2, (uint64_t)sig->type);

	hash = mix(hash, sig->ino);
	hash = mix(hash, (uint64_t)sig->size);
	hash = mix(hash, (uint64_t)sig->mtime);
	hash = mix(hash, (uint64_t)sig->ctime);
	hash = mix(hash, (uint64_t)sig->meta);
	return hash == 0 ? 1 : (int64_t)hash;
}

bool
sig_moved(const struct sig *from, const struct sig *to)
{
	return from->type == to->type && from->ino == to->ino && from->ino != 0 &&
	    from->size == to->size && from->mtime == to->mtime;
}

const char *
sig_type_name(enum sig_type type)
{
	static const char *const names[] = {
		[SIG_NONE] = "none",
		[SIG_FILE] = "file",
		[SIG_DIR] = "dir",
		[SIG_SYMLINK] = "symlink",
		[SIG_OTHER] = "other",
	};

	return (size_t)type < COUNTOF(names) ? names[type] : "none";
}

unsigned
sig_type_bit(enum sig_type type)
{
	static const unsigned bits[] = {
		[SIG_FILE] = TYPE_BIT_FILE,
		[SIG_DIR] = TYPE_BIT_DIR,
		[SIG_SYMLINK] = TYPE_BIT_SYMLINK,
		[SIG_OTHER] = TYPE_BIT_OTHER,
	};

	return (size_t)type < COUNTOF(bits) ? bits[type] : 0;
}
