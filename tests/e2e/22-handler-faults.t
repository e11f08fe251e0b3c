# SPDX-License-Identifier: ISC
# Handlers that do what they should not: each is ended, told apart and
# contained, and none of them takes another's deliveries down with it.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

good()
{
	printf '%s\n' "handler good {" "	match = { \"g*\" }" \
		"	load = { \"$H/log\", \"load\", \"{path}\" }" "}"
}

dead_is()
{
	[ "$(ctl failures --json --limit 1000 | jq -r '.total')" = "$1" ]
}

outcome_of()
{
	ctl failures --json --limit 1000 | jq -r ".items[] | select(.path == \"$1\").outcome"
}

# They hang, ignore SIGTERM, stop themselves, fork twice into another session,
# give their output to a daemon, print without end: all at once.
project stuck <<CONF
settle = 10ms
$(good)
handler hang {
	match = { "hang" }
	load = { "$H/hang" }
	timeout = 300ms   stop-grace = 50ms   retries = 0
}
handler stop {
	match = { "stop" }
	load = { "sh", "-c", "kill -STOP \$\$" }
	timeout = 300ms   stop-grace = 20s   retries = 0
}
handler leave {
	match = { "leave" }
	load = { "$H/leave" }
}
handler print {
	match = { "print" }
	load = { "sh", "-c", "trap '' TERM; while :; do echo out without end; done" }
	timeout = 300ms   stop-grace = 50ms   retries = 0
}
handler forks {
	match = { "forks" }
	load = { "sh", "-c", "i=0; while [ \$i -lt 30 ]; do (setsid sh -c 'sleep 100000 & sleep 100000' &); i=\$((i+1)); done" }
}
CONF
touch "$P/hang" "$P/stop" "$P/leave" "$P/print" "$P/forks" "$P/g1"
start_daemon
ok "handlers that hang, stop, print and leave daemons behind all end" idle
is "one that hangs and ignores SIGTERM has timed out" \
	"$(outcome_of hang)" "timed out after 300 ms"
is "one that stopped itself has timed out, long before the grace is over" \
	"$(outcome_of stop)" "timed out after 300 ms"
is "one that prints without end has timed out" \
	"$(outcome_of print)" "timed out after 300 ms"
ok "of what it printed the end is kept, and no more" sh -c \
	"cd '$P' && '$FILEMONCTL' failures --json | jq -e '.items[] |
	select(.path == \"print\").output | length > 1000 and length <= 4096'"
is "one that leaves daemons in other sessions has delivered" \
	"$(st '.handlers[] | select(.name == "leave").ok')" 1
is "so has one that leaves many" "$(st '.handlers[] | select(.name == "forks").ok')" 1
ok "nothing of them is left" sh -c "! pgrep -f 'sleep 10000[0]' -P '$(pid_of runner)'"
ok "nor is a zombie" no_zombie "$(pid_of runner)" "$(pid_of supervisor)"
ok "the others were delivered" logged "good load g1 1"
is "nothing was restarted" "$(st .restarts)" 0
ctl stop >/dev/null

# Every exit code.  A second run tells a temporary failure from a permanent one.
project codes <<CONF
settle = 10ms
handler code {
	load = { "sh", "-c", "echo \$0 >>'$T/codes.log'; exit \$0", "{name}" }
	jobs = 8   retries = 1   backoff = 1ms   breaker-failures = 0
}
CONF
: >"$T/codes.want"
i=0
while [ $i -le 255 ]; do
	case $i in
	126 | 127) ;;
	0 | 6[4-8] | 7[678] | 100 | 125) echo $i >>"$T/codes.want" && : >"$P/$i" ;;
	*) printf '%s\n%s\n' $i $i >>"$T/codes.want" && : >"$P/$i" ;;
	esac
	i=$((i + 1))
done
start_daemon
ok "handlers end with every exit code" idle
sort "$T/codes.want" >"$T/want"
sort "$T/codes.log" >"$T/got"
ok "0 and permanent ones run once, all others are tried again" cmp "$T/want" "$T/got"
ctl failures --json --limit 1000 | jq -r '.items[] | "\(.path) \(.outcome)"' |
	sort -n >"$T/got"
sort -nu "$T/codes.want" | sed '/^0$/d; s/.*/& exit &/' >"$T/want"
ok "each but 0 is a dead letter that names its code" cmp "$T/want" "$T/got"
for i in 126 127; do
	: >"$P/$i"
	ok "$i opens the breaker" wait_for "$LIMIT" st_is '.handlers[0].breaker' open
	is "... and the path is no dead letter" "$(outcome_of $i)" ""
	rm "$P/$i"
	ctl resume >/dev/null
	idle >/dev/null
