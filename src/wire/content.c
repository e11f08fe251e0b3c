/* SPDX-License-Identifier: ISC */
#include "wire/content.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SUM_PREFIX "sha256:"
#define SUM_DIGITS 64
#define ENTROPY_MAX 8000

static const char *const state_names[] = {
	[CONTENT_READ] = "read",
	[CONTENT_CHANGED] = "changed-while-read",
	[CONTENT_TOO_LARGE] = "too-large",
	[CONTENT_NO_FILE] = "no-file",
	[CONTENT_UNREADABLE] = "unreadable",
	[CONTENT_CRASHED] = "crashed",
	[CONTENT_UNAVAILABLE] = "unavailable",
};
_Static_assert(COUNTOF(state_names) == CONTENT_STATE_MAX, "a state lacks its name");

const char *
content_state_name(enum content_state state)
{
	return state_names[state];
}

bool
content_sum_ok(const char *text)
{
	if (*text == '\0')
		return true;
	if (strncmp(text, SUM_PREFIX, strlen(SUM_PREFIX)) != 0)
		return false;
	text += strlen(SUM_PREFIX);
	return strlen(text) == SUM_DIGITS &&
	    strspn(text, "0123456789abcdef") == SUM_DIGITS;
}

static unsigned
digit_value(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

bool
content_sum_raw(const char *text, unsigned char raw[CONTENT_SUM_RAW])
{
	if (*text == '\0' || !content_sum_ok(text))
		return false;
	text += strlen(SUM_PREFIX);
	for (size_t i = 0; i < CONTENT_SUM_RAW; i++, text += 2)
		raw[i] =
		    (unsigned char)(digit_value(text[0]) << 4 | digit_value(text[1]));
	return true;
}

void
content_sum_text(const unsigned char raw[CONTENT_SUM_RAW], char text[CONTENT_SUM_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	char *out = stpcpy(text, SUM_PREFIX);
	for (size_t i = 0; i < CONTENT_SUM_RAW; i++) {
		*out++ = hex[raw[i] >> 4];
		*out++ = hex[raw[i] & 15];
	}
	*out = '\0';
}

/* The next word of a line, whose end becomes a NUL; NULL: there is none. */
static char *
next_word(char **line)
{
	char *word = *line, *space;
	if (!word || *word == '\0')
		return NULL;
	space = strchr(word, ' ');
	if (space)
		*space++ = '\0';
	*line = space;
	return word;
}

/* Only what is written back the same: no sign but "-", no spaces, no zeros before. */
static bool
is_plain(const char *word)
{
	const char *digits = word + (*word == '-');
	return isdigit((unsigned char)digits[0]) &&
	    (digits[0] != '0' || (digits[1] == '\0' && digits == word));
}

static bool
get_signed(char **line, int64_t min, int64_t max, int64_t *value)
{
	char *word = next_word(line), *end;
	if (!word || !is_plain(word))
		return false;
	errno = 0;
	*value = strtoll(word, &end, 10);
	return errno == 0 && *end == '\0' && *value >= min && *value <= max;
}

static bool
get_unsigned(char **line, uint64_t *value)
{
	char *word = next_word(line), *end;
	if (!word || !is_plain(word) || *word == '-')
		return false;
	errno = 0;
	*value = strtoull(word, &end, 10);
	return errno == 0 && *end == '\0';
}

static bool
get_path(char **line, struct buf *out, const char **path)
{
	char *word = next_word(line);
	if (!word || !buf_decode_base64(out, word))
		return false;
	*path = out->p;
	return out->len > 0 && strlen(out->p) == out->len;
}

bool
content_put_request(struct buf *b, const struct content_request *request)
{
	size_t before = b->len;
	buf_addf(b, "%" PRIu64 " %" PRId64 " ", request->id, request->max);
	buf_add_base64(b, request->root, strlen(request->root));
	buf_addc(b, ' ');
	buf_add_base64(b, request->path, strlen(request->path));
	if (b->len - before <= CONTENT_REQUEST_MAX)
		return true;
	buf_truncate(b, before);
	return false;
}

bool
content_get_request(char *line, struct content_request *request, struct buf store[2])
{
	return get_unsigned(&line, &request->id) &&
	    get_signed(&line, 0, INT64_MAX, &request->max) &&
	    get_path(&line, &store[0], &request->root) && request->root[0] == '/' &&
	    get_path(&line, &store[1], &request->path) && !line;
}

void
content_put_answer(struct buf *b, uint64_t id, const struct content *content)
{
	buf_addf(b,
	    "%" PRIu64 " %s %" PRId64 " %" PRIu64 " %" PRId64 " %" PRId64 " %" PRId32
	    " %s",
	    id, state_names[content->state], content->size, content->ino,
	    content->mtime_ns, content->ctime_ns, content->entropy,
	    content->sum[0] == '\0' ? "-" : content->sum);
}

static bool
get_state(char **line, enum content_state *state)
{
	const char *word = next_word(line);
	for (size_t i = 0; word && i < COUNTOF(state_names); i++) {
		if (strcmp(word, state_names[i]) == 0) {
			*state = (enum content_state)i;
			return true;
		}
	}
	return false;
}

static bool
get_sum(char **line, const char **sum)
{
	char *word = next_word(line);
	if (!word || *line)
		return false;
	*sum = strcmp(word, "-") == 0 ? "" : word;
	return content_sum_ok(*sum);
}

bool
content_get_answer(char *line, uint64_t *id, struct content *content)
{
	int64_t entropy = -1;
	bool ok = get_unsigned(&line, id) && get_state(&line, &content->state) &&
	    get_signed(&line, 0, INT64_MAX, &content->size) &&
	    get_unsigned(&line, &content->ino) &&
	    get_signed(&line, INT64_MIN, INT64_MAX, &content->mtime_ns) &&
	    get_signed(&line, INT64_MIN, INT64_MAX, &content->ctime_ns) &&
	    get_signed(&line, -1, ENTROPY_MAX, &entropy) && get_sum(&line, &content->sum);
	content->entropy = (int32_t)entropy;
	/* A checksum of what was not read as a whole is none. */
	return ok && (content->state == CONTENT_READ) == (content->sum[0] != '\0');
}
