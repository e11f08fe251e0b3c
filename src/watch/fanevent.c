/* SPDX-License-Identifier: ISC */
#include "watch/fanevent.h"

#include <string.h>
#include <sys/fanotify.h>

/* The kernel's struct file_handle, without its bytes. */
struct handle_head {
	uint32_t bytes;
	int32_t type;
};

/* header, fsid, handle, then a name with its NUL */
static bool
take_place(const char *p, size_t len, struct fan_place *place)
{
	struct handle_head head;
	const char *name;
	size_t skip = sizeof(struct fanotify_event_info_header) + sizeof(place->fsid);

	if (len < skip + sizeof(head))
		return false;
	memcpy(&place->fsid, p + sizeof(struct fanotify_event_info_header),
	    sizeof(place->fsid));
	memcpy(&head, p + skip, sizeof(head));
	skip += sizeof(head);
	if (head.bytes > UINT8_MAX || head.bytes > len - skip || head.type < 0 ||
	    head.type > UINT8_MAX)
		return false;
	place->dir =
	    (struct handle){ 0, (uint8_t)head.type, (uint8_t)head.bytes, p + skip };
	name = p + skip + head.bytes;
	place->name = name;
	place->len = strnlen(name, len - skip - head.bytes);
	place->given = true;
	return true;
}

static void
take_object(const char *p, size_t len, struct handle *object)
{
	struct fan_place place;

	if (take_place(p, len, &place))
		*object = place.dir;
}

static void
take_pidfd(const char *p, size_t len, int *pidfd)
{
	if (len >= sizeof(struct fanotify_event_info_header) + sizeof(*pidfd))
		memcpy(
		    pidfd, p + sizeof(struct fanotify_event_info_header), sizeof(*pidfd));
	if (*pidfd < 0) /* FAN_NOPIDFD, FAN_EPIDFD */
		*pidfd = -1;
}

static void
take_info(int type, const char *p, size_t len, struct fan_event *event)
{
	switch (type) {
	case FAN_EVENT_INFO_TYPE_DFID_NAME:
	case FAN_EVENT_INFO_TYPE_OLD_DFID_NAME:
		take_place(p, len, &event->place);
		break;
	case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME:
		take_place(p, len, &event->to);
		break;
	case FAN_EVENT_INFO_TYPE_FID:
		take_object(p, len, &event->object);
		break;
	case FAN_EVENT_INFO_TYPE_PIDFD:
		take_pidfd(p, len, &event->pidfd);
		break;
	default:
		break;
	}
}

bool
fan_event_next(const char **p, const char *end, struct fan_event *event)
{
	struct fanotify_event_metadata head;
	struct fanotify_event_info_header info;
	const char *at = *p, *stop;

	if ((size_t)(end - at) < sizeof(head))
		return false;
	memcpy(&head, at, sizeof(head));
	if (head.vers != FANOTIFY_METADATA_VERSION || head.metadata_len < sizeof(head) ||
	    head.event_len < head.metadata_len || head.event_len > (size_t)(end - at))
		return false;
	*event = (struct fan_event){ .mask = head.mask, .pid = head.pid, .pidfd = -1 };
	*p = stop = at + head.event_len;
	for (at += head.metadata_len; (size_t)(stop - at) >= sizeof(info);
	     at += info.len) {
		memcpy(&info, at, sizeof(info));
		if (info.len < sizeof(info) || info.len > (size_t)(stop - at))
			break;
		take_info(info.info_type, at, info.len, event);
	}
	return true;
}
