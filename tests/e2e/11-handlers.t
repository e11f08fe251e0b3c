# SPDX-License-Identifier: ISC
# What runs for a change, with what, how often, and what follows from its end.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

# load and remove-file; several handlers, each with its own match.
project plain <<CONF
settle = 20ms
handler all {
	load        = { "$H/log", "load", "{path}" }
	remove-file = { "$H/log", "remove", "{path}" }
	jobs = 2
}
handler docs {
	match       = { "docs/**/*.md" }
	load        = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
handler loader {
	match       = { "*.txt", "!no.txt" }
	load        = { "$H/log", "load" }
}
CONF
mkdir -p "$P/docs/sub"
echo 1 >"$P/first.txt"
start_daemon
idle >/dev/null
ok "what was there first is loaded" log_is "all load first.txt 1
loader load first.txt 1"

: >"$HLOG"
echo 1 >"$P/docs/sub/a.md"
echo 1 >"$P/no.txt"
ok "everything is delivered" idle
ok "a new file is loaded by those who want it" log_is "all load docs/sub/a.md 1
docs load docs/sub/a.md 1
all load no.txt 1"

: >"$HLOG"
echo 2 >>"$P/docs/sub/a.md"
idle >/dev/null
ok "a changed file is loaded again" log_is "all load docs/sub/a.md 1
docs load docs/sub/a.md 1"

: >"$HLOG"
rm "$P/docs/sub/a.md" "$P/first.txt"
idle >/dev/null
ok "a removed file is removed, where there is a command for it" \
	log_is "all remove docs/sub/a.md 1
docs remove docs/sub/a.md 1
all remove first.txt 1"

: >"$HLOG"
mkdir "$P/d1"
echo 1 >"$P/d1/x"
echo 1 >"$P/d1/y"
idle >/dev/null
: >"$HLOG"
mv "$P/d1" "$P/d2"
idle >/dev/null
ok "a renamed directory is its files removed and loaded" log_is "all remove d1/x 1
all remove d1/y 1
all load d2/x 1
all load d2/y 1"

: >"$HLOG"
echo 3 >"$P/d2/.x.tmp"
mv "$P/d2/.x.tmp" "$P/d2/x"
idle >/dev/null
ok "a save by temporary file and rename is one load" log_is "all load d2/x 1"

: >"$HLOG"
for i in 1 2 3 4 5 6 7 8 9; do
	echo $i >"$P/brief"
done
rm "$P/brief"
idle >/dev/null
not_ok "what came and went unseen is not loaded after it has gone" \
	sh -c "tail -n 1 '$HLOG' | grep 'all load brief'"
is "it is running without restarts" "$(st .restarts)" 0
ctl stop >/dev/null

# Arguments, byte for byte.
: >"$HLOG"
project args <<CONF
default-ignores = false
settle = 20ms
handler args {
	load        = { "$H/args", "load", "{path}", "{relpath}|{name}|{ext}|{dir}|{root}", "{{path}", "{event} {attempt}" }
	remove-file = { "$H/args", "remove" }
	jobs = 1
}
CONF
cd "$P" || bail "no project"
: >./-rf
: >'new
line.txt'
: >"quo'te\".md"
# shellcheck disable=SC2016
: >'$(touch pwned) `touch pwned`; touch pwned'
: >'{path}{relpath}.x'
: >' lead and trail '
: >'back\slash\n.%s%d'
: >"$(printf 'bad\377\376utf8.bin')"
: >'*?[a]'
: >"$(printf 'tab\there')"
cd / || bail "no /"
start_daemon
idle >/dev/null
cat >"$T/want.sh" <<'EOS'
cd "$1" || exit
for f in * ; do
	case $f in
	*.*) ext=${f##*.} ;;
	*) ext= ;;
	esac
	printf '%s\0' load "$PWD/$f" "$f|$f|$ext|$PWD|$PWD" "{path}" "created 1"
done
EOS
sh "$T/want.sh" "$P" | tr '\0\n' '\n\1' >"$T/want"
tr '\0\n' '\n\1' <"$HLOG" >"$T/got"
# Five arguments a run; the runs in any order.
paste -sd '\2\2\2\2\n' "$T/want" | sort >"$T/want.sorted"
paste -sd '\2\2\2\2\n' "$T/got" | sort >"$T/got.sorted"
ok "every byte of a name reaches the command as one argument" \
	cmp "$T/want.sorted" "$T/got.sorted"
