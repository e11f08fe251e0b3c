# SPDX-License-Identifier: ISC
# Starting, stopping, being there once, and saying what is wrong.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

# init
adopt p
mkdir -p "$P/docs/deep"
echo one >"$P/docs/one.txt"
echo two >"$P/docs/deep/two.txt"
ok "init makes a project" ctl init
ok "init writes a configuration" test -s "$P/.filemon/filemon.conf"
ok "init keeps the state out of git" test -s "$P/.filemon/.gitignore"
ok "what init writes is a valid configuration" "$FILEMOND" -t -C "$P"
cp "$P/.filemon/filemon.conf" "$T/first.conf"
ctl init >/dev/null 2>&1
exits 1 "a second init with a handler fails" ctl init --handler x --load true
like "... and says so" "$(ctl init --handler x --load true 2>&1)" "*handler x is not written*"
ok "a second init changes nothing" cmp "$P/.filemon/filemon.conf" "$T/first.conf"

# Not running.
exits 3 "status of a stopped daemon is 3" ctl status
for cmd in reload queue failures scan pause resume "wait --idle" "why docs"; do
	# shellcheck disable=SC2086
	exits 7 "$cmd without a daemon is 7" ctl $cmd
done
exits 0 "stop of a stopped daemon is 0" ctl stop
like "and it says what to do" "$(ctl queue 2>&1)" "*filemonctl start*"
not_ok "there is no project in an empty directory" \
	sh -c "cd / && exec '$FILEMONCTL' -C '$T' status"

# start
ctl start >"$T/out" 2>"$T/err"
is "start succeeds" $? 0
like "start says how many directories it watches" "$(cat "$T/out")" "*[0-9]*director*"
like "start says how many files it watches" "$(cat "$T/out")" "*2 files*"
like "start says how long it took" "$(cat "$T/out")" "*[0-9]*ms*"
exits 0 "status of a running daemon is 0" ctl status
pid=$(pid_of supervisor)
is "it is ready" "$(st .ready)" true
ok "it is healthy" wait_for "$LIMIT" st_is .health healthy
exits 0 "start of a running daemon is 0" ctl start
is "and it is the same one" "$(pid_of supervisor)" "$pid"
ok "ps tells the supervisor" grep -qa "filemond: supervisor" "/proc/$pid/cmdline"
ok "ps tells the watcher" grep -qa "filemond: watcher" "/proc/$(pid_of watcher)/cmdline"
ok "ps tells the runner" grep -qa "filemond: runner" "/proc/$(pid_of runner)/cmdline"
is "the socket is for its owner only" "$(stat -c %a "$P/.filemon/control.sock")" 600
ok "it found the project from a directory below" \
	sh -c "cd '$P/docs/deep' && exec '$FILEMONCTL' status"

# Idle.  The time that epoll_wait(2) is to wait at most, in ms, is its fourth argument.
# sleeps_long PID
sleeps_long()
{
	# shellcheck disable=SC2046
	set -- $(cat "/proc/$1/syscall" 2>/dev/null)
	case "${5-}" in
	0xffffffff | 0xffffffffffffffff) ;;
	0x*) [ $(($5)) -ge 600000 ] ;;
	*) false ;;
	esac
}
if grep -q '^[0-9]' /proc/self/syscall 2>/dev/null; then
	for name in watcher runner; do
		ok "where nothing happens the $name does not wake up" \
			wait_for "$LIMIT" sleeps_long "$(pid_of $name)"
	done
else
	skip "no /proc/PID/syscall" 2
fi

# restart, stop
watcher=$(pid_of watcher)
ok "restart" ctl restart
is "restart keeps the process" "$(pid_of supervisor)" "$pid"
not_ok "... and starts another watcher" test "$(pid_of watcher)" = "$watcher"
like "status tells of the watches" "$(ctl status)" "*ready after * (watches taken over)*"
like "help tells what a restart does" "$(ctl restart --help)" "*taken over*"
ok "with other options it is another one" ctl -o settle=7ms restart
not_ok "... by its pid" test "$(pid_of supervisor)" = "$pid"
pid=$(pid_of supervisor)
for bad in "-o settle=bad" "-c $T/nope"; do
	# shellcheck disable=SC2086
	exits 78 "restart with $bad is refused" ctl $bad restart
	is "... and nothing has changed" "$(pid_of supervisor)" "$pid"
