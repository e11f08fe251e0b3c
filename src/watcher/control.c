/* SPDX-License-Identifier: ISC */
#include "watcher/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clk.h"
#include "base/compiler.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "watcher/commands.h"
#include "watcher/listener.h"
#include "watcher/spare.h"
#include "watcher/waiters.h"
#include "watcher/watcher_priv.h"

#define LINE_MAX_BYTES (64 * 1024)
#define OUT_MAX_BYTES (4 * 1024 * 1024)
#define ASKED_REST_MS 1000 /* who asks all the time has asked again by then */

struct client {
	struct control *control;
	struct conn *conn;
	struct client *next; /* newest first */
};

struct control {
	struct watcher *w;
	struct listener listener;
	int spare;
	int fault; /* errno: why the socket could not be made again */
	char *path;
	struct ev_io io;
	struct client *clients;
	int64_t n_clients;
};

void
control_add_bytes(cJSON *obj, const char *name, const void *bytes, size_t len)
{
	struct buf text = BUF_INIT;
	bool exact = buf_add_json(&text, bytes, len);

	cJSON_AddRawToObject(obj, name, text.p);
	if (!exact) {
		char *b64 = xasprintf("%s_b64", name);

		buf_reset(&text);
		buf_add_base64(&text, bytes, len);
		cJSON_AddStringToObject(obj, b64, text.p);
		free(b64);
	}
	buf_release(&text);
}

void
control_add_time(cJSON *obj, const char *name, int64_t wall_ns)
{
	char text[CLK_RFC3339_SIZE];

	clk_rfc3339(wall_ns, text);
	cJSON_AddStringToObject(obj, name, text);
}

static void
send_answer(struct conn *conn, const char *id, const char *key, cJSON *value)
{
	cJSON *answer = cJSON_CreateObject();
	char *text;

	cJSON_AddStringToObject(answer, "jsonrpc", "2.0");
	cJSON_AddRawToObject(answer, "id", id);
	cJSON_AddItemToObject(answer, key, value);
	text = cJSON_PrintUnformatted(answer);
	if (text != NULL)
		conn_send(conn, text, strlen(text));
	cJSON_free(text);
	cJSON_Delete(answer);
}

void
control_reply(struct conn *conn, const char *id, cJSON *result)
{
	if (id == NULL || conn == NULL)
		cJSON_Delete(result);
	else
		send_answer(conn, id, "result", result);
}

void
control_error(struct conn *conn, const char *id, int code, const char *text)
{
	cJSON *error;

	if (conn == NULL || id == NULL)
		return;
	error = cJSON_CreateObject();
	cJSON_AddNumberToObject(error, "code", code);
	control_add_bytes(error, "message", text, strlen(text));
	send_answer(conn, id, "error", error);
}

static void
take_request(struct control *control, struct conn *conn, const cJSON *message, char *id)
{
	static const cJSON no_params = { .type = cJSON_Object };
	const cJSON *params = cJSON_GetObjectItemCaseSensitive(message, "params");
	const cJSON *method = cJSON_GetObjectItemCaseSensitive(message, "method");
	struct request request = {
		.w = control->w,
		.conn = conn,
		.id = id,
		.params = params == NULL ? &no_params : params,
	};

	control->w->promised = true;
	spare_from(control->w, clk_mono_ms() + ASKED_REST_MS);
	if (!cJSON_IsObject(message) || !cJSON_IsString(method))
		control_error(conn, id == NULL ? "null" : id, CONTROL_REQUEST,
		    "no request: an object with a method is wanted");
	else if (!cJSON_IsObject(request.params))
		control_error(conn, id, CONTROL_PARAMS, "params: an object is wanted");
	else
		commands_run(&request, method->valuestring);
}

static void
on_line(struct conn *conn, void *ctx, char *line, size_t len)
{
	struct client *client = ctx;
	struct json_error error;
	cJSON *message = json_parse(line, len, &error);
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(message, "id");
	char *id_text = NULL;

	if (message == NULL) {
		control_error(conn, "null", CONTROL_PARSE, error.text);
		return;
	}
	if (cJSON_IsString(id) || cJSON_IsNumber(id))
		id_text = cJSON_PrintUnformatted(id);
	take_request(client->control, conn, message, id_text);
	cJSON_free(id_text);
	cJSON_Delete(message);
}