ok "no shell ever saw a name" test ! -e "$P/pwned" -a ! -e "${top_builddir:?}/pwned"

: >"$HLOG"
printf '%s\0' remove "$P/$(printf 'bad\377\376utf8.bin')" >"$T/want"
rm "$P/$(printf 'bad\377\376utf8.bin')"
idle >/dev/null
ok "a command without a placeholder gets the path appended" cmp "$HLOG" "$T/want"
ctl stop >/dev/null

# Environment.
: >"$HLOG"
project env <<CONF
settle = 20ms
tags = { "tenant_id=acme", "user_id=u7", "session_id=\${TEST_SESSION}" }
handler env {
	load    = { "$H/env" }
	env     = { "COLOUR=red and blue" }
	retries = 4
}
CONF
printf 12345 >"$P/a.txt"
TEST_SESSION=s42
export TEST_SESSION
start_daemon
idle >/dev/null
has()
{
	ok "the environment has $1" logged "$1"
}
has "FILEMON_PATH=$P/a.txt"
has "FILEMON_RELPATH=a.txt"
has "FILEMON_ROOT=$P"
has "FILEMON_EVENT=created"
has "FILEMON_HANDLER=env"
has "FILEMON_ATTEMPT=1"
has "FILEMON_MAX_ATTEMPTS=5"
has "FILEMON_SIZE=5"
has "FILEMON_TENANT_ID=acme"
has "FILEMON_USER_ID=u7"
has "FILEMON_SESSION_ID=s42"
has "FILEMON_SOCKET=$P/.filemon/control.sock"
has "COLOUR=red and blue"
has "STDIN=/dev/null"
has "CWD=$P"
ctl stop >/dev/null

# Failures.
: >"$HLOG"
project failing <<CONF
settle = 20ms
handler twice {
	match = { "twice" }
	load = { "$H/fail", "2", "1" }
	retries = 3
	backoff = 50ms
}
handler never {
	match = { "never*" }
	load = { "$H/fail", "1000", "75" }
	remove-file = { "$H/log", "remove" }
	retries = 2
	backoff = 10ms
}
handler rejects {
	match = { "rejected" }
	load = { "$H/fail", "1000", "65" }
	retries = 5
	backoff = 10ms
}
handler killed {
	match = { "killed" }
	load = { "sh", "-c", "kill -9 \$\$" }
	retries = 0
}
CONF
: >"$P/twice"
start_daemon
idle >/dev/null
ok "a temporary failure is tried again until it succeeds" log_is "twice load twice 1
twice load twice 2
twice load twice 3"
is "the retries are counted" "$(st '.handlers[] | select(.name == "twice").retries')" 2
is "and nothing is dead" "$(st .queue.dead)" 0

: >"$HLOG"
: >"$P/never"
idle >/dev/null
ok "attempts end" log_is "never load never 1
never load never 2
never load never 3"
is "then there is a dead letter" "$(st .queue.dead)" 1
is "failures tells its path" "$(ctl failures --json | jq -r '.items[0].path')" never
is "and the attempts" "$(ctl failures --json | jq -r '.items[0].attempts')" 3
like "and the outcome" "$(ctl failures --json | jq -r '.items[0].outcome')" "*75*"
like "and the tail of the output" "$(ctl failures --json | jq -r '.items[0].output')" \
	"*attempt 3 at never is to fail with 75*"
like "for people as well" "$(ctl failures)" "*never*attempt 3 at never*"
like "the output is in the trace log" "$(cat "$P/.filemon/trace.log")" \
	"*attempt 3 at never is to fail*"

: >"$HLOG"
: >"$P/rejected"
idle >/dev/null
ok "a permanent failure is not tried again" log_is "rejects load rejected 1"
is "it is dead at once" "$(st '.handlers[] | select(.name == "rejects").dead')" 1

: >"$P/killed"
idle >/dev/null
like "a command killed by a signal says so" \
	"$(ctl failures --handler killed --json | jq -r '.items[0].outcome')" "*signal 9*"

: >"$HLOG"
ok "retry of a path" ctl retry --handler rejects rejected
idle >/dev/null
ok "runs it again, from the first attempt" log_is "rejects load rejected 1"

