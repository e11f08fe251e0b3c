/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * A configuration file of any bytes: it is read or refused with a text, what
 * is read can be shown and compared, and what came before changes nothing for
 * the file that follows (libconfuse's lexer is static).
 */

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "conf/config.h"
#include "conf/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config_error error;

static struct config *
load(const void *data, size_t size)
{
	char file[40];
	int fd = memfd_create("config", MFD_CLOEXEC);
	assert(fd != -1 && fd_write_all(fd, data, size) == 0);
	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	struct config_source source = { .project = "/", .file = file };
	struct config *c = config_load(&source, &error);
	assert(c || error.text[0]);
	close(fd);
	return c;
}

static void
show(const struct config *c)
{
	struct buf out = BUF_INIT;
	char *diff = config_diff(c, c);
	assert(*diff == '\0');
	options_json(c, &out);
	free(diff);
	buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char good[] =
	    "ignore = { \"a\" } handler h { load = { cp, \"{path}\" } }\n";
	struct config *c = load(data, size);
	if (c)
		show(c);
	config_free(c);
	c = load(good, strlen(good));
	assert(c && c->ignore.n == 1 && c->n_handlers == 1 && c->handlers[0].load.n == 2);
	config_free(c);
	return 0;
}
