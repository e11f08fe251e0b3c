/* SPDX-License-Identifier: ISC */
#include "runner/local.h"

#include <linux/magic.h>
#include <stddef.h>
#include <sys/vfs.h>

#include "base/compiler.h"

#define XFS_MAGIC 0x58465342
#define ZFS_MAGIC 0x2fc12fc1
#define BCACHEFS_MAGIC 0xca451a4e

static const unsigned long local_types[] = {
	EXT4_SUPER_MAGIC, /* ext2 and ext3, too */
	XFS_MAGIC,
	BTRFS_SUPER_MAGIC,
	F2FS_SUPER_MAGIC,
	ZFS_MAGIC,
	BCACHEFS_MAGIC,
	TMPFS_MAGIC,
	RAMFS_MAGIC,
	OVERLAYFS_SUPER_MAGIC,
	SQUASHFS_MAGIC,
	EROFS_SUPER_MAGIC_V1,
};

bool
local_path(const char *path)
{
	struct statfs fs;
	if (statfs(path, &fs) == -1)
		return false;
	for (size_t i = 0; i < COUNTOF(local_types); i++) {
		if ((unsigned long)fs.f_type == local_types[i])
			return true;
	}
	return false;
}
