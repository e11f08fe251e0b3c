# SPDX-License-Identifier: ISC
# A handler with a move command, and those beside it that have none.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

# mover [FILE]: logs the move; while FILE is there, it fails with the code in it.
cat >"$T/mover" <<'EOS'
#!/bin/sh
printf '%s move %s %s\n' "$FILEMON_HANDLER" "${FILEMON_OLD_PATH#"$FILEMON_ROOT/"}" \
	"$FILEMON_RELPATH" >>"$HLOG"
[ ! -e "$1" ] || exit "$(cat "$1")"
EOS
chmod +x "$T/mover"

# put FILE TEXT: all at once, so that one change is one run.
put()
{
	echo "$2" >"${1%/*}/.put.tmp"
	mv "${1%/*}/.put.tmp" "$1"
}

project p <<CONF
settle = 50ms
handler mover {
	load        = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
	move        = { "$T/mover", "$T/broken", "{old_path}", "{path}" }
	jobs        = 2
	retries     = 1
	backoff     = 10ms
	breaker-cooldown = 100ms
}
handler plain {
	load        = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
CONF
put "$P/a" 1
mkdir "$P/d"
put "$P/d/x" 1
put "$P/d/y" 2
put "$P/d/z" 3
start_daemon
idle >/dev/null
is "what is there first is loaded by both" "$(lines)" 8

: >"$HLOG"
mv "$P/a" "$P/b"
idle >/dev/null
ok "a renamed file is one move, and where there is none a removal and a load" log_is \
	"mover move a b
plain remove a 1
plain load b 1"

: >"$HLOG"
mv "$P/d" "$P/e"
idle >/dev/null
ok "a renamed directory is a move of each of its files" log_is "mover move d/x e/x
mover move d/y e/y
mover move d/z e/z
plain remove d/x 1
plain remove d/y 1
plain remove d/z 1
plain load e/x 1
plain load e/y 1
plain load e/z 1"

: >"$HLOG"
ctl stop >/dev/null
mv "$P/b" "$P/c"
mv "$P/e" "$P/f"
start_daemon
idle >/dev/null
# Nothing says that it was a rename: see doc/adr/0004.
ok "what was renamed while nothing ran is a removal and a load" log_is "mover remove b 1
mover load c 1
mover remove e/x 1
mover remove e/y 1
mover remove e/z 1
mover load f/x 1
mover load f/y 1
mover load f/z 1
plain remove b 1
plain load c 1
plain remove e/x 1
plain remove e/y 1
plain remove e/z 1
plain load f/x 1
plain load f/y 1
plain load f/z 1"

: >"$HLOG"
ctl restart >/dev/null
idle >/dev/null
ok "after that nothing is left to do" log_is ""

mkdir "$P/g"
idle >/dev/null # a move into a directory that is not watched yet is no rename
mv "$P/c" "$P/g/c"
idle >/dev/null
ok "a move between directories is a move" log_is "mover move c g/c
plain remove c 1
plain load g/c 1"

: >"$HLOG"
mv "$P/g/c" "$P/g/.c"
idle >/dev/null
ok "to a name that is not wanted it is a removal" log_is "mover remove g/c 1
plain remove g/c 1"
: >"$HLOG"
mv "$P/g/.c" "$P/g/c"
idle >/dev/null
ok "from one that was not wanted it is a load" log_is "mover load g/c 1
plain load g/c 1"

: >"$HLOG"
put "$P/over" 2
idle >/dev/null
: >"$HLOG"
mv "$P/over" "$P/g/c"
idle >/dev/null
ok "over a file that was loaded it is a removal and a load" log_is "mover remove over 1
mover load g/c 1
plain remove over 1
plain load g/c 1"

# A move that fails.
for code in 1 75 65; do
	: >"$HLOG"
	put "$P/old$code" "$code"
	idle >/dev/null
	: >"$HLOG"
	echo "$code" >"$T/broken"
	mv "$P/old$code" "$P/new$code"
	idle >/dev/null
	rm "$T/broken"
	ok "a move that failed with $code is not repeated" test \
		"$(grep -c "^mover move old$code new$code\$" "$HLOG")" -eq 1
	ok "the new path is loaded instead" grep -q "^mover load new$code " "$HLOG"
	ok "and the old one removed" grep -q "^mover remove old$code " "$HLOG"
done
is "no move became a dead letter" "$(st .queue.dead)" 0
: >"$HLOG"
put "$P/old127" 127
idle >/dev/null
: >"$HLOG"
echo 127 >"$T/broken"
mv "$P/old127" "$P/new127"
ok "a move that cannot be run is tried" wait_for "$LIMIT" logged "mover move old127 new127"
wait_for "$LIMIT" st_is '.handlers[0].faults > 0' true # it reads "broken" after that line
rm "$T/broken"
idle >/dev/null
either_way()
{
	[ "$(grep -c '^mover move' "$HLOG")" -gt 1 ] ||
		{ logged "mover load new127 1" && logged "mover remove old127 1"; }
}
ok "and one way or the other it is told" either_way
ctl stop >/dev/null

project once <<CONF
settle = 50ms
handler mover {
	load        = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
	move        = { "$T/mover", "$T/broken", "{old_path}", "{path}" }
	retries     = 0
}
handler keeper {
	load        = { "$H/log", "load" }
	move        = { "$T/mover", "$T/none", "{old_path}", "{path}" }
}
CONF
put "$P/a" 1
start_daemon
idle >/dev/null
: >"$HLOG"
echo 1 >"$T/broken"
mv "$P/a" "$P/b"
idle >/dev/null
rm "$T/broken"
ok "without retries the load is still made" grep -q "^mover load b " "$HLOG"
is "and is no dead letter" "$(st .queue.dead)" 0
ok "a handler without remove-file is told of the move too" logged "keeper move a b"
ctl stop >/dev/null

# The content goes with it: a mirror that is moved in is always the tree.
mirror=$top_srcdir/contrib/handlers/mirror
MIRROR_TARGET=$T/mirror
export MIRROR_TARGET
mkdir "$MIRROR_TARGET"
project mirrored <<CONF
settle = 20ms
handler mirror {
	types       = { file, dir, symlink }
	load        = { "$mirror", "load", "{path}" }
	remove-file = { "$mirror", "remove-file", "{path}" }
	move        = { "$T/slow", "$mirror", "move", "{old_path}", "{path}" }
	jobs        = 4
	backoff     = 20ms
	breaker-failures = 0
}
CONF
# Says "begin" and waits until $GATE is there.
cat >"$T/slow" <<'EOS'
#!/bin/sh
echo "begin $FILEMON_RELPATH" >>"$HLOG"
until [ -e "$GATE" ]; do
	sleep 0.05
done
exec "$@"
EOS
chmod +x "$T/slow"
: >"$GATE"
same()
{
	"$TOOLS/treediff" -x .filemon "$P" "$MIRROR_TARGET"
}
n=30
fill()
{
	rm -rf "$P/m"
	mkdir "$P/m"
	i=0
	while [ $i -lt $n ]; do
		echo "v1 $i" >"$P/m/f$i"
		i=$((i + 1))
	done
	idle >/dev/null
}
mkdir -p "$P/m"
start_daemon
fill
ok "the mirror is the tree" same
i=0
while [ $i -lt $n ]; do
	echo "v2 $i" >"$P/m/f$i"
	mv "$P/m/f$i" "$P/m/g$i"
	i=$((i + 1))
done
idle >/dev/null
ok "written and renamed at once, it ends with what was written" same

fill
i=0
while [ $i -lt $n ]; do
	echo "v2 $i" >"$P/m/f$i"
	mv "$P/m/f$i" "$P/m/g$i"
	mv "$P/m/g$i" "$P/m/h$i"
	mv "$P/m/h$i" "$P/m/f$i"
	i=$((i + 1))
done
idle >/dev/null
ok "so does what was renamed on and back" same

fill
i=0
while [ $i -lt $n ]; do
	mv "$P/m/f$i" "$P/m/tmp"
	mv "$P/m/f$((i + 1))" "$P/m/f$i"
	mv "$P/m/tmp" "$P/m/f$((i + 1))"
	i=$((i + 2))
done
idle >/dev/null
ok "two that changed their names with each other are right" same

fill
mv "$P/m" "$P/k"
mkdir "$P/m"
i=0
while [ $i -lt $n ]; do
	echo "v3 $i" >"$P/m/f$i"
	echo "v2 $i" >"$P/k/f$i"
	i=$((i + 2))
done
idle >/dev/null
ok "a renamed directory, with another of its old name, is right" same
rm -rf "$P/k"

# The old times put back: only ctime says that the content is another, and a
# rename sets that too.
fill
touch -d 2001-02-03 "$P"/m/*
idle >/dev/null
watcher=$(pid_of watcher)
kill -STOP "$watcher"
i=0
while [ $i -lt $n ]; do
	echo "v2 $i" >"$P/m/f$i"
	touch -d 2001-02-03 "$P/m/f$i"
	mv "$P/m/f$i" "$P/m/g$i"
	i=$((i + 1))
done
kill -CONT "$watcher"
idle >/dev/null
ok "rewritten in equal size, with the old times put back, and renamed at once" same

# An inode that is used again, for a file of equal size and times, as two
# checkouts with a fixed time have it.
fill
touch -d 2001-02-03 "$P"/m/*
idle >/dev/null
ctl stop >/dev/null
i=0
while [ $i -lt $n ]; do
	rm "$P/m/f$i"
	echo "v2 $i" >"$P/m/g$i"
	touch -d 2001-02-03 "$P/m/g$i"
	i=$((i + 1))
done
start_daemon
idle >/dev/null
ok "another file, that got the inode of one that went, is loaded" same

# Broken off in the middle.
fill
rm "$GATE"
: >"$HLOG"
i=0
while [ $i -lt $n ]; do
	mv "$P/m/f$i" "$P/m/g$i"
	i=$((i + 1))
done
ok "as many moves run as there are jobs" wait_for "$LIMIT" lines_are 4
mv "$P/m/g0" "$P/m/h0"
echo "v2 1" >"$P/m/g1"
rm "$P/m/g2"
kill -9 "$(pid_of watcher)"
: >"$GATE"
idle >/dev/null
ok "a watcher killed during moves loses none" same
left_over()
{
	find "$MIRROR_TARGET" -name '[f.]*' -type f | grep .
}
not_ok "and nothing is left under an old name" left_over

rm "$GATE"
: >"$HLOG"
mv "$P/m/g5" "$P/m/f5"
mv "$P/m/g6" "$P/m/f6"
ok "a move runs" wait_for "$LIMIT" logged "begin m/f5"
mv "$P/m/f5" "$P/m/g5"
echo "v4 6" >"$P/m/f6"
: >"$GATE"
idle >/dev/null
ok "what is renamed back, or written, while its move runs is right" same
finish
