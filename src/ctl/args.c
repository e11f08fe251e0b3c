/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "base/near.h"
#include "conf/argv.h"
#include "ctl/ctl.h"
#include "ctl/text.h"

#define OPTIONS_MAX 32
#define HELP_COLUMN 28
#define NUMBER_MAX 1000000

static const struct option_row common[] = {
	{ 'C', "project", "DIR", "the project DIR is in (else: the working directory)" },
	{ 'c', "config", "FILE", "another configuration file" },
	{ 'o', "option", "NAME=VALUE", "set an option of filemon.conf(5)" },
	{ 'j', "json", NULL, "print JSON" },
	{ 'q', "quiet", NULL, "print errors only" },
	{ 'h', "help", NULL, "print this" },
	{ 0, NULL, NULL, NULL },
};

static const struct option_row version_row[] = {
	{ 'V', "version", NULL, "print the version" },
	{ 0, NULL, NULL, NULL },
};

static void vcomplain(const struct ctl *, const char *fmt, va_list) PRINTF_LIKE(2, 0);

static void
vcomplain(const struct ctl *ctl, const char *fmt, va_list ap)
{
	fprintf(stderr, "filemonctl%s%s: ", ctl->command != NULL ? " " : "",
	    ctl->command != NULL ? ctl->command->name : "");
	vfprintf(stderr, fmt, ap);
}

