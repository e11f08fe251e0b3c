/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * floor_fanotify DIR: the least that watching by fanotify takes: one mark for
 * the file system, the directory's path from its handle for each event, a line
 * for each event below DIR.  Needs CAP_SYS_ADMIN.
 */

#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

#define MASK (FAN_CREATE | FAN_CLOSE_WRITE | FAN_MOVE | FAN_DELETE | FAN_ONDIR)

static int top; /* open_by_handle_at wants a descriptor of the file system */
static char top_path[PATH_MAX];
static size_t top_len;

/* A burst stays in few directories, but a path may change with any event: none is kept.
 */
static void
report(const struct fanotify_event_info_fid *info)
{
	struct file_handle *handle = (struct file_handle *)(uintptr_t)info->handle;
	const char *name = (const char *)handle->f_handle + handle->handle_bytes;
	char link[64], path[PATH_MAX];
	ssize_t len;
	int fd = open_by_handle_at(top, handle, O_PATH | O_CLOEXEC);

	if (fd == -1)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	close(fd);
	if (len < (ssize_t)top_len || memcmp(path, top_path, top_len) != 0)
		return;
	path[len] = '\0';
	printf("%s/%s\n", path, name);
}

static void
take(const struct fanotify_event_metadata *event)
{
	const struct fanotify_event_info_fid *info = (const void *)(event + 1);

	if (event->event_len > sizeof(*event) &&
	    info->hdr.info_type == FAN_EVENT_INFO_TYPE_DFID_NAME)
		report(info);
}

int
main(int argc, char **argv)
{
	alignas(struct fanotify_event_metadata) static char buf[65536];
	int fd;
	ssize_t n;

	if (argc != 2)
		errx(64, "usage: floor_fanotify DIR");
	fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_CLOEXEC, 0);
	if (fd == -1)
		err(1, "fanotify");
	top = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top == -1 || realpath(argv[1], top_path) == NULL)
		err(1, "%s", argv[1]);
	top_len = strlen(top_path);
	if (fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, MASK, top, NULL) == -1)
		err(1, "%s: fanotify_mark", argv[1]);
	fputs("ready\n", stderr);
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		const struct fanotify_event_metadata *event = (const void *)buf;
		for (; FAN_EVENT_OK(event, n); event = FAN_EVENT_NEXT(event, n))
			take(event);
		fflush(stdout);
	}
	return 1;
}
