# SPDX-License-Identifier: ISC
# The same with all that can go wrong: a watcher killed at random moments, a third
# of the handler runs failing, a kernel queue of 64 events.  CHURN_FAULT_OPS is the number of
# operations of each; "make check-long" takes all 20,000.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
. "${top_srcdir:?}/tests/lib/churn.sh"
need jq

# Watcher or runner killed while the writers write and afterwards.
mirror_project killed 0
start_daemon
"$TOOLS/replay" list "$P" >"$T/first"
churn "$FAULT_OPS" 11 >"$T/churn.out" 2>&1 &
writers=$!
kills=0
# Each restart in a row waits longer, so there are only so many.
while [ $kills -lt 7 ]; do
	case $((kills % 4)) in
	3) victim=$(pid_of runner 2>/dev/null) ;;
	*) victim=$(pid_of watcher 2>/dev/null) ;;
	esac
	if [ -n "$victim" ] && kill -9 "$victim" 2>/dev/null; then
		kills=$((kills + 1))
		wait_for "$LIMIT" pid_gone "$victim"
	fi
	# A moment that differs each time.
	sleep "0.$(($(od -An -N2 -tu2 /dev/urandom) % 9))"
done
wait "$writers"
is "four writers do $FAULT_OPS operations" $? 0
diag "$(cat "$T/churn.out")"
diag "$kills kills"
ok "everything is delivered" idle 600
ctl scan >/dev/null
ok "and what a scan finds" idle 600
ok "the mirror equals the tree after watcher and runner were killed" same
ok "the log, replayed, gives the tree" replayed "$T/first"
ok "status counts the restarts" test "$(st .restarts)" -ge 3
tell
ctl stop >/dev/null
ok "nothing is left behind" wait_for "$LIMIT" none_left

# A third of the runs fails.
mirror_project flaky 1
start_daemon
"$TOOLS/replay" list "$P" >"$T/first"
ok "the writers write" churn "$FAULT_OPS" 12 -x link
ok "everything is delivered although a third of the runs fails" idle 600
ok "the mirror equals the tree" same
ok "the log, replayed, gives the tree" replayed "$T/first"
ok "many runs were made again" test "$(st .handlers[0].retries)" -gt 10
is "nothing is dead" "$(st .queue.dead)" 0
tell
ctl stop >/dev/null

# A queue of 64 events.
mirror_project small 0
if start_with_queue 64; then
	"$TOOLS/replay" list "$P" >"$T/first"
	ok "the writers write with a kernel queue of 64" churn "$FAULT_OPS" 13 -d 0 -x link
	ok "everything is delivered" idle 600
	ok "the mirror equals the tree" same
	ok "the log, replayed, gives the tree" replayed "$T/first"
	ok "the queue did overflow" test "$(st .events.overflows)" -gt 0
	tell
else
	skip "max_queued_events cannot be set" 5
	start_daemon
fi
finish
