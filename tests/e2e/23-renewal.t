# SPDX-License-Identifier: ISC
# A new filemond takes the place of the running one, as at a package's upgrade:
# what happens just between the two is told exactly, what does not fit is
# compared, and a new one that does not run costs nothing.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq
[ "${TEST_BACKEND:-inotify}" = inotify ] || skip_all "inotify alone hands its watches over"

# The program is our own copy, so that another can be put in its place.
REAL=$FILEMOND
mkdir "$T/bin"
FILEMOND=$T/bin/filemond
FILEMON_LIBEXECDIR=$(cd "${top_builddir:?}" && pwd)
export FILEMOND FILEMON_LIBEXECDIR REAL

put_real()
{
	cp "$REAL" "$T/bin/new" && mv "$T/bin/new" "$FILEMOND"
}

# put_script: what is on stdin is done by the next filemond, before the program
# itself takes its place.  It is tried with --test first ("$1"): the old watcher
# has ended then, and there is no new one.
put_script()
{
	{
		echo '#!/bin/sh'
		echo "P='$P' T='$T'"
		cat
		# shellcheck disable=SC2016
		echo '[ "$1" != --test ] || exec "$REAL" "$@"
			mv "$T/bin/real" "$0"
			exec "$0" "$@"'
	} >"$T/bin/new"
	cp "$REAL" "$T/bin/real"
	chmod +x "$T/bin/new"
	mv "$T/bin/new" "$FILEMOND"
}

write_conf()
{
	conf <<CONF
settle = 5ms
$1
handler log {
	load = { "$H/log", "load" }
	remove-file = { "$H/log", "remove-file" }
}
handler slow {
	match = { "slow*" }
	load = { "$H/gate" }
}
CONF
}

is_taken()
{
	st_is .taken_over true
}

touch "$GATE"
project tree </dev/null
mkdir -p "$P/a/b" "$P/c"
echo 1 >"$P/a/b/f"
echo 1 >"$P/c/g"
"$TOOLS/replay" list "$P" >"$T/first"
write_conf
put_real
start_daemon
idle >/dev/null
supervisor=$(pid_of supervisor)

# Between the old one and the new one.
put_script <<'END'
if [ "$1" = --test ]; then
	mv "$P/a" "$P/z"
	mv "$P/c/g" "$P/c/h"
	echo 1 >"$P/new"
	echo 2 >>"$P/new"
	mkdir -p "$P/d/e"
	echo 1 >"$P/d/e/f"
fi
END
: >"$HLOG"
like "a new filemond takes the watches over" "$(ctl restart)" \
	"ready watching * (watches taken over)"
is "... in the same process" "$(pid_of supervisor)" "$supervisor"
ok "what happened between is delivered" idle
ok "... each change once" log_is "log remove-file a/b/f 1
log load z/b/f 1
log remove-file c/g 1
log load c/h 1
log load new 1
log load d/e/f 1"
from=$(events 'select(.event_type.type == "stopped").seq' | tail -n 1)
is "a rename between is a rename" \
	"$(events "select(.seq > $from and .event_type.type == \"renamed\").rel_path" | xargs)" \
	"z c/h"
is "what was made and written between was created" \
	"$(events "select(.seq > $from and .rel_path == \"new\").event_type.type")" '"created"'
ok "replay" replayed "$T/first"
ok "what is in a directory that was moved between is seen" \
	sh -c "echo 2 >'$P/z/b/f' && echo 2 >'$P/d/e/g'"
idle >/dev/null
ok "... under its new name" logged "log load z/b/f 1"
ok "... and in one that was made" logged "log load d/e/g 1"
is "the whole tree was never listed" "$(st '.watch[0].listed')" 2

