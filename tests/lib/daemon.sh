# SPDX-License-Identifier: ISC
# shellcheck shell=sh
#
# Real daemons for tests in sh.  Sourced instead of tap.sh:
#
#	. "${top_srcdir:?}/tests/lib/daemon.sh"
#	project NAME <<'CONF' ... CONF       # makes $T/NAME and goes on with it: P
#	start_daemon [OPTION...]             # or bail out
#	ctl ARGS...                          # filemonctl in $P
#	idle                                 # everything delivered
#	finish                               # stops, proves that nothing is left
#
# At the end, however it comes about, every daemon is stopped and every
# process that belongs to this test is killed.  A process belongs to it when
# this test's directory is in its arguments, its environment, its working
# directory or its open files.

: "${top_srcdir:?}" "${top_builddir:?}" "${FILEMOND:?}" "${FILEMONCTL:?}"
# shellcheck source=/dev/null
. "$top_srcdir/tests/lib/tap.sh"

# shellcheck disable=SC2034
{
	H=$top_srcdir/tests/handlers
	TOOLS=$top_builddir/tests/tools
	LIMIT=90
}
HLOG=$T/hlog
HDIR=$T/hdir
GATE=$T/gate
FILEMON_TEST=$T
# A failing check of a sanitizer must not end as a status that a test expects.
ASAN_OPTIONS=exitcode=86:${ASAN_OPTIONS-}
UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS-}
export FILEMOND FILEMONCTL FILEMON_TEST HLOG HDIR GATE ASAN_OPTIONS UBSAN_OPTIONS
unset NOTIFY_SOCKET FILEMON_PROJECT
P=
projects=
mkdir "$HDIR"
: >"$HLOG"

# adopt NAME: goes on with $T/NAME, which is looked after at the end.
adopt()
{
	P=$T/$1
	case " $projects " in
	*" $1 "*) ;;
	*) projects="$projects $1" ;;
	esac
}

# project NAME: a tree with a configuration, from stdin.
project()
{
	adopt "$1"
	mkdir -p "$P/.filemon"
	conf
}

# TEST_BACKEND in the environment has a whole test run over that backend, where
# the configuration does not name one.
conf()
{
	cat >"$P/.filemon/filemon.conf"
	[ -z "${TEST_BACKEND-}" ] || grep -q '^backend' "$P/.filemon/filemon.conf" ||
		echo "backend = $TEST_BACKEND" >>"$P/.filemon/filemon.conf"
}

ctl()
{
	(cd "$P" && exec "$FILEMONCTL" "$@")
}

# is_over: the daemon has the backend that the test is to run over; the whole test
# is skipped where the first one has another.
is_over()
{
	grep -q "^backend = $TEST_BACKEND" "$P/.filemon/filemon.conf" || return 0
	backend=$(st .watch[0].backend)
	[ "$backend" = "$TEST_BACKEND" ] || [ "${tap_n:-0}" -gt 0 ] ||
		skip_all "$(st .watch[0].why)"
}

start_daemon()
{
	if ctl start "$@" >"$T/.start" 2>&1; then
		[ -z "${TEST_BACKEND-}" ] || is_over
		return 0
	fi
	diag_file "$T/.start"
	diag_file "$P/.filemon/trace.log"
	bail "the daemon does not start"
}

# start_with_queue N [OPTION...]: with fs.inotify.max_queued_events set to N (or
# that of TEST_BACKEND),
# which is fixed when the daemon makes its queue, for the time of the start; 1
# where it cannot be set.  It is the whole machine's: one test at a time.
start_with_queue()
{
	knob=/proc/sys/fs/${TEST_BACKEND:-inotify}/max_queued_events
	queue_len=$1
	shift
	[ -w "$knob" ] && command -v flock >/dev/null || return 1
	exec 8>/tmp/filemon-test.queue.lock
	flock 8
	queue_was=$(cat "$knob") # read(1) takes one byte at a time, which gives "1"
	at_exit "echo $queue_was >$knob"
	sh -c "echo $queue_len >$knob" 2>/dev/null 8>&- || return 1
	start_daemon "$@" 8>&-
	echo "$queue_was" >"$knob"
	exec 8>&-
}

# st JQ-EXPRESSION: a value of the status.
st()
{
	ctl status --json | jq -r "$1"
}

st_is()
{
	[ "$(st "$1")" = "$2" ]
}

# pid_of supervisor|watcher|runner
pid_of()
{
	st ".processes[] | select(.name == \"$1\").pid"
}

ready()
{
	st_is .ready true
}

# Everything seen and delivered, or given up.  A watcher that has been killed
# often is away for longer than filemonctl asks by itself.
idle()
{
	wait_for "$LIMIT" ready || return
	ctl wait --idle --timeout "${1:-$((LIMIT * ${TIME_SCALE:-1}))}s"
}

