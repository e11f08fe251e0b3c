/* SPDX-License-Identifier: ISC */

/*
 * filemon-hash(8): reads files for the runner, one after the other, at the
 * lowest priority.  Requests come on stdin, answers go to stdout, in order
 * (wire/content.h).  It ends with its stdin.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "hash/reading.h"

#define EXIT_USAGE 64
#define EXIT_PROTOCOL 76

/* ioprio_set(2) has no header: this process, the idle class. */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_IDLE (3 << 13)

static char input[CONTENT_REQUEST_MAX + 1];

/* Whoever waits for the disk or the processor goes first.  No core file: it would
   hold what was read. */
static void
step_back(void)
{
	const struct rlimit none = { 0, 0 };
	setpriority(PRIO_PROCESS, 0, 19);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int
answer(struct reader *reader, char *line)
{
	static struct buf paths[2], out;
	struct content_request request;
	struct content content;
	if (!content_get_request(line, &request, paths)) {
		log_errorx("a request is malformed (ending)");
		return EXIT_PROTOCOL;
	}
	reader_read(reader, &request, &content);
	buf_reset(&out);
	content_put_answer(&out, request.id, &content);
	buf_addc(&out, '\n');
	return fd_write_all(STDOUT_FILENO, out.p, out.len) == -1 ? 1 : 0;
}

/* Answers the whole lines of input; len is what is left of it. */
static int
answer_lines(struct reader *reader, size_t *len)
{
	char *line = input, *end;
	int code = 0;
	while (code == 0 && (end = memchr(line, '\n', *len - (size_t)(line - input)))) {
		*end = '\0';
		code = answer(reader, line);
		line = end + 1;
	}
	*len -= (size_t)(line - input);
	memmove(input, line, *len);
	return code;
}

static int
serve(struct reader *reader)
{
	size_t len = 0;
	for (;;) {
		if (len == sizeof(input)) {
			log_errorx("a request is too long (ending)");
			return EXIT_PROTOCOL;
		}
		ssize_t n = read(STDIN_FILENO, input + len, sizeof(input) - len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? 0 : 1;
		len += (size_t)n;
		int code = answer_lines(reader, &len);
		if (code != 0)
			return code;
	}
}

int
main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		fprintf(stderr,
		    "usage: filemon-hash\n"
		    "filemond starts it; requests come on standard input "
		    "(filemon-hash(8)).\n");
		return EXIT_USAGE;
	}
	log_set_process("hash");
	step_back();
	struct reader *reader = reader_new();
	if (!reader)
		fatal("SHA-256 of libcrypto");
	int code = serve(reader);
	reader_free(reader);
	return code;
}
