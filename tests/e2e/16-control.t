# SPDX-License-Identifier: ISC
# filemonctl and the protocol below it: answers, faults, and JSON everywhere.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

project p <<CONF
settle = 20ms
handler gate {
	load        = { "$H/gate" }
	remove-file = { "$H/log", "remove" }
	jobs = 1
}
handler bad {
	match = { "bad*" }
	load = { "$H/fail", "1000", "65" }
}
CONF
: >"$P/a"
: >"$P/b"
: >"$P/bad"
: >"$GATE"
start_daemon
idle >/dev/null

# --help of every command, of filemonctl and of filemond.
for cmd in init start stop restart reload status ensure list watch run events queue failures \
	retry discard scan wait pause resume why config; do
	"$FILEMONCTL" $cmd --help >"$T/out" 2>"$T/err"
	is "$cmd --help succeeds" "$? $(cat "$T/err")" "0 "
	like "and says how $cmd is used" "$(cat "$T/out")" "*filemonctl $cmd*"
	exits 64 "$cmd refuses an unknown option" "$FILEMONCTL" $cmd --no-such-option
done
like "filemonctl --help lists the commands" "$("$FILEMONCTL" --help)" "*status*failures*why*"
like "filemond --help" "$("$FILEMOND" --help 2>&1)" "*usage: filemond*"
like "a command that is nearly right is named" "$("$FILEMONCTL" statsu 2>&1)" "*status*"
like "--version" "$("$FILEMONCTL" --version)" "*[0-9].[0-9]*"

# JSON.
json() # SENTENCE JQ-CONDITION COMMAND...
{
	sentence=$1 condition=$2
	shift 2
	ctl "$@" --json >"$T/out" 2>"$T/err"
	ok "$sentence" jq -e "$condition" "$T/out" || diag_file "$T/err"
}
json "status --json" '.ready and .health and .version and .project == "'"$P"'"' status
json "status tells every process" \
	'[.processes[].name] | sort == ["runner", "supervisor", "watcher"]' status
json "with pid and memory" 'all(.processes[]; .pid > 1 and .rss_kib > 0 and .private_kib > 0)' status
json "status tells uptime and start" '.uptime_ms >= 0 and (.started_at | test("^20..-"))' status
json "status tells backend and watches" \
	'.watch[0].backend == "'"${TEST_BACKEND:-inotify}"'" and .watch[0].watches > 0 and .watch[0].root == "'"$P"'"' status
json "status counts a handler's runs" \
	'.handlers[] | select(.name == "bad") | .runs == 1 and .rejected == 1 and .dead == 1' status
json "status tells a handler's last error" \
	'.handlers[] | select(.name == "bad") | .last_error.path == "bad"' status
json "dead letters are a reason" '.health != "healthy" and (.reasons | length) > 0' status
json "queue --json" '.total == 0 and .items == []' queue
json "failures --json" '.total == 1 and .items[0].handler == "bad"' failures
json "config --json" '.options | length > 15' config
json "every option has value, default and text" \
	'all(.options[]; has("name") and has("value") and has("default") and has("text"))' config
json "config tells the handlers" '[.handlers[].name] == ["gate", "bad"]' config
json "why --json" '.wanted == true' why a
json "scan --json" '.queued == true' scan
json "wait --json" '.idle == true' wait --idle
json "pause --json" '.paused == ["gate"]' pause gate
json "resume --json" '.paused == []' resume gate
json "reload --json" '.changed == []' reload
json "start --json of a running daemon" . start
json "retry --json" '.count == 1' retry --all
idle >/dev/null
json "discard --json" '.count == 1' discard --all
json "list --json tells this daemon" 'tostring | contains("'"$P"'")' list
like "list" "$(ctl list)" "*$P*"
like "status for people" "$(ctl status)" "*watcher*gate*"
like "config for people" "$(ctl config)" "*settle*20ms*"

