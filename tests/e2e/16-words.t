# SPDX-License-Identifier: ISC
# What the programs say to somebody who does not know them: what is wrong, where,
# and what is wanted.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

project p <<CONF
settle = 20ms
handler good {
	load = { "$H/log", "load" }
}
sink audit { command = { "cat" } }
alert many { }
CONF

# says SENTENCE PATTERN COMMAND...: what a command has to say on stderr.
says()
{
	sentence=$1 pattern=$2
	shift 2
	"$@" >"$T/out" 2>"$T/err"
	like "$sentence" "$(cat "$T/err")" "$pattern"
}

# A configuration with a fault: file, line, section, option, and what is wanted.
refuses() # SENTENCE PATTERN TEXT
{
	printf '%b' "$3" >"$T/bad.conf"
	says "$1" "filemond: $T/bad.conf:$2" "$FILEMOND" -t -C "$P" -c "$T/bad.conf"
}
refuses "a section without a name" "1: handler: no name: handler NAME { ... } is wanted" \
	'handler {\n\tload = x\n}\n'
refuses "a name of two words" "1: handler: no brace *: handler NAME { ... } is wanted" \
	'handler a b {\n\tload = x\n}\n'
refuses "no equal sign" "1: settle: no equal sign: settle = value is wanted" 'settle 5s\n'
refuses "a colon" "1: settle: ':' sets no value: settle = value is wanted" 'settle:\n'
refuses "a list for one value" "2: settle: one value is wanted, no list" \
	'jobs-max = 3\nsettle = { 1s, 2s }\n'
refuses "no value at the end" "1: settle: no value: the file ends behind '='" 'settle =\n\n# end\n'
refuses "... of a handler" "2: handler a: jobs: no value: *" 'handler a {\n\tjobs =\n\n'
refuses "a semicolon" "2: ';' outside quotes: *" 'handler a {\n\tload = x;\n}\n'
refuses "a size" "1: checksum-max-size: *with K, M, G, T or P*" 'checksum-max-size = 5X\n'
printf '\357\273\277settle = 1s\n' >"$T/bom.conf"
ok "a byte order mark is no part of a word" "$FILEMOND" -t -C "$P" -c "$T/bom.conf"
refuses "a brace too many" "2: a closing brace too many*" 'settle = 1s\n}\n'
refuses "an option of a handler" "3: handler a: jobs: '3x' is no number*" \
	'handler a {\n\tload = x\n\tjobs = 3x\n}\n'
refuses "an unknown option of a sink" "2: sink a: jbs: unknown option*" 'sink a {\n\tjbs = 3\n}\n'
refuses "a cwd that is not there" "3: handler a: cwd: /nowhere: No such file or directory*" \
	'handler a {\n\tload = x\n\tcwd = /nowhere\n}\n'
refuses "a cwd that is none" "3: handler a: cwd: $T/bad.conf: is no directory*" \
	"handler a {\n\tload = x\n\tcwd = $T/bad.conf\n}\n"
says "a project that is none" "filemond: $T/bad.conf: is no directory*" \
	"$FILEMOND" -t -C "$T/bad.conf"

# filemond by hand
like "filemond --help tells what each option is" "$("$FILEMOND" --help)" \
	"usage: filemond *-C, --project DIR *the project *--test *check the configuration*filemonctl start*"
says "what is no option of it" "*--nonsense*see 'filemond --help'" "$FILEMOND" --nonsense
says "a word too many" "filemond: word: not an option*see 'filemond --help'" "$FILEMOND" word

