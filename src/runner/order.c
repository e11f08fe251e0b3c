/* SPDX-License-Identifier: ISC */
#include "runner/order.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "conf/argv.h"
#include "conf/tags.h"
#include "runner/cgroup.h"
#include "runner/env.h"
#include "runner/helpers.h"
#include "runner/jobs.h"
#include "runner/local.h"
#include "runner/privilege.h"
#include "wire/wire.h"

extern char **environ;

/* What a handler's orders have in common, looked up when first wanted. */
struct shared {
	struct spawn_user *user;
	bool looked; /* local is known */
	bool local;  /* its program and folder are: its start holds nobody up */
};

struct orders {
	struct config *config;
	struct cgroups *cgroups;
	struct shared *shared; /* one a handler */
};

struct orders *
orders_new(struct config *config, struct cgroups *cgroups)
{
	struct orders *orders = xcalloc(1, sizeof(*orders));
	orders->config = config;
	orders->cgroups = cgroups;
	orders->shared = xcalloc(config->n_handlers + 1, sizeof(*orders->shared));
	return orders;
}

void
orders_free(struct orders *orders)
{
	if (!orders)
		return;
	for (size_t i = 0; i < orders->config->n_handlers; i++)
		spawn_user_free(orders->shared[i].user);
	free(orders->shared);
	config_free(orders->config);
	free(orders);
}

const struct config *
orders_config(const struct orders *orders)
{
	return orders->config;
}

void
orders_retag(struct orders *orders, const char *lines)
{
	tags_set_ids(&orders->config->tags, lines);
}

static int
refuse(struct order_error *error, int number, const char *text)
{
	error->error = number;
	snprintf(error->text, sizeof(error->text), "%s", text);
	return -1;
}

static const struct strlist *
command_of(const struct handler_config *handler, enum wire_command command)
{
	switch (command) {
	case WIRE_LOAD:
		return &handler->load;
	case WIRE_REMOVE:
		return &handler->remove_file;
	case WIRE_MOVE:
		return &handler->move;
	case WIRE_COMMAND_MAX:
		break;
	}
	return NULL;
}

/* A path that leads out of its root is none that the watcher has seen. */
static bool
is_below_root(const char *path)
{
	if (path[0] == '/')
		return false;
	for (; *path; path += *path == '/') {
		size_t n = strcspn(path, "/");
		if (n == 2 && strncmp(path, "..", 2) == 0)
			return false;
		path += n;
	}
	return true;
}

static char *
join(const char *root, const char *rel)
{
	struct buf path = BUF_INIT;
	buf_adds(&path, root);
	if (*rel && (path.len == 0 || path.p[path.len - 1] != '/'))
		buf_addc(&path, '/');
	buf_adds(&path, rel);
	return path.p;
}

static void
set_if(struct env *env, const char *name, const char *value)
{
	if (value && *value)
		env_set(env, name, value);
}

static void
set_user_env(struct env *env, const struct spawn_user *user)
{
	if (!user)
		return;
	env_set(env, "USER", user->name);
	env_set(env, "LOGNAME", user->name);
	env_set(env, "HOME", user->home);
	env_set(env, "SHELL", user->shell);
}

/* What one run is made of; strings are owned where they are not of the message. */
struct run {
	const struct wire_msg *msg;
	const struct config *config;
	struct cgroups *cgroups;
	const struct handler_config *handler;
	const char *root;
	struct shared *shared;
	const struct spawn_user *user;
	char *path, *old_path; /* absolute; old_path NULL where there is none */
	char mark[JOBS_MARK_SIZE];
};

static void
set_env(const struct run *run, struct env *env)
{
	const struct config *config = run->config;
	const struct wire_msg *msg = run->msg;
	set_user_env(env, run->user);
	env_set(env, "FILEMON_PATH", run->path);
	env_set(env, "FILEMON_RELPATH", msg->path);
	env_set(env, "FILEMON_ROOT", run->root);
	env_set(env, "FILEMON_EVENT", msg->event);
	set_if(env, "FILEMON_OLD_PATH", run->old_path);
	env_set(env, "FILEMON_HANDLER", run->handler->name);
	env_seti(env, "FILEMON_ATTEMPT", msg->attempt);
	env_seti(env, "FILEMON_MAX_ATTEMPTS", msg->max_attempts);
	set_if(env, "FILEMON_EVENT_ID", msg->event_id);
	set_if(env, "FILEMON_CHECKSUM", msg->checksum);
	if (msg->size >= 0)
		env_seti(env, "FILEMON_SIZE", msg->size);
	set_if(env, "FILEMON_TENANT_ID", tags_get(&config->tags, "tenant_id"));
	set_if(env, "FILEMON_USER_ID", tags_get(&config->tags, "user_id"));
	set_if(env, "FILEMON_SESSION_ID", tags_get(&config->tags, "session_id"));
	set_if(env, "FILEMON_SOCKET", config->control_socket);
	for (size_t i = 0; i < run->handler->env.n; i++)
		env_put(env, run->handler->env.v[i]);
}

