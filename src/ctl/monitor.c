/* SPDX-License-Identifier: ISC */
/* watch and run: filemond in the foreground, without a project. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "conf/argv.h"
#include "conf/place.h"
#include "ctl/ctl.h"
#include "ctl/launch.h"
#include "ctl/text.h"
#include "ctl/typed.h"

#define HANDLER "run"
#define TREE_DESCRIPTORS 16

struct tag_options {
	const char *tenant, *user, *session, *metadata; /* NULL: not given */
};

struct watch_options {
	const char *format;
	const char *interval;
	bool poll;
	struct strlist ignore;
	struct tag_options tags;
};

/* false where key is none of them. */
static bool
take_tag(struct ctl *ctl, int key, struct tag_options *tags)
{
	switch (key) {
	case OPT_TENANT_ID:
		tags->tenant = optarg;
		return true;
	case OPT_USER_ID:
		tags->user = optarg;
		return true;
	case OPT_SESSION_ID:
		tags->session = optarg;
		return true;
	case OPT_METADATA:
		if (strchr(optarg, '=') == NULL || *optarg == '=')
			usage_error(
			    ctl, "--metadata: %s: name=value,... is wanted", optarg);
		tags->metadata = optarg;
		return true;
	default:
		return false;
	}
}

static void
fill_tags(struct launch *launch, const struct tag_options *tags)
{
	if (tags->tenant != NULL)
		launch_option(launch, "tenant-id", tags->tenant);
	if (tags->user != NULL)
		launch_option(launch, "user-id", tags->user);
	if (tags->session != NULL)
		launch_option(launch, "session-id", tags->session);
	if (tags->metadata != NULL)
		launch_option(launch, "metadata", tags->metadata);
}

static void
take_watch_options(struct ctl *ctl, int argc, char **argv, struct watch_options *options)
{
	int key;

	while ((key = args_next(ctl, argc, argv)) != -1) {
		if (key == 'i')
			strlist_add(&options->ignore, optarg);
		else if (key == 'p') {
			options->poll = true;
			options->interval = optarg;
		} else if (key == 'f')
			options->format = optarg;
		else
			take_tag(ctl, key, &options->tags);
	}
	args_words(ctl, argc, 0, 1);
	if (options->format != NULL)
		typed_format(ctl, options->format);
	if (options->interval != NULL)
		typed_value(ctl, "--poll", "poll-interval", options->interval);
	if (argv[optind] != NULL)
		ctl->dir = argv[optind];
}

static void
fill_watch(
    struct launch *launch, const struct ctl *ctl, const struct watch_options *options)
{
	launch_arg(launch, "-f");
	launch_arg(launch, "--monitor");
	launch_arg(launch, "--format");
	launch_arg(launch, options->format != NULL ? options->format : "json");
	if (ctl->file == NULL) /* what it says of itself is not what was asked for */
		launch_option(launch, "log-level", "warn");
	launch_common(launch, ctl, ctl->dir != NULL ? ctl->dir : ".");
	if (options->poll)
		launch_option(launch, "backend", "poll");
	if (options->interval != NULL)
		launch_option(launch, "poll-interval", options->interval);
	if (options->ignore.n > 0)
		launch_list(launch, "ignore", &options->ignore);
	fill_tags(launch, &options->tags);
}

/* What is to be watched; a file is one of its directory. */
static int
want_directory(struct ctl *ctl)
{
	struct stat st;
	char why[450], *path, *name;
	int code = CTL_FAILED;

	if (ctl->dir == NULL || place_is_dir(ctl->dir, why, sizeof(why)) == 0)
		return CTL_OK;
	path = xstrdup(ctl->dir);
	name = text_vis_str(basename(path));
	if (lstat(ctl->dir, &st) == 0)
		failed(ctl, "%s (a file is watched with its directory and -o include=%s)",
		    why, name);
	else
		failed(ctl, "%s", why);
	free(name);
	free(path);
	return code;
}

int
cmd_watch(struct ctl *ctl, int argc, char **argv)
{
	struct watch_options options = { 0 };
	struct launch launch;
	int code;

	take_watch_options(ctl, argc, argv, &options);
	code = launch_init(ctl, &launch);
	if (code == CTL_OK)
		code = want_directory(ctl);
	if (code == CTL_OK) {
		fill_watch(&launch, ctl, &options);
		launch_exec(&launch);
		code = failed(ctl, "%s: %s", launch.argv.v[0], strerror(errno));
	}
	launch_release(&launch);
	strlist_release(&options.ignore);
	return code;
}

struct run_options {
	struct strlist load, remove_file, match, ignore;
	const char *jobs, *settle, *format;
	struct tag_options tags;
};

