# SPDX-License-Identifier: ISC
# A filemond that is about to end, or that has lost what it is found by, is not
# taken for one that runs and is well.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

listed()
{
	"$FILEMONCTL" list --json |
		jq -r --arg p "$P" '.[] | select(.project == $p) | "\(.stopping) \(.restarting)"'
}
holding() # a run that ends when $GATE is there
{
	rm -f "$GATE"
	: >"$HLOG"
	date >>"$P/file"
	wait_for "$LIMIT" logged "h begin file 1"
}

# One that is stopping.
project p <<CONF
settle = 10ms
drain-timeout = 10m
handler h {
	load = { "$H/gate" }
}
CONF
start_daemon
is "one that runs is not stopping" "$(st '"\(.stopping) \(.restarting)"')" "false false"
holding
pid=$(pid_of supervisor)
exits 1 "a stop that has to wait says so" ctl stop --timeout 10ms
is "status tells that it is stopping" "$(st .stopping)" true
like "... in words too" "$(ctl status)" "*stopping (pid $pid)*"
is "list tells it" "$(listed)" "true false"
like "... in words too" "$("$FILEMONCTL" list)" "*$pid *stopping*$P*"
ctl start >"$T/start.out" 2>&1 &
start=$!
ctl ensure >"$T/ensure.out" 2>&1 &
ensure=$!
touch "$GATE"
wait "$start"
is "start waits for the end of it, and starts anew" $? 0
wait "$ensure"
is "so does ensure" "$? $(cat "$T/ensure.out")" "0 "
not_ok "it is another one" test "$(pid_of supervisor)" = "$pid"
is "... that is not stopping" "$(st .stopping)" false
pid=$(pid_of supervisor)
holding
ctl restart --timeout 10ms >"$T/out" 2>&1
is "a restart that has to wait says so" $? 1
like "... and that it is still to come" "$(cat "$T/out")" "*pid $pid*will restart*"
is "status tells it" "$(st '"\(.stopping) \(.restarting)"')" "false true"
like "... in words too" "$(ctl status)" "*restarting (pid $pid)*"
exits 0 "start is content with that" ctl start
touch "$GATE"
ok "it restarts" wait_for "$LIMIT" st_is .renewals 1
ok "and is idle" idle

# One whose socket was removed or replaced.  Idle, it does not see it by itself.
watcher=$(pid_of watcher)
rm "$P/.filemon/control.sock"
is "without its socket it is told, and makes it again" "$(ctl status --json | jq .ready)" true
ok "... and says so" grep -q 'control.sock: was removed or replaced (made again)' "$P/.filemon/trace.log"
is "... for its user alone" "$(stat -c %a "$P/.filemon/control.sock")" 600
mv "$P/.filemon/control.sock" "$T/socket"
is "so it is when that was moved" "$(ctl reload)" "nothing changed"
rm "$P/.filemon/control.sock"
: >"$P/.filemon/control.sock"
touch "$GATE"
date >>"$P/file"
ok "at work, it sees by itself that the socket was replaced" wait_for "$LIMIT" test -S "$P/.filemon/control.sock"
ok "... and answers" idle
like "a socket that is named otherwise is not waited for long" \
	"$(ctl -o "control-socket=$T/other.sock" status 2>&1)" \
	"*other.sock: No such file*removed*'filemonctl stop' ends it*"

# One that has lost its socket, and cannot make another one.
rm "$P/.filemon/control.sock"
mkdir "$P/.filemon/control.sock"
kill -CONT "$watcher"
ok "what it cannot remove is in its way, and it says so" \
	wait_for "$LIMIT" grep -q 'control.sock: was removed or replaced, and cannot be made again: Is a dir' \
	"$P/.filemon/trace.log"
rmdir "$P/.filemon/control.sock"
for cmd in wait status; do
	ok "... until that has gone: $cmd" ctl $cmd
done
ok "it stops" ctl stop
not_ok "and its socket goes with it" test -e "$P/.filemon/control.sock"

# One whose lock was removed: it answers, and is there.
cat >"$T/unlocked.pl" <<'PERL'
use IO::Socket::UNIX;
my $pid = $$;
$0 = "filemond: supervisor $ARGV[0]";
my $socket = IO::Socket::UNIX->new(Local => "control.sock", Listen => 5);
while (my $client = $socket->accept) {
	my $line = <$client>;
	my $result = qq({"ready":true,"processes":[{"name":"supervisor","pid":$pid}]});
	syswrite($client, qq({"jsonrpc":"2.0","id":1,"result":$result}\n));
	last if $line =~ /"stop"/;
}
unlink "control.sock";
PERL
if command -v perl >/dev/null; then
	rm "$P/.filemon/lock"
	(cd "$P/.filemon" && exec perl "$T/unlocked.pl" "$P") &
	pid=$!
	wait_for "$LIMIT" test -S "$P/.filemon/control.sock"
	like "without its lock status tells its pid" "$(ctl status)" "*running (pid $pid)*"
	like "... so does start" "$(ctl start)" "*running (pid $pid)*"
	like "... and stop stops it" "$(ctl stop)" "filemond stopped (pid $pid)"
	ok "... until it has ended" pid_gone "$pid"
	like "then there is none" "$(ctl stop)" "*is not running*"
else
	skip "no perl" 5
fi

# What is no filemond.
printf '#!/bin/sh\n' >"$T/true"
chmod +x "$T/true"
for options in "" --no-wait; do
	# shellcheck disable=SC2086
	(FILEMOND=$T/true && export FILEMOND && ctl start $options) >"$T/out" 2>&1
	is "a filemond that is none is no success${options:+ with $options}" $? 1
	like "... and is named" "$(cat "$T/out")" "*$T/true has ended with 0, but no filemond*"
done
finish
