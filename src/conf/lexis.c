/* SPDX-License-Identifier: ISC */
#include "conf/lexis.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/xmalloc.h"

struct scan {
	char *start, *p, *end;
	unsigned line;
	unsigned depth; /* of braces */
	char last;	/* the last character that was neither space nor comment */
	struct lexis *out;
	struct lexis_error *error;
};

static int fail_at(struct scan *, unsigned line, const char *fmt, ...) PRINTF_LIKE(3, 4);

static int
fail_at(struct scan *s, unsigned line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	s->error->line = line;
	vsnprintf(s->error->text, sizeof(s->error->text), fmt, ap);
	va_end(ap);
	return -1;
}

static int
skip_line_comment(struct scan *s)
{
	while (s->p < s->end && *s->p != '\n')
		*s->p++ = ' ';
	return 0;
}

static int
skip_block_comment(struct scan *s)
{
	unsigned line = s->line;
	char *close = strstr(s->p + 2, "*/");
	if (!close)
		return fail_at(
		    s, line, "the comment that begins here has no end: */ is missing");
	for (; s->p < close + 2; s->p++) {
		if (*s->p == '\n')
			s->line++;
		else
			*s->p = ' ';
	}
	return 0;
}

/* ${NAME}: s->p is at the dollar. */
static int
skip_variable(struct scan *s)
{
	size_t n = strcspn(s->p, "}\"'\n");
	if (s->p[n] != '}')
		return fail_at(s, s->line,
		    "'${' without '}': write \\${ in double quotes for ${ itself");
	s->p += n + 1;
	return 0;
}

static int
skip_octal(struct scan *s)
{
	size_t n = strspn(s->p, "0123456789");
	unsigned value = 0;
	for (size_t i = 0; i < n && i < 3; i++)
		value = value * 8 + (unsigned)(s->p[i] - '0');
	if (n > 3 || strspn(s->p, "01234567") < n || value < 1 || value > 255)
		return fail_at(s, s->line, "bad escape '\\%.*s': \\1 to \\377 are wanted",
		    (int)(n < 8 ? n : 8), s->p);
	s->p += n;
	return 0;
}

/* Behind a backslash in double quotes. */
static int
skip_escape(struct scan *s)
{
	if (isdigit((unsigned char)*s->p))
		return skip_octal(s);
	if (*s->p == 'x' && s->p[1] == '0' &&
	    (s->p[2] == '0' || !isxdigit((unsigned char)s->p[2])))
		return fail_at(
		    s, s->line, "bad escape '\\x0': a value cannot hold a NUL");
	if (*s->p == '\n')
		s->line++;
	s->p++;
	return 0;
}

static int
skip_quoted(struct scan *s)
{
	char quote = *s->p++;
	for (;;) {
		char c = *s->p;
		int rc = 0;
		if (s->p >= s->end || c == '\n')
			return fail_at(
			    s, s->line, "the quote %c is not closed on its line", quote);
		if (c == quote)
			break;
		if (c == '$' && s->p[1] == '{' && quote == '"') {
			rc = skip_variable(s);
		} else {
			s->p++;
			if (c == '\\' && s->p < s->end && quote == '"')
				rc = skip_escape(s);
			else if (c == '\\' && s->p < s->end && *s->p != '\n')
				s->p++;
		}
		if (rc == -1)
			return -1;
	}
	s->p++;
	return 0;
}

static bool
is_word_start(const struct scan *s)
{
	return s->p == s->start || strchr(" \t\r\n={}(),\"'", s->p[-1]);
}

static void
note_brace(struct scan *s)
{
	struct lexis *out = s->out;
	if (*s->p == '}') {
		s->depth -= s->depth > 0;
		return;
	}
	if (s->depth++ == 0)
		out->unclosed = s->line;
	if (s->last == '=')
		return;
	out->sections = xreallocarray(out->sections, out->n + 1, sizeof(*out->sections));
	out->sections[out->n++] = s->line;
}

static int
refuse_unquoted(struct scan *s)
{
	if (*s->p == '+')
		return fail_at(s, s->line,
		    s->p[1] == '=' ? "'+=' is not available: give the whole list with '='"
				   : "'+' outside quotes: write the value in quotes");
	return fail_at(
	    s, s->line, "'*' outside quotes: write the value in quotes: \"*.log\"");
}

/* Editors of another system put one before the first word, which it would join. */
static void
blank_byte_order_mark(char *text)
{
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
		memset(text, ' ', 3);
}

static int
scan_one(struct scan *s)
{
	char c = *s->p, next = s->p[1];
	if (c == '#' || (c == '/' && next == '/' && is_word_start(s)))
		return skip_line_comment(s);
	if (c == '/' && next == '*' && is_word_start(s))
		return skip_block_comment(s);
	if (c == '*' || c == '+')
		return refuse_unquoted(s);
	if (c == ';' && (next == '\0' || isspace((unsigned char)next)))
		return fail_at(s, s->line,
		    "';' outside quotes: an option ends with its line, without one");
	if (c == '{' || c == '}')
		note_brace(s);
	if (c == '\n')
		s->line++;
	if (!isspace((unsigned char)c))
		s->last = c;
	if (c == '"' || c == '\'')
		return skip_quoted(s);
	if (c == '$' && next == '{')
		return skip_variable(s);
	s->p++;
	return 0;
}

int
lexis_clean(char *text, size_t len, struct lexis *out, struct lexis_error *error)
{
	struct scan s = { text, text, text + len, 1, 0, '\0', out, error };
	const char *nul = memchr(text, '\0', len);
	*out = (struct lexis){ NULL, 0, 0 };
	if (nul) {
		for (const char *p = text; p < nul; p++)
			s.line += *p == '\n';
		return fail_at(&s, s.line, "a NUL byte: this is no text");
	}
	blank_byte_order_mark(text);
	while (s.p < s.end)
		if (scan_one(&s) == -1)
			return -1;
	if (s.depth == 0)
		out->unclosed = 0;
	return 0;
}

void
lexis_release(struct lexis *lexis)
{
	free(lexis->sections);
	*lexis = (struct lexis){ NULL, 0, 0 };
}
