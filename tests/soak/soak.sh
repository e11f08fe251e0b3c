#!/bin/sh
# SPDX-License-Identifier: ISC
# make soak: everything that can go wrong, at random, for SOAK_MINUTES (30).
#
# Writers write all the time, a third of the handler's runs fail, and meanwhile:
# kill -9 of each process, SIGSTOP, a full disk (as root), stop and start, reload,
# steps of the clock, rotation of the logs, scans, pauses. Every SOAK_CHECK (8)
# actions all must be delivered, and the mirror equal the tree; at the end also
# nothing is left. SOAK_SEED makes the choices. Memory and descriptors are
# sampled. The last lines are the summary.

if [ -z "${FILEMON_MOUNTS-}" ] && [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	FILEMON_MOUNTS=yes exec unshare -m sh "$0" "$@"
fi
: "${FILEMON_MOUNTS:=no}"
export FILEMON_MOUNTS
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/churn.sh"
need jq

FAULT=${top_builddir:?}/tests/fault
MINUTES=${SOAK_MINUTES:-30}
CHECK=${SOAK_CHECK:-8}
SEED=${SOAK_SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
LIMIT=600
chance=$SEED
begin=$(date +%s)
end=$((begin + MINUTES * 60))
checks=0
failed=0
actions=0
writes=0

# below N: sets r.
below()
{
	chance=$(((chance * 1103515245 + 12345) & 2147483647))
	r=$(((chance >> 8) % $1))
}

# Put in its place whole, or not at all: the disk may be full.
settings()
{
	settle=$1 jobs=$2
	cat >"$T/conf" <<-CONF
	default-ignores = false
	settle = $settle
	settle-max = 1s
	clients-max = 16
	events-keep-bytes = 8M
	handler copy {
		types       = { file, dir, symlink }
		load        = { "$H/flaky", "$FAULT/copy", "load", "{path}" }
		remove-file = { "$H/flaky", "$FAULT/copy", "remove", "{path}" }
		jobs        = $jobs
		retries     = -1
		backoff     = 20ms
		backoff-max = 500ms
		breaker-failures = 0
	}
	CONF
	cp "$T/conf" "$P/.filemon/conf.new" && mv "$P/.filemon/conf.new" "$P/.filemon/filemon.conf"
}

up()
{
	if [ -e "$FAULT/.libs/shim.so" ]; then
		LD_PRELOAD=$FAULT/.libs/shim.so FAULT_PAGE=$T/page ctl start "$@" >"$T/.start" 2>&1
	else
		ctl start "$@" >"$T/.start" 2>&1
	fi
}

say()
{
	printf '# %5d s  %s\n' $(($(date +%s) - begin)) "$*"
}

# A sample of memory (KiB, private) and descriptors of watcher and runner.
sample()
{
	for name in watcher runner; do
		pid=$(pid_of $name 2>/dev/null)
		[ -n "$pid" ] || continue
		kib=$(awk '/^Private_Dirty|^Swap:/ { n += $2 } END { print n + 0 }' "/proc/$pid/smaps_rollup" 2>/dev/null)
		fds=$(find "/proc/$pid/fd" -mindepth 1 2>/dev/null | wc -l)
		[ -z "$kib" ] || echo "$name $kib $fds" >>"$T/samples"
	done
}

start_writers()
{
	below 1000000
	"$TOOLS/churn" -w 3 -d 8000 -x link -n 100000000 -s "$r" "$P" >"$T/churn" 2>&1 &
	writers=$!
}

stop_writers()
{
	pkill -P "$writers" 2>/dev/null
	kill "$writers" 2>/dev/null
	wait "$writers" 2>/dev/null
	for pid in $(pgrep -f "churn -w 3 .* $P\$"); do
		kill "$pid" 2>/dev/null
	done
	n=$(tr -dc '0-9,' <"$T/churn" | tr ',' '+')
	writes=$((writes + ${n:-0}))
}

kill_one()
{
	pid=$(pid_of "$1" 2>/dev/null)
	[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
	[ "$1" != supervisor ] || {
		wait_for "$LIMIT" gone_for_good
		up --no-wait
	}
}

gone_for_good()
{
	! ctl status >/dev/null 2>&1
}

hold()
{
	pid=$(pid_of "$1" 2>/dev/null)
	[ -n "$pid" ] || return 0
	kill -STOP "$pid" 2>/dev/null
	below 5
	sleep "$r"
	kill -CONT "$pid" 2>/dev/null
}

fill_disk()
{
	[ "$FILEMON_MOUNTS" = yes ] || return 0
	dd if=/dev/zero of="$P/.filemon/fill" bs=65536 2>/dev/null
	below 6
	sleep "$r"
	rm -f "$P/.filemon/fill"
}

# The old trace log goes: the disk is small.
rotate()
{
	rm -f "$P/.filemon/trace.log"
	kill -USR1 "$(pid_of supervisor)"
}

step_clock()
{
	below 7200
	"$FAULT/page" "$T/page" $((r - 3600))
}

act()
{
	below 16
	action=$r
	case $action in
	0 | 1) kill_one watcher ;;
	2) kill_one runner ;;
	3) kill_one supervisor ;;
	4) hold watcher ;;
	5) hold runner ;;
	6 | 7) fill_disk ;;
	8) ctl stop && up ;;
	9) ctl restart ;;
	10 | 11) below 200 && ms=$((r + 1))ms && below 4 && settings "$ms" $((r + 1)) && ctl reload ;;
	12) step_clock ;;
	13) rotate ;;
	14) ctl scan ;;
	15) ctl pause && ctl resume ;;
	esac >"$T/act" 2>&1
	echo "$action" >>"$T/actions"
	actions=$((actions + 1))
}