void
complain(const struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vcomplain(ctl, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int
failed(const struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vcomplain(ctl, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return CTL_FAILED;
}

void
say(const struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	if (ctl->quiet || ctl->json)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void
usage_error(const struct ctl *ctl, const char *fmt, ...)
{
	const char *name = ctl->command != NULL ? ctl->command->name : NULL;
	va_list ap;

	va_start(ap, fmt);
	vcomplain(ctl, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (see 'filemonctl %s%s--help')\n", name != NULL ? name : "",
	    name != NULL ? " " : "");
	exit(CTL_USAGE);
}

/* The rows as getopt_long(3) wants them. */
struct getopt_tables {
	struct option longs[OPTIONS_MAX + 1];
	char shorts[OPTIONS_MAX * 3 + 3];
	size_t n;
};

static void
add_rows(struct getopt_tables *t, const struct option_row *rows)
{
	for (; rows != NULL && rows->text != NULL && t->n < OPTIONS_MAX; rows++) {
		int arg = rows->arg == NULL ? no_argument
		    : rows->arg[0] == '['   ? optional_argument
					    : required_argument;
		t->longs[t->n++] = (struct option){ rows->name, arg, NULL, rows->key };
		if (rows->key > 255)
			continue;
		size_t len = strlen(t->shorts);
		t->shorts[len++] = (char)rows->key;
		for (; arg > 0; arg--)
			t->shorts[len++] = ':';
		t->shorts[len] = '\0';
	}
}

/* The long options that word, "--since" or "--sinze=3", begins, and their number. */
static size_t
begun_by(const struct getopt_tables *t, const char *word, const char **names)
{
	size_t len = strcspn(word, "="), n = 0;

	for (size_t i = 0; len > 2 && i < t->n; i++)
		if (strncmp(t->longs[i].name, word + 2, len - 2) == 0)
			names[n++] = t->longs[i].name;
	return n;
}

static void NORETURN
unknown_long(const struct ctl *ctl, const char *word, const struct getopt_tables *t)
{
	const char *names[OPTIONS_MAX], *near;
	char bare[NEAR_FAR + 2]; /* what is cut is far from all */
	int len = (int)strcspn(word, "=");

	if (begun_by(t, word, names) > 1)
		usage_error(ctl, "%.*s: begins several options: --%s or --%s?", len, word,
		    names[0], names[1]);
	for (size_t i = 0; i < t->n; i++)
		names[i] = t->longs[i].name;
	snprintf(bare, sizeof(bare), "%.*s", len - 2, word + 2);
	near = text_nearest(bare, names, t->n);
	if (near != NULL)
		usage_error(
		    ctl, "%.*s: no such option: did you mean '--%s'?", len, word, near);
	usage_error(ctl, "%.*s: no such option", len, word);
}

static bool
is_known(const struct getopt_tables *t, int key)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->longs[i].val == key)
			return true;
	return false;
}

/*
 * getopt_long(3) leaves the key of an option that lacks its value, or was given
 * one that it does not take, 0 for a long one that there is not, and the
 * character of a short one, in whose word it may still be.
 */
static void NORETURN
bad_option(const struct ctl *ctl, int key, char **argv, const struct getopt_tables *t)
{
	const char *word = argv[optind - 1];
	bool is_long = strncmp(word, "--", 2) == 0;

	if (optopt == 0)
		unknown_long(ctl, word, t);
	if (key == ':' && !is_long)
		usage_error(ctl, "-%c: a value is wanted", optopt);
	if (key == ':')
		usage_error(ctl, "%s: a value is wanted", word);
	if (is_known(t, optopt))
		usage_error(ctl, "%.*s: takes no value", (int)strcspn(word, "="), word);
	usage_error(ctl, "-%c: no such option", optopt);
}

static bool
take_common(struct ctl *ctl, int key)
{
	if (key == 'C')
		ctl->dir = optarg;
	else if (key == 'c')
		ctl->file = optarg;
	else if (key == 'o')
		strlist_add(&ctl->options, optarg);
	else if (key == 'j')
		ctl->json = true;
	else if (key == 'q')
		ctl->quiet = true;
	else
		return false;
	return true;
}

static void NORETURN
help_and_exit(const struct ctl *ctl)
{
	if (ctl->command != NULL)
		help_command(ctl->command);
	else
		help_all();
	exit(end_output(ctl, CTL_OK));
}

static int
next_option(struct ctl *ctl, int argc, char **argv, const struct getopt_tables *t)
{
	int key;

	opterr = 0;
	while ((key = getopt_long(argc, argv, t->shorts, t->longs, NULL)) != -1) {
		if (key == '?' || key == ':')
			bad_option(ctl, key, argv, t);
		if (key == 'h')
			help_and_exit(ctl);
		if (key == 'V') {
			puts("filemonctl " PACKAGE_VERSION);
			exit(end_output(ctl, CTL_OK));
		}
		if (!take_common(ctl, key))
			return key;
	}
	return -1;
}

int
args_first(struct ctl *ctl, int argc, char **argv)
{
	struct getopt_tables t = { .shorts = "+:" };

	add_rows(&t, common);
	add_rows(&t, version_row);
	return next_option(ctl, argc, argv, &t);
}

int
args_next(struct ctl *ctl, int argc, char **argv)
{
	struct getopt_tables t = { .shorts = ":" };

	add_rows(&t, ctl->command->options);
	add_rows(&t, common);
	return next_option(ctl, argc, argv, &t);
}

void
args_words(const struct ctl *ctl, int argc, int min, int max)
{
	if (argc - optind < min)
		usage_error(ctl, "%s is wanted", ctl->command->args);
	if (max != -1 && argc - optind > max)
		usage_error(ctl, max == 0 ? "takes no arguments" : "too many arguments");
}

void
args_only_words(struct ctl *ctl, int argc, char **argv, int min, int max)
{
	while (args_next(ctl, argc, argv) != -1)
		continue;
	args_words(ctl, argc, min, max);
}

long
args_number(const struct ctl *ctl, const char *option, const char *arg, long min)
{
	char *end;
	long n = strtol(arg, &end, 10);

	if (*arg == '\0' || *end != '\0' || n < min || n > NUMBER_MAX)
		usage_error(ctl, "%s: %s: a number from %ld to %d is wanted", option, arg,
		    min, NUMBER_MAX);
	return n;
}

int64_t
args_duration(const struct ctl *ctl, const char *option, const char *arg)
{
	int64_t ms = clk_parse_duration(arg);

	if (ms == -1)
		usage_error(ctl, "%s: %s: a duration like 500ms, 30s or 5m is wanted",
		    option, arg);
	return ms;
}

void
args_command(
    const struct ctl *ctl, const char *option, const char *arg, struct strlist *out)
{
	char error[160];

	strlist_release(out);
	if (argv_split(arg, out, error, sizeof(error)) == -1)
		usage_error(ctl, "%s: %s", option, error);
	if (out->n == 0)
		usage_error(ctl, "%s: a command is wanted", option);
	if (argv_check(out, error, sizeof(error)) == -1)
		usage_error(ctl, "%s: %s", option, error);
}

static void
help_rows(const struct option_row *rows)
{
	for (; rows != NULL && rows->text != NULL; rows++) {
		struct buf line = BUF_INIT;
		if (rows->key < 256)
			buf_addf(&line, "  -%c, --%s", rows->key, rows->name);
		else
			buf_addf(&line, "      --%s", rows->name);
		if (rows->arg != NULL)
			buf_addf(
			    &line, "%s%s", rows->arg[0] == '[' ? "" : " ", rows->arg);
		if (line.len + 1 >= HELP_COLUMN)
			printf("%s\n%*s%s\n", line.p, HELP_COLUMN, "", rows->text);
		else
			printf("%-*s%s\n", HELP_COLUMN, line.p, rows->text);
		buf_release(&line);
	}
}

void
help_command(const struct command *command)
{
	printf("usage: filemonctl %s%s%s%s\n\n%s\n", command->name,
	    command->options != NULL ? " [OPTIONS]" : "", command->args[0] ? " " : "",
	    command->args, command->summary);
	if (command->help != NULL)
		printf("%s\n", command->help);
	if (command->options != NULL)
		puts("\noptions:");
	help_rows(command->options);
	puts("\noptions of every command:");
	help_rows(common);
}

void
help_all(void)
{
	puts("usage: filemonctl [OPTIONS] COMMAND [ARGUMENTS]\n\ncommands:");
	for (size_t i = 0; i < commands_count; i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].summary);
	puts("\noptions, before or after the command:");
	help_rows(common);
	help_rows(version_row);
	puts("\n'filemonctl COMMAND --help' tells more; filemonctl(1) tells all.");
}

static void
option_words(const struct option_row *rows)
{
	for (; rows != NULL && rows->text != NULL; rows++)
		printf("--%s\n", rows->name);
}

void
help_option_words(const struct command *command)
{
	if (command != NULL)
		option_words(command->options);
	option_words(common);
}