static void
take_run_options(struct ctl *ctl, int argc, char **argv, struct run_options *options)
{
	int key;

	options->format = "none";
	while ((key = args_next(ctl, argc, argv)) != -1) {
		switch (key) {
		case 'l':
			args_command(ctl, "--load", optarg, &options->load);
			break;
		case 'r':
			args_command(ctl, "--remove-file", optarg, &options->remove_file);
			break;
		case 'm':
			strlist_add(&options->match, optarg);
			break;
		case 'i':
			strlist_add(&options->ignore, optarg);
			break;
		case 'n':
			options->jobs = optarg;
			break;
		case 's':
			options->settle = optarg;
			break;
		default:
			if (!take_tag(ctl, key, &options->tags))
				options->format = optarg;
		}
	}
	args_words(ctl, argc, 0, 1);
	typed_format(ctl, options->format);
	if (options->jobs != NULL)
		typed_value(ctl, "--jobs", "handler.jobs", options->jobs);
	if (options->settle != NULL)
		typed_value(ctl, "--settle", "settle", options->settle);
	if (argv[optind] != NULL)
		ctl->dir = argv[optind];
	if (options->load.n == 0)
		usage_error(ctl, "--load CMD is wanted");
}

static void
handler_list(struct launch *launch, const char *option, const struct strlist *list)
{
	char *name = xasprintf("handler." HANDLER ".%s", option);

	if (list->n > 0)
		launch_list(launch, name, list);
	free(name);
}

/* An empty configuration: the one of a project that is there is not ours. */
static void
fill_run(struct launch *launch, struct ctl *ctl, const struct run_options *options,
    const char *state_dir)
{
	if (ctl->file == NULL)
		ctl->file = "/dev/null";
	if (ctl->quiet) /* else what the commands print is shown, which is info */
		launch_option(launch, "log-level", "warn");
	launch_arg(launch, "-f");
	launch_arg(launch, "--format");
	launch_arg(launch, options->format);
	launch_option(launch, "state-dir", state_dir);
	if (options->settle != NULL)
		launch_option(launch, "settle", options->settle);
	fill_tags(launch, &options->tags);
	if (options->ignore.n > 0)
		launch_list(launch, "ignore", &options->ignore);
	handler_list(launch, "load", &options->load);
	handler_list(launch, "remove-file", &options->remove_file);
	handler_list(launch, "match", &options->match);
	if (options->jobs != NULL)
		launch_option(launch, "handler." HANDLER ".jobs", options->jobs);
	launch_common(launch, ctl, ctl->dir != NULL ? ctl->dir : ".");
	launch->dies_with_us = true;
}

static int
remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* NULL after having said why. */
static char *
make_state_dir(struct ctl *ctl)
{
	const char *set = getenv("TMPDIR");
	bool is_set = set != NULL && *set != '\0';
	const char *tmp = is_set ? set : "/tmp";
	char *dir = xasprintf("%s/filemon-run.XXXXXX", tmp);

	char *made = mkdtemp(dir); /* 0700 */
	char *absolute = made != NULL ? realpath(made, NULL) : NULL;
	if (absolute == NULL) {
		int error = errno;
		char *shown = text_vis_str(tmp);
		complain(ctl, "no temporary directory in %s%s: %s", shown,
		    is_set ? " (TMPDIR)" : "", strerror(error));
		free(shown);
	}
	free(dir);
	return absolute;
}

/*
 * What a terminal sends goes to the whole group, so filemond has it already,
 * and a second one would tell it to break its jobs off.
 */
static void
pass_on(const siginfo_t *info, pid_t child)
{
	if (info->si_code != SI_KERNEL)
		kill(child, info->si_signo);
}

static int
wait_for_child(pid_t child, const sigset_t *signals)
{
	siginfo_t info;
	int status = 0;

	while (waitpid(child, &status, WNOHANG) == 0) {
		if (sigwaitinfo(signals, &info) == -1)
			continue;
		if (info.si_signo != SIGCHLD)
			pass_on(&info, child);
	}
	return launch_exit_code(status);
}

static int
run_child(struct ctl *ctl, const struct launch *launch)
{
	sigset_t signals;
	pid_t child;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGQUIT);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	child = launch_spawn(launch);
	if (child == -1)
		return failed(ctl, "%s: %s", launch->argv.v[0], strerror(errno));
	return wait_for_child(child, &signals);
}

int
cmd_run(struct ctl *ctl, int argc, char **argv)
{
	struct run_options options = { 0 };
	struct launch launch;
	char *state_dir = NULL;
	int code;

	take_run_options(ctl, argc, argv, &options);
	code = launch_init(ctl, &launch);
	if (code == CTL_OK)
		code = want_directory(ctl);
	if (code != CTL_OK)
		goto out;
	state_dir = make_state_dir(ctl);
	if (state_dir == NULL) {
		code = CTL_FAILED;
		goto out;
	}
	fill_run(&launch, ctl, &options, state_dir);
	code = run_child(ctl, &launch);
	nftw(state_dir, remove_entry, TREE_DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
out:
	free(state_dir);
	launch_release(&launch);
	strlist_release(&options.load);
	strlist_release(&options.remove_file);
	strlist_release(&options.match);
	strlist_release(&options.ignore);
	return code;
}