: >"$HLOG"
ok "retry of all" ctl retry --all
idle >/dev/null
ok "runs all again" log_is "rejects load rejected 1
never load never 1
never load never 2
never load never 3"

: >"$HLOG"
echo new >"$P/never"
idle >/dev/null
ok "a new change revives a dead letter" log_is "never load never 1
never load never 2
never load never 3"

ok "discard" ctl discard --handler never never
is "takes it for delivered" "$(ctl failures --handler never --json | jq .total)" 0
: >"$HLOG"
ctl scan >/dev/null
idle >/dev/null
ok "and a scan does not bring it back" log_is ""
rm "$P/never"
idle >/dev/null
ok "but its removal is delivered" log_is "never remove never 1"
exits 1 "retry of what has not failed says so" ctl retry no-such-path
ctl stop >/dev/null

# Dead letters outlive a restart.
: >"$HLOG"
start_daemon
idle >/dev/null
is "dead letters are there after a restart" "$(ctl failures --json | jq -r .items[].path | sort | tr '\n' ' ')" \
	"killed rejected "
ok "and are not run again" log_is ""
ctl stop >/dev/null

# Time-outs.
: >"$HLOG"
project hanging <<CONF
settle = 20ms
handler hang {
	load = { "$H/hang" }
	timeout = 500ms
	stop-grace = 200ms
	retries = 0
}
CONF
: >"$P/f"
start_daemon
idle >/dev/null
ok "the command did hang" logged "hang hangs f 1"
is "a time-out is counted" "$(st '.handlers[0].timeouts')" 1
like "a dead letter says that it timed out" \
	"$(ctl failures --json | jq -r '.items[0].outcome')" "*timed out*500*ms*"
only_the_daemon()
{
	left
	supervisor=$(pid_of supervisor) watcher=$(pid_of watcher) runner=$(pid_of runner)
	grep -vxE "$supervisor|$watcher|$runner" "$T/.pids" >"$T/.others" || return 0
	xargs -n 1 ps -o pid,ppid,sid,stat,args -p <"$T/.others"
	return 1
}
ok "nothing is left of it: not its group, not other sessions, not orphans" \
	wait_for "$LIMIT" only_the_daemon
ctl stop >/dev/null

# A command that is not there.
: >"$HLOG"
project missing <<CONF
settle = 20ms
handler gone {
	load = { "$T/bin/not-yet" }
	retries = 1
	backoff = 10ms
	breaker-cooldown = 10m
}
CONF
for i in 1 2 3 4 5; do
	: >"$P/f$i"
done
start_daemon
breaker_is()
{
	st_is '.handlers[0].breaker' "$1"
}
ok "a missing command opens the breaker" wait_for "$LIMIT" breaker_is open
is "all paths stay pending" "$(st .queue.pending)" 5
is "none is given up" "$(st .queue.dead)" 0
is "no attempts are burnt" "$(ctl queue --json | jq '[.items[].attempts] | add')" 0
like "status gives the reason" "$(st '.reasons | join(" ")')" "*gone*"
not_ok "it is not healthy" st_is .health healthy
mkdir "$T/bin"
cp "$H/log" "$T/bin/not-yet"
ok "resume" ctl resume gone
idle >/dev/null
is "when the command is there, resume delivers everything" "$(lines)" 5
ok "and the breaker is closed" breaker_is closed
is "it is healthy again" "$(st .health)" healthy
: >"$HLOG"
cat >"$T/bin/not-yet" <<'EOS'
#!/bin/sh
exit 127
EOS
echo more >"$P/f1"
ok "so does exit 127" wait_for "$LIMIT" breaker_is open
is "without an attempt" "$(ctl queue --json | jq '[.items[].attempts] | add')" 0
ctl stop >/dev/null

# The cool-down lets one job probe, by itself.
project probing <<CONF
settle = 20ms
handler probe {
	load = { "$T/bin/later" }
	breaker-cooldown = 1s
}
CONF
for i in 1 2 3; do
	: >"$P/f$i"
done
: >"$HLOG"
start_daemon
ok "the breaker opens" wait_for "$LIMIT" breaker_is open
cp "$H/log" "$T/bin/later"
ok "a probe after the cool-down closes it" wait_for "$LIMIT" breaker_is closed
idle >/dev/null
is "and everything is delivered" "$(lines)" 3
ctl stop >/dev/null