done
ok "stop" ctl stop
exits 3 "after stop it is stopped" ctl status
ok "stop leaves nothing behind" wait_for "$LIMIT" none_left
exits 0 "a second stop is 0" ctl stop
ok "restart of a stopped daemon starts it" ctl restart

# ensure
pid=$(pid_of supervisor)
ctl ensure >"$T/out" 2>&1
is "ensure succeeds" "$? $(cat "$T/out")" "0 "
is "ensure leaves a running daemon alone" "$(pid_of supervisor)" "$pid"
ctl stop >/dev/null
ctl ensure >"$T/out" 2>&1
is "ensure starts a stopped daemon in silence" "$? $(cat "$T/out")" "0 "
exits 0 "and it runs" ctl status

# A daemon killed by -9 leaves a lock file that is no obstacle.
pid=$(pid_of supervisor)
kill -9 "$pid"
ok "nothing outlives a supervisor killed by -9" wait_for "$LIMIT" none_left
exits 3 "status says that it is gone" ctl status
ok "a stale lock is no obstacle" ctl start
ctl stop >/dev/null

# Signals.
ctl start >/dev/null
pid=$(pid_of supervisor)
kill -TERM "$pid"
ok "SIGTERM stops it" wait_for "$LIMIT" pid_gone "$pid"
ctl start >/dev/null
pid=$(pid_of supervisor)
kill -INT "$pid"
ok "SIGINT stops it" wait_for "$LIMIT" pid_gone "$pid"
is "... and either is told by its name" "$(ctl events --type stopped --json 2>/dev/null |
	jq -r .event_type.reason | tail -n 2 | xargs)" "SIGTERM SIGINT"
ok "and nothing is left" wait_for "$LIMIT" none_left

# Fifty at once.
pids=
i=0
while [ $i -lt 50 ]; do
	(
		"$FILEMOND" -C "$P" >"$T/start.$i" 2>&1 </dev/null
		echo $? >"$T/code.$i"
	) &
	pids="$pids $!"
	i=$((i + 1))
done
# shellcheck disable=SC2086
wait $pids
is "of fifty starts at once exactly one wins" "$(cat "$T"/code.* | grep -cx 0)" 1
is "the others exit with 75" "$(cat "$T"/code.* | grep -cx 75)" 49
pid=$(pid_of supervisor)
winner=$(grep -lx 0 "$T"/code.*)
rm "$T/start.${winner##*.}"
is "the others name the pid that holds the lock" "$(grep -lw "$pid" "$T"/start.* | wc -l)" 49
exits 0 "the winner runs" ctl status
exits 75 "in the foreground as well a second one is 75" "$FILEMOND" -f -C "$P"
ctl stop >/dev/null

# Faults in the configuration.
ok "-t takes a good one" "$FILEMOND" -t -C "$P"
bad() # SENTENCE PATTERN
{
	conf
	"$FILEMOND" -t -C "$P" >"$T/out" 2>&1
	is "$1: -t exits with 78" $? 78
	like "$1: the message has file and line" "$(cat "$T/out")" "*filemon.conf:$2"
	ctl start >"$T/out" 2>&1
	not_ok "$1: it does not start" test $? = 0
	like "$1: and says why" "$(cat "$T/out")" "*filemon.conf:$2"
}
bad "unknown option" "2:*setle*did you mean*settle*" <<'CONF'
settle-max = 5s
setle = 100ms
CONF
bad "bad unit" "1:*settle*" <<'CONF'
settle = 100parsecs
CONF
bad "out of range" "3:*jobs*" <<'CONF'
handler a {
	load = { "true" }
	jobs = -4
}
CONF
bad "unknown option of a handler" "2:*retrys*did you mean*retries*" <<'CONF'
handler a {
	retrys = 4
	load = { "true" }
}
CONF
bad "unknown placeholder" "2:*{pth}*" <<'CONF'
handler a {
	load = { "true", "{pth}" }
}
CONF
exits 78 "the daemon itself exits with 78" "$FILEMOND" -C "$P"
exits 3 "nothing runs then" ctl status
exits 64 "an unknown option of filemond is a usage error" "$FILEMOND" --no-such-option
exits 64 "an unknown command of filemonctl is a usage error" "$FILEMONCTL" no-such-command

