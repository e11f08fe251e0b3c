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
finish
