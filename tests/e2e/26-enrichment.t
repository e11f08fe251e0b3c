# SPDX-License-Identifier: ISC
# Records that say whose doing it was: exact or absent.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq script setsid

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

# Where it is worked with from: a terminal of its own, SSH, tmux; some of it only
# in the environment of the session's leader, as below sudo.
ctl stop >/dev/null
conf <<'CONF'
backend = fanotify
enrich = { session }
CONF
start_daemon
# Where the kernel lets nobody look from within landlock, it is left out.
case $(st .sandbox.landlock) in
true) ok "sessions are looked at from within landlock" true ;;
*) ok "or without it, and it says why" st_is \
	'.sandbox.landlock_why | test("session|kernel|off")' true ;;
esac
cat >"$T/at-terminal" <<'SH'
tty >"$1/tty"
echo 1 >"$2/by-leader"
read -r _ <"$1/go5"
env -u SSH_CONNECTION -u TMUX_PANE TMUX=/tmp/other,7,0 \
	sh -c 'echo 1 >"$2/by-child"; read -r _ <"$1/go6"' child "$1" "$2"
SH
mkfifo "$T/go5" "$T/go6"
exec 4<>"$T/go5" 5<>"$T/go6"
saw_session() # SENTENCE PATH CONDITION
{
	saw "$1" '.rel_path == "'"$2"'" and .attribution == "exact" and (.session_context | '"$3"')'
}
SSH_CONNECTION='192.0.2.7 50022 198.51.100.1 22' TMUX=/tmp/a,b/default,12,0 TMUX_PANE=%3 \
	setsid script -qec "sh '$T/at-terminal' '$T' '$P'" /dev/null >/dev/null 2>&1 </dev/null &
script=$!
at_exit "kill $script 2>/dev/null"
saw_session "a session has its SSH client" by-leader \
	'.session > 1 and .ssh_client == "192.0.2.7" and .ssh_client_port == 50022'
saw_session "its tmux" by-leader '.tmux == "/tmp/a,b/default" and .tmux_pane == "%3"'
saw_session "and its terminal" by-leader '.terminal == "'"$(cat "$T/tty")"'"'
echo go >&4
saw_session "what a process lacks is its leader's" by-child \
	'.ssh_client == "192.0.2.7" and .tmux_pane == "%3" and .tmux == "/tmp/other"'
echo go >&5
wait "$script"
# Values of strangers: no UTF-8, no commas, too long, no port.
# shellcheck disable=SC2016 # of that shell
env -u TMUX_PANE SSH_CONNECTION="$(printf 'x\377"y')" TMUX=plain \
	TMUX_PANE="$(printf '%01100d' 0)" setsid sh -c \
	'echo 1 >"$2/by-stranger"; read -r _ <"$1/go5"' stranger "$T" "$P" &
stranger=$!
at_exit "kill $stranger 2>/dev/null"
saw_session "what strangers write there is only text" by-stranger \
	'.ssh_client == "x\ufffd\"y" and .tmux == "plain" and
	(has("ssh_client_port") or has("tmux_pane") or has("terminal") | not)'
echo go >&4
wait "$stranger"
exec 4>&- 5>&-
ok "and all of it fits the schema" fits_schema
conf <<CONF
backend = fanotify
enrich = { process }
edited = false
settle = 20ms
CONF
ctl reload >"$T/reload" 2>&1
like "a reload cannot take it back" "$(cat "$T/reload")" "*enrich*"

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
