/* SPDX-License-Identifier: ISC */
/* filemonctl: asks, and steers, the filemond of a project. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "conf/argv.h"
#include "conf/options.h"
#include "ctl/ctl.h"
#include "ctl/text.h"

static int cmd_help(struct ctl *, int argc, char **argv);
static int cmd_version(struct ctl *, int argc, char **argv);

#define FORMATS "json, pretty, cloudevents or none"

static const struct option_row help_options[] = {
	{ OPT_COMMANDS, "commands", NULL,
	    "print the names of the commands, for completion" },
	{ OPT_OPTIONS, "options", NULL, "print the options of COMMAND, for completion" },
	{ OPT_SETTINGS, "settings", NULL, "print what -o may be given, for completion" },
	{ 0 },
};

static const struct option_row init_options[] = {
	{ 'n', "handler", "NAME", "write a section for this handler" },
	{ 'l', "load", "CMD", "its load command, quoted as for sh(1)" },
	{ 'r', "remove-file", "CMD", "its remove-file command" },
	{ 'm', "match", "GLOB", "only files that match; may be repeated" },
	{ 0 },
};

static const struct option_row start_options[] = {
	{ OPT_NO_WAIT, "no-wait", NULL, "do not wait for the first scan" },
	{ 0 },
};

static const struct option_row stop_options[] = {
	{ 't', "timeout", "D", "how long to wait for its end (30s)" },
	{ OPT_FORCE, "force", NULL, "end it by SIGKILL when the time is up" },
	{ 0 },
};

static const struct option_row restart_options[] = {
	{ 't', "timeout", "D", "how long to wait for its end (30s)" },
	{ OPT_FORCE, "force", NULL, "end it by SIGKILL when the time is up" },
	{ OPT_NO_WAIT, "no-wait", NULL, "do not wait for the first scan" },
	{ 0 },
};

#define TAG_OPTIONS \
	{ OPT_TENANT_ID, "tenant-id", "T", "stands in every record" }, \
	    { OPT_USER_ID, "user-id", "U", "stands in every record" }, \
	    { OPT_SESSION_ID, "session-id", "S", "stands in every record" }, \
	{ \
		OPT_METADATA, "metadata", "K=V,...", "stands in every record" \
	}

static const struct option_row watch_options[] = {
	{ 'i', "ignore", "GLOB", "leave out what matches; may be repeated" },
	{ 'p', "poll", "[=INTERVAL]", "compare at intervals, do not ask the kernel" },
	{ 'f', "format", "F", "json (default), pretty, cloudevents or none" },
	TAG_OPTIONS,
	{ 0 },
};

static const struct option_row run_options[] = {
	{ 'l', "load", "CMD", "run for every new or changed file" },
	{ 'r', "remove-file", "CMD", "run for every file that is gone" },
	{ 'm', "match", "GLOB", "only files that match; may be repeated" },
	{ 'i', "ignore", "GLOB", "leave out what matches; may be repeated" },
	{ 'n', "jobs", "N", "how many commands at once" },
	{ 's', "settle", "D", "how long a file must be quiet first" },
	{ 'f', "format", "F", "the events on stdout: " FORMATS " (default)" },
	TAG_OPTIONS,
	{ 0 },
};

static const struct option_row events_options[] = {
	{ 'f', "follow", NULL, "go on with what comes" },
	{ 'n', "lines", "N", "the last N records (10)" },
	{ 's', "since", "WHEN", "from a sequence number, a time, or so long ago" },
	{ 'u', "until", "WHEN", "up to a sequence number, a time, or so long ago" },
	{ OPT_FORMAT, "format", "F",
	    "json, pretty (default on a terminal) or cloudevents" },
	{ 'v', "verbose", NULL, "pretty with the sequence numbers" },
	{ 't', "type", "T", "only records of this type; may be repeated" },
	{ 'p', "path", "GLOB", "only paths that match; may be repeated" },
	{ OPT_TENANT, "tenant", "T", "only records of this tenant_id" },
	{ OPT_USER, "user", "U", "only records of this user_id" },
	{ OPT_SESSION, "session", "S", "only records of this session_id" },
	{ 0 },
};

static const struct option_row verify_options[] = {
	{ 's', "since", "SEQ", "from this record on" },
	{ 0 },
};

static const struct option_row table_options[] = {
	{ 'H', "handler", "NAME", "only of this handler" },
	{ 'n', "limit", "N", "at most N lines (100)" },
	{ 0 },
};

static const struct option_row act_options[] = {
	{ 'H', "handler", "NAME", "only of this handler" },
	{ 'a', "all", NULL, "all dead letters" },
	{ 0 },
};

static const struct option_row scan_options[] = {
	{ 'w', "wait", NULL, "wait until all is done" },
	{ 't', "timeout", "D", "with --wait: how long at most" },
	{ 0 },
};

static const struct option_row wait_options[] = {
	{ 'i', "idle", NULL, "until nothing is pending and no scan runs (the default)" },
	{ 't', "timeout", "D", "how long at most" },
	{ 0 },
};

const struct command commands[] = {
	{ .name = "init",
	    .args = "[DIR]",
	    .summary = "make DIR a project",
	    .help = "Writes .filemon/filemon.conf, with a comment to every option, and\n"
		    ".filemon/.gitignore.  What is there already is left as it is.",
	    .options = init_options,
	    .run = cmd_init },
	{ .name = "start",
	    .args = "",
	    .summary = "start filemond and wait until it is ready",
	    .help = "Where it runs already that is no error.",
	    .options = start_options,
	    .run = cmd_start },
	{ .name = "stop",
	    .args = "",
	    .summary = "let running jobs end and stop filemond",
	    .help = "Where it does not run that is no error.",
	    .options = stop_options,
	    .run = cmd_stop },
	{ .name = "restart",
	    .args = "",
	    .summary = "put the program at its path in the place of the running one",
	    .help = "As after an upgrade.  Its watches are taken over, so nothing is\n"
		    "missed.  With -c or -o it is stopped and started with these; where\n"
		    "none runs one is started.",
	    .options = restart_options,
	    .run = cmd_restart },
	{ .name = "reload",
	    .args = "",
	    .summary = "read the configuration again and say what changed",
	    .help = "A configuration with a fault changes nothing.",
	    .run = cmd_reload },
	{ .name = "status",
	    .args = "",
	    .summary = "say how filemond is",
	    .help = "Exit code: 0 running, 3 not running, 4 unknown.",
	    .run = cmd_status },
	{ .name = "ensure",
	    .args = "",
	    .summary = "start filemond if it does not run, silently; for cron(8)",
	    .run = cmd_ensure },
	{ .name = "list",
	    .args = "",
	    .summary = "list all filemond of this user",
	    .run = cmd_list },
	{ .name = "watch",
	    .args = "[DIR]",
	    .summary = "print what changes below DIR; needs and writes no project",
	    .options = watch_options,
	    .run = cmd_watch },
	{ .name = "run",
	    .args = "[DIR]",
	    .summary = "run commands for what changes below DIR, without a project",
	    .help =
		"Commands are split into words as sh(1) does, but run by no shell:\n"
		"filemonctl run docs --load 'wc -l {path}' --remove-file 'echo gone'\n"
		"What they print is shown on standard error; with -q only what went "
		"wrong.",
	    .options = run_options,
	    .run = cmd_run },
	{ .name = "events",
	    .args = "",
	    .summary = "print the event log",
	    .options = events_options,
	    .run = cmd_events },
	{ .name = "verify",
	    .args = "",
	    .summary = "check that the event log is whole, and its hash chain",
	    .help = "Exit code: 0 it is whole, 1 it is not: the first fault is named.",
	    .options = verify_options,
	    .run = cmd_verify },
	{ .name = "queue",
	    .args = "",
	    .summary = "list what is pending",
	    .options = table_options,
	    .run = cmd_queue },
	{ .name = "failures",
	    .args = "",
	    .summary = "list dead letters with the last output of their handlers",
	    .options = table_options,
	    .run = cmd_failures },
	{ .name = "retry",
	    .args = "PATH...|--all",
	    .summary = "make dead letters due again, and a pending path due now",
	    .options = act_options,
	    .run = cmd_retry },
	{ .name = "discard",
	    .args = "PATH...|--all",
	    .summary = "give dead letters up: they are taken for delivered",
	    .options = act_options,
	    .run = cmd_discard },
	{ .name = "scan",
	    .args = "[PATH]",
	    .summary = "compare the tree, or what is below PATH, with what was delivered",
	    .options = scan_options,
	    .run = cmd_scan },
	{ .name = "wait",
	    .args = "",
	    .summary = "wait until every change so far was delivered or given up",
	    .help = "Exit code: 0 idle, 1 the time was up.",
	    .options = wait_options,
	    .run = cmd_wait },
	{ .name = "pause",
	    .args = "[HANDLER]",
	    .summary = "start no jobs; watching and recording go on",
	    .run = cmd_pause },
	{ .name = "resume",
	    .args = "[HANDLER]",
	    .summary = "start jobs again; also closes an open breaker",
	    .run = cmd_resume },
	{ .name = "why",
	    .args = "PATH",
	    .summary = "tell what is known of PATH and why it is, or is not, delivered",
	    .run = cmd_why },
	{ .name = "config",
	    .args = "",
	    .summary = "print every option with its value and default",
	    .run = cmd_config },
	{ .name = "help",
	    .args = "[COMMAND]",
	    .summary = "tell about a command",
	    .options = help_options,
	    .run = cmd_help },
	{ .name = "version",
	    .args = "",
	    .summary = "print the version",
	    .run = cmd_version },
};

const size_t commands_count = COUNTOF(commands);

const struct command *
command_find(const char *name)
{
	for (size_t i = 0; i < commands_count; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

const char *
command_near(const char *name)
{
	const char *names[COUNTOF(commands)];

	for (size_t i = 0; i < commands_count; i++)
		names[i] = commands[i].name;
	return text_nearest(name, names, commands_count);
}

static const struct command *
command_wanted(struct ctl *ctl, const char *name)
{
	const struct command *command = command_find(name);
	const char *near;

	if (command != NULL)
		return command;
	near = command_near(name);
	ctl->command = NULL;
	if (near != NULL)
		usage_error(ctl, "%s: no such command: did you mean '%s'?", name, near);
	usage_error(ctl, "%s: no such command", name);
}

static int
print_settings(void)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < options_count; i++)
		if (options[i].scope == OPTION_TOP)
			option_words(&options[i], &text);
	fputs(text.p, stdout);
	buf_release(&text);
	return CTL_OK;
}

static int
cmd_help(struct ctl *ctl, int argc, char **argv)
{
	bool names = false, words = false, settings = false;
	const struct command *command = NULL;
	int key;

	while ((key = args_next(ctl, argc, argv)) != -1) {
		names = names || key == OPT_COMMANDS;
		words = words || key == OPT_OPTIONS;
		settings = settings || key == OPT_SETTINGS;
	}
	args_words(ctl, argc, 0, 1);
	for (size_t i = 0; names && i < commands_count; i++)
		puts(commands[i].name);
	if (names)
		return CTL_OK;
	if (settings)
		return print_settings();
	if (argv[optind] != NULL)
		command = command_wanted(ctl, argv[optind]);
	if (words)
		help_option_words(command);
	else if (command != NULL)
		help_command(command);
	else
		help_all();
	return CTL_OK;
}

static int
cmd_version(struct ctl *ctl, int argc, char **argv)
{
	args_only_words(ctl, argc, argv, 0, 0);
	if (ctl->json)
		puts("{\"version\":\"" PACKAGE_VERSION "\"}");
	else
		puts("filemonctl " PACKAGE_VERSION);
	return CTL_OK;
}

int
end_output(const struct ctl *ctl, int code)
{
	if ((fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE)
		return code;
	if (code == CTL_FAILED) /* it has said why */
		return code;
	return failed(ctl, "standard output: %s", strerror(errno));
}

int
main(int argc, char **argv)
{
	struct ctl ctl = { 0 };
	int first, code;

	while (args_first(&ctl, argc, argv) != -1)
		continue;
	if (optind >= argc)
		usage_error(&ctl, "a command is wanted");
	ctl.command = command_wanted(&ctl, argv[optind]);
	first = optind;
	optind = 0; /* begin anew, glibc's getopt(3) */
	code = ctl.command->run(&ctl, argc - first, argv + first);
	code = end_output(&ctl, code);
	strlist_release(&ctl.options);
	return code;
}
