# SPDX-License-Identifier: ISC
# The same by a watcher that is made to wait, again and again: it looks when much else
# has happened to the names that it reads of.  Each burst ends with the log compared with
# the tree, without any scan.  CHURN_BURSTS is the number of bursts.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
. "${top_srcdir:?}/tests/lib/churn.sh"
need jq

BURSTS=${CHURN_BURSTS:-10}
[ -z "${SANITIZE-}" ] || BURSTS=${CHURN_BURSTS:-4}

# Most of the time it stands still, as on a machine with much else to do.
falter()
{
	while :; do
		kill -STOP "$1"
		sleep "0.0$2"
		kill -CONT "$1"
		sleep 0.002
	done
}

# burst SEED WAIT
burst()
{
	falter "$watcher" "$2" &
	faltering=$!
	churn "${CHURN_BURST_OPS:-1000}" "$1" -d 0
	result=$?
	kill "$faltering"
	wait "$faltering" 2>/dev/null
	kill -CONT "$watcher"
	return "$result"
}

project late <<CONF
default-ignores = false
settle = 20ms
settle-max = 200ms
handler noop {
	types       = { file, dir, symlink }
	load        = { "$TOOLS/noop" }
	remove-file = { "$TOOLS/noop" }
}
CONF
start_daemon
"$TOOLS/replay" list "$P" >"$T/first"
watcher=$(pid_of watcher)
n=0
while [ $n -lt "$BURSTS" ] && burst "$n" "$((n % 5 + 1))" >"$T/churn.out" &&
	idle 600 >/dev/null && replayed "$T/first" >"$T/told"; do
	n=$((n + 1))
done
is "what is told of each burst ends as the tree does" "$n" "$BURSTS"
[ "$n" -eq "$BURSTS" ] || diag_file "$T/told" 20
is "the watcher was not started again" "$(st .restarts)" 0
tell
finish
