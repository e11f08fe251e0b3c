/* SPDX-License-Identifier: ISC */
#include "daemon/arguments.h"

#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/compiler.h"
#include "base/xmalloc.h"
#include "conf/argv.h"

#define HELP_COLUMN 28

enum { OPT_MONITOR = 256, OPT_OF_CONFIG };

static const struct {
	int key; /* the short option, or one of those above */
	const char *name, *arg, *text;
} rows[] = {
	{ 'f', "foreground", NULL, "do not go into the background: events on stdout" },
	{ 'C', "project", "DIR", "the project (else: found by walking up)" },
	{ 'c', "config", "FILE", "another file than .filemon/filemon.conf" },
	{ 'o', "option", "NAME=VALUE", "set an option of filemon.conf(5)" },
	{ 't', "test", NULL, "check the configuration, and exit" },
	{ OPT_OF_CONFIG, "format", "F",
	    "of stdout: json (default), pretty, cloudevents or none" },
	{ OPT_MONITOR, "monitor", NULL, "only watch: no project, no handlers" },
	/* As -o, by the same names. */
	{ OPT_OF_CONFIG, "tenant-id", "T", "stands in every record" },
	{ OPT_OF_CONFIG, "user-id", "U", "stands in every record" },
	{ OPT_OF_CONFIG, "session-id", "S", "stands in every record" },
	{ OPT_OF_CONFIG, "metadata", "K=V,...", "stands in every record" },
	{ 'V', "version", NULL, "print the version" },
	{ 'h', "help", NULL, "print this" },
};

/* The rows as getopt_long(3) wants them. */
struct tables {
	struct option longs[COUNTOF(rows) + 1];
	char shorts[COUNTOF(rows) * 2 + 1];
};

static void
fill(struct tables *t)
{
	char *p = t->shorts;
	*t = (struct tables){ 0 };
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		int arg = rows[i].arg ? required_argument : no_argument;
		t->longs[i] = (struct option){ rows[i].name, arg, NULL, rows[i].key };
		if (rows[i].key >= OPT_MONITOR)
			continue;
		*p++ = (char)rows[i].key;
		if (rows[i].arg)
			*p++ = ':';
	}
}

static void NORETURN
help(void)
{
	puts("usage: filemond [OPTIONS]\n\nwatch a project and run handlers for its "
	     "changes\n\noptions:");
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		char left[HELP_COLUMN + 1];
		char letter[] = { '-', (char)rows[i].key, ',', '\0' };
		snprintf(left, sizeof(left), "  %-3s --%s%s%s",
		    rows[i].key < OPT_MONITOR ? letter : "", rows[i].name,
		    rows[i].arg ? " " : "", rows[i].arg ? rows[i].arg : "");
		printf("%-*s%s\n", HELP_COLUMN, left, rows[i].text);
	}
	puts("\n'filemonctl start' starts it, and waits until it is ready; filemond(8) "
	     "tells all.");
	exit(0);
}

static void NORETURN
wrong_use(void)
{
	fprintf(stderr, "filemond: see 'filemond --help'\n");
	exit(EX_USAGE);
}

static void
add_option(struct arguments *args, const char *name, const char *value)
{
	char *option = xasprintf("%s=%s", name, value);
	strlist_add(&args->options, option);
	free(option);
}

static void
take(struct arguments *args, int key, const char *name)
{
	switch (key) {
	case 'f':
		args->foreground = true;
		break;
	case 'c':
		args->source.file = optarg;
		break;
	case 'C':
		args->source.project = optarg;
		break;
	case 't':
		args->test = true;
		break;
	case 'o':
		strlist_add(&args->options, optarg);
		break;
	case OPT_OF_CONFIG:
		add_option(args, name, optarg);
		break;
	case OPT_MONITOR:
		args->source.monitor = true;
		break;
	case 'V':
		puts("filemond " PACKAGE_VERSION);
		exit(0);
	case 'h':
		help();
	default:
		wrong_use();
	}
}

void
arguments_parse(struct arguments *args, int argc, char **argv)
{
	struct tables t;
	int key, index = 0;
	fill(&t);
	while ((key = getopt_long(argc, argv, t.shorts, t.longs, &index)) != -1)
		take(args, key, rows[index].name);
	if (optind < argc) {
		fprintf(stderr, "filemond: %s: not an option\n", argv[optind]);
		wrong_use();
	}
	if (args->options.n > 0)
		args->source.options = (const char *const *)args->options.v;
}
