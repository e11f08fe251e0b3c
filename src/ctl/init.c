/* SPDX-License-Identifier: ISC */
/* init: makes a directory a project. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/xmalloc.h"
#include "conf/argv.h"
#include "conf/checks.h"
#include "conf/fault.h"
#include "conf/options.h"
#include "conf/place.h"
#include "ctl/ctl.h"
#include "ctl/launch.h"
#include "ctl/print.h"
#include "ctl/text.h"

struct init_options {
	const char *handler;
	struct strlist load, remove_file, match;
};

static void
take_options(struct ctl *ctl, int argc, char **argv, struct init_options *wanted)
{
	char fault[200];
	int key;

	while ((key = args_next(ctl, argc, argv)) != -1) {
		if (key == 'n')
			wanted->handler = optarg;
		else if (key == 'l')
			args_command(ctl, "--load", optarg, &wanted->load);
		else if (key == 'r')
			args_command(ctl, "--remove-file", optarg, &wanted->remove_file);
		else if (key == 'm')
			strlist_add(&wanted->match, optarg);
	}
	args_words(ctl, argc, 0, 1);
	if (argv[optind] != NULL)
		ctl->dir = argv[optind];
	if (wanted->handler == NULL &&
	    (wanted->load.n > 0 || wanted->remove_file.n > 0 || wanted->match.n > 0))
		usage_error(ctl, "--handler NAME is wanted besides");
	if (wanted->handler != NULL && wanted->load.n == 0)
		usage_error(ctl, "--load CMD is wanted besides --handler");
	if (wanted->handler != NULL &&
	    fault_of_name(OPTION_HANDLER, wanted->handler, fault, sizeof(fault)) == -1)
		usage_error(ctl, "--handler: %s", fault);
	if (wanted->match.n > 0 &&
	    check_globs(&wanted->match, fault, sizeof(fault)) == -1)
		usage_error(ctl, "--match: %s", fault);
}

static void
add_list(struct buf *text, const char *name, const struct strlist *list)
{
	if (list->n == 0)
		return;
	buf_addf(text, "\t%-11s = ", name);
	launch_quote_list(text, list);
	buf_addc(text, '\n');
}

static void
render(const struct init_options *wanted, struct buf *text)
{
	options_template(text);
	if (wanted->handler == NULL)
		return;
	buf_addf(text, "\nhandler %s {\n", wanted->handler);
	add_list(text, "match", &wanted->match);
	add_list(text, "load", &wanted->load);
	add_list(text, "remove-file", &wanted->remove_file);
	buf_adds(text, "}\n");
}

/* Writes a new file; EEXIST where there is one. */
static int
write_new(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int result = -1;

	if (fd == -1)
		return -1;
	if (fd_write_all(fd, text, len) == 0 && fsync(fd) == 0)
		result = 0;
	else
		unlink(path);
	fd_close(&fd);
	return result;
}

/* The file must be good before it has its name, and link(2) replaces nothing. */
static int
write_config(
    struct ctl *ctl, const char *project, const char *path, const struct buf *text)
{
	char *temp = xasprintf("%s.new-%d", path, (int)getpid());
	struct config_source source = { .project = project, .file = temp };
	struct config_error error;
	struct config *config = NULL;
	int code = CTL_OK;

	if (write_new(temp, text->p, text->len) == -1) {
		code = failed(ctl, "%s: %s", temp, strerror(errno));
		goto out;
	}
	config = config_load(&source, &error);
	if (config == NULL)
		code = failed(ctl, "this configuration will not do: %s", error.text);
	else if (link(temp, path) == -1 && errno != EEXIST)
		code = failed(ctl, "%s: %s", path, strerror(errno));
	unlink(temp);
out:
	config_free(config);
	free(temp);
	return code;
}

/* What was asked for is not done: that is no success, as a second init is. */
static int
refuse_handler(struct ctl *ctl, const char *project, const char *handler)
{
	char *shown = text_vis_str(project), *name = text_vis_str(handler);
	int code = failed(ctl,
	    "%s is a project already: .filemon/filemon.conf is left as it is, and "
	    "handler %s is not written (add it there, then 'filemonctl reload')",
	    shown, name);

	free(shown);
	free(name);
	return code;
}

static void
say_made(struct ctl *ctl, const char *project, bool made)
{
	cJSON *object;
	char *shown = text_vis_str(project), *text;

	if (made)
		say(ctl,
		    "%s is a project now: see .filemon/filemon.conf, then "
		    "'filemonctl start'",
		    shown);
	else if (!ctl->quiet && !ctl->json)
		fprintf(stderr,
		    "filemonctl init: %s is a project already; "
		    ".filemon/filemon.conf is left as it is\n",
		    shown);
	if (ctl->json) {
		object = cJSON_CreateObject();
		cJSON_AddStringToObject(object, "project", shown);
		cJSON_AddBoolToObject(object, "created", made);
		text = cJSON_PrintUnformatted(object);
		puts(text);
		cJSON_free(text);
		cJSON_Delete(object);
	}
	free(shown);
}

/* What is there by that name may be anything, and anybody's. */
static bool
may_write(struct ctl *ctl, const char *dir)
{
	char why[450], *shown;
	struct stat st;
	bool fits = place_check(dir, why, sizeof(why)) == 0;

	if (fits && lstat(dir, &st) == 0 && st.st_uid != geteuid() && geteuid() != 0) {
		snprintf(why, sizeof(why),
		    "%.300s: belongs to another user (uid %lu), who may make the project",
		    dir, (unsigned long)st.st_uid);
		fits = false;
	}
	if (!fits) {
		shown = text_vis_str(why);
		complain(ctl, "%s", shown);
		free(shown);
	}
	return fits;
}

static int
make_project(struct ctl *ctl, const char *project, const struct init_options *wanted)
{
	char *dir = xasprintf("%s/.filemon", project);
	char *conf = xasprintf("%s/filemon.conf", dir);
	char *gitignore = xasprintf("%s/.gitignore", dir);
	struct buf text = BUF_INIT;
	struct stat st;
	int code = CTL_OK;
	bool there;

	if (mkdir(dir, 0700) == -1 && errno != EEXIST) {
		code = failed(ctl, "%s: %s", dir, strerror(errno));
		goto out;
	}
	if (!may_write(ctl, dir)) {
		code = CTL_FAILED;
		goto out;
	}
	if (write_new(gitignore, "*\n", 2) == -1 && errno != EEXIST) {
		code = failed(ctl, "%s: %s", gitignore, strerror(errno));
		goto out;
	}
	there = lstat(conf, &st) == 0;
	render(wanted, &text);
	if (!there)
		code = write_config(ctl, project, conf, &text);
	else if (wanted->handler != NULL)
		code = refuse_handler(ctl, project, wanted->handler);
	if (code == CTL_OK)
		say_made(ctl, project, !there);
out:
	buf_release(&text);
	free(gitignore);
	free(conf);
	free(dir);
	return code;
}

int
cmd_init(struct ctl *ctl, int argc, char **argv)
{
	struct init_options wanted = { 0 };
	char *project;
	int code;

	take_options(ctl, argc, argv, &wanted);
	project = realpath(ctl->dir != NULL ? ctl->dir : ".", NULL);
	if (project == NULL)
		code = failed(
		    ctl, "%s: %s", ctl->dir != NULL ? ctl->dir : ".", strerror(errno));
	else
		code = make_project(ctl, project, &wanted);
	strlist_release(&wanted.load);
	strlist_release(&wanted.remove_file);
	strlist_release(&wanted.match);
	free(project);
	return code;
}
