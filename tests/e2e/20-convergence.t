# SPDX-License-Identifier: ISC
# Random operations by four writers: the mirror equals the tree at the end.
# CHURN_OPS and CHURN_SEED change their number and what they are; of those with
# hard links and while it is stopped CHURN_FAULT_OPS is the number.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
. "${top_srcdir:?}/tests/lib/churn.sh"
need jq

mirror_project p 0
start_daemon
"$TOOLS/replay" list "$P" >"$T/first"

# Without hard links every change is announced: no scan is needed.
ok "four writers do $OPS operations" churn "$OPS" 1 -x link
ok "everything is delivered" idle 600
ok "the mirror equals the tree, without any scan" same
ok "the log, replayed over the first tree, gives the last" replayed "$T/first"
is "nothing is dead" "$(st .queue.dead)" 0
tell

# A write through one name of a file tells nothing of its other names.
ok "the same with hard links" churn "$FAULT_OPS" 2
ok "everything is delivered" idle 600
ctl scan >/dev/null
ok "and what a scan finds as well" idle 600
ok "the mirror equals the tree" same
ok "the log, replayed, gives the last" replayed "$T/first"
is "neither watcher nor runner was started again" "$(st .restarts)" 0

# Half of it while it is down.
ctl stop >/dev/null
ok "operations while it is stopped" churn "$FAULT_OPS" 3 -d 0
start_daemon
ok "everything is delivered" idle 600
ok "the mirror equals the tree" same
ok "the log, replayed, gives the last" replayed "$T/first"
runs=$(st .handlers[0].runs)
ctl restart >/dev/null
idle 600 >/dev/null
is "and a restart runs nothing" "$(st .handlers[0].runs)" 0
diag "runs of the last stretch: $runs"
finish
