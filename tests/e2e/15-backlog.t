# SPDX-License-Identifier: ISC
# More happens than can be looked at: a directory is postponed, before the kernel's
# queue overflows, and nothing is missed.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq
[ "${TEST_BACKEND:-inotify}" = inotify ] || skip_all "inotify alone does so"

GATE=$T/gate
export GATE
project backlog <<CONF
settle = 50ms
handler log {
	match = { "/d0/", "/still/" }
	load = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
	jobs = 4
}
handler gate {
	match = { "/d0/f[01]" }
	load = { "$H/gate" }
	jobs = 2
}
CONF
mkdir "$P/still" "$P/d0"
for f in still/f d0/f0 d0/f1 d0/old d0/gone d0/late; do
	echo 1 >"$P/$f"
done
echo early >"$P/d0/late" # longer than what will be written over it
for i in 1 2 3 4; do
	mkdir "$P/d$i"
done
: >"$HLOG"
"$TOOLS/replay" list "$P" >"$T/first"
start_with_queue 8192 --no-wait || skip_all "max_queued_events cannot be set"

runs()
{
	grep -c "^$1 1$" "$HLOG"
}
begun()
{
	[ "$(runs "gate begin d0/f[01]")" = 2 ] && [ "$(runs "log load .*")" = 6 ]
}
ok "what was there is delivered, two runs go on" wait_for "$LIMIT" begun
# A write that is stuck half way: its time is there, its data come in the storm.
("$TOOLS/latewrite" "$P/d0/late" "$T/late.gate" >"$T/said" 2>&1; echo $? >"$T/code") &
wait_for "$LIMIT" test -s "$T/said"
ctl scan >/dev/null
late_is()
{
	[ "$(runs "log load d0/late")" -ge "$1" ]
}
[ "$(cat "$T/said")" != stamped ] || wait_for "$LIMIT" late_is 2
watcher=$(pid_of watcher)
kill -STOP "$watcher"
# Three notifications a file: all fit into the queue, more than half is unread after
# the first bufferful.
"$TOOLS/storm" -n 500 -f 500 -d 0 "$P/d0"
rm "$P/d0/gone"
: >"$T/late.gate"
wait_for "$LIMIT" test -s "$T/code"
for i in 1 2 3 4; do
	"$TOOLS/storm" -n 500 -f 500 -d 0 "$P/d$i"
done
kill -CONT "$watcher"
: >"$GATE"
idle >/dev/null
is "the queue did not overflow" "$(st .events.overflows)" 0
ok "notifications were left to a listing" test "$(st .events.skipped)" -gt 500
is "nothing is postponed any more" "$(st '.watch[0].postponed')" 0
ok "a gap says of which directory" told '.event_type.cause == "backlog" and
	.rel_path == "d0" and .event_type.repaired'
is "of no other" "$(ctl events --json --since 1 |
	jq -s '[.[] | select(.event_type.cause == "backlog")] | length')" 1
ok "the log, replayed, gives the tree" replayed "$T/first"
is "every file is delivered" "$(grep '^log load d0/f[0-9]* 1$' "$HLOG" | sort -u | wc -l | tr -d ' ')" 500
ok "one that was written again, once more" test "$(runs "log load d0/f1")" -ge 2
ok "and again where its run was going on" test "$(runs "gate begin d0/f1")" -ge 2
ok "one that is gone is removed" logged "log remove d0/gone 1"
if [ "$(cat "$T/code")" = 0 ]; then
	ok "one whose data came after its time, once more" late_is 3
else
	skip "no write can be held up: $(cat "$T/said")"
fi
is "what was left alone is not run again" "$(runs "log load d0/old")" 1
is "nor elsewhere" "$(runs "log load still/f")" 1
: >"$HLOG"
echo 2 >"$P/d0/f7"
idle >/dev/null
ok "afterwards it is told of as ever" log_is "log load d0/f7 1"
ctl stop >/dev/null
ok "nothing is left behind" wait_for "$LIMIT" none_left
done_testing
