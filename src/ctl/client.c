/* SPDX-License-Identifier: ISC */
#define NO_SUCH_METHOD (-32601) /* JSON-RPC 2.0 */
#define _GNU_SOURCE 1
#include "ctl/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clk.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/xmalloc.h"
#include "ctl/nudge.h"
#include "ctl/text.h"

#define ANSWER_MAX (64 * 1024 * 1024)
#define TRY_AGAIN_MS 50
#define LONG_TALK_MS 1000 /* a wait that breaks off has its patience anew */
#define REMAKE_MS 1000	  /* a watcher that was told makes its socket at its next turn */

/*
 * sun_path takes 108 bytes (unix(7)); what is longer is reached through a
 * descriptor of its folder, which must stay open until connect returned.
 */
static int
fill_address(struct sockaddr_un *address, const char *path, int *dirfd)
{
	const char *slash = strrchr(path, '/');
	int n;

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) < sizeof(address->sun_path)) {
		memcpy(address->sun_path, path, strlen(path) + 1);
		return 0;
	}
	if (slash == NULL)
		goto too_long;
	char *dir = xstrndup(path, (size_t)(slash - path));
	*dirfd = fd_openat(AT_FDCWD, dir, O_PATH | O_DIRECTORY);
	free(dir);
	if (*dirfd == -1)
		return -1;
	n = snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d%s",
	    *dirfd, slash);
	if (n > 0 && (size_t)n < sizeof(address->sun_path))
		return 0;
too_long:
	errno = ENAMETOOLONG;
	return -1;
}

static int
connect_once(const char *path)
{
	struct sockaddr_un address;
	int dirfd = -1, fd = -1;

	if (fill_address(&address, path, &dirfd) == -1)
		goto out;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		goto out;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1)
		fd_close(&fd);
out:
	fd_close(&dirfd);
	return fd;
}

/* The line is sent without SIGPIPE: a daemon that went away is no end for us. */
static int
send_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
wait_readable(int fd, int64_t until_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int64_t left = until_ms == 0 ? -1 : until_ms - clk_mono_ms();
	int n;

	if (until_ms != 0 && left <= 0)
		n = 0;
	else
		n = poll(&pfd, 1, left > INT32_MAX ? INT32_MAX : (int)left);
	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0 || (n == -1 && errno == EINTR) ? 0 : -1;
}

/* Reads up to the newline; ECONNRESET where the daemon ended first. */
static int
receive_line(int fd, int64_t until_ms, struct buf *line)
{
	char *newline = NULL;

	while (newline == NULL) {
		char part[16384];
		if (wait_readable(fd, until_ms) == -1)
			return -1;
		ssize_t n = recv(fd, part, sizeof(part), MSG_DONTWAIT);
		if (n == -1 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n == 0 || line->len + sizeof(part) > ANSWER_MAX)
			errno = n == 0 ? ECONNRESET : EMSGSIZE;
		if (n <= 0 || line->len + sizeof(part) > ANSWER_MAX)
			return -1;
		buf_add(line, part, (size_t)n);
		newline = memchr(line->p + line->len - n, '\n', (size_t)n);
	}
	buf_truncate(line, (size_t)(newline - line->p));
	return 0;
}

/* Where in our request the fault was is nothing to the user. */
static const char *
reason_in(const char *message)
{
	return strncmp(message, "params.", 7) == 0 ? message + 7 : message;
}

static enum client_outcome
take_answer(struct client_call *call, const struct buf *line)
{
	struct json_error error;
	cJSON *answer = json_parse(line->p, line->len, &error);
	const cJSON *fault = cJSON_GetObjectItemCaseSensitive(answer, "error");
	const cJSON *text = cJSON_GetObjectItemCaseSensitive(fault, "message");
	const cJSON *code = cJSON_GetObjectItemCaseSensitive(fault, "code");

	call->unknown = cJSON_IsNumber(code) && code->valueint == NO_SUCH_METHOD;
	call->result = cJSON_DetachItemFromObjectCaseSensitive(answer, "result");
	if (answer == NULL || (call->result == NULL && fault == NULL))
		snprintf(call->error, sizeof(call->error), "an answer that is none: %s",
		    answer == NULL ? error.text : "no result");
	else if (call->result == NULL)
		snprintf(call->error, sizeof(call->error), "%s",
		    cJSON_IsString(text) ? reason_in(text->valuestring)
					 : "no reason given");
	cJSON_Delete(answer);
	return call->result != NULL ? CLIENT_OK : CLIENT_REFUSED;
}

/* CLIENT_NO_ANSWER with errno where the connection did not carry it. */
static enum client_outcome
converse(const char *socket, struct client_call *call, const struct buf *request)
{
	enum client_outcome outcome = CLIENT_NO_ANSWER;
	struct buf line = BUF_INIT;
	int64_t until = call->timeout_ms == 0 ? 0 : clk_mono_ms() + call->timeout_ms;
	int fd = connect_once(socket);

	if (fd != -1 && send_all(fd, request->p, request->len) == 0 &&
	    receive_line(fd, until, &line) == 0)
		outcome = take_answer(call, &line);
	int error = errno;
	fd_close(&fd);
	buf_release(&line);
	errno = error;
	return outcome;
}