# Programs that are not there.
mkdir -p "$T/bare/.filemon" "$T/bare/bin"
cat >"$T/bare/.filemon/filemon.conf" <<CONF
handler a { load = { "no-such-program", "{path}" } }
handler b {
	load = { "bin/there" }
	remove-file = { "bin/plain" }
}
alert c {
	rule = event-rate
	threshold = 1000
	on-alert = { "$T/nowhere" }
}
CONF
echo '#!/bin/sh' >"$T/bare/bin/there"
chmod +x "$T/bare/bin/there"
: >"$T/bare/bin/plain"
"$FILEMOND" -t -C "$T/bare" >"$T/out" 2>"$T/err"
is "-t takes a configuration whose programs are missing" "$?" 0
is "... and tells which" "$(sort "$T/err")" "filemond: alert c: on-alert: $T/nowhere: \
No such file or directory (until it is there, it cannot be run)
filemond: handler a: load: no-such-program: not found in PATH \
(until it is there, it cannot be run)
filemond: handler b: remove-file: bin/plain: Permission denied \
(until it is there, it cannot be run)"
adopt bare
start_daemon
ok "... as does the start" grep -q "handler a: load: no-such-program" "$T/.start"
ok "... and the trace log" grep -q "handler a: load: no-such-program" \
	"$P/.filemon/trace.log"
ctl stop >/dev/null
adopt p

# init
mkdir "$T/fresh" "$T/taken" "$T/others"
: >"$T/taken/.filemon"
says "a .filemon that is a file" "filemonctl init: $T/taken/.filemon: is no directory*" \
	"$FILEMONCTL" init "$T/taken"
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 711 "$T"
	mkdir "$T/others/.filemon"
	says "a .filemon of another user" "filemonctl init: $T/others/.filemon: belongs to another user*" \
		setpriv --reuid 65534 --clear-groups "$FILEMONCTL" init "$T/others"
else
	skip "not root" 1
fi
for nowhere in "$T/nowhere: No such file*" "$T/bad.conf: is no directory*"; do
	says "-C $nowhere" "filemonctl status: $nowhere" "$FILEMONCTL" -C "${nowhere%%:*}" status
done
like "-h is --help" "$("$FILEMONCTL" -h)" "usage: filemonctl*-h, --help*"
like "-V is --version" "$("$FILEMONCTL" -V)" "filemonctl [0-9]*"
says "a handler's name is looked at" \
	"filemonctl init: --handler: 'a b' is no name for a handler: letters*" \
	"$FILEMONCTL" init --handler 'a b' --load true "$T/fresh"
says "... and its globs" "filemonctl init: --match: '!' matches nothing*" \
	"$FILEMONCTL" init --handler a --load true --match '!' "$T/fresh"
says "... all of what is wrong with them" \
	"filemonctl init: --match: '\[x' has a \[ without its \]*" \
	"$FILEMONCTL" init --handler a --load true --match '[x' "$T/fresh"
not_ok "... before anything is written" test -e "$T/fresh/.filemon"

# config: what was said, and what holds by itself.
ctl config >"$T/config"
ok "what follows from the project is a default" \
	grep -Eq "^watch +\\{ \"$P\" \\} +\\(default\\)\$" "$T/config"
