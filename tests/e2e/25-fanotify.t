# SPDX-License-Identifier: ISC
# The fanotify backend: the same events and the same end as with inotify, what
# is elsewhere is not told, and where it is refused another one does the work.
# All other tests run over it with TEST_BACKEND=fanotify in the environment.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
. "$top_srcdir/tests/lib/churn.sh"
need jq

export TEST_BACKEND=fanotify
mirror_project p 0
mkdir -p "$P/old/deep" "$T/elsewhere"
start_daemon
[ "$(st .watch[0].backend)" = fanotify ] || skip_all "$(st .watch[0].why)"
"$TOOLS/replay" list "$P" >"$T/first"

is "the start is by fanotify" \
	"$(jq -r 'select(.event_type.type == "started").event_type.backend' \
		"$P"/.filemon/events/*.ndjson)" fanotify
is "there is no limit of watches" "$(st .watch[0].watch_limit)" 0
saw() # SENTENCE JQ-CONDITION
{
	ok "$1" wait_for "$LIMIT" told "$2"
}
: >"$T/elsewhere/f"
mkdir -p "$P/a/b/c"
echo 1 >"$P/a/b/c/f"
saw "a file in a directory just made" \
	'.rel_path == "a/b/c/f" and .event_type.type == "created"'
echo 2 >"$P/old/deep/f"
saw "its source is fanotify" '.rel_path == "old/deep/f" and .source == "fanotify"'
mv "$P/a" "$P/z"
saw "a renamed directory" '.rel_path == "z" and .event_type.type == "renamed"'
echo 3 >>"$P/z/b/c/f"
saw "what happens below it, under its new name" \
	'.rel_path == "z/b/c/f" and .event_type.type == "modified"'
mv "$P/z" "$T/elsewhere/z"
saw "moved out is deleted" '.rel_path == "z" and .event_type.type == "deleted"'
echo 4 >>"$T/elsewhere/z/b/c/f"
mv "$T/elsewhere/z" "$P/back"
saw "moved in is created, with all it holds" \
	'.rel_path == "back/b/c/f" and .event_type.type == "created"'
ok "four writers do some operations" churn 3000 7 -x link
ok "everything is delivered" idle 600
ok "the mirror equals the tree" same
# The kernel merges what happens to a name; what that hid, a scan finds.
ctl scan >/dev/null
ok "and a scan" idle 600
ok "the log, replayed over the first tree, gives the last" replayed "$T/first"
not_ok "nothing of elsewhere was told" told '.file_path | contains("elsewhere")'
is "no overflow" "$(st .events.overflows)" 0
ctl stop >/dev/null

# The plain monitor lists nothing.
mkdir -p "$T/q/d/e"
(cd "$T/q" && exec "$FILEMONCTL" -o backend=fanotify watch) >"$T/out" 2>"$T/err" &
monitor=$!
at_exit "kill $monitor 2>/dev/null"
wait_for "$LIMIT" grep -q '"started"' "$T/out"
is "the plain monitor knows one directory at its start" \
	"$(jq 'select(.event_type.type == "started").event_type.directories' "$T/out")" 1
echo 1 >"$T/q/d/e/f"
ok "and is told of what happens far below" wait_for "$LIMIT" \
	grep -q '"rel_path":"d/e/f"' "$T/out"
kill "$monitor"
wait "$monitor" 2>/dev/null

# Without the privilege.
if setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin true 2>/dev/null; then
	(cd "$P" && exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin \
		"$FILEMONCTL" start) >/dev/null
	is "without the privilege it is inotify" "$(st .watch[0].backend)" inotify
	is "and status says why" "$(st .watch[0].why)" "fanotify needs CAP_SYS_ADMIN"
	ok "and the trace log" grep -q 'fanotify needs CAP_SYS_ADMIN (watched by inotify)' \
		"$P/.filemon/trace.log"
else
	skip "no setpriv"
fi
finish