# Slots.
: >"$HLOG"
project slots <<CONF
settle = 20ms
handler slots {
	load = { "$H/once-at-a-time" }
	remove-file = { "$H/once-at-a-time" }
	jobs = 3
}
CONF
for i in 1 2 3 4 5 6; do
	: >"$P/f$i"
done
rm -f "$GATE"
start_daemon --no-wait
ok "as many run at once as there are jobs" wait_for "$LIMIT" lines_are 3
is "status counts them" "$(st '.handlers[0].running')" 3
is "and those that wait" "$(st '.handlers[0].pending')" 6
running=$(ctl queue --json | jq -r '[.items[] | select(.state == "running").path] | first')
# A change while the path's own run goes on; it must run again, afterwards.
echo more >>"$P/$running"
echo more >>"$P/$running"
seen_again()
{
	told ".rel_path == \"$running\" and .event_type.type == \"modified\""
}
ok "a change during the run is seen" wait_for "$LIMIT" seen_again
is "still three run" "$(lines)" 3
: >"$GATE"
idle >/dev/null
is "a path that changed during its run runs again, once" \
	"$(grep -c "begin $running" "$HLOG")" 2
is "all others ran once" "$(grep -c begin "$HLOG")" 7
not_ok "no path ran twice at once" grep -q twice "$HLOG"
i=0
while [ $i -lt 200 ]; do
	echo $i >"$P/f1"
	i=$((i + 1))
done
idle >/dev/null
not_ok "nor under a storm of changes" grep -q twice "$HLOG"
ctl stop >/dev/null

# A directory's removal never overtakes its children.
: >"$HLOG"
project order <<CONF
settle = 20ms
handler order {
	types = { file, dir }
	load = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
	jobs = 4
}
CONF
mkdir -p "$P/a/b/c"
: >"$P/a/b/c/f"
: >"$P/a/g"
start_daemon
idle >/dev/null
: >"$HLOG"
rm -r "$P/a"
idle >/dev/null
before() # A B: A's removal stands before B's
{
	[ "$(grep -nxF "order remove $1 1" "$HLOG" | cut -d: -f1)" -lt \
		"$(grep -nxF "order remove $2 1" "$HLOG" | cut -d: -f1)" ]
}
ok "a file goes before its directory" before a/b/c/f a/b/c
ok "a directory goes before the one above" before a/b/c a/b
ok "up to the first" before a/b a
ok "with every file in it" before a/g a
ctl stop >/dev/null

# The directory above goes while a removal runs: that is no reason for another.
: >"$HLOG"
rm -f "$GATE"
project goes <<CONF
settle = 20ms
handler goes {
	types = { file, dir }
	load = { "$H/log", "load" }
	remove-file = { "$H/gate" }
}
CONF
mkdir "$P/a"
: >"$P/a/f"
start_daemon
idle >/dev/null
rm "$P/a/f"
ok "a removal runs" wait_for "$LIMIT" logged "goes begin a/f 1"
rmdir "$P/a"
ok "the directory goes meanwhile" wait_for "$LIMIT" told \
	'.rel_path == "a" and .event_type.type == "deleted"'
: >"$GATE"
idle >/dev/null
is "the removal is run once" "$(grep -cxF "goes begin a/f 1" "$HLOG")" 1
is "and that of the directory" "$(grep -cxF "goes begin a 1" "$HLOG")" 1
ctl stop >/dev/null

# Output without end.
project flood <<CONF
settle = 20ms
handler flood {
	load = { "$H/flood" }
}
CONF
: >"$P/f"
start_daemon
idle >/dev/null
is "a handler that prints 100 MB comes to its end" "$(st '.handlers[0].rejected')" 1
like "the last words are kept" "$(ctl failures --json | jq -r '.items[0].output')" "*the last words*"
ok "and not much more" test "$(ctl failures --json | jq -r '.items[0].output' | wc -c)" -le 4200
ok "the trace log stays small" test "$(stat -c %s "$P/.filemon/trace.log")" -lt 1000000
if [ -z "${SANITIZE-}" ]; then
	ok "and so does the runner" \
		test "$(st '.processes[] | select(.name == "runner").private_kib')" -lt 4096
fi
finish