static char **
build_argv(const struct run *run, const struct strlist *templ)
{
	struct argv_values values = {
		.path = run->path,
		.relpath = run->msg->path,
		.root = run->root,
		.event = run->msg->event,
		.old_path = run->old_path,
		.attempt = run->msg->attempt,
		.id = run->mark,
	};
	return argv_build(templ, &values);
}

static char *
folder_of(const struct run *run)
{
	const char *cwd = run->handler->cwd;
	if (!cwd)
		return xstrdup(run->config->project);
	return cwd[0] == '/' ? xstrdup(cwd) : join(run->config->project, cwd);
}

/* A program without a slash is looked up, and so looked at, in any case. */
static bool
is_local(const struct run *run, const char *program, const char *cwd)
{
	struct shared *shared = run->shared;
	if (!shared->looked)
		shared->local =
		    local_path(cwd) && (!strchr(program, '/') || local_path(program));
	shared->looked = true;
	return shared->local;
}

/* Without one, the limits are each process's own. */
static struct cgroup *
make_cgroup(const struct run *run, const struct privilege_limits *limits)
{
	struct cgroup *cgroup = cgroup_new(run->cgroups, run->mark, limits);
	if (!cgroup && errno != ENOTSUP)
		log_warn("handler %s: no cgroup (it runs without)", run->handler->name);
	return cgroup;
}

static int
start(struct jobs *jobs, const struct run *run, const struct strlist *templ,
    struct order_error *error)
{
	struct env env;
	struct spawn_error why;
	struct buf subject = BUF_INIT;
	char *cwd = folder_of(run);
	char **argv = build_argv(run, templ);
	const struct privilege_limits limits = {
		run->handler->memory_max,
		run->handler->cpu_weight,
	};
	struct cgroup *cgroup = make_cgroup(run, &limits);
	bool limited = cgroup && cgroup_limits(cgroup);
	buf_adds(&subject, "handler ");
	buf_adds(&subject, run->handler->name);
	buf_addc(&subject, ' ');
	buf_adds(&subject, *run->msg->path ? run->msg->path : ".");
	env_init(&env, environ);
	set_env(run, &env);
	struct job_spec spec = {
		.id = run->msg->id,
		.subject = subject.p,
		.argv = argv,
		.env = &env,
		.cwd = cwd,
		.user = run->user,
		.timeout_ms = run->handler->timeout_ms,
		.grace_ms = run->handler->stop_grace_ms,
		.cgroup = cgroup,
		.limits = limited ? NULL : &limits,
		.quick = is_local(run, argv[0], cwd),
	};
	int result = jobs_start(jobs, &spec, &why);
	if (result == -1) {
		error->error = why.error;
		spawn_error_format(&why, argv[0], error->text, sizeof(error->text));
	}
	env_release(&env);
	argv_free(argv);
	free(cwd);
	buf_release(&subject);
	return result;
}

static int
find_user(struct orders *orders, struct run *run, struct order_error *error)
{
	struct shared *shared = &orders->shared[run->msg->handler];
	run->shared = shared;
	if (!run->handler->user)
		return 0;
	if (!shared->user)
		shared->user = spawn_user_new(run->handler->user);
	if (!shared->user)
		return refuse(error, errno, "the handler's user: not found");
	run->user = shared->user;
	return 0;
}

static int
check(const struct config *config, const struct jobs *jobs, const struct wire_msg *msg,
    struct order_error *error)
{
	if (msg->handler >= config->n_handlers)
		return refuse(error, EINVAL, "no such handler in the configuration");
	const struct strlist *templ =
	    command_of(&config->handlers[msg->handler], msg->command);
	if (!templ || templ->n == 0)
		return refuse(error, EINVAL, "the handler has no such command");
	if (msg->root >= config->roots.n)
		return refuse(error, EINVAL, "no such root in the configuration");
	if (!is_below_root(msg->path) || !is_below_root(msg->old_path))
		return refuse(error, EINVAL, "the path is not below its root");
	if (config->jobs_max > 0 &&
	    jobs_count(jobs) >= (size_t)config->jobs_max + HELPERS_MAX)
		return refuse(error, EAGAIN, "as many jobs run as jobs-max allows");
	return 0;
}

int
orders_start(struct orders *orders, struct jobs *jobs, const struct wire_msg *msg,
    struct order_error *error)
{
	const struct config *config = orders->config;
	if (check(config, jobs, msg, error) == -1)
		return -1;
	struct run run = {
		.msg = msg,
		.config = config,
		.cgroups = orders->cgroups,
		.handler = &config->handlers[msg->handler],
		.root = config->roots.v[msg->root],
	};
	if (find_user(orders, &run, error) == -1)
		return -1;
	jobs_mark(jobs, msg->id, run.mark);
	run.path = join(run.root, msg->path);
	run.old_path = *msg->old_path ? join(run.root, msg->old_path) : NULL;
	int result = start(jobs, &run, command_of(run.handler, msg->command), error);
	free(run.path);
	free(run.old_path);
	return result;
}
