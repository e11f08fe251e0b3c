/* SPDX-License-Identifier: ISC */

/*
 * A message is u32 type and the fields that the type has in the table below,
 * nothing between and nothing after.  One table serves both directions.
 */

#include "wire/wire.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define FIELDS_MAX 16

enum kind { END, U32, I32, U64, STRING, BYTES };

struct field {
	enum kind kind;
	size_t offset;
	uint32_t below; /* U32: the value must be; 0 any.  BYTES: at most so many */
};

#define FIELD(kind, name, below) \
	{ \
		kind, offsetof(struct wire_msg, name), below \
	}

static const struct field layout[WIRE_TYPE_MAX][FIELDS_MAX] = {
	[WIRE_RUN] = {
		FIELD(U64, id, 0),
		FIELD(U32, handler, 0),
		FIELD(U32, command, WIRE_COMMAND_MAX),
		FIELD(U32, root, 0),
		FIELD(U64, attempt, 0),
		FIELD(U64, max_attempts, 0),
		FIELD(U64, size, 0),
		FIELD(STRING, path, 0),
		FIELD(STRING, old_path, 0),
		FIELD(STRING, event, 0),
		FIELD(STRING, event_id, 0),
		FIELD(STRING, checksum, 0),
	},
	[WIRE_STOP] = { { END, 0, 0 } },
	[WIRE_RELOAD] = { FIELD(STRING, text, 0) },
	[WIRE_REOPEN] = { { END, 0, 0 } },
	[WIRE_PACK] = { FIELD(U64, id, 0), FIELD(U64, seq, 0) },
	[WIRE_READ] = { FIELD(U64, id, 0), FIELD(U32, root, 0), FIELD(STRING, path, 0) },
	[WIRE_READY] = { FIELD(STRING, text, 0) },
	[WIRE_STARTED] = { FIELD(U64, id, 0), FIELD(U64, pid, 0) },
	[WIRE_ENDED] = {
		FIELD(U64, id, 0),
		FIELD(U64, pid, 0),
		FIELD(U32, outcome, WIRE_OUTCOME_MAX),
		FIELD(I32, code, 0),
		FIELD(U64, duration_us, 0),
		FIELD(U64, max_rss_kib, 0),
		FIELD(STRING, text, 0),
		FIELD(BYTES, output, WIRE_OUTPUT_MAX),
	},
	[WIRE_RELOADED] = { FIELD(I32, code, 0), FIELD(STRING, text, 0) },
	[WIRE_STOPPED] = { { END, 0, 0 } },
	[WIRE_TOKEN] = { FIELD(I32, code, 0), FIELD(STRING, text, 0) },
	[WIRE_LOG] = { FIELD(U64, seq, 0) },
	[WIRE_SINK] = {
		FIELD(STRING, name, 0),
		FIELD(STRING, state, 0),
		FIELD(U64, pid, 0),
		FIELD(U64, seq, 0),
		FIELD(U64, fed, 0),
		FIELD(U64, starts, 0),
		FIELD(U64, deaths, 0),
		FIELD(U64, missed, 0),
		FIELD(U64, wall_ns, 0),
		FIELD(STRING, text, 0),
	},
	[WIRE_DROP] = { FIELD(U64, id, 0) },
	[WIRE_ALERT] = { FIELD(STRING, name, 0), FIELD(STRING, state, 0),
	    FIELD(U64, seq, 0) },
	[WIRE_LIMITS] = { FIELD(STRING, text, 0) },
	[WIRE_CONTENT] = {
		FIELD(U64, id, 0),
		FIELD(U32, content.state, CONTENT_STATE_MAX),
		FIELD(U64, content.size, 0),
		FIELD(U64, content.ino, 0),
		FIELD(U64, content.mtime_ns, 0),
		FIELD(U64, content.ctime_ns, 0),
		FIELD(I32, content.entropy, 0),
		FIELD(STRING, content.sum, 0),
	},
};

/* Fields are copied by their size: an enum must be as wide as U32. */
_Static_assert(sizeof(enum wire_command) == 4, "enum wire_command");
_Static_assert(sizeof(enum wire_outcome) == 4, "enum wire_outcome");
_Static_assert(sizeof(enum content_state) == 4, "enum content_state");

struct cursor {
	unsigned char *p;
	size_t left;
};

static bool
put_number(struct cursor *c, uint64_t v, size_t width)
{
	if (c->left < width)
		return false;
	for (size_t i = 0; i < width; i++, v >>= 8)
		*c->p++ = (unsigned char)v;
	c->left -= width;
	return true;
}

static bool
get_number(struct cursor *c, uint64_t *v, size_t width)
{
	if (c->left < width)
		return false;
	*v = 0;
	for (size_t i = 0; i < width; i++)
		*v |= (uint64_t)*c->p++ << (8 * i);
	c->left -= width;
	return true;
}