static void
render_request(struct client_call *call, struct buf *request)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "jsonrpc", "2.0");
	cJSON_AddNumberToObject(object, "id", 1);
	cJSON_AddStringToObject(object, "method", call->method);
	if (call->params != NULL)
		cJSON_AddItemToObject(object, "params", call->params);
	call->params = NULL;
	char *text = cJSON_PrintUnformatted(object);
	buf_adds(request, text);
	buf_addc(request, '\n');
	cJSON_free(text);
	cJSON_Delete(object);
}

static bool
is_worth_another_try(int error)
{
	return error == ECONNREFUSED || error == ENOENT || error == ECONNRESET ||
	    error == EPIPE || error == EAGAIN;
}

/* A watcher that has long begun, and makes no socket here though it was told. */
static bool
is_lost(const char *state_dir, int64_t since)
{
	return nudge_watcher(state_dir) > CLIENT_PATIENCE_MS &&
	    clk_mono_ms() - since > REMAKE_MS;
}

enum client_outcome
client_ask(const char *socket, const char *state_dir, struct client_call *call)
{
	struct timespec pause = { .tv_nsec = TRY_AGAIN_MS * 1000000L };
	int64_t begin = clk_mono_ms(), until = begin + call->patience_ms;
	struct buf request = BUF_INIT;
	enum client_outcome outcome;
	int error;

	call->result = NULL;
	call->error[0] = '\0';
	render_request(call, &request);
	for (;;) {
		int64_t asked = clk_mono_ms();
		outcome = converse(socket, call, &request);
		error = errno;
		if (clk_mono_ms() - asked > LONG_TALK_MS)
			until = clk_mono_ms() + call->patience_ms;
		if (outcome != CLIENT_NO_ANSWER || call->patience_ms == 0)
			break;
		if (is_worth_another_try(error) &&
		    state_dir_state(state_dir) == PROJECT_STOPPED) {
			outcome = CLIENT_NOT_RUNNING;
			break;
		}
		if (!is_worth_another_try(error) || clk_mono_ms() >= until ||
		    ((error == ENOENT || error == ECONNREFUSED) &&
			is_lost(state_dir, begin)))
			break;
		nanosleep(&pause, NULL);
	}
	call->error_no = error;
	if (outcome == CLIENT_NO_ANSWER)
		snprintf(call->error, sizeof(call->error), "%s", strerror(error));
	buf_release(&request);
	return outcome;
}

enum client_outcome
client_ask_project(const struct project *project, struct client_call *call)
{
	call->patience_ms = CLIENT_PATIENCE_MS;
	call->timeout_ms = CLIENT_TIMEOUT_MS;
	return client_ask(project->socket, project->state_dir, call);
}

void
client_reason(
    const struct project *project, const struct client_call *call, struct buf *text)
{
	if (call->error_no == ENOENT || call->error_no == EACCES) {
		text_vis(text, project->socket, strlen(project->socket));
		buf_adds(text, ": ");
	}
	text_vis(text, call->error, strlen(call->error));
	if (call->error_no == ENOENT)
		buf_adds(text,
		    " (was it removed, or control-socket changed?): 'filemonctl stop' "
		    "ends it, 'filemonctl start' starts it anew");
	else if (call->error_no == EACCES)
		buf_adds(text, ": it is asked by the user who runs it");
	else
		buf_addf(text, " (its %s/trace.log may say why)", project->shown_state);
}

int
client_failed(struct ctl *ctl, const struct project *project, enum client_outcome outcome,
    const struct client_call *call)
{
	struct buf text = BUF_INIT;
	int code = CTL_FAILED;

	if (outcome == CLIENT_REFUSED) {
		text_vis(&text, call->error, strlen(call->error));
		complain(ctl, "%s", text.p);
	} else if (project_says_elsewhere(ctl, project)) {
		code = CTL_FAILED;
	} else if (outcome == CLIENT_NOT_RUNNING) {
		complain(ctl,
		    "filemond is not running in %s: start it with 'filemonctl start'",
		    project->shown_root);
		code = CTL_NOT_RUNNING;
	} else {
		client_reason(project, call, &text);
		complain(ctl, "filemond in %s does not answer: %s", project->shown_root,
		    text.p);
	}
	buf_release(&text);
	return code;
}

int
client_call(struct ctl *ctl, const struct project *project, const char *method,
    cJSON *params, cJSON **result)
{
	struct client_call call = { .method = method, .params = params };
	enum client_outcome outcome = client_ask_project(project, &call);

	*result = call.result;
	return outcome == CLIENT_OK ? CTL_OK
				    : client_failed(ctl, project, outcome, &call);
}

cJSON *
client_path_params(const char *path)
{
	cJSON *params = cJSON_CreateObject();
	struct buf text = BUF_INIT;

	if (text_is_utf8(path, strlen(path))) {
		cJSON_AddStringToObject(params, "path", path);
		return params;
	}
	buf_add_base64(&text, path, strlen(path));
	cJSON_AddStringToObject(params, "path_b64", text.p);
	buf_release(&text);
	return params;
}