static void
forget_client(struct client *client)
{
	struct control *control = client->control;
	struct client **at = &control->clients;

	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	control->n_clients--;
	waiters_drop(control->w->waiters, client->conn);
	if (control->w->reload_conn == client->conn)
		control->w->reload_conn = NULL;
	free(client);
}

static void
on_close(struct conn *conn, void *ctx, const char *why)
{
	(void)conn;
	log_debug("control: client gone: %s", why);
	forget_client(ctx);
}

bool
control_is_open(const struct control *control, const struct conn *conn)
{
	for (const struct client *c = control->clients; c != NULL; c = c->next)
		if (c->conn == conn)
			return true;
	return false;
}

/* Makes room by closing the client that came first and waits for nothing. */
static void
drop_oldest(struct control *control)
{
	struct client *oldest = NULL;

	for (struct client *c = control->clients; c != NULL; c = c->next) {
		bool waits = c->conn == control->w->reload_conn ||
		    waiters_has(control->w->waiters, c->conn);

		if (!waits || oldest == NULL)
			oldest = c;
	}
	if (oldest != NULL) {
		struct conn *conn = oldest->conn;

		forget_client(oldest);
		conn_free(conn);
	}
}

static bool
is_allowed(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
		return false;
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	log_warnx("control: refused user %u (pid %d)", (unsigned)peer.uid, (int)peer.pid);
	return false;
}

static void
add_client(struct control *control, int fd)
{
	struct client *client = xcalloc(1, sizeof(*client));
	const struct conn_options options = {
		.max_in = LINE_MAX_BYTES,
		.max_out = OUT_MAX_BYTES,
		.idle_ms = CONTROL_IDLE_MS,
		.on_line = on_line,
		.on_close = on_close,
		.ctx = client,
	};

	if (control->n_clients >= control->w->config->clients_max)
		drop_oldest(control);
	client->control = control;
	client->conn = conn_new(control->w->loop, fd, &options);
	client->next = control->clients;
	control->clients = client;
	control->n_clients++;
}

/* Out of descriptors: the peer is told by a close instead of being left hanging. */
static void
accept_and_close(struct control *control)
{
	int fd;

	fd_close(&control->spare);
	fd = accept4(control->listener.fd, NULL, NULL, SOCK_CLOEXEC);
	fd_close(&fd);
	control->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	log_warnx("control: a client was turned away: out of file descriptors");
}

static void
on_accept(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct control *control = io->data;
	int fd = accept4(control->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)loop;
	(void)events;
	if (fd == -1) {
		if (errno == EMFILE || errno == ENFILE)
			accept_and_close(control);
		return;
	}
	if (is_allowed(fd))
		add_client(control, fd);
	else
		fd_close(&fd);
}

struct control *
control_open(struct watcher *w)
{
	struct control *control = xcalloc(1, sizeof(*control));

	control->w = w;
	control->path = xstrdup(w->config->control_socket);
	if (listener_open(&control->listener, control->path) == -1) {
		log_error("control socket %s", control->path);
		free(control->path);
		free(control);
		return NULL;
	}
	control->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ev_io_init(&control->io, on_accept, control->listener.fd, EV_READ);
	control->io.data = control;
	ev_io_start(w->loop, &control->io);
	return control;
}

void
control_look(struct control *control)
{
	if (control == NULL || listener_is_there(&control->listener))
		return;
	if (listener_renew(&control->listener) == -1) {
		if (errno != control->fault)
			log_error(
			    "control socket %s: was removed or replaced, and cannot be "
			    "made again",
			    control->path);
		control->fault = errno;
		return;
	}
	control->fault = 0;
	ev_io_stop(control->w->loop, &control->io);
	ev_io_set(&control->io, control->listener.fd, EV_READ);
	ev_io_start(control->w->loop, &control->io);
	log_warnx(
	    "control socket %s: was removed or replaced (made again)", control->path);
}

void
control_close(struct control *control)
{
	if (control == NULL)
		return;
	ev_io_stop(control->w->loop, &control->io);
	while (control->clients != NULL) {
		struct conn *conn = control->clients->conn;

		forget_client(control->clients);
		conn_free(conn);
	}
	listener_close(&control->listener);
	fd_close(&control->spare);
	free(control->path);
	free(control);
}
