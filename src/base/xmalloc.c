/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "base/xmalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* A request for 0 bytes gets 1: NULL then always means that memory is out. */
void *
xmalloc(size_t size)
{
	void *p = malloc(size > 0 ? size : 1);
	if (!p)
		fatalx("memory: %zu bytes could not be had", size);
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	void *p = n > 0 && size > 0 ? calloc(n, size) : calloc(1, 1);
	if (!p)
		fatalx("memory: %zu times %zu bytes could not be had", n, size);
	return p;
}

void *
xreallocarray(void *old, size_t n, size_t size)
{
	void *p = n > 0 && size > 0 ? reallocarray(old, n, size) : realloc(old, 1);
	if (!p)
		fatalx("memory: %zu times %zu bytes could not be had", n, size);
	return p;
}

char *
xstrdup(const char *s)
{
	return xmemdup(s, strlen(s) + 1);
}

char *
xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = xmalloc(len + 1);
	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

void *
xmemdup(const void *s, size_t n)
{
	void *p = xmalloc(n);
	if (n > 0)
		memcpy(p, s, n);
	return p;
}

char *
xasprintf(const char *fmt, ...)
{
	char *p;
	va_list ap;
	va_start(ap, fmt);
	int len = vasprintf(&p, fmt, ap);
	va_end(ap);
	if (len < 0)
		fatal("memory: a text could not be made");
	return p;
}