# Nothing of it reaches a handler.
put_real
ctl restart >/dev/null
write_conf "handler env { match = { \"env\" } load = { \"sh\", \"-c\", \"env >'$T/env'; readlink /proc/self/fd/* >'$T/fds'; true\" } }"
ctl reload >/dev/null
touch "$P/env"
idle >/dev/null
ok "a handler is run by the new one" test -s "$T/env"
not_ok "... and inherits no variable of it" grep HANDOVER "$T/env"
not_ok "... and no descriptor" grep -e inotify -e memfd -e lock "$T/fds"
write_conf
ctl reload >/dev/null
idle >/dev/null

# What does not fit is compared.
write_conf 'ignore = { "c/" }'
like "with other rules the tree is compared" "$(ctl restart)" \
	"*(the tree was compared: the configuration is another one)"
is "... and what is ignored now is not watched" \
	"$(st '.watch[0].watches')" "$(($(find "$P" -type d ! -path "$P/c" ! -path '*/.filemon*' | wc -l)))"
write_conf
ctl restart >/dev/null
idle >/dev/null
: >"$HLOG"
put_script <<'END'
if [ "$1" = --test ]; then
	echo 3 >"$P/c/h"
	rm "$P/new"
else # the table is the descriptor of a queue
	FILEMON_HANDOVER=$(echo "$FILEMON_HANDOVER" |
		sed 's/ \([0-9]*\) \([0-9]*\)$/ \2 \1/')
fi
END
like "a table that is none is refused" "$(ctl restart)" \
	"*(the tree was compared: it cannot be read)"
ok "... and the changes are found" idle
ok "... each once" log_is "log load c/h 1
log remove-file new 1"
put_script <<'END'
[ "$1" = --test ] || FILEMON_HANDOVER=$(echo "$FILEMON_HANDOVER" | sed 's/ [0-9-]* \([0-9]*\)$/ -1 \1/')
END
like "without a table the tree is compared" "$(ctl restart)" "*(the tree was compared)"
mkdir -p "$T/root/a"
write_conf "watch = { \"$T/root\" }"
put_real
ctl restart >/dev/null
idle >/dev/null
put_script <<'END'
[ "$1" != --test ] || mv "$T/root" "$T/root.was"
[ "$1" != --test ] || mkdir -p "$T/root/b"
END
like "another directory at the root's path is not taken for it" "$(ctl restart)" \
	"*(the tree was compared: the root is another one)"
ok "... which the trace log names" \
	grep -q "hand-over: not taken for $T/root: the root is another one" "$P/.filemon/trace.log"
ok "... and is watched" st_is '.watch[0].watches' 2
write_conf
put_real
ctl restart >/dev/null
idle >/dev/null

# An ignore file that is changed between.
write_conf 'gitignore = true'
echo /z/ >"$P/.gitignore"
ctl restart >/dev/null
idle >/dev/null
is "z is not watched" "$(ctl why z/b/f --json | jq .wanted)" false
put_script <<'END'
[ "$1" != --test ] || : >"$P/.gitignore"
END
: >"$HLOG"
ctl restart >/dev/null
echo 4 >"$P/z/b/f"
ok "an ignore file emptied between is read" wait_for "$LIMIT" logged "log load z/b/f 1"
write_conf
put_real
ctl restart >/dev/null
idle >/dev/null

# A large tree.
(cd "$P" && mkdir big && cd big && seq 2500 | sed 's,$,/x,' | xargs mkdir -p)
idle >/dev/null
watches=$(st '.watch[0].watches')
ok "five thousand directories" test "$watches" -gt 5000
ok "... are taken over" ctl restart
ok "... all of them" is_taken
is "... with their watches" "$(st '.watch[0].watches')" "$watches"
is "... and none is listed" "$(st '.watch[0].listed')" 0
is "... nor compared" "$(st .scan.last_at)" null
: >"$HLOG"
echo 1 >"$P/big/1711/x/f"
idle >/dev/null
ok "... and told of" logged "log load big/1711/x/f 1"

