/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/nofile.h"
#include "base/notify.h"
#include "base/xmalloc.h"
#include "conf/argv.h"
#include "conf/config.h"
#include "daemon/arguments.h"
#include "daemon/locks.h"
#include "daemon/renew.h"
#include "daemon/store.h"
#include "daemon/supervisor.h"
#include "runner/programs.h"
#include "runner/runner.h"
#include "watcher/watcher.h"

/* Of the trace log, to say why it died before it was ready. */
#define LAST_WORDS 4096

static void NORETURN
fail(int code, const char *text)
{
	fprintf(stderr, "filemond: %s\n", text);
	exit(code);
}

/* A descriptor opened later must not become stdin, stdout or stderr. */
static void
ensure_stdio(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static struct config *
load(const struct arguments *args)
{
	struct config_error error = { "" };
	struct config *config = config_load(&args->source, &error);
	if (!config)
		fail(EX_CONFIG, error.text);
	return config;
}

/* As it was called, but that it may be called so from anywhere. */
static char **
same_arguments(const struct arguments *args)
{
	static struct strlist list; /* lives as long as the process */
	if (args->foreground)
		strlist_add(&list, "--foreground");
	strlist_add(&list, "-C");
	strlist_add(&list, args->source.project);
	if (args->source.file) {
		strlist_add(&list, "-c");
		strlist_add(&list, args->source.file);
	}
	for (size_t i = 0; i < args->options.n; i++) {
		strlist_add(&list, "-o");
		strlist_add(&list, args->options.v[i]);
	}
	return list.v;
}

/* The working directory changes, and the file is read again at a reload. */
static void
make_absolute(struct config_source *source, const struct config *config)
{
	source->project = xstrdup(config->project);
	if (!source->file)
		return;
	char *full = realpath(source->file, NULL);
	if (full)
		source->file = full;
}

static void
say_missing(const char *line)
{
	fprintf(stderr, "filemond: %s\n", line);
}

static int
test(struct config *config)
{
	programs_check(config, say_missing);
	if (config->file)
		printf("%s: ok\n", config->file);
	else
		printf("%s: ok (no configuration file)\n", config->project);
	config_free(config);
	return 0;
}

/* systemd.exec(5): $JOURNAL_STREAM is the device and inode of what it gave us. */
static bool
is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	    fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

static int
monitor(const struct arguments *args, struct config *config)
{
	log_set_process("watcher");
	return watcher_main(&(struct watcher_setup){
	    .config = config,
	    .source = &args->source,
	    .wire_fd = -1,
	    .hand_fd = -1,
	    .life_fd = -1,
	    .ready_fd = -1,
	    .foreground = true,
	    .supervisor = getpid(),
	    .started_wall_ns = clk_wall_ns(),
	    .started_mono_ms = clk_mono_ms(),
	});
}

/* Both named on the command line: what is run is not the project's own. */
static bool
is_apart(const struct arguments *args)
{
	static const char name[] = "state-dir=";
	for (size_t i = 0; i < args->options.n; i++)
		if (strncmp(args->options.v[i], name, strlen(name)) == 0)
			return args->source.file != NULL;
	return false;
}

static struct locks
take_locks(const struct arguments *args, const struct config *config, struct locks had)
{
	char text[512];
	int code = locks_take(&had, config, is_apart(args), text, sizeof(text));
	if (code != 0)
		fail(code, text);
	return had;
}

/* What was written to the trace log after it had size bytes: whole lines. */
static void
show_last_words(const char *trace_log, off_t size)
{
	char text[LAST_WORDS + 1];
	struct stat st;
	int fd = open(trace_log, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		goto out;
	off_t from = st.st_size - LAST_WORDS > size ? st.st_size - LAST_WORDS : size;
	ssize_t n = pread(fd, text, LAST_WORDS, from);
	text[n > 0 ? n : 0] = '\0';
	const char *start = from > size ? strchr(text, '\n') : NULL;
	fputs(start ? start + 1 : text, stderr);
out:
	fd_close(&fd);
}

/* The first line that is written to fd, or what there is of one. */
static size_t
read_line(int fd, char *line, size_t size)
{
	size_t len = 0;
	ssize_t n = 0;
	while (len < size - 1 && !memchr(line, '\n', len)) {
		n = read(fd, line + len, size - 1 - len);
		if (n == 0 || (n == -1 && errno != EINTR))
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	line[len] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return len;
}

/*
 * In the process that was started: the watcher's line decides.  A daemon that
 * failed is waited for, so that its lock is free when this process has ended.
 */
static int
wait_ready(int fd, pid_t daemon_pid, const char *trace_log, off_t size)
{
	static const char failed[] = "failed: ";
	char line[512];
	size_t len = read_line(fd, line, sizeof(line));
	if (strncmp(line, "ready", 5) == 0) {
		puts(line);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	waitpid(daemon_pid, NULL, 0);
	size_t skip = strncmp(line, failed, strlen(failed)) == 0 ? strlen(failed) : 0;
	fprintf(stderr, "filemond: %s\n",
	    len > 0 ? line + skip : "died before it was ready; its last words:");
	if (len == 0)
		show_last_words(trace_log, size);
	return 1;
}

static void
detach(struct pair_setup *setup)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	setsid();
	if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(null, STDOUT_FILENO) == -1 || chdir(setup->config->state_dir) == -1 ||
	    runner_open_trace(setup->trace_log) == -1) {
		dprintf(setup->report_fd, "failed: %s: %s\n", setup->trace_log,
		    strerror(errno));
		_exit(EXIT_FAILURE);
	}
	fd_close(&null);
}

/* Returns in the daemon only. */
static void
go_background(struct pair_setup *setup)
{
	int fds[2];
	struct stat st;
	off_t size = stat(setup->trace_log, &st) == 0 ? st.st_size : 0;
	pid_t pid = pipe2(fds, O_CLOEXEC) == -1 ? -1 : fork();
	if (pid == -1)
		fail(EXIT_FAILURE, strerror(errno));
	if (pid > 0) {
		/* Else it would hold the locks of a daemon that died. */
		locks_close(&setup->locks);
		close(fds[1]);
		exit(wait_ready(fds[0], pid, setup->trace_log, size));
	}
	close(fds[0]);
	setup->report_fd = fds[1];
	detach(setup);
}

static int
serve(const struct arguments *args, struct config *config, const struct renewal *renewal,
    const struct renew *renew)
{
	bool renewed = renewal->count > 0;
	struct pair_setup setup = {
		.config = config,
		.source = &args->source,
		.locks = take_locks(args, config, renewal->locks),
		.hand = renewal->hand,
		.renewals = renewal->count,
		.report_fd = renewal->report_fd,
		.signal_fd = -1,
		.foreground = args->foreground,
		.started_wall_ns = clk_wall_ns(),
		.started_mono_ms = clk_mono_ms(),
	};
	static char *trace_log; /* kept by both children */
	trace_log = xasprintf("%s/trace.log", config->state_dir);
	if (!args->foreground) {
		setup.trace_log = trace_log;
		if (!renewed) {
			programs_check(config, say_missing);
			go_background(&setup);
		}
	}
	nofile_raise();
	locks_write_pid(&setup.locks, config);
	log_set_process("supervisor");
	int code = supervisor_main(&setup, renew);
	free(trace_log);
	return code;
}

int
main(int argc, char *argv[])
{
	extern char **environ;
	static struct arguments
	    args; /* the strings of both live as long as the process */
	static struct renew renew;
	struct renewal renewal;
	ensure_stdio();
	renew_take(&renewal);
	renew_init(&renew, argv[0]);
	setprogname("filemond");
	setproctitle_init(argc, argv, environ);
	notify_init();
	struct handover stored;
	if (store_take(&stored) && renewal.count == 0)
		renewal.hand = stored;
	signal(SIGPIPE, SIG_IGN);
	arguments_parse(&args, argc, argv);
	bool stays = args.foreground || args.source.monitor;
	log_init(
	    stays && is_journal(STDERR_FILENO) ? LOG_FORMAT_SYSTEMD : LOG_FORMAT_TEXT,
	    LOG_LEVEL_INFO);
	struct config *config = load(&args);
	if (args.test)
		return test(config);
	/* What whoever started it had open would be held open for good. */
	renew_close_others(&renewal);
	make_absolute(&args.source, config);
	renew.argv = same_arguments(&args);
	log_set_level((enum log_level)config->log_level);
	if (args.source.monitor)
		return monitor(&args, config);
	return serve(&args, config, &renewal, &renew);
}