static bool
put_text(struct cursor *c, const char *s, size_t len)
{
	if (len > WIRE_MAX || !put_number(c, len, 4) || c->left < len)
		return false;
	if (len > 0)
		memcpy(c->p, s, len);
	c->p += len;
	c->left -= len;
	return true;
}

static bool
get_text(struct cursor *c, char **s, size_t *len)
{
	uint64_t n;
	if (!get_number(c, &n, 4) || n > c->left)
		return false;
	*s = (char *)c->p;
	*len = n;
	c->p += n;
	c->left -= n;
	return true;
}

/* Of an output that is too long its end is what matters. */
static bool
put_output(struct cursor *c, const struct wire_msg *msg, size_t max)
{
	if (msg->output_len == 0)
		return put_text(c, "", 0);
	size_t skip = msg->output_len > max ? msg->output_len - max : 0;
	return put_text(c, msg->output + skip, msg->output_len - skip);
}

static bool
put_field(struct cursor *c, const struct wire_msg *msg, const struct field *f)
{
	const char *at = (const char *)msg + f->offset;
	const char *text;
	uint32_t v32;
	uint64_t v64;
	switch (f->kind) {
	case U32:
	case I32:
		memcpy(&v32, at, sizeof(v32));
		return put_number(c, v32, sizeof(v32));
	case U64:
		memcpy(&v64, at, sizeof(v64));
		return put_number(c, v64, sizeof(v64));
	case STRING:
		memcpy(&text, at, sizeof(text));
		return put_text(c, text ? text : "", text ? strlen(text) : 0);
	case BYTES:
		return put_output(c, msg, f->below);
	case END:
		break;
	}
	return false;
}

static bool
get_u32(struct cursor *c, void *at, uint32_t below)
{
	uint64_t v;
	if (!get_number(c, &v, sizeof(uint32_t)) || (below > 0 && v >= below))
		return false;
	uint32_t v32 = (uint32_t)v;
	memcpy(at, &v32, sizeof(v32));
	return true;
}

static bool
get_string(struct cursor *c, void *at, char **end)
{
	char *s;
	size_t len;
	if (!get_text(c, &s, &len) || memchr(s, '\0', len))
		return false;
	memcpy(at, &s, sizeof(s));
	*end = s + len;
	return true;
}

static bool
get_output(struct cursor *c, struct wire_msg *msg, size_t max, char **end)
{
	char *s;
	if (!get_text(c, &s, &msg->output_len) || msg->output_len > max)
		return false;
	msg->output = s;
	*end = s + msg->output_len;
	return true;
}

static bool
get_field(struct cursor *c, struct wire_msg *msg, const struct field *f, char **end)
{
	char *at = (char *)msg + f->offset;
	uint64_t v64;
	switch (f->kind) {
	case U32:
	case I32:
		return get_u32(c, at, f->below);
	case U64:
		if (!get_number(c, &v64, sizeof(v64)))
			return false;
		memcpy(at, &v64, sizeof(v64));
		return true;
	case STRING:
		return get_string(c, at, end);
	case BYTES:
		return get_output(c, msg, f->below, end);
	case END:
		break;
	}
	return false;
}

static int
refuse(int error)
{
	errno = error;
	return -1;
}

int
wire_encode(const struct wire_msg *msg, void *out, size_t size)
{
	struct cursor c = { out, size < WIRE_MAX ? size : WIRE_MAX };
	size_t room = c.left;
	assert(msg->type > 0 && msg->type < WIRE_TYPE_MAX);
	if (!put_number(&c, msg->type, 4))
		return refuse(EMSGSIZE);
	for (const struct field *f = layout[msg->type]; f->kind != END; f++) {
		if (!put_field(&c, msg, f))
			return refuse(EMSGSIZE);
	}
	return (int)(room - c.left);
}

int
wire_decode(struct wire_msg *msg, void *data, size_t len)
{
	struct cursor c = { data, len };
	char *ends[FIELDS_MAX];
	size_t n = 0;
	uint64_t type;
	*msg = (struct wire_msg){ .path = "",
		.old_path = "",
		.event = "",
		.event_id = "",
		.checksum = "",
		.text = "",
		.output = "",
		.name = "",
		.state = "",
		.content = { .sum = "" } };
	if (len > WIRE_MAX || !get_number(&c, &type, 4) || type == 0 ||
	    type >= WIRE_TYPE_MAX)
		return refuse(EBADMSG);
	msg->type = (enum wire_type)type;
	for (const struct field *f = layout[type]; f->kind != END; f++) {
		char *end = NULL;
		if (!get_field(&c, msg, f, &end))
			return refuse(EBADMSG);
		if (end)
			ends[n++] = end;
	}
	if (c.left > 0)
		return refuse(EBADMSG);
	/* Only now: an end is the first byte of the next field, or of nothing. */
	while (n > 0)
		*ends[--n] = '\0';
	return 0;
}
