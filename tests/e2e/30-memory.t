# SPDX-License-Identifier: ISC
# The watcher's memory does not depend on how much has happened.
# MEMORY_EVENTS and MEMORY_RUNS say how much that is; "make check-long" takes
# 1,000,000 and 20,000.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq
[ -z "${SANITIZE-}" ] || skip_all "a sanitizer keeps memory of its own"

EVENTS=${MEMORY_EVENTS:-100000}
RUNS=${MEMORY_RUNS:-4000}

project p <<CONF
settle = 20ms
settle-max = 1s
handler noop {
	load = { "$TOOLS/noop" }
	jobs = 4
}
CONF
start_daemon

# What it has written to.  Pages that are only read (the programs' text) count as
# private or shared by who else happens to run the same program.
private_kib()
{
	awk '/^Private_Dirty|^Swap:/ { n += $2 } END { print n }' "/proc/$watcher/smaps_rollup"
}
# reached EVENTS RUNS
reached()
{
	st '"\(.events.notifications) \(.handlers[0].runs)"' >"$T/reached" || return 1
	read -r events runs <"$T/reached"
	[ "$events" -ge "$1" ] && [ "$runs" -ge "$2" ]
}
watcher=$(pid_of watcher)
supervisor=$(pid_of supervisor)

is_lean()
{
	cat "/proc/$supervisor/smaps_rollup" "/proc/$watcher/smaps_rollup" |
		awk '/^Private_/ { n += $2 } END { exit !(n <= 1229) }'
}
ok "at rest after the start, supervisor and watcher have 1.2 MB of their own at most" \
	wait_for 30 is_lean
ctl scan >/dev/null
ctl status >/dev/null
ok "what a scan and a request needed is given back" wait_for 30 is_lean

"$TOOLS/storm" -f 1000 -b 100 -d 1000 "$P" &
storm=$!
ok "the first 10,000 events, and as many handler runs as there are files" \
	wait_for 600 reached 10000 1000
first=$(private_kib)
first_at="$events events and $runs runs"
ok "$EVENTS events and $RUNS runs" wait_for 1200 reached "$EVENTS" "$RUNS"
last=$(private_kib)
kill "$storm"
wait "$storm" 2>/dev/null
diag "private memory of the watcher: $first KiB after $first_at"
diag "private memory of the watcher: $last KiB after $events events and $runs runs"
ok "the watcher's private memory is within 10 % of what it was" \
	test $((last * 100)) -le $((first * 110))
is "it is the same watcher" "$(pid_of watcher)" "$watcher"
ok "everything is delivered" idle 600
finish
