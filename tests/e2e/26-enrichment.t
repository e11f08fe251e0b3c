# SPDX-License-Identifier: ISC
# Records that say whose doing it was: exact or absent.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

project p <<CONF
backend = fanotify
enrich = { process, user }
edited = false
settle = 20ms
CONF
echo old >"$P/old"
start_daemon
[ "$(st .watch[0].backend)" = fanotify ] || skip_all "$(st .watch[0].why)"
saw() # SENTENCE JQ-CONDITION
{
	ok "$1" wait_for "$LIMIT" told "$2"
}

# A process that waits until its doing was recorded.
mkfifo "$T/go"
sh -c 'echo 1 >"$1"; read -r _ <"$2"' writer "$P/by-writer" "$T/go" &
writer=$!
at_exit "kill $writer 2>/dev/null"
saw "a record names the process" '.rel_path == "by-writer" and .attribution == "exact" and
	.process_context.pid == '"$writer"
saw "its name, its parent and its arguments" '.rel_path == "by-writer" and
	.process_context.command == "sh" and .process_context.parent == '"$$"' and
	(.process_context.cmdline | contains("writer") and contains("by-writer"))'
saw "and its user" '.rel_path == "by-writer" and .user_context.uid == '"$(id -u)"' and
	.user_context.name == "'"$(id -un)"'"'
echo go >"$T/go"
wait "$writer"

# A renamed file, and one that is gone.
sh -c 'mv "$1/old" "$1/new"; rm "$1/by-writer"; read -r _ <"$2"' mover "$P" "$T/go" &
mover=$!
saw "a rename has it" '.event_type.type == "renamed" and .attribution == "exact"'
saw "a removal has it" '.event_type.type == "deleted" and .attribution == "exact"'
echo go >"$T/go"
wait "$mover"

# Our own doing: a handler that writes when it is known to run, and one of its
# orphans.
cat >"$T/handler" <<'SH'
#!/bin/sh
read -r _ <"$1/go1"
echo 1 >"$2/by-handler"
read -r _ <"$1/go2"
(sh -c 'echo 1 >"$2/by-orphan"; read -r _ <"$1/go3"' orphan "$1" "$2" &)
read -r _ <"$1/go4"
SH
chmod +x "$T/handler"
mkfifo "$T/go1" "$T/go2" "$T/go3" "$T/go4"
saw "what others do is not ours" '.rel_path == "by-writer" and (has("self") | not)'
ctl stop >/dev/null
conf <<CONF
backend = fanotify
enrich = { process }
edited = false
settle = 20ms
handler own { match = { "trigger" } initial = skip
  load = { "$T/handler", "$T", "$P" } timeout = 2m }
CONF
start_daemon
echo 1 >"$P/trigger"
job_runs()
{
	ctl queue --json | jq -es 'flatten | any(.[]; .. | objects | select(.pid? > 0))' >/dev/null
}
ok "the job is known to run" wait_for "$LIMIT" job_runs
# Held open both ways: no opening waits, even where the handler is not there.
exec 4<>"$T/go1" 5<>"$T/go2" 6<>"$T/go3" 7<>"$T/go4"
echo go >&4
saw "what a handler does is ours, and has its name" \
	'.rel_path == "by-handler" and .self == true and .handler == "own"'
saw "what made it run is not" '.rel_path == "trigger" and (has("self") | not)'
echo go >&5
saw "an orphan of the handler is known, too" \
	'.rel_path == "by-orphan" and .self == true and .handler == "own"'
echo go >&6
echo go >&7
idle
exec 4>&- 5>&- 6>&- 7>&-
ok "and all of it fits the schema" fits_schema

# What a scan finds has none.
ctl stop >/dev/null
echo 1 >"$P/while-stopped"
start_daemon
saw "what a scan finds has no process" \
	'.rel_path == "while-stopped" and (has("attribution") | not)'

# Without the option nothing is said, and without fanotify nothing is known.
ctl stop >/dev/null
start_daemon -o enrich={}
echo 1 >"$P/quiet"
saw "without the option nothing is said" \
	'.rel_path == "quiet" and (has("process_context") | not)'
ctl stop >/dev/null
start_daemon -o backend=inotify
echo 1 >"$P/unknown"
saw "inotify knows nothing, so nothing is said" \
	'.rel_path == "unknown" and (has("attribution") or has("process_context") | not)'
finish