# pause and resume
: >"$HLOG"
ok "pause" ctl pause
echo more >"$P/a"
saw_it()
{
	told '.rel_path == "a" and .event_type.type == "modified"'
}
ok "while paused, events are recorded" wait_for "$LIMIT" saw_it
pending_is()
{
	st_is .queue.pending "$1"
}
ok "and wait in the queue" wait_for "$LIMIT" pending_is 1
ok "but nothing runs" lines_are 0
like "status says paused" "$(st '.paused | sort | join(" ")')" "bad gate"
like "... which is not all well" \
	"$(st '.health + ": " + (.reasons | join(", "))')" "degraded: handler gate: paused, *"
exits 1 "wait --idle gives up at its time-out" ctl wait --idle --timeout 200ms
like "and says why" "$(ctl wait --idle --timeout 200ms 2>&1)" "*pause*"
is "why tells what it waits for" "$(ctl why a --json |
	jq -c '[.handlers[] | select(.name == "gate").state]')" '["paused"]'
like "in words too" "$(ctl why a)" "*gate: an earlier state was delivered; waits: the handler is paused*"
ok "resume of one handler" ctl resume gate
idle >/dev/null
ok "resume delivers" log_is "gate begin a 1
gate end a 1"
like "why of a path that never was: what would be" "$(ctl why nothing)" \
	"*last seen: never*handler gate: not delivered; nothing to do*"
exits 1 "pause of a handler that is not there fails" ctl pause nobody
ctl resume >/dev/null

# The queue.
rm "$GATE"
: >"$HLOG"
echo 1 >"$P/q1"
ok "a job runs" wait_for "$LIMIT" lines_are 1
echo 1 >"$P/q2"
ok "another waits" wait_for "$LIMIT" pending_is 2
json "queue tells what runs, with its pid" '.items[] | select(.path == "q1") |
	.state == "running" and .command == "load" and .handler == "gate" and .pid > 1' queue
json "and what waits" '.items[] | select(.path == "q2") | .state != "running" and .age_ms >= 0' queue
json "and how many" '.total == 2' queue
json "--limit limits" '.total == 2 and (.items | length) == 1' queue --limit 1
like "queue for people" "$(ctl queue)" "*q1*"
not_ok "the oldest pending has an age" st_is .queue.oldest_pending_ms null
: >"$GATE"
idle >/dev/null
ok "nothing is pending when idle" st_is .queue.oldest_pending_ms null

# wait --idle is a barrier: what was written before it is delivered after it.
i=0
missed=0
while [ $i -lt 30 ]; do
	echo $i >"$P/barrier$i"
	ctl wait --idle --timeout 120s >/dev/null
	logged "gate end barrier$i 1" || missed=$((missed + 1))
	i=$((i + 1))
done
is "what was written before wait --idle is delivered when it returns" $missed 0

# scan of a subtree
mkdir "$P/sub"
ok "scan of a path" ctl scan sub
exits 1 "scan of what is not there fails" ctl scan no-such-dir

# The socket, by hand.
S=$P/.filemon/control.sock
ask()
{
	printf '%s\n' "$@" | timeout 60 "$TOOLS/ask" "$S" >"$T/answer"
}
ask '{"jsonrpc":"2.0","id":7,"method":"ping"}'
is "ping" "$(jq -c '[.id, .result.pong, .jsonrpc]' "$T/answer")" '[7,true,"2.0"]'
ask '{"jsonrpc":"2.0","id":1,"method":"ping"}' '{"jsonrpc":"2.0","id":"two","method":"queue"}'
is "two requests on one connection, in order" "$(jq -c .id "$T/answer" | tr '\n' ' ')" '1 "two" '
fault() # SENTENCE CODE LINE...
{
	sentence=$1 code=$2
	shift 2
	ask "$@"
	is "$sentence" "$(jq -r .error.code "$T/answer" | head -n 1)" "$code"
}
fault "garbage is -32700" -32700 'this is not JSON'
fault "half an object is -32700" -32700 '{"jsonrpc":"2.0",'
fault "a number is no request" -32600 '42'
fault "an object without a method is no request" -32600 '{"jsonrpc":"2.0","id":1}'
fault "an unknown method is -32601" -32601 '{"jsonrpc":"2.0","id":1,"method":"nonsense"}'
fault "an unknown parameter is -32602" -32602 \
	'{"jsonrpc":"2.0","id":1,"method":"queue","params":{"limitt":1}}'
