# SPDX-License-Identifier: ISC
# Killed by -9, whoever: what is left behind, who comes back, what goes on.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq setsid

project p <<CONF
settle = 20ms
handler gate {
	load = { "$H/gate" }
	remove-file = { "$H/log", "remove" }
	jobs = 2
}
handler hang {
	match = { "hang" }
	load = { "$H/hang" }
	stop-grace = 200ms
}
CONF
for f in a b c; do
	echo $f >"$P/$f"
done
start_daemon --no-wait
ok "two jobs run" wait_for "$LIMIT" lines_are 2

back() # NAME PID: another process is there in its place
{
	pid=$(pid_of "$1") && [ -n "$pid" ] && [ "$pid" != "$2" ]
}
jobs_gone()
{
	for job in $old_jobs; do
		pid_gone "$job" || return 1
	done
}

# The watcher.
supervisor=$(pid_of supervisor)
watcher=$(pid_of watcher)
runner=$(pid_of runner)
jobs_of() # RUNNER: the pids of its children
{
	ps -e -o pid= -o ppid= | awk -v p="$1" '$2 == p { print $1 }'
}
old_jobs=$(jobs_of "$runner")
ok "they are the runner's children" test -n "$old_jobs"
kill -9 "$watcher"
ok "a watcher killed by -9 is back" wait_for "$LIMIT" back watcher "$watcher"
is "under the same supervisor" "$(pid_of supervisor)" "$supervisor"
ok "nothing of the old jobs is left" wait_for "$LIMIT" jobs_gone
ok "the runner was started again with it" back runner "$runner"
is "status counts the restart" "$(st .restarts)" 1
like "and knows why" "$(st .last_restart)" "*watcher*"
: >"$GATE"
idle >/dev/null
for f in a b c; do
	ok "$f is delivered" logged "gate end $f 1"
done

# The runner.
rm "$GATE"
: >"$HLOG"
echo more >>"$P/a"
ok "a job runs" wait_for "$LIMIT" logged "gate begin a 1"
watcher=$(pid_of watcher)
runner=$(pid_of runner)
old_jobs=$(jobs_of "$runner")
kill -9 "$runner"
ok "a runner killed by -9 is back" wait_for "$LIMIT" back runner "$runner"
ok "nothing of its jobs is left" wait_for "$LIMIT" jobs_gone
begun_again()
{
	[ "$(grep -c '^gate begin a 1' "$HLOG")" -eq 2 ]
}
ok "its job is begun again" wait_for "$LIMIT" begun_again
not_ok "one death is nobody's fault" grep -q 'ran when filemond died' "$P/.filemon/trace.log"
kill -9 "$(pid_of runner)"
ok "what runs at two deaths in a row lets others go first" wait_for "$LIMIT" \
	grep -q 'handler gate: a: ran when filemond died, 2 times' "$P/.filemon/trace.log"
: >"$GATE"
idle >/dev/null
ok "and delivery goes on where it was, without an attempt lost" logged "gate end a 1"

# Again and again, with changes in between.
i=0
while [ $i -lt 4 ]; do
	echo $i >"$P/n$i"
	echo $i >>"$P/b"
	case $((i % 2)) in
	0) name=watcher ;;
	1) name=runner ;;
	esac
	pid=$(pid_of "$name")
	[ -z "$pid" ] || kill -9 "$pid"
	echo again >"$P/m$i"
	wait_for "$LIMIT" back "$name" "$pid" || diag "$name is not back"
	i=$((i + 1))
done
ok "it is idle after four more kills" idle
all=0
i=0
while [ $i -lt 4 ]; do
	logged "gate end n$i 1" && logged "gate end m$i 1" && all=$((all + 1))
	i=$((i + 1))
done
is "and every file was delivered" $all 4
is "the supervisor is still the same" "$(pid_of supervisor)" "$supervisor"

# What a watcher killed between seeing and delivering must not forget.
rm "$GATE"
: >"$HLOG"
echo x >"$P/short"
ok "its load has begun" wait_for "$LIMIT" logged "gate begin short 1"
kill -9 "$(pid_of watcher)"
rm "$P/short"
: >"$GATE"
idle >/dev/null
ok "a file that was perhaps delivered and has gone meanwhile is removed" \
	logged "gate remove short 1"

# The supervisor, with jobs that do all they can to stay.
: >"$P/hang"
ok "a job hangs" wait_for "$LIMIT" logged "hang hangs hang 1"
supervisor=$(pid_of supervisor)
watcher=$(pid_of watcher)
runner=$(pid_of runner)
kill -9 "$supervisor"
ok "a supervisor killed by -9 takes everything with it" wait_for "$LIMIT" none_left
exits 3 "it is stopped" ctl status
: >"$HLOG"
sed -i 's,"[^"]*/hang","true",' "$P/.filemon/filemon.conf"
start_daemon
idle >/dev/null
is "after a start delivery goes on" "$(st .queue.pending)" 0

