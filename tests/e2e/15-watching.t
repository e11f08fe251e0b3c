# SPDX-License-Identifier: ISC
# Which paths are seen: races, moves, links, ignores, limits.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

project p <<CONF
settle = 20ms
handler log {
	load        = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
	jobs = 2
}
CONF
mkdir -p "$P/keep/sub"
"$TOOLS/replay" list "$P" >"$T/first"
start_daemon

# mkdir -p and a file in it, at once.
i=0
while [ $i -lt 300 ]; do
	mkdir -p "$P/r$((i % 10))/a$i/b/c"
	: >"$P/r$((i % 10))/a$i/b/c/f"
	i=$((i + 1))
done
idle >/dev/null
is "mkdir -p a/b/c && touch a/b/c/f never loses a file" \
	"$(grep -c '^log load r./a[0-9]*/b/c/f 1$' "$HLOG")" 300
ok "replay" replayed "$T/first"

# A tree moved in, and out.
: >"$HLOG"
mkdir -p "$T/outside/one/two"
echo 1 >"$T/outside/f"
echo 1 >"$T/outside/one/g"
echo 1 >"$T/outside/one/two/h"
mv "$T/outside" "$P/inside"
idle >/dev/null
ok "a directory moved in comes with all it holds" log_is "log load inside/f 1
log load inside/one/g 1
log load inside/one/two/h 1"
: >"$HLOG"
mv "$P/inside" "$T/outside"
idle >/dev/null
ok "a directory moved out goes with all it held" log_is "log remove inside/f 1
log remove inside/one/g 1
log remove inside/one/two/h 1"
: >"$HLOG"
seq=$(st .events.seq)
echo 2 >>"$T/outside/one/two/h"
echo 2 >"$T/outside/new"
echo 2 >"$P/keep/marker"
idle >/dev/null
ok "what happens in it outside is not told" log_is "log load keep/marker 1"
not_ok "not even as an event" told ".seq > $seq and (.rel_path | startswith(\"inside\"))"
mv "$T/outside" "$P/inside"
idle >/dev/null
ok "replay" replayed "$T/first"

# A renamed directory goes on working, and so does its old name.
: >"$HLOG"
mv "$P/inside" "$P/renamed"
mkdir "$P/inside"
echo 3 >"$P/inside/f"
echo 3 >>"$P/renamed/one/two/h"
idle >/dev/null
: >"$HLOG"
echo 4 >>"$P/renamed/one/two/h"
echo 4 >>"$P/inside/f"
mkdir "$P/renamed/one/three"
echo 4 >"$P/renamed/one/three/i"
idle >/dev/null
ok "a renamed directory works under its new name, and its old name is another" \
	log_is "log load renamed/one/two/h 1
log load inside/f 1
log load renamed/one/three/i 1"
ok "replay" replayed "$T/first"

# A name that begins as another does.
: >"$HLOG"
mkdir "$P/a" "$P/ab"
echo 1 >"$P/a/f"
echo 1 >"$P/ab/f"
idle >/dev/null
: >"$HLOG"
mv "$P/a" "$P/z"
idle >/dev/null
ok "renaming a does not touch ab" log_is "log remove a/f 1
log load z/f 1"

# Two directories exchanged.
if [ -n "$(command -v python3)" ] && python3 - "$P/z" "$P/ab" <<'EOS'
import ctypes, sys, os
libc = ctypes.CDLL(None, use_errno=True)
open(sys.argv[1] + "/only-z", "w").close()
open(sys.argv[2] + "/only-ab", "w").close()
rc = libc.renameat2(-100, os.fsencode(sys.argv[1]), -100, os.fsencode(sys.argv[2]), 2)
sys.exit(0 if rc == 0 else 1)
EOS
then
	idle >/dev/null
	ok "an exchange of two directories leaves the log right" replayed "$T/first"
	: >"$HLOG"
	echo 2 >>"$P/z/only-ab"
	echo 2 >>"$P/ab/only-z"
	idle >/dev/null
	ok "and both work under their new names" log_is "log load z/only-ab 1
log load ab/only-z 1"
else
	skip "no RENAME_EXCHANGE here" 2
fi

# Symbolic links.
: >"$HLOG"
mkdir "$T/elsewhere"
echo 1 >"$T/elsewhere/secret"
ln -s "$T/elsewhere" "$P/link-out"
ln -s .. "$P/keep/sub/link-up"
ln -s loop "$P/loop"
idle >/dev/null
ctl scan >/dev/null
idle >/dev/null
echo 2 >>"$T/elsewhere/secret"
idle >/dev/null
not_ok "symbolic links are not followed" grep -qE 'secret|link-up/' "$HLOG"