ok "... the state directory, too" grep -Eq '^state-dir .*\(default\)$' "$T/config"
# The backend is said where TEST_BACKEND is.
is "what was said is not" "$(sed '1,4d; /(default)$/d; /^backend /d
	s/  *{.*//; s/   *[0-9].*//' "$T/config")" "settle
handler good
  load
sink audit
  command
alert many"

# The command line: what was typed is named.
says "a long option without its value" "filemonctl events: --since: a value is wanted*" \
	ctl events --since
says "... a short one" "filemonctl events: -s: a value is wanted*" ctl events -s
says "... at the end of its word" "filemonctl events: -s: a value is wanted*" ctl events -fs
says "a value too many" "filemonctl events: --follow: takes no value*" ctl events --follow=3
says "an option that is nearly right" "*: --sinze: no such option: did you mean '--since'?*" \
	ctl events --sinze=3
says "one that begins two" "*: --s: begins several options: --since or --session?*" \
	ctl events --s 3
says "a short one in a word of several" "*: -x: no such option*" ctl events --json -xf

# events: times, and the day for people.
for late in 2262-04-13 2300-01-01T00:00:00Z; do
	says "a time that is too late: $late" \
		"*: --since: $late: out of range: * to 2262-04-11 23:47:16 UTC is wanted*" \
		ctl events --since "$late"
done
says "a time that is none" "*: --until: noon: a sequence number, a duration*" ctl events --until noon
exits 0 "longer ago than there is time is from the beginning" ctl events --since 99999999999d
mkdir "$P/.filemon/events"
record() # SEQ TIME
{
	printf '{"v":1,"seq":%d,"id":"0198f3c2-0000-7000-8000-00000000000%d","timestamp_utc":"%s","event_type":{"type":"deleted"},"file_path":"%s/a","rel_path":"a","source":"scan"}\n' \
		"$1" "$1" "$2" "$P"
}
{
	record 1 2026-01-30T23:59:59.000000000Z
	record 2 2026-01-31T00:00:00.000000000Z
	record 3 2026-01-31T00:00:01.000000000Z
	record 4 "$(date -u +%Y-%m-%d)T00:00:00.000000000Z"
} >"$P/.filemon/events/00000000000000000001.ndjson"
is "pretty tells the day where it is another" "$(ctl events --format pretty)" \
	"2026-01-30 UTC
23:59:59.000 deleted a
2026-01-31 UTC
00:00:00.000 deleted a
00:00:01.000 deleted a
$(date -u +%Y-%m-%d) UTC
00:00:00.000 deleted a"
is "... and not where it is today" "$(ctl events --format pretty -n 1)" "00:00:00.000 deleted a"
is "-v tells the number" "$(ctl events --format pretty -v -n 1)" "       4 00:00:00.000 deleted a"
is "other formats have lines of their own" "$(ctl events -v --format json | jq -c .seq | tr '\n' ' ')" "1 2 3 4 "
is "from 0 on is all" "$(ctl events --since 0 | jq .seq | tr '\n' ' ')" "1 2 3 4 "
is "up to 0 is nothing" "$(ctl events --until 0)" ""
is "yesterday is a time" "$(ctl events --since yesterday | jq -c .seq)" 4
says "from later than up to" "*: --since is after --until*" ctl events --since 3 --until 2
says "... of times" "*: --since is after --until*" ctl events --since 5m --until 2026-01-31
says "a day that is not in the calendar" "*: --since: 2026-02-31: a sequence number, a duration*" \
	ctl events --since 2026-02-31
echo '{"torn":' >>"$P/.filemon/events/00000000000000000001.ndjson"
says "a line that is no record is told with its place" \
	"filemonctl events: $P/.filemon/events/00000000000000000001.ndjson: a line is no record (left out)" \
	ctl events
if [ -w /dev/full ]; then
	for cmd in events "events -f" --help; do
		# shellcheck disable=SC2086
		ctl -q $cmd >/dev/full 2>"$T/err"
		is "$cmd to a full disk fails" $? 1
		is "... and says so once" "$(grep -c "standard output: No space" "$T/err")" 1
	done
else
	skip "no /dev/full" 6
fi
rm -r "$P/.filemon/events"

# watch, run: what was typed is named.
typed() # PATTERN OPTION...
{
	pattern=$1
	shift
	says "$*" "filemonctl $1: $pattern (see *" ctl "$@"
	exits 64 "... is wrong use" ctl "$@"
}
typed "--format: xml: json, pretty*" watch -f xml
typed "--poll: *soon*" watch --poll=soon
typed "--format: xml: json, pretty*" run -f xml --load true
typed "--jobs: 0 *1 to 256*" run -n 0 --load true
typed "--settle: *soon*" run -s soon --load true
# shellcheck disable=SC2016
says "a TMPDIR that is none is named" "filemonctl run: no temporary directory in /nowhere (TMPDIR): No*" \
	env TMPDIR=/nowhere "$FILEMONCTL" run --load true "$P"

# watch, run: a directory is wanted.
: >"$P/file"
for command in watch "run --load true"; do
	# shellcheck disable=SC2086
	says "$command of a file" \
		"filemonctl ${command%% *}: $P/file: is no directory: one is wanted (*-o include=file)" \
		ctl $command "$P/file"
	# shellcheck disable=SC2086
	says "$command of nothing" "filemonctl ${command%% *}: nowhere: No such file*" ctl $command nowhere
done
mkdir "$T/plain"
: >"$T/plain/here"
"$FILEMONCTL" -q run --load "$H/log load" "$T/plain" >"$T/out" 2>"$T/err" &
run=$!
ok "run runs" wait_for "$LIMIT" lines_are 1
kill "$run"
wait "$run"
is "... and with -q says nothing of itself" "$(cat "$T/out" "$T/err")" ""
"$FILEMONCTL" run --load "echo printed" "$T/plain" >"$T/out" 2>"$T/err" &
run=$!
ok "without, it shows what is printed" wait_for "$LIMIT" \
	grep -q "handler run here: printed" "$T/err"
kill "$run"
wait "$run"

"$FILEMONCTL" run --load "$H/fail 1000 65" "$T/plain" >"$T/out" 2>"$T/err" &
run=$!
ok "what fails is given up" wait_for "$LIMIT" grep -q "attempt 1: given up)" "$T/err"
kill "$run"
wait "$run"

# A daemon: what failed, and what to do.
conf <<CONF
settle = 20ms
handler bad {
	match = "bad*"
	load = { "$H/fail", "1000", "65" }
}
handler absent {
	match = "absent*"
	load = { "/nowhere/program", "{path}" }
	remove-file = { "$H/log", "remove" }
}
CONF
start_daemon
: >"$P/bad"
: >"$P/absent"
tried()
{
	[ "$(st '[.queue.dead, (.handlers[] | select(.name == "absent") | .breaker)] | join(" ")')" = "1 open" ]
}
ok "one is given up, and one cannot be started" wait_for "$LIMIT" tried
ctl status >"$T/status"
like "status says where dead letters are" "$(cat "$T/status")" "*1 dead (see 'filemonctl failures')*"
like "... and how a breaker is closed" "$(cat "$T/status")" "*'filemonctl resume absent' tries now*"
ok "its lines fit a terminal" sh -c "! sed 's,$P,/p,' '$T/status' | grep -E '.{121}'"
is "the queue has no time for what waits for a breaker" \
	"$(ctl queue | awk '$NF == "absent" { print $2, $5 }')" "breaker -"
says "wait says where to look" "*not idle after 1 ms: 1 pending: *breaker is open (see 'filemonctl queue')" \
	ctl wait --timeout 1ms
says "wait for no time looks how it is" "*: not idle: 1 pending: *" ctl wait --timeout 0
is "a scan that is waited for gives one answer" \
	"$(ctl scan --wait --timeout 0s --json 2>/dev/null | jq -c .idle)" false
ok "the log of a project says where it is shown" \
	grep -q "given up; 'filemonctl failures' shows the output" "$P/.filemon/trace.log"
like "resume tells what it resumed" "$(ctl resume absent)" "resumed: absent"
ctl pause bad >/dev/null
like "... and what is paused still" "$(ctl pause absent; ctl resume bad)" \
	"paused: *absent*resumed: bad*still paused: absent"
ctl resume >/dev/null
like "... or that there was nothing" "$(ctl resume bad)" "nothing was paused*"
ok "the other one is tried and fails anew" wait_for "$LIMIT" tried
like "why of what could not be started" "$(ctl why absent)" \
	"*handler absent: not delivered; waits: the handler's breaker is open*cannot start /nowhere/program*"
like "why of what failed" "$(ctl why bad)" "*handler bad: perhaps delivered: a run began; given up*"
ctl discard bad >/dev/null
like "why of what was discarded" "$(ctl why bad)" \
	"*handler bad: discarded, and so taken for delivered; nothing to do*last failure: exit 65*"
is "... as JSON" "$(ctl why bad --json | jq -r '.handlers[0].delivered')" discarded
: >"$HLOG"
rm "$P/absent"
ok "what was never begun is not removed" idle
is "... and nothing is run" "$(cat "$HLOG")" ""
# What runs takes no other -c and -o.
own="its own -c and -o"
for command in start ensure reload config; do
	exits 1 "$command with another option is refused" ctl $command -o settle=30ms
	says "... and says what differs" \
		"filemonctl $command: filemond runs already, with $own: settle is 20ms, not 30ms (*restart*" \
		ctl $command -o settle=30ms
	exits 0 "$command with what it has is not" ctl $command -o settle=20ms
done
says "an option of a handler" "*: handler.bad.jobs is 1, not 2 (*" ctl start -o handler.bad.jobs=2
says "... of one that is not there" "*: handler.new.load is unset, not { \"x\" } (*" \
	ctl reload -o handler.new.load=x
cp "$P/.filemon/filemon.conf" "$T/other.conf"
says "another file" "*: its file is $P/.filemon/filemon.conf (*" ctl reload -c "$T/other.conf"
exits 0 "its own file is not another" ctl reload -c .filemon/filemon.conf
says "what is no option at all" "filemonctl start: -o nonsense: unknown option*" ctl start -o nonsense=1
exits 0 "other commands only look for it" ctl status -o settle=30ms
exits 0 "... by the place of its state" ctl start -o state-dir="$P/.filemon"

# What may not be looked at is not missing.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 711 "$T"
	chmod 700 "$P/.filemon"
	says "a configuration that may not be read" "filemond: $P/.filemon/filemon.conf: cannot be read: Perm*" \
		setpriv --reuid 65534 --clear-groups "$FILEMOND" -t -C "$P"
	says "... nor the daemon be asked" "*control.sock: Permission denied: it is asked by the user who*" \
		setpriv --reuid 65534 --clear-groups "$FILEMONCTL" -C "$P" config
else
	skip "not root" 2
fi

# What a handler prints need not be UTF-8.
printf '#!/bin/sh\nprintf "a\\377b"\nexit 65\n' >"$T/binary"
chmod +x "$T/binary"
conf <<CONF
settle = 20ms
handler binary { load = { "$T/binary" } }
CONF
ctl reload >/dev/null
shows_bytes()
{
	ctl failures | grep -qF '| a\377b'
}
ok "what is not UTF-8 is shown by its bytes" wait_for "$LIMIT" shows_bytes
idle >/dev/null
like "... by why, too" "$(ctl why bad)" '*| a\\377b*'

says "scan of a file" "filemonctl scan: bad: no directory that is watched: scan the one that it is in*" \
	ctl scan bad
says "scan of nothing" "filemonctl scan: nowhere: no directory that is watched*" ctl scan nowhere
ctl stop >/dev/null

# A rule of the command line, and a root outside the project that goes.
mkdir "$T/away"
project roots <<CONF
settle = 20ms
watch = { "$T/away" }
CONF
start_daemon -o 'ignore=*.skip'
idle >/dev/null
like "why tells a rule of the command line from one of the file" \
	"$(ctl why "$T/away/a.skip")" "*not wanted: \*.skip (-o ignore)*"
rmdir "$T/away"
root_is_gone()
{
	st_is '.watch[0].gone' true
}
wait_for "$LIMIT" root_is_gone
like "why of a path below a root that is gone says so" "$(ctl why "$T/away/b")" \
	"b in $T/away*its directory is not watched: the root is gone*"
says "... and of one that is below none that it is not" "*$T/b is not below a watched root" \
	ctl why "$T/b"
finish