# All three at once.
kill -9 "$(pid_of supervisor)" "$(pid_of watcher)" "$(pid_of runner)"
ok "all three killed by -9 leave nothing" wait_for "$LIMIT" none_left
ok "start" ctl start
ok "stop" ctl stop

# Handlers that leave processes behind.
: >"$HLOG"
project leavers <<CONF
settle = 20ms
handler leave {
	load = { "$H/leave" }
	jobs = 2
	timeout = 1m
}
CONF
for i in 1 2 3 4 5 6; do
	: >"$P/f$i"
done
start_daemon
ok "a handler that leaves processes with its pipe open comes to an end" idle
is "all ran" "$(lines)" 6
is "and succeeded" "$(st '.handlers[0].ok')" 6
only_the_daemon()
{
	left
	supervisor=$(pid_of supervisor) watcher=$(pid_of watcher) runner=$(pid_of runner)
	grep -vxE "$supervisor|$watcher|$runner" "$T/.pids" >"$T/.others" || return 0
	xargs -n 1 ps -o pid,ppid,sid,stat,args -p <"$T/.others"
	return 1
}
ok "what they left is ended when the job is" wait_for "$LIMIT" only_the_daemon
ok "no zombies" wait_for "$LIMIT" no_zombie "$(pid_of supervisor)" "$(pid_of watcher)" \
	"$(pid_of runner)"
ctl stop >/dev/null
ok "nor at the end" wait_for "$LIMIT" none_left

# Stop while jobs hang.
: >"$HLOG"
project stopping <<CONF
settle = 20ms
drain-timeout = 500ms
handler hang {
	load = { "$H/hang" }
	stop-grace = 200ms
	jobs = 3
}
CONF
for i in 1 2 3 4; do
	: >"$P/f$i"
done
start_daemon --no-wait
hanging()
{
	[ "$(grep -c hangs "$HLOG")" -eq 3 ]
}
ok "three jobs hang" wait_for "$LIMIT" hanging
ok "stop ends them" ctl stop
ok "with all that they started" wait_for "$LIMIT" none_left
: >"$HLOG"
start_daemon --no-wait
ok "they hang again" wait_for "$LIMIT" hanging
pid=$(pid_of supervisor)
kill -TERM "$pid"
kill -TERM "$pid"
ok "a second SIGTERM ends at once" wait_for "$LIMIT" pid_gone "$pid"
ok "nothing is left of it either" wait_for "$LIMIT" none_left

# Whoever comes after a crash does what was accepted last, whatever the file holds by
# then: both processes, and each at its own time.
ctl stop --force >/dev/null 2>&1
: >"$HLOG"
one_handler() # NAME: in the file
{
	printf 'settle = 20ms\nhandler h { load = { "%s", "%s" } }\n' "$H/log" "$1" | conf
}
project accepted <<CONF
settle = 20ms
handler h { load = { "$H/log", "start" } }
CONF
start_daemon
one_handler unasked
kill -9 "$(pid_of watcher)"
: >"$P/a"
ok "a file that nobody had loaded" idle
ok "... is not used after a crash" log_is "h start a 1"
one_handler reloaded
ok "a reload" ctl reload
: >"$HLOG"
echo 'handler h {' >"$P/.filemon/filemon.conf"
not_ok "... and one that is refused" ctl reload
kill -9 "$(pid_of watcher)"
: >"$P/b"
ok "a watcher that is killed then" idle
ok "... comes back with what was accepted last" log_is "h reloaded b 1"
: >"$HLOG"
rm "$P/.filemon/filemon.conf"
kill -9 "$(pid_of runner)"
: >"$P/c"
ok "a runner that is killed, without any file" idle
ok "... as well" log_is "h reloaded c 1"
: >"$HLOG"
one_handler last
ok "a reload of the next" ctl reload
: >"$P/d"
idle >/dev/null
ok "... is taken" log_is "h last d 1"

# The lock has no gap while the watcher is started again.
watcher=$(pid_of watcher)
kill -9 "$watcher"
exits 75 "no second daemon can start while the watcher is away" "$FILEMOND" -C "$P"

# Nor where somebody removed the lock: what the first one runs is left alone.
ok "the watcher is back" wait_for "$LIMIT" back watcher "$watcher"
rm -f "$GATE"
printf 'handler gate { match = { "e" } load = { "%s" } }\n' "$H/gate" | conf
ok "a reload" ctl reload
: >"$P/e"
ok "a job runs" wait_for "$LIMIT" logged "gate begin e 1"
supervisor=$(pid_of supervisor)
rm "$P/.filemon/lock"
exits 75 "without the lock file no second daemon can start" "$FILEMOND" -C "$P"
like "... and says why" "$("$FILEMOND" -C "$P" 2>&1)" "*(pid $(pid_of watcher)) writes*"
: >"$GATE"
ok "... and the job ends as it would" idle
ok "... at its first attempt" logged "gate end e 1"
is "... and is begun once" "$(grep -c 'gate begin e' "$HLOG")" 1
kill -TERM "$supervisor"
ok "the first one stops" wait_for "$LIMIT" pid_gone "$supervisor"
finish