done
ctl stop >/dev/null

# Every signal, but for those that stop (above), and two that belong to libc.
project signals <<CONF
settle = 10ms
handler signal {
	load = { "sh", "-c", "ulimit -c 0; kill -\$0 \$\$; exit 0", "{name}" }
	jobs = 8   retries = 0   breaker-failures = 0
}
CONF
: >"$T/want"
i=1
while [ $i -le 64 ]; do
	case $i in
	17 | 18 | 23 | 28) : >"$P/$i" ;; # CHLD, CONT, URG, WINCH: ignored
	19 | 2[012] | 3[23]) ;;
	*) echo "$i signal $i" >>"$T/want" && : >"$P/$i" ;;
	esac
	i=$((i + 1))
done
start_daemon
ok "handlers die by every signal" idle
ctl failures --json --limit 1000 | jq -r '.items[] | "\(.path) \(.outcome)"' |
	sed 's/ (.*//' | sort -n >"$T/got"
ok "each that kills is a failure that names it" cmp "$T/want" "$T/got"
is "those that do nothing are none" "$(st '.handlers[0].ok')" 4
ctl stop >/dev/null

# They change, remove, or are too slow for the file that they are given.
project change <<CONF
settle = 10ms
loop-runs = 3
loop-cooldown = 1h
$(good)
handler own {
	match = { "own*" }
	load = { "sh", "-c", "echo run >>'$T/own.log'; echo more >>\$0" }
}
handler form {
	match = { "form" }
	load = { "sh", "-c", "grep -q done \$0 || echo done >>\$0" }
}
handler away {
	match = { "away" }
	load = { "sh", "-c", "rm \$0" }
	remove-file = { "sh", "-c", "echo \$0 >>'$T/away.log'" }
}
handler slow {
	match = { "slow" }
	load = { "sh", "-c", "while ! [ -e '$T/open' ]; do sleep 0.02; done; cat \$0 >>'$T/slow.log'" }
}
CONF
: >"$T/own.log"
start_daemon
own_runs()
{
	[ "$(wc -l <"$T/own.log")" -eq "$1" ]
}
# A run whose file was still being touched by this test is one more.
own_least()
{
	[ "$(wc -l <"$T/own.log")" -ge "$1" ] && [ "$(wc -l <"$T/own.log")" -le $(($1 + 3)) ]
}
touch "$P/own file"
ok "a handler that changes its own file is found out" \
	wait_for "$LIMIT" st_is '.loops | length' 1
ok "... after as many runs as configured" own_least 3
own=$(wc -l <"$T/own.log")
is "status names the file and the handler" \
	"$(st '.loops[0] | "\(.path) \(.handler) \(.runs)"')" "own file own 3"
like "... in words too" "$(ctl status)" \
	"*own file: changed by the last 3 runs for it (handler own); left alone for*"
is "health says so" "$(st .health)" degraded
ok "a warning names them" grep -q \
	"handler own: own file: changed by the runs for it, 3 times in a row" \
	"$P/.filemon/trace.log"
is "why tells what it waits for" "$(ctl why 'own file' --json |
	jq -r '.handlers[] | select(.name == "own").state')" cooling
touch "$P/g2"
ok "meanwhile others are delivered" wait_for "$LIMIT" logged "good load g2 1"
ok "it is not run again" own_runs "$own"
echo mine >>"$P/own file"
ok "a change by somebody else is delivered at once, and then it cools again" \
	wait_for "$LIMIT" own_least $((own + 3))
ok "the count tells of both" wait_for "$LIMIT" \
	st_is '.handlers[] | select(.name == "own").loops' 2
rm "$P/own file"
ok "a file that is gone cools no more" idle
is "nothing loops now" "$(st '.loops | length')" 0

echo a >"$P/form"
ok "one that changes its file once is no loop" idle
is "... and has settled" "$(st '.handlers[] | select(.name == "form").loops')" 0
is "... with what it wrote" "$(cat "$P/form")" "a
done"

echo a >"$P/away"
ok "one that removes its file comes to an end" idle
is "... and is told that it is gone" "$(cat "$T/away.log")" "$P/away"

echo 1 >"$P/slow"
wait_for "$LIMIT" st_is '.handlers[] | select(.name == "slow").running' 1
echo 2 >"$P/slow"
echo 3 >"$P/slow"
: >"$T/open"
ok "one that is slower than its file changes comes to an end" idle
is "its last run saw the last content" "$(tail -n 1 "$T/slow.log")" 3
finish