# A new one that does not run costs nothing.
supervisor=$(pid_of supervisor)
stays()
{
	: >"$HLOG"
	ctl restart >"$T/out" 2>&1
	is "$1: restart fails" $? 1
	like "... and says why" "$(cat "$T/out")" "*$2*goes on*"
	is "... the one from before goes on" "$(pid_of supervisor)" "$supervisor"
	ok "... with its watches" wait_for "$LIMIT" is_taken
	echo "$1" >"$P/stays"
	idle >/dev/null
	ok "... and delivers" logged "log load stays 1"
}
echo "no program" >"$T/bin/new"
chmod +x "$T/bin/new"
mv "$T/bin/new" "$FILEMOND"
stays "a broken program" "--test"
rm "$FILEMOND"
stays "a missing program" "code 127"
put_script <<'END'
exit 3
END
stays "one that fails" "code 3"
# shellcheck disable=SC2016
put_script <<'END'
[ "$1" != --test ] || rm -f "$0"
exit 0
END
stays "one that is gone when it is to run" "No such file"
put_script <<'END'
[ "$1" != --test ] || exit 0
mv "$T/bin/real" "$0"
exit 1
END
ok "one that dies at once is started again" ctl restart
not_ok "... as another process" test "$(pid_of supervisor)" = "$supervisor"
idle >/dev/null

# What would be refused is refused while nothing is given up.
watcher=$(pid_of watcher)
echo 'settle = nonsense' >"$P/.filemon/filemon.conf"
not_ok "a configuration with a fault: no restart" ctl restart
like "... with the place" "$(ctl restart 2>&1)" "*filemon.conf:1: settle*"
is "... and nothing has changed" "$(pid_of watcher)" "$watcher"
write_conf

# What is paused stays so.
ctl pause >/dev/null
echo 5 >"$P/new"
ok "something is in the queue" wait_for "$LIMIT" st_is '.queue.pending > 0' true
ok "a restart while paused" ctl restart
ok "... takes the watches over" is_taken
is "... is paused still" "$(st '.paused | join(" ")')" "log slow"
is "... with the queue" "$(st '.queue.pending > 0')" true
: >"$HLOG"
ctl resume >/dev/null
idle >/dev/null
ok "... which is delivered" log_is "log load new 1"

# The comparison of the tree is not put off by it.
before=$(st .scan.next_in_ms)
ctl restart >/dev/null
ctl restart >/dev/null
ok "restarts take the watches over" is_taken
after=$(st .scan.next_in_ms)
ok "the next comparison is when it was to be" test "$after" -le "$before" -a $((before - after)) -lt 600000
diag "in $before ms, then in $after ms"

# The watcher dies while it makes place.
slow_restart()
{
	rm -f "$GATE"
	: >"$HLOG"
	echo "$1" >"$P/.slow.tmp" && mv "$P/.slow.tmp" "$P/slow" # one change
	wait_for "$LIMIT" logged "slow begin slow 1"
	watcher=$(pid_of watcher)
	ctl restart >"$T/out" 2>&1 &
	restart=$!
	wait_for "$LIMIT" grep -q "watcher\[$watcher\]: stopping: restart" "$P/.filemon/trace.log"
}
slow_restart 1
kill -9 "$watcher"
wait "$restart"
is "a watcher killed meanwhile: restart fails" $? 1
like "... and says why" "$(cat "$T/out")" "*watcher: killed by signal 9*goes on*"
touch "$GATE"
ok "... and what was interrupted is done" idle
ok "... again" logged "slow end slow 1"

# A stop comes between.
slow_restart 2
old=$(pid_of supervisor)
kill "$old"
wait_for "$LIMIT" grep -q "instead of a restart" "$P/.filemon/trace.log"
touch "$GATE"
ok "a stop during a restart stops it" wait_for "$LIMIT" pid_gone "$old"
wait "$restart"
is "... and the restart starts another" $? 0
ok "... that is idle" idle
is "the job was not run again" "$(grep -c 'slow end' "$HLOG")" 1
finish