lines()
{
	wc -l <"$HLOG" | tr -d ' '
}

lines_are()
{
	[ "$(lines)" -eq "$1" ]
}

# logged LINE: is it in the handlers' log?
logged()
{
	grep -qxF -e "$1" "$HLOG"
}

# log_is TEXT: the handlers' log is these lines, in whatever order.
log_is()
{
	[ "$(sort "$HLOG")" = "$(printf '%s\n' "$1" | sort)" ] && return 0
	cat "$HLOG"
	return 1
}

# Pids that belong to this test, in $T/.pids; 1 where there are none.
left()
{
	{
		grep -lsaF -e "$T" /proc/[0-9]*/environ /proc/[0-9]*/cmdline
		find /proc/[0-9]*/cwd /proc/[0-9]*/fd -maxdepth 1 \
			\( -lname "$T" -o -lname "$T/*" \) 2>/dev/null
	} | sed 's,^/proc/\([0-9]*\)/.*,\1,' | sort -un >"$T/.found"
	: >"$T/.pids"
	while read -r pid; do
		[ "$pid" -eq $$ ] || ! kill -0 "$pid" 2>/dev/null ||
			echo "$pid" >>"$T/.pids"
	done <"$T/.found"
	[ -s "$T/.pids" ]
}

none_left()
{
	left || return 0
	ps -o pid,ppid,pgid,stat,args -p "$(paste -sd , "$T/.pids")"
	return 1
}

# no_zombie PID...: none of these has a child that it does not reap.
no_zombie()
{
	ps -e -o stat= -o ppid= -o pid= -o comm= >"$T/.ps"
	for parent; do
		! awk -v p="$parent" '$1 ~ /^Z/ && $2 == p { print; n++ } END { exit !n }' \
			"$T/.ps" || return 1
	done
}

# pid_gone PID
pid_gone()
{
	! kill -0 "$1" 2>/dev/null
}

# events EXPRESSION: the recorded events, through jq -c.
events()
{
	cat "$P"/.filemon/events/*.ndjson | jq -c "$1"
}

# told JQ-CONDITION: is there such a record?
told()
{
	cat "$P"/.filemon/events/*.ndjson | jq -es "any(.[]; $1)" >"$T/.told"
}

# fits_schema: every record of P, in compressed segments too, is as
# doc/event.schema.json says, and has nothing that is not in it.
fits_schema()
{
	ctl events --json --since 1 | "$TOOLS/schema" "$top_srcdir/doc/event.schema.json"
}

# segments_fit: what every daemon of this test has written does.  It is looked at
# as it lies there, for at the end a configuration may be one of those that are
# refused.
segments_fit()
{
	set --
	for segment in "$T"/*/.filemon/events/[0-9]*.ndjson* "$T"/*/events/[0-9]*.ndjson*; do
		[ -f "$segment" ] || continue
		case $segment in
		*.zst)
			# Beside the plain one it is not whole yet.
			[ ! -e "${segment%.zst}" ] || continue
			command -v zstd >/dev/null || continue
			zstd -dcq "$segment" >"$T/.plain.$#" || return
			segment=$T/.plain.$#
			;;
		esac
		set -- "$@" "$segment"
	done
	[ $# -eq 0 ] || "$TOOLS/schema" "$top_srcdir/doc/event.schema.json" "$@"
}
# shellcheck disable=SC2034 # of tap.sh
tap_last='ok "every record that was written fits the JSON Schema" segments_fit'

# replayed FIRST [OPTION...]: the log played over FIRST gives the tree.
replayed()
{
	first=$1
	shift
	cat "$P"/.filemon/events/*.ndjson |
		"$TOOLS/replay" "$@" check "$first" "$P"
}

daemon_cleanup()
{
	for name in $projects; do
		P=$T/$name
		if [ "${tap_failed:-0}" -gt 0 ] && [ -f "$P/.filemon/trace.log" ]; then
			diag "trace.log of $name:"
			diag_file "$P/.filemon/trace.log" 30
		fi
		[ ! -S "$P/.filemon/control.sock" ] ||
			(cd "$P" && timeout -k 5 60 "$FILEMONCTL" stop >/dev/null 2>&1)
	done
	for turn in 1 2 3 4 5; do
		left || break
		[ "$turn" -gt 1 ] || diag "killing: $(tr '\n' ' ' <"$T/.pids")"
		xargs kill -9 <"$T/.pids" 2>/dev/null
		sleep 0.1
	done
}
at_exit daemon_cleanup

# The end of a test: stops the daemon of P, and nothing is left of any.
finish()
{
	ok "stop" ctl stop
	ok "nothing is left behind" wait_for "$LIMIT" none_left
	done_testing
}
