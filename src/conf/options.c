/* SPDX-License-Identifier: ISC */
#include "conf/options.h"

#include <string.h>

#include "base/compiler.h"
#include "base/near.h"
#include "conf/checks.h"
#include "conf/config.h"

#define TOP(member_) .scope = OPTION_TOP, .offset = offsetof(struct config, member_)
#define HANDLER(member_) \
	.scope = OPTION_HANDLER, .offset = offsetof(struct handler_config, member_)
#define SINK(member_) \
	.scope = OPTION_SINK, .offset = offsetof(struct sink_config, member_)
#define ALERT(member_) \
	.scope = OPTION_ALERT, .offset = offsetof(struct alert_config, member_)
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB INT64_C(1024)
#define TIB (KIB * KIB * KIB * KIB)

/* Every member of an enum is written through an unsigned. */
_Static_assert(sizeof(enum config_backend) == sizeof(unsigned), "enums are unsigned");
_Static_assert(sizeof(enum alert_rule) == sizeof(unsigned), "enums are unsigned");
_Static_assert(sizeof(enum log_level) == sizeof(unsigned), "enums are unsigned");

const struct option options[] = {
	{ TOP(roots), .name = "watch", .type = OPTION_LIST, .dflt = "{}",
	    .example = "{ \".\" }", .check = check_filled,
	    .text = "Directories to watch, instead of the whole project." },
	{ TOP(include), .name = "include", .type = OPTION_LIST, .dflt = "{}",
	    .example = "{ \"*.md\", \"*.txt\" }", .check = check_globs,
	    .text = "Files of interest (globs); without any, every file is." },
	{ TOP(ignore), .name = "ignore", .type = OPTION_LIST, .dflt = "{}",
	    .example = "{ \"*.log\", \"build/\" }", .check = check_globs,
	    .text = "What is of no interest (globs as in gitignore(5)); the last match "
		    "wins." },
	{ TOP(default_ignores), .name = "default-ignores", .type = OPTION_BOOL,
	    .dflt = "true",
	    .text = "Ignore hidden files and the temporary files of editors." },
	{ TOP(gitignore), .name = "gitignore", .type = OPTION_BOOL, .dflt = "false",
	    .text = "Read .gitignore and .filemonignore files too." },
	{ TOP(cross_filesystems), .name = "cross-filesystems", .type = OPTION_BOOL,
	    .dflt = "false",
	    .text = "Go into directories on which something is mounted." },
	{ TOP(backend), .name = "backend", .type = OPTION_CHOICE, .dflt = "auto",
	    .choices = "auto|inotify|poll|fanotify",
	    .text =
		"How changes are noticed; auto decides by the type of the file system." },
	{ TOP(enrich), .name = "enrich", .type = OPTION_ENRICH, .dflt = "{}",
	    .example = "{ process, user, git }",
	    .text = "What records say of who did it (process, user, session) and of "
		    "the repository (git)." },
	{ TOP(poll_interval_ms), .name = "poll-interval", .type = OPTION_DURATION,
	    .min = 10, .max = DAY, .dflt = "2s",
	    .text = "How often directories are looked at that have to be polled." },
	{ TOP(rescan_ms), .name = "rescan", .type = OPTION_DURATION, .max = 30 * DAY,
	    .dflt = "1h",
	    .text =
		"How often the whole tree is compared with what is known; 0 is never." },
	{ TOP(settle_ms), .name = "settle", .type = OPTION_DURATION, .max = HOUR,
	    .dflt = "100ms",
	    .text = "A changed path is due when it was quiet for so long." },
	{ TOP(settle_max_ms), .name = "settle-max", .type = OPTION_DURATION, .max = DAY,
	    .dflt = "5s", .text = "A path that keeps changing is due after so long." },
	{ TOP(edited), .name = "edited", .type = OPTION_BOOL, .dflt = "false",
	    .text = "Record what an editor does to save a file as one event." },
	{ TOP(events_max), .name = "max-events-per-second", .type = OPTION_INT,
	    .max = 10000000, .dflt = "0",
	    .text = "Records that the event log takes in a second; 0 is any number." },
	{ TOP(file_events_max), .name = "max-events-per-file-per-second",
	    .type = OPTION_INT, .max = 1000000, .dflt = "0",
	    .text = "The same for each path." },
	{ TOP(defer_vcs), .name = "defer-vcs", .type = OPTION_BOOL, .dflt = "true",
	    .text = "Wait while git works in the tree (.git/index.lock)." },
	{ TOP(checksum), .name = "checksum", .type = OPTION_CHOICE, .dflt = "off",
	    .choices = "off|sha256",
	    .text = "Take the checksum of files that were written, for events and "
		    "handlers." },
	{ TOP(checksum_max_size), .name = "checksum-max-size", .type = OPTION_SIZE,
	    .max = TIB, .dflt = "64M", .text = "A larger file gets no checksum." },
	{ TOP(compare), .name = "compare", .type = OPTION_CHOICE, .dflt = "stat",
	    .choices = "stat|hash",
	    .text = "How a file is compared with what was delivered." },
	{ TOP(ignore_metadata), .name = "ignore-metadata", .type = OPTION_BOOL,
	    .dflt = "false",
	    .text = "A change of mode, owner or attributes alone is not delivered." },
	{ TOP(tags), .name = "tags", .type = OPTION_LIST, .dflt = "{}",
	    .example = "{ \"tenant_id=acme\", \"session_id=${SESSION_ID}\" }",
	    .check = check_tags,
	    .text = "Written into every event; ${NAME} is taken from the environment." },
	{ TOP(tenant_id), .name = "tenant-id", .type = OPTION_STRING, .example = "acme",
	    .check = check_filled, .text = "The tag tenant_id, over tags." },
	{ TOP(user_id), .name = "user-id", .type = OPTION_STRING, .example = "u17",
	    .check = check_filled, .text = "The tag user_id, over tags." },
	{ TOP(session_id), .name = "session-id", .type = OPTION_STRING,
	    .example = "\"s-2041\"", .check = check_filled,
	    .text = "The tag session_id, over tags." },
	{ TOP(metadata), .name = "metadata", .type = OPTION_STRING,
	    .example = "\"host=a1,team=docs\"", .check = check_pairs,
	    .text = "More tags, over tags: name=value, with commas between." },
	{ TOP(token_file), .name = "token-file", .type = OPTION_STRING,
	    .example = "\"/run/user/1000/token.jwt\"", .check = check_filled,
	    .text = "A JSON web token whose claims are tags, over all others." },
	{ TOP(token_key), .name = "token-key", .type = OPTION_STRING,
	    .example = "\"/etc/filemon/token.pub\"", .check = check_filled,
	    .text = "The key that the token must be signed with." },
	{ TOP(format), .name = "format", .type = OPTION_CHOICE, .dflt = "json",
	    .choices = "json|pretty|cloudevents|none",
	    .text = "The form of events on standard output in the foreground." },
	{ TOP(events_segment_size), .name = "events-segment-size", .type = OPTION_SIZE,
	    .min = 4 * KIB, .max = TIB, .dflt = "64M",
	    .text = "A segment of the event log that is so large is followed by a new "
		    "one." },
	{ TOP(events_segment_age_ms), .name = "events-segment-age",
	    .type = OPTION_DURATION, .max = 3650 * DAY, .dflt = "1d",
	    .text = "A segment that is so old is followed by a new one; 0 is never." },
	{ TOP(events_compress), .name = "events-compress", .type = OPTION_BOOL,
	    .dflt = "true",
	    .text = "Compress closed segments of the event log (zstd, in a child)." },
	{ TOP(events_keep_bytes), .name = "events-keep-bytes", .type = OPTION_SIZE,
	    .max = 1024 * TIB, .dflt = "1G",
	    .text = "So much of the event log is kept; 0 is all of it." },
	{ TOP(events_keep_age_ms), .name = "events-keep-age", .type = OPTION_DURATION,
	    .max = 3650 * DAY, .dflt = "0",
	    .text = "Segments older than this are removed; 0 is never." },
	{ TOP(events_keep_count), .name = "events-keep-count", .type = OPTION_INT,
	    .max = 1000000, .dflt = "0",
	    .text = "So many segments are kept; 0 is all of them." },
	{ TOP(events_hard_cap), .name = "events-hard-cap", .type = OPTION_SIZE,
	    .max = 1024 * TIB, .dflt = "0",
	    .text = "Beyond this even what a sink still needs is removed; 0 is never." },
	{ TOP(chain), .name = "chain", .type = OPTION_BOOL, .dflt = "false",
	    .text = "Every record carries the SHA-256 of the one before it." },
	{ TOP(seccomp), .name = "seccomp", .type = OPTION_BOOL, .dflt = "true",
	    .text = "The watcher gives up the system calls that it does not need." },
	{ TOP(landlock), .name = "landlock", .type = OPTION_BOOL, .dflt = "true",
	    .text = "The watcher gives up writing outside state-dir." },
	{ TOP(drop_capabilities), .name = "drop-capabilities", .type = OPTION_BOOL,
	    .dflt = "true",
	    .text =
		"Run as root, the watcher gives up what reading files does not need." },
	{ TOP(log_level), .name = "log-level", .type = OPTION_CHOICE, .dflt = "info",
	    .choices = "error|warn|info|debug",
	    .text = "The least that the trace log tells." },
	{ TOP(state_dir), .name = "state-dir", .type = OPTION_STRING, .dflt = ".filemon",
	    .check = check_filled, .text = "Where filemon keeps its state." },
	{ TOP(control_socket), .name = "control-socket", .type = OPTION_STRING,
	    .example = "\".filemon/control.sock\"", .check = check_filled,
	    .text = "The socket that filemonctl talks to; normally control.sock in "
		    "state-dir." },
	{ TOP(drain_timeout_ms), .name = "drain-timeout", .type = OPTION_DURATION,
	    .max = DAY, .dflt = "10s",
	    .text = "How long running jobs may go on when filemond stops." },
	{ TOP(sync_state), .name = "sync-state", .type = OPTION_BOOL, .dflt = "true",
	    .text = "Force state.db to the disk before a run begins." },
	{ TOP(jobs_max), .name = "jobs-max", .type = OPTION_INT, .min = 1, .max = 1024,
	    .dflt = "64", .text = "Jobs at once, of all handlers together." },
	{ TOP(loop_runs), .name = "loop-runs", .type = OPTION_INT, .max = 1000000,
	    .dflt = "5",
	    .text = "So many runs in a row that change the very file they are run for "
		    "are a loop; 0 is never." },
	{ TOP(loop_cooldown_ms), .name = "loop-cooldown", .type = OPTION_DURATION,
	    .min = 1, .max = DAY, .dflt = "30s",
	    .text = "How long such a file is left alone; doubles each time." },
	{ TOP(cgroup), .name = "cgroup", .type = OPTION_STRING, .dflt = "auto",
	    .check = check_filled,
	    .text = "Where jobs get control groups of their own: auto, off, or a "
		    "directory." },
	{ TOP(db_cache_kib), .name = "db-cache", .type = OPTION_INT, .min = 64,
	    .max = 1024 * 1024, .dflt = "384",
	    .text = "Page cache of state.db, in KiB." },
	{ TOP(clients_max), .name = "clients-max", .type = OPTION_INT, .min = 1,
	    .max = 1024, .dflt = "32",
	    .text = "Connections to the control socket at once." },

	{ HANDLER(match), .name = "match", .type = OPTION_LIST, .dflt = "{}",
	    .example = "{ \"docs/**/*.md\" }", .check = check_globs,
	    .text = "The files it wants (globs); without any, every file of interest." },
	{ HANDLER(types), .name = "types", .type = OPTION_TYPES, .dflt = "{ file }",
	    .text = "The types of file it wants: file, dir, symlink, other." },
	{ HANDLER(load), .name = "load", .type = OPTION_LIST, .dflt = "{}",
	    .example = "{ \"my-handler\", \"load\", \"{path}\" }", .check = check_command,
	    .text = "Run for a path that is new or has changed." },
	{ HANDLER(remove_file), .name = "remove-file", .type = OPTION_LIST, .dflt = "{}",
	    .example = "{ \"my-handler\", \"remove-file\", \"{path}\" }",
	    .check = check_command, .text = "Run for a path that is gone." },
	{ HANDLER(move), .name = "move", .type = OPTION_LIST, .dflt = "{}",
	    .example = "{ \"my-handler\", \"move\", \"{old_path}\", \"{path}\" }",
	    .check = check_command,
	    .text =
		"Run for a path that was renamed; without it: remove-file, then load." },
	{ HANDLER(mode), .name = "mode", .type = OPTION_CHOICE, .dflt = "exec",
	    .choices = "exec|batch|worker|fleet", .planned = "batch|worker|fleet",
	    .text = "How the commands are run: exec starts one for each path." },
	{ HANDLER(input), .name = "stdin", .type = OPTION_CHOICE, .dflt = "null",
	    .choices = "null|paths0|json", .planned = "paths0|json",
	    .text = "What a command reads on standard input: null is /dev/null." },
	{ HANDLER(jobs), .name = "jobs", .type = OPTION_INT, .min = 1, .max = 256,
	    .dflt = "1", .text = "How many of its commands may run at once." },
	{ HANDLER(memory_max), .name = "memory-max", .type = OPTION_SIZE, .max = TIB,
	    .dflt = "0", .example = "512M",
	    .text = "The memory that a run of it may use; 0 is any." },
	{ HANDLER(cpu_weight), .name = "cpu-weight", .type = OPTION_INT, .max = 10000,
	    .dflt = "0", .example = "20",
	    .text =
		"Its share of the processor next to others, of which 100 is normal; 0 "
		"is filemond's own." },
	{ HANDLER(timeout_ms), .name = "timeout", .type = OPTION_DURATION,
	    .max = 30 * DAY, .dflt = "5m",
	    .text = "A command that runs longer is ended; 0 is never." },
	{ HANDLER(stop_grace_ms), .name = "stop-grace", .type = OPTION_DURATION,
	    .max = HOUR, .dflt = "10s",
	    .text = "The time from SIGTERM to SIGKILL when a command is ended." },
	{ HANDLER(retries), .name = "retries", .type = OPTION_INT, .min = -1,
	    .max = 1000000, .dflt = "3",
	    .text = "Runs after the first one failed; -1 is without end." },
	{ HANDLER(backoff_ms), .name = "backoff", .type = OPTION_DURATION, .max = DAY,
	    .dflt = "2s",
	    .text = "The longest wait before the first retry; doubles each time." },
	{ HANDLER(backoff_max_ms), .name = "backoff-max", .type = OPTION_DURATION,
	    .max = 30 * DAY, .dflt = "10m",
	    .text = "The longest wait before any retry." },
	{ HANDLER(success), .name = "success-exit", .type = OPTION_EXITS, .min = 1,
	    .dflt = "{ 0 }", .text = "Exit codes that mean: delivered." },
	{ HANDLER(permanent), .name = "permanent-exit", .type = OPTION_EXITS,
	    .dflt = "{ \"64-68\", \"76-78\", 100, 125 }",
	    .text = "Exit codes that mean: never try this path again in this state." },
	{ HANDLER(breaker_failures), .name = "breaker-failures", .type = OPTION_INT,
	    .max = 1000000, .dflt = "5",
	    .text = "So many failures on different paths in a row stop the handler for a "
		    "while; 0 is never." },
	{ HANDLER(breaker_cooldown_ms), .name = "breaker-cooldown",
	    .type = OPTION_DURATION, .min = 1, .max = DAY, .dflt = "30s",
	    .text = "The while, before one job probes whether it works again." },
	{ HANDLER(initial), .name = "initial", .type = OPTION_CHOICE, .dflt = "load",
	    .choices = "load|skip",
	    .text = "What to do with the files that are there when it is new." },
	{ HANDLER(env), .name = "env", .type = OPTION_LIST, .dflt = "{}",
	    .example = "{ \"LANG=C.UTF-8\" }", .check = check_env,
	    .text = "Added to the environment of its commands." },
	{ HANDLER(user), .name = "user", .type = OPTION_STRING, .example = "nobody",
	    .check = check_user,
	    .text = "The user its commands run as (only where filemond is "
		    "root's)." },
	{ HANDLER(cwd), .name = "cwd", .type = OPTION_STRING, .example = "\".\"",
	    .check = check_filled,
	    .text = "The directory its commands run in; normally the project's root." },

	{ SINK(command), .name = "command", .type = OPTION_LIST, .dflt = "{}",
	    .example = "{ \"my-sink\", \"--verbose\" }", .check = check_program,
	    .text = "What reads the event log on standard input." },
	{ SINK(ack), .name = "ack", .type = OPTION_BOOL, .dflt = "false",
	    .text = "It says on standard output what it has: ack SEQ." },
	{ SINK(start), .name = "start", .type = OPTION_CHOICE, .dflt = "now",
	    .choices = "now|beginning",
	    .text = "Where a sink begins that is new: with what comes, or with all that "
		    "is kept." },
	{ SINK(stop_grace_ms), .name = "stop-grace", .type = OPTION_DURATION, .max = HOUR,
	    .dflt = "5s",
	    .text = "From the end of its input to SIGTERM, and from that to SIGKILL." },
	{ SINK(backoff_ms), .name = "backoff", .type = OPTION_DURATION, .min = 1,
	    .max = DAY, .dflt = "1s",
	    .text = "Before it is started again when it ended; doubled each time." },
	{ SINK(backoff_max_ms), .name = "backoff-max", .type = OPTION_DURATION, .min = 1,
	    .max = 30 * DAY, .dflt = "1m", .text = "The longest such wait." },
	{ SINK(env), .name = "env", .type = OPTION_LIST, .dflt = "{}",
	    .example = "{ \"LANG=C.UTF-8\" }", .check = check_env,
	    .text = "Added to its environment: NAME=value." },
	{ SINK(user), .name = "user", .type = OPTION_STRING, .example = "nobody",
	    .check = check_user,
	    .text = "The user it runs as (only where filemond is root's)." },
	{ SINK(cwd), .name = "cwd", .type = OPTION_STRING, .example = "\".\"",
	    .check = check_filled,
	    .text = "The directory it runs in; normally the project's root." },

	{ ALERT(rule), .name = "rule", .type = OPTION_CHOICE, .dflt = "event-rate",
	    .choices =
		"event-rate|mass-delete|mass-rename|high-entropy|latency|queue-age",
	    .text = "What the rule looks at." },
	{ ALERT(threshold), .name = "threshold", .type = OPTION_INT, .min = 1,
	    .max = INT64_C(1000000000000), .dflt = "10",
	    .text = "From which value on it is raised." },
	{ ALERT(window_ms), .name = "window", .type = OPTION_DURATION, .min = 100,
	    .max = DAY, .dflt = "1m", .text = "The time in which is counted." },
	{ ALERT(cooldown_ms), .name = "cooldown", .type = OPTION_DURATION,
	    .max = 30 * DAY, .dflt = "10m",
	    .text = "The time from one to the next of the same name." },
	{ ALERT(command), .name = "on-alert", .type = OPTION_LIST, .dflt = "{}",
	    .example = "{ \"logger\", \"filemon: {rule} {value}\" }",
	    .check = check_alert, .text = "Run when it is raised." },
};
const size_t options_count = COUNTOF(options);

const char *
option_scope_name(enum option_scope scope)
{
	static const char *const names[OPTION_SCOPE_COUNT] = {
		[OPTION_HANDLER] = "handler",
		[OPTION_SINK] = "sink",
		[OPTION_ALERT] = "alert",
	};
	return names[scope];
}

const struct option *
option_find(enum option_scope scope, const char *name)
{
	for (size_t i = 0; i < COUNTOF(options); i++)
		if (options[i].scope == scope && strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

const char *
option_near(enum option_scope scope, const char *name)
{
	size_t len = strlen(name);
	unsigned best = len < 4 ? 1 : len < 9 ? 2 : 3; /* the farthest that is near */
	const char *near = NULL;
	for (int i = OPTION_TOP + 1; scope == OPTION_TOP && i < OPTION_SCOPE_COUNT; i++) {
		const char *kind = option_scope_name((enum option_scope)i);
		if (near_distance(kind, name) <= best)
			near = kind;
	}
	for (size_t i = 0; i < COUNTOF(options); i++) {
		unsigned d = options[i].scope == scope
		    ? near_distance(options[i].name, name)
		    : NEAR_FAR;
		if (d <= best) {
			near = options[i].name;
			best = d > 0 ? d - 1 : 0;
		}
	}
	return near;
}
