/* SPDX-License-Identifier: ISC */
#include "watcher/control.h"
#include "watcher/watcher_priv.h"

/*
 * filemond puts a new one in its own place: the watcher ends as at a stop, and
 * the supervisor becomes the new program (daemon/renew.h).  What the new one
 * would refuse is refused now, while nothing is given up.
 */
void
restart_begin(struct watcher *w, struct conn *conn, const char *id)
{
	struct config_error error = { "" };
	struct config *config;
	cJSON *result;

	if (w->stopping || w->reload_config != NULL || w->setup.hand_fd == -1) {
		control_error(conn, id, CONTROL_REFUSED,
		    w->stopping			 ? "filemond is stopping"
			: w->setup.hand_fd == -1 ? "there is no supervisor"
						 : "a reload is under way");
		return;
	}
	config = config_load(w->setup.source, &error);
	if (config == NULL) {
		control_error(conn, id, CONTROL_REFUSED, error.text);
		return;
	}
	config_free(config);
	result = cJSON_CreateObject();
	cJSON_AddTrueToObject(result, "restarting");
	cJSON_AddNumberToObject(result, "renewals", w->setup.renewals);
	cJSON_AddNumberToObject(result, "restarts", w->setup.restarts);
	control_reply(conn, id, result);
	w->renewing = true;
	watcher_stop(w, "restart");
}