name_of()
{
	set -- "kill watcher" "kill watcher" "kill runner" "kill supervisor" "SIGSTOP watcher" \
		"SIGSTOP runner" "full disk" "full disk" "stop, start" restart reload reload \
		"clock step" rotate scan "pause, resume"
	eval "echo \"\${$((action + 1))}\""
}

# What a copy that was killed had begun is nobody's, where its file went since.
sweep_target()
{
	find "$MIRROR_TARGET" -name '*.~copy' -exec rm -f {} +
}

check()
{
	stop_writers
	ctl status >/dev/null 2>&1 || up
	ctl resume >/dev/null 2>&1
	checks=$((checks + 1))
	if ! idle; then
		failed=$((failed + 1))
		say "NOT IDLE in check $checks"
		ctl status | sed 's/^/# | /'
	elif ! { sweep_target && same; }; then
		# Links and the clock leave what no notification tells; a scan may find it.
		failed=$((failed + 1))
		say "THE MIRROR DIFFERS in check $checks"
	fi
	sample
	say "check $checks: $(st '"\(.files) files, \(.handlers[0].runs) runs, \(.events.seq) events, \(.restarts) restarts, \(.health)"')"
}

export MIRROR_TARGET="$T/soak.copy"
mkdir "$MIRROR_TARGET"
adopt soak
mkdir -p "$P/.filemon"
[ "$FILEMON_MOUNTS" = no ] || {
	mount -n -t tmpfs -o size=48m,mode=700 none "$P/.filemon" && at_exit "umount -l '$P/.filemon'"
}
settings 50ms 4
"$FAULT/page" "$T/page" 0
: >"$T/actions"
: >"$T/samples"
say "seed $SEED, $MINUTES minutes"
up || bail "$(cat "$T/.start")"
start_writers
while [ "$(date +%s)" -lt $end ]; do
	below 3
	sleep $((r + 1))
	act
	sample
	say "$(name_of)"
	if [ $((actions % CHECK)) -eq 0 ]; then
		check
		start_writers
	fi
done
check
ctl stop >/dev/null 2>&1
wait_for 60 none_left || {
	failed=$((failed + 1))
	say "SOMETHING IS LEFT"
}
[ "$(sqlite3 "$P/.filemon/state.db" 'PRAGMA integrity_check')" = ok ] || {
	failed=$((failed + 1))
	say "STATE.DB IS NOT WHOLE"
}
cat "$P"/.filemon/events/*.ndjson | jq -e . >/dev/null 2>&1 || {
	failed=$((failed + 1))
	say "THE EVENT LOG IS NOT WHOLE"
}
median()
{
	grep "^$1 " "$T/samples" | cut -d ' ' -f "$2" | sort -n |
		awk '{ v[NR] = $1 } END { print v[1] "/" v[int((NR + 1) / 2)] "/" v[NR] }'
}
echo "soak: $((($(date +%s) - begin) / 60)) minutes, seed $SEED: $actions actions, $checks checks, $failed not well"
sort -n "$T/actions" | uniq -c | while read -r n action; do
	echo "soak: $(name_of): $n"
done
for name in watcher runner; do
	echo "soak: $name: private KiB $(median $name 2), descriptors $(median $name 3) (least/median/most of $(grep -c "^$name " "$T/samples"))"
done
[ "$failed" -eq 0 ]