# What the backend cannot tell is said.
conf <<'CONF'
backend = poll
enrich = { user, process, git }
CONF
start_daemon
ok "with what the backend cannot tell it is healthy" wait_for "$LIMIT" st_is .health healthy
like "enrich that does nothing is told by status" "$(ctl status)" \
	"*health: healthy*enrich process, user: only with backend = fanotify*"
ok "... and by the trace log" grep -q "warn.*enrich process, user: only" "$P/.filemon/trace.log"
ctl stop >/dev/null

# Where the state is kept is changed while it runs: it is one filemond a project.
conf </dev/null
start_daemon
pid=$(pid_of supervisor)
elsewhere() # SENTENCE OLD COMMAND...
{
	sentence=$1 old=$2
	shift 2
	for cmd; do
		ctl "$cmd" >"$T/out" 2>&1
		not_ok "$sentence: $cmd fails" test $? = 0
		like "... and says what runs and what to do" "$(cat "$T/out")" \
			"*pid $pid*-o state-dir=$old stop*"
	done
	"$FILEMOND" -C "$P" >"$T/out" 2>&1
	is "$sentence: a second one exits with 75" $? 75
	like "... and says who is there" "$(cat "$T/out")" "*pid $pid*"
}
echo "state-dir = $T/state" | conf
elsewhere "another state-dir" "$P/.filemon" start stop restart reload status
ok "the former one can be restarted" ctl -o state-dir="$P/.filemon" restart
pid=$(cat "$P/.filemon/lock")
elsewhere "it was restarted, and" "$P/.filemon" start
ok "what it says is what helps" ctl -o state-dir="$P/.filemon" stop
ok "with the state elsewhere it starts" ctl start
ok "... and is restarted" ctl restart
pid=$(pid_of supervisor)
like "... with both locks" "$(cat "$P/.filemon/lock" "$T/state/lock" | xargs)" "$pid $pid"
conf </dev/null
elsewhere "the usual state-dir again" "$T/state" stop status
ok "a run besides, with a configuration and a state of its own" \
	sh -c "'$FILEMOND' -C '$P' -c /dev/null -o state-dir='$T/apart'"
ok "... is stopped by itself" "$FILEMONCTL" -C "$P" -c /dev/null -o state-dir="$T/apart" stop
is "... and leaves that of the project" "$(ctl -o state-dir="$T/state" status --json | jq .processes[0].pid)" "$pid"
ctl -o state-dir="$T/state" stop >/dev/null

# One that is restarted and falls silent before it is ready.
adopt silent
mkdir -p "$P/.filemon"
conf </dev/null
cat >"$T/silent.pl" <<'PERL'
use Fcntl ":flock"; use IO::Socket::UNIX;
open(my $lock, ">", "lock"); flock($lock, LOCK_EX);
syswrite($lock, "$$\n");
my $socket = IO::Socket::UNIX->new(Local => "control.sock", Listen => 5);
foreach my $renewals (0, 1) {
	my $client = $socket->accept;
	<$client>;
	syswrite($client, qq({"jsonrpc":"2.0","id":1,"result":{"renewals":$renewals,"ready":false}}\n));
}
unlink "control.sock";
select(undef, undef, undef, 600);
PERL
if command -v perl >/dev/null; then
	(cd "$P/.filemon" && exec perl "$T/silent.pl") &
	silent=$!
	wait_for "$LIMIT" test -S "$P/.filemon/control.sock"
	ctl restart --timeout 300ms >"$T/out" 2>&1
	is "a restart that is told nothing gives up" $? 1
	like "... and says so" "$(cat "$T/out")" "*nobody answers*pid $silent*"
	kill "$silent"
else
	skip "no perl" 2
fi

# A project whose path is longer than a socket's address.
adopt "$(printf '%0100d/%0100d' 1 2)"
mkdir -p "$P"
ok "init in a deep directory" ctl init
exits 0 "start where the socket's path is too long" ctl start
exits 0 "status there" ctl status
finish