# Default ignores, own state.
: >"$HLOG"
seq=$(st .events.seq)
mkdir -p "$P/.hidden"
for f in .hidden/f .dot 'x~' x.tmp x.swp 4913 .#x .goutputstream-1 x.metadata.json; do
	echo 1 >"$P/$f"
done
echo 1 >"$P/.filemon/note"
echo 1 >"$P/.wanted"
mv "$P/.wanted" "$P/wanted"
idle >/dev/null
ok "default ignores are neither delivered" log_is "log load wanted 1"
is "nor told" "$(events "select(.seq > $seq).rel_path" | sort -u)" '"wanted"'
ctl why x.swp >"$T/out"
like "why names the rule of an ignored file" "$(cat "$T/out")" "*\*.swp*default*"
is "why --json" "$(ctl why x.swp --json | jq -c '[.wanted, .rule.pattern]')" '[false,"*.swp"]'
is "why of a wanted file" "$(ctl why wanted --json | jq -r '[.wanted, .exists, .type, .handlers[0].delivered, .handlers[0].state] | @csv')" \
	'true,true,"file","yes","settled"'
is "why of own state" "$(ctl why .filemon/note --json | jq .wanted)" false
ctl stop >/dev/null

# Ignores, include, .gitignore.
: >"$HLOG"
project filter <<CONF
settle = 20ms
gitignore = true
default-ignores = false
ignore = {
	"*.log",
	"build/",
	"!keep.log"
}
include = { "*.txt", "*.log", ".gitignore", "sub/**" }
handler log {
	load = { "$H/log", "load" }
	match = { "!.gitignore" , "*.txt", "*.log", "sub/**", "!.gitignore" }
	remove-file = { "$H/log", "remove" }
}
CONF
mkdir -p "$P/build/deep" "$P/sub/inner" "$P/secret"
echo '*.bak' >"$P/.gitignore"
echo '/inner/' >"$P/sub/.gitignore"
for f in a.txt a.log keep.log a.bin a.bak build/x.txt build/deep/y.txt sub/any sub/inner/z.txt \
	sub/z.bak .hidden.txt; do
	echo 1 >"$P/$f"
done
start_daemon
idle >/dev/null
ok "ignore, include and .gitignore decide what is wanted" log_is "log load a.txt 1
log load keep.log 1
log load sub/any 1
log load .hidden.txt 1"
like "why names file and line of an ignore of the configuration" "$(ctl why build/x.txt)" \
	"*build/*filemon.conf*"
like "why names the .gitignore and its line" "$(ctl why sub/inner/z.txt)" "*sub/.gitignore:1*"
dirs=$(st '.watch[0].directories')
is "ignored directories are not watched" "$dirs" 3
: >"$HLOG"
echo '# nothing' >"$P/sub/.gitignore"
idle >/dev/null
ok "a changed .gitignore is in force at once" wait_for "$LIMIT" logged "log load sub/inner/z.txt 1"
ctl stop >/dev/null