like "and named" "$(jq -r .error.message "$T/answer")" "*limitt*"
fault "a parameter of the wrong type is -32602" -32602 \
	'{"jsonrpc":"2.0","id":1,"method":"queue","params":{"limit":"many"}}'
fault "a path outside of the project is refused" -32602 \
	'{"jsonrpc":"2.0","id":1,"method":"why","params":{"path":"/etc/passwd"}}' ||
	diag "$(cat "$T/answer")"
fault "deep nesting is refused" -32700 "$(printf '%05000d' 0 | tr 0 '[')"
ask '{"jsonrpc":"2.0","method":"ping"}'
is "a request without an id is not answered" "$(cat "$T/answer")" ""
head -c 300000 /dev/zero | tr '\0' x | timeout 60 "$TOOLS/ask" "$S" >"$T/answer"
ok "a line without end is cut off" test $? -ne 124
head -c 200000 /dev/urandom | timeout 60 "$TOOLS/ask" "$S" >"$T/answer"
ok "random bytes come to an end" test $? -ne 124
is "and the daemon lives, the same" "$(st .restarts)" 0

# More clients than it takes.
i=0
clients=
while [ $i -lt 50 ]; do
	sleep 60 | "$TOOLS/ask" "$S" >/dev/null 2>&1 &
	clients="$clients $!"
	i=$((i + 1))
done
ok "with fifty idle clients it still answers" wait_for "$LIMIT" ctl status
# The sleepers are told apart by this test's environment.
ps -e -o pid= -o args= | awk '$2 == "sleep" && $3 == 60 { print $1 }' |
	while read -r pid; do
		grep -qsaF -e "$T" "/proc/$pid/environ" && kill "$pid"
	done
# shellcheck disable=SC2086
wait $clients 2>/dev/null
is "it was never started again" "$(st .restarts)" 0

# The socket is for its owner only.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 711 "$T"
	chmod 666 "$S"
	printf '{"jsonrpc":"2.0","id":7,"method":"ping"}\n' |
		setpriv --reuid 65534 --clear-groups timeout 60 "$TOOLS/ask" "$S" >"$T/answer" 2>&1
	not_ok "another user gets no answer, even with the mode changed" grep -q pong "$T/answer"
	chmod 600 "$S"
else
	skip "not root" 1
fi

# Of a handler that was quick, more than one run is asked for in advance; only one
# runs, and of the others none has begun.
ctl stop >/dev/null
cat >"$T/late" <<EOS
#!/bin/sh
[ -e "$GATE" ] || exec "$H/gate"
EOS
chmod +x "$T/late"
project quick <<CONF
settle = 20ms
handler late {
	load = { "$T/late" }
	jobs = 1
}
CONF
: >"$GATE"
start_daemon
for n in 1 2 3 4 5 6; do
	: >"$P/g$n"
done
idle >/dev/null
rm "$GATE"
: >"$HLOG"
for n in 1 2 3 4; do
	echo 2 >"$P/g$n"
done
ok "a slow run begins" wait_for "$LIMIT" grep -q begin "$HLOG"
wait_for "$LIMIT" st_is .queue.pending 4
is "what is in hand does not run" "$(st '"\(.queue.running) \(.handlers[0].running)"')" "1 1"
whys()
{
	for n in 1 2 3 4; do
		ctl why g$n
	done
}
one_runs()
{
	[ "$(whys | grep -c "being delivered; a job runs")" -eq 1 ]
}
ok "why tells of one run" wait_for "$LIMIT" one_runs
is "... and of no other that has begun" "$(whys | grep -c "a run began")" 0
: >"$GATE"
idle >/dev/null
finish