# The root goes, and comes back.
: >"$HLOG"
project rooted <<CONF
settle = 20ms
state-dir = $T/rooted-state
handler log {
	load        = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
CONF
cp -R "$P/.filemon" "$T/rooted-conf"
echo 1 >"$P/f"
"$FILEMOND" -c "$T/rooted-conf/filemon.conf" -C "$P" >"$T/out" 2>&1 || diag_file "$T/out"
rctl()
{
	cmd=$1
	shift
	"$FILEMONCTL" "$cmd" -c "$T/rooted-conf/filemon.conf" -C "$P" "$@"
}
rst_is()
{
	[ "$(rctl status --json | jq -r "$1")" = "$2" ]
}
ok "with its state elsewhere it is ready" wait_for "$LIMIT" rst_is .ready true
ok "and delivers" wait_for "$LIMIT" logged "log load f 1"
mv "$P" "$T/rooted.away"
ok "a root that went is noticed" \
	wait_for "$LIMIT" sh -c "grep -q '\"gap\"\\|root' '$T/rooted-state/events/'*.ndjson ||
		grep -qi root '$T/rooted-state/trace.log'"
: >"$HLOG"
mv "$T/rooted.away" "$P"
echo 2 >"$P/back"
ok "when it is back, watching goes on" wait_for "$LIMIT" logged "log load back 1"
not_ok "and what was away was not taken for removed" logged "log remove f 1"
rctl stop >/dev/null 2>&1
ok "and it stops" wait_for "$LIMIT" none_left

# Paths longer than PATH_MAX.
: >"$HLOG"
project deep <<CONF
settle = 20ms
handler log {
	load = { "$H/log", "load" }
}
CONF
start_daemon
"$TOOLS/deep" "$P" 25 "$(printf '%0200d' 0)"
idle >/dev/null
deep_told()
{
	told '.rel_path | type == "string" and endswith("/bottom") and length > 5000'
}
ok "a path longer than PATH_MAX is seen" wait_for "$LIMIT" deep_told
echo 1 >"$P/top"
ok "and does not stop others" wait_for "$LIMIT" logged "log load top 1"
ctl stop >/dev/null

# The limit of watches, in a user namespace with one of its own.
if unshare -r sh -c 'echo 20 >/proc/sys/user/max_inotify_watches' 2>/dev/null; then
	: >"$HLOG"
	project limited <<CONF
settle = 20ms
poll-interval = 200ms
handler log {
	load = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
CONF
	i=0
	while [ $i -lt 60 ]; do
		mkdir -p "$P/d$i"
		echo 1 >"$P/d$i/f"
		i=$((i + 1))
	done
	# shellcheck disable=SC2016
	unshare -r sh -c 'echo 20 >/proc/sys/user/max_inotify_watches; exec "$1" -f --format none -C "$2"' \
		sh "$FILEMOND" "$P" >"$T/stdout" 2>"$T/stderr" &
	fg=$!
	ok "past the limit of watches it comes up" wait_for "$LIMIT" ready
	idle >/dev/null
	is "and delivers everything" "$(lines)" 60
	ok "it holds the watches it could get" test "$(st '.watch[0].watches')" -le 20
	ok "and polls the rest" test "$(st '.watch[0].polled')" -ge 40
	is "status says degraded" "$(st .health)" degraded
	like "and names the limit" "$(st '.reasons | join(" ")')" "*max_user_watches*"
	: >"$HLOG"
	i=0
	while [ $i -lt 60 ]; do
		echo 2 >>"$P/d$i/f"
		rm -f "$P/d$i/g"
		i=$((i + 1))
	done
	mkdir -p "$P/d59/new/dir"
	echo 1 >"$P/d59/new/dir/f"
	all_there()
	{
		[ "$(grep -c 'load d[0-9]*/f 1' "$HLOG")" -eq 60 ] &&
			logged "log load d59/new/dir/f 1"
	}
	ok "changes in polled directories are delivered" wait_for "$LIMIT" all_there
	kill -TERM "$fg"
	wait "$fg"
else
	skip "no user namespace with a limit of its own" 7
fi

# A full queue.
: >"$HLOG"
project overflow <<CONF
settle = 20ms
handler log {
	load        = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
CONF
mkdir "$P/d"
i=0
while [ $i -lt 100 ]; do
	echo 1 >"$P/d/f$i"
	i=$((i + 1))
done
if start_with_queue 64; then
	idle >/dev/null
	: >"$HLOG"
	"$TOOLS/replay" list "$P" >"$T/first"
	watcher=$(pid_of watcher)
	kill -STOP "$watcher"
	"$TOOLS/storm" -n 2000 -f 200 -d 0 "$P/d"
	rm "$P/d/f7"
	mkdir -p "$P/late/dir"
	echo 1 >"$P/late/dir/f"
	kill -CONT "$watcher"
	idle >/dev/null
	ok "the queue did overflow" test "$(st .events.overflows)" -gt 0
	ok "a gap record tells of it" told '.event_type.type == "gap"'
	ok "what came meanwhile is delivered all the same" logged "log load late/dir/f 1"
	# Over fanotify the queue is the whole file system's, and may overflow again.
	is "each file" "$(grep '^log load d/f[0-9]* 1$' "$HLOG" | sort -u | wc -l | tr -d ' ')" 199
	ok "and each removal" logged "log remove d/f7 1"
	ok "the log, replayed, gives the tree" replayed "$T/first"
	ctl stop >/dev/null
else
	skip "max_queued_events cannot be set" 6
fi
ok "nothing is left behind" wait_for "$LIMIT" none_left
done_testing
