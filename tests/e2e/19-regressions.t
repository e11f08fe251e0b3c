# SPDX-License-Identifier: ISC
# Faults that were found once, each with the test that would have found it.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

put()
{
	echo "$2" >"${1%/*}/.put.tmp"
	mv "${1%/*}/.put.tmp" "$1"
}

no_removal()
{
	! grep ' remove ' "$HLOG"
}

# initial = skip.
project skipping <<CONF
settle = 50ms
handler log {
	load        = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
	initial     = skip
}
CONF
put "$P/first" 1
put "$P/changing" 1
put "$P/going" 1
start_daemon
idle >/dev/null
ok "initial = skip: what is there first is not loaded" log_is ""
put "$P/later" 1
put "$P/changing" 2
rm "$P/going"
idle >/dev/null
ok "what comes later is, with what changes, and what goes is removed" log_is \
	"log load later 1
log load changing 1
log remove going 1"
: >"$HLOG"
ctl restart >/dev/null
ctl scan >/dev/null
idle >/dev/null
ok "a restart does not change that" log_is ""
ctl stop >/dev/null
put "$P/offline" 1
start_daemon
idle >/dev/null
ok "what came while nothing ran is loaded" log_is "log load offline 1"
ctl stop >/dev/null

# ... killed during the first scan.
: >"$HLOG"
project killed <<CONF
settle = 20ms
handler log {
	load    = { "$H/log", "load" }
	initial = skip
}
CONF
mkdir "$P/many"
(cd "$P/many" && seq 20000 | xargs touch)
"$FILEMOND" -f --format none -C "$P" >"$T/stdout" 2>"$T/stderr" &
fg=$!
some_noted()
{
	find "$P/.filemon/state.db-wal" -size +200k | grep .
}
wait_for "$LIMIT" some_noted
kill -9 "$fg"
wait "$fg" 2>/dev/null
wait_for "$LIMIT" none_left
if ! told '.event_type.type == "started"' 2>/dev/null; then
	start_daemon
	idle >/dev/null
	ok "killed during the first scan, nothing is loaded after the next" log_is ""
	put "$P/many/new" 1
	idle >/dev/null
	ok "but what is new" log_is "log load many/new 1"
	ctl stop >/dev/null
else
	skip "the first scan was too quick" 2
fi

# A reload that wants less, of files and directories.
: >"$HLOG"
narrow_conf()
{
	conf <<-CONF
	settle = 20ms
	handler log {
		types       = { file, dir }
		match       = { $1 }
		load        = { "$H/log", "load" }
		remove-file = { "$H/log", "remove" }
		jobs        = 2
	}
	CONF
}
project narrow <<CONF
CONF
narrow_conf ""
mkdir -p "$P/a/b/c" "$P/x/y"
for f in a/f a/b/f a/b/c/f x/y/f; do
	put "$P/$f" 1
done
start_daemon
idle >/dev/null
is "files and directories are loaded" "$(lines)" 9
narrow_conf '"a/b/c/**"'
ok "a reload narrows it" ctl reload
ok "nothing stays blocked" idle
is "nothing is pending" "$(st .queue.pending)" 0
: >"$HLOG"
put "$P/a/b/c/f" 2
put "$P/a/f" 2
ok "nor afterwards" idle
ok "what is still wanted is loaded" log_is "log load a/b/c/f 1"
narrow_conf ""
ctl pause >/dev/null
mkdir -p "$P/a/b/new"
put "$P/a/b/new/f" 1
put "$P/a/b/c/f" 3
put "$P/x/y/f" 3
ok "a reload takes it back, while paused" ctl reload
narrow_conf '"a/b/c/f"'
ok "and narrows it again" ctl reload
rm -r "$P/x"
ctl resume >/dev/null
ok "with much pending nothing stays blocked either" idle
is "nothing is pending then" "$(st .queue.pending)" 0
ctl stop >/dev/null

# An open breaker with a long job still running.
: >"$HLOG"
project busy <<CONF
settle = 20ms
handler two {
	load = { "$T/two" }
	jobs = 2
	breaker-cooldown = 100ms
}
CONF
cat >"$T/two" <<EOS
#!/bin/sh
case \$FILEMON_RELPATH in
long) exec "$H/gate" ;;
esac
[ -e "\$GATE" ] || exit 127
exec "$H/log" load
EOS
chmod +x "$T/two"
rm -f "$GATE"
put "$P/long" 1
start_daemon --no-wait
ok "a long job runs" wait_for "$LIMIT" logged "two begin long 1"
put "$P/bad1" 1
put "$P/bad2" 1
breaker_open()
{
	[ "$(st '.handlers[0].breaker')" != closed ]
}
ok "another opens the breaker" wait_for "$LIMIT" breaker_open
watcher=$(pid_of watcher)
ticks()
{
	sed 's/.*) //' "/proc/$watcher/stat" | awk '{ print $12 + $13 }'
}
uptime_cs()
{
	tr -d . </proc/uptime | cut -d ' ' -f 1
}
before=$(ticks)
until_cs=$(($(uptime_cs) + 300))
passed()
{
	[ "$(uptime_cs)" -ge "$until_cs" ]
}
wait_for "$LIMIT" passed
used=$(($(ticks) - before))
# A loop that spins takes 300 of these, or its share of a loaded machine.
ok "for 3 s the watcher uses next to no time" test "$used" -lt 30 || diag "$used ticks"
: >"$GATE"
ctl resume >/dev/null
idle >/dev/null
ok "then all is delivered" logged "two load bad2 1"
ctl stop >/dev/null

# Handlers that have but one of the commands.
: >"$HLOG"
project halves <<CONF
settle = 50ms
handler remover {
	remove-file = { "$H/log", "remove" }
}
handler loader {
	load        = { "$H/log", "load" }
}
CONF
for f in a b c; do
	put "$P/$f" 1
done
start_daemon
idle >/dev/null
ok "with remove-file alone nothing is run for what is there" log_is "loader load a 1
loader load b 1
loader load c 1"
: >"$HLOG"
put "$P/a" 2
put "$P/new" 1
idle >/dev/null
ok "nor for what comes" log_is "loader load a 1
loader load new 1"
: >"$HLOG"
rm "$P/b"
idle >/dev/null
ok "what goes is removed; with load alone nothing is run" log_is "remover remove b 1"
is "and nothing is left pending" "$(st .queue.pending)" 0
: >"$HLOG"
ctl stop >/dev/null
rm "$P/new"
start_daemon
idle >/dev/null
ok "the same of what went while nothing ran" log_is "remover remove new 1"
: >"$HLOG"
put "$P/b" 2
idle >/dev/null
: >"$HLOG"
conf <<CONF
settle = 50ms
handler remover {
	load        = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
handler loader {
	load        = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
CONF
ok "a reload gives each the other" ctl reload
idle >/dev/null
ok "load added is a load of everything, remove-file added is nothing" log_is \
	"remover load a 1
remover load b 1
remover load c 1"
: >"$HLOG"
rm "$P/a"
idle >/dev/null
ok "and both are used" log_is "remover remove a 1
loader remove a 1"
ctl stop >/dev/null

# A symbolic link takes the place of a directory, while the removal of what was below
# waits for its time: to itself, to one that has the same names, to one that leads
# nowhere.
project links <<CONF
settle = 50ms
handler all {
	types       = { file, symlink }
	load        = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
CONF
for dir in self other deep; do
	mkdir -p "$P/$dir/b"
	put "$P/$dir/b/f" "$dir"
done
start_daemon
idle >/dev/null
replace() # DIRECTORY TARGET
{
	: >"$HLOG"
	# Paused: a removal that ran between the two would have to run again.
	ctl pause >/dev/null
	rm -r "${P:?}/$1" && ln -s "$2" "$P/$1"
	ctl resume >/dev/null
	idle >/dev/null
	like "a link to $2 for a directory: it is loaded, what was below is removed" \
		"$(sort "$HLOG" | tr '\n' ';')" "$3"
}
replace self self "all load self 1;all remove self/b/f 1;"
mkdir -p "$P/kept/b"
put "$P/kept/b/f" 1
idle >/dev/null
replace deep kept "all load deep 1;all remove deep/b/f 1;"
ln -s ring "$P/ring"
idle >/dev/null
replace other ring "all load other 1;all remove other/b/f 1;"
is "nothing is left pending of it" "$(st .queue.pending)" 0
ctl stop >/dev/null

# ignore-metadata.
: >"$HLOG"
project meta <<CONF
settle = 50ms
ignore-metadata = true
handler log {
	load        = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
CONF
for f in a b c d; do
	put "$P/$f" 1
done
touch -d 2001-02-03 "$P"/*
start_daemon
idle >/dev/null
: >"$HLOG"
chmod 600 "$P/a"
idle >/dev/null
ok "ignore-metadata: a change of mode runs nothing" log_is ""
ok "but is told" told '.rel_path == "a" and .event_type.kind == "metadata"'
ctl stop >/dev/null
chmod 640 "$P/a" "$P/b"
start_daemon
idle >/dev/null
ok "nor does one made while nothing ran" log_is ""
put "$P/a" 2
idle >/dev/null
ok "content does" log_is "log load a 1"
: >"$HLOG"
# One process, so that it is one change: 1 becomes 2, times as before.
# shellcheck disable=SC2016
rewrite='printf 2 >"$1" && touch -d 2001-02-03 "$1"'
printf 1 >"$P/b"
touch -d 2001-02-03 "$P/b"
idle >/dev/null
: >"$HLOG"
sh -c "$rewrite" sh "$P/b"
idle >/dev/null
ok "so does a rewrite of equal size with the old times" grep -q "^log load b " "$HLOG"
: >"$HLOG"
sh -c "chmod 600 \"\$1\" && $rewrite && chmod 644 \"\$1\"" sh "$P/c"
idle >/dev/null
ok "also with a change of mode" grep -q "^log load c " "$HLOG"
: >"$HLOG"
printf 1 >"$P/d"
touch -d 2001-02-03 "$P/d"
idle >/dev/null
: >"$HLOG"
ctl stop >/dev/null
sh -c "$rewrite" sh "$P/d"
start_daemon
idle >/dev/null
ok "and while nothing ran" grep -q "^log load d " "$HLOG"
ctl stop >/dev/null

# Hard links.
MIRROR_TARGET=$T/mirror
export MIRROR_TARGET
mkdir "$MIRROR_TARGET"
mirror=$top_srcdir/contrib/handlers/mirror
project linked <<CONF
settle = 50ms
handler mirror {
	types       = { file, dir, symlink }
	load        = { "$mirror", "load", "{path}" }
	remove-file = { "$mirror", "remove-file", "{path}" }
	jobs        = 2
	retries     = -1
	backoff     = 20ms
}
handler log {
	load        = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
CONF
same()
{
	"$TOOLS/treediff" -x .filemon "$P" "$MIRROR_TARGET"
}
mkdir "$P/d" "$P/e"
echo 1 >"$P/d/one"
ln "$P/d/one" "$P/e/two"
start_daemon
idle >/dev/null
ok "hard links: both names are delivered" same
: >"$HLOG"
echo 22 >"$P/d/one"
idle >/dev/null
ok "a change through one name is one of the other" grep -q "^log load e/two " "$HLOG"
ok "and delivered" same
: >"$HLOG"
echo 333 >>"$P/e/two"
idle >/dev/null
ok "and the other way" grep -q "^log load d/one " "$HLOG"
ok "delivered too" same
ln "$P/e/two" "$P/three"
echo 4444 >"$P/d/one"
idle >/dev/null
ok "a third name made at once with a change" same
: >"$HLOG"
rm "$P/d/one"
idle >/dev/null
ok "one name removed is a removal" logged "log remove d/one 1"
not_ok "of that name alone" grep -qE ' remove (e/two|three) ' "$HLOG"
ok "and the others are right" same
echo 55555 >"$P/three"
idle >/dev/null
ok "and stay so" same
echo 666666 >"$P/new"
mv "$P/new" "$P/three"
idle >/dev/null
ok "one name made another file" same
ln "$P/e/two" "$P/four"
idle >/dev/null
mv "$P/four" "$P/five"
idle >/dev/null
echo 7 >"$P/new"
idle >/dev/null
mv "$P/new" "$P/five"
idle >/dev/null
: >"$HLOG"
ctl scan --wait >/dev/null
idle >/dev/null
is "what a rename takes from a file with other names is told at once" "$(cat "$HLOG")" ""
ok "and right" same
ctl stop >/dev/null

# A burst of what comes and goes.
for made in unlink rename rmdir again; do
	: >"$HLOG"
	project "burst-$made" <<-CONF
	settle = 20ms
	handler log {
		load        = { "$H/log", "load" }
		remove-file = { "$H/log", "remove" }
	}
	CONF
	mkdir "$P/d"
	put "$P/d/stays" 1
	"$TOOLS/replay" list "$P" >"$T/first"
	start_daemon
	idle >/dev/null
	: >"$HLOG"
	watcher=$(pid_of watcher)
	kill -STOP "$watcher"
	cd "$P/d" || bail "no project"
	case $made in
	unlink) seq 500 | xargs touch && seq 500 | xargs rm ;;
	rmdir) seq 500 | xargs mkdir && seq 500 | xargs rmdir ;;
	rename)
		for i in 1 2 3 4 5 6 7 8 9; do
			: >$i
			mv $i r$i
			mkdir m$i
			mv m$i n$i
			: >n$i/f
		done
		rm -r r[1-4] n[1-4]
		;;
	again) for i in 1 2 3; do
		seq 150 | xargs touch
		seq 150 | xargs rm
		seq 5 | xargs touch
	done ;;
	esac
	cd / || bail "no /"
	kill -CONT "$watcher"
	ok "a burst ($made) is dealt with" idle
	ok "its log, replayed, gives the tree" replayed "$T/first"
	is "nothing is pending" "$(st .queue.pending)" 0
	is "files are counted" "$(st .files)" "$(find "$P/d" -type f | wc -l)"
	ok "nothing was removed that stayed" no_removal
	ctl stop >/dev/null
done

# git is at work.
HLOG=$T/vcs.log
: >"$HLOG"
project vcs <<CONF
settle = 20ms
handler log {
	load = { "$H/log", "load" }
}
CONF
mkdir "$P/.git"
start_daemon
: >"$P/.git/index.lock"
put "$P/a" 1
a_is_due()
{
	ctl queue --json | jq -e '.items[] | select(.path == "a").state == "due"'
}
ok "while .git/index.lock is there a change is due" wait_for "$LIMIT" a_is_due
ok "and not delivered" log_is ""
rm "$P/.git/index.lock"
ok "without it, it is" wait_for "$LIMIT" logged "log load a 1"
: >"$HLOG"
: >"$P/.git/index.lock"
put "$P/a" 2
# One that stays holds it for half a minute: what comes of it is looked at in the end.
HLOG=$T/hlog

# A directory that cannot be read, by a daemon that is not root's.
nobody=
[ "$(id -u)" -ne 0 ] || nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
: >"$HLOG"
shut_conf()
{
	conf <<-CONF
	settle = 50ms
	handler log {
		load        = { "$H/log", "load" }
		remove-file = { "$H/log", "remove" }
	}
	$1
	CONF
}
if $nobody test -x "$FILEMOND" -a -x "$FILEMONCTL" -a -x "$H/log" 2>/dev/null; then
	project shut <<-CONF
	CONF
	shut_conf ""
	mkdir -p "$P/d/sub"
	for f in d/a d/b d/sub/c open; do
		put "$P/$f" 1
	done
	if [ -n "$nobody" ]; then
		chmod 711 "$T"
		chmod 666 "$HLOG"
		chown -R 65534:65534 "$P"
	fi
	start_shut()
	{
		(cd "$P" && exec $nobody "$FILEMONCTL" start) >"$T/.start" 2>&1 ||
			bail "the daemon does not start: $(cat "$T/.start")"
	}
	start_shut
	idle >/dev/null
	is "before a directory is shut all is loaded" "$(lines)" 4
	: >"$HLOG"
	chmod 000 "$P/d"
	ctl scan >/dev/null
	ok "shut, it stops nothing" idle
	ok "and nothing counts as removed" log_is ""
	put "$P/open" 2
	idle >/dev/null
	ok "what is beside it is delivered" log_is "log load open 1"
	: >"$HLOG"
	ctl stop >/dev/null
	start_shut
	idle >/dev/null
	ok "nor is it after a restart" log_is ""
	shut_conf "handler late {
		load = { \"$H/log\", \"load\" }
	}"
	ok "a handler is added meanwhile" ctl reload
	idle >/dev/null
	ok "it is not told of what cannot be read" test \
		"$(grep -c '^late load d' "$HLOG")" -eq 0
	ok "but of what can" logged "late load open 1"
	: >"$HLOG"
	# What root, or whoever has it open, changes meanwhile.
	if [ -n "$nobody" ]; then
		rm "$P/d/b"
		put "$P/d/a" 2
		put "$P/d/new" 1
		chown 65534:65534 "$P/d/a" "$P/d/new"
	fi
	chmod 755 "$P/d"
	reopened()
	{
		logged "late load d/a 1" && logged "late load d/sub/c 1"
	}
	ok "opened, it is delivered to the handler that is new" \
		wait_for "$LIMIT" reopened
	idle >/dev/null
	if [ -n "$nobody" ]; then
		ok "and to both what changed" log_is "log load d/a 1
log load d/new 1
log remove d/b 1
late load d/a 1
late load d/new 1
late load d/sub/c 1"
		: >"$HLOG"
		put "$P/d/sub/c" 2
		chown 65534:65534 "$P/d/sub/c"
	else
		skip "nobody else can change it"
		: >"$HLOG"
		put "$P/d/sub/c" 2
	fi
	ok "and it is watched again" wait_for "$LIMIT" logged "log load d/sub/c 1"

	# What was written while it could not be looked at is in no queue any more.
	: >"$HLOG"
	exec 3>>"$P/d/a"
	chmod 000 "$P/d"
	echo more >&3
	exec 3>&-
	idle >/dev/null
	chmod 755 "$P/d"
	idle >/dev/null
	ctl restart >/dev/null
	idle >/dev/null
	ok "a restart compares what could not be looked at" logged "log load d/a 1"
	ctl stop >/dev/null
else
	skip "the daemon cannot be run as another user" 11
fi

# Dead letters.
: >"$HLOG"
cat >"$T/picky" <<EOS
#!/bin/sh
"$H/log" "\$1"
case \$FILEMON_RELPATH in
*bad*) [ ! -e "$T/reject" ] || exit 65 ;;
esac
EOS
chmod +x "$T/picky"
: >"$T/reject"
project dead <<CONF
settle = 50ms
handler log {
	types       = { file, dir }
	load        = { "$T/picky", "load" }
	remove-file = { "$T/picky", "remove" }
	jobs        = 4
	retries     = 0
}
CONF
mkdir -p "$P/d/e"
put "$P/d/e/bad" 1
put "$P/d/e/good" 1
start_daemon
idle >/dev/null
is "a file is a dead letter" "$(st .queue.dead)" 1
: >"$HLOG"
rm -r "$P/d"
ok "its directory is removed" idle
ok "with all that was in it" log_is "log remove d/e/bad 1
log remove d/e/good 1
log remove d/e 1
log remove d 1"
is "nothing is pending" "$(st .queue.pending)" 0
is "what could not be removed is a dead letter" \
	"$(ctl failures --json | jq -r '.items[] | .command + " " + .path')" \
	"remove-file d/e/bad"
: >"$HLOG"
rm "$T/reject"
ok "retry" ctl retry --all
idle >/dev/null
ok "removes it" log_is "log remove d/e/bad 1"
is "and no dead letter is left" "$(st .queue.dead)" 0

: >"$HLOG"
: >"$T/reject"
mkdir "$P/many"
(cd "$P/many" && seq -f bad%g 300 | xargs touch)
idle 300 >/dev/null
is "300 dead letters" "$(st .queue.dead)" 300
is "are listed up to the limit" "$(ctl failures --json | jq -c '[.total, (.items | length)]')" \
	"[300,100]"
: >"$HLOG"
is "retry --all takes each" "$(ctl retry --all --json | jq .count)" 300
ok "and runs them" idle 300
is "once" "$(lines)" 300
is "they are dead again" "$(st .queue.dead)" 300
: >"$HLOG"
is "discard --all takes each" "$(ctl discard --all --json | jq .count)" 300
is "none is left" "$(st .queue.dead)" 0
ctl restart >/dev/null
idle 300 >/dev/null
ok "nothing is run for them, not after a restart either" log_is ""
rm "$T/reject"
put "$P/many/bad7" 1
idle >/dev/null
ok "but for one that changes" log_is "log load many/bad7 1"
ctl stop >/dev/null

# The plain monitor, past the limit of watches.
if unshare -r sh -c 'echo 20 >/proc/sys/user/max_inotify_watches' 2>/dev/null; then
	P=$T/plain
	i=0
	while [ $i -lt 60 ]; do
		mkdir -p "$P/d$i"
		echo 1 >"$P/d$i/f"
		i=$((i + 1))
	done
	# shellcheck disable=SC2016
	unshare -r sh -c 'echo 20 >/proc/sys/user/max_inotify_watches; exec "$@"' \
		sh "$FILEMONCTL" watch "$P" >"$T/stdout" 2>"$T/stderr" &
	fg=$!
	out()
	{
		jq -es "any(.[]; $1)" "$T/stdout" >"$T/told"
	}
	ok "the plain monitor comes up past the limit of watches" \
		wait_for "$LIMIT" out '.event_type.type == "started"'
	ok "and says so" wait_for "$LIMIT" grep -q max_user_watches "$T/stderr"
	i=0
	while [ $i -lt 60 ]; do
		echo 22 >"$P/d$i/f"
		i=$((i + 1))
	done
	all_changed()
	{
		[ "$(jq -r 'select(.event_type.type == "modified").rel_path' "$T/stdout" |
			sort -u | grep -c '/f$')" -eq 60 ]
	}
	ok "changes in all directories are told" wait_for "$LIMIT" all_changed
	mkdir -p "$P/d59/new/dir" "$P/d3/new/dir" "$P/d30/new/dir"
	for d in d3 d30 d59; do
		: >"$P/$d/new/dir/g"
	done
	all_new()
	{
		for d in d3 d30 d59; do
			out ".rel_path == \"$d/new/dir/g\" and .event_type.type == \"created\"" ||
				return
		done
	}
	ok "so are new ones" wait_for "$LIMIT" all_new
	rm -r "$P/d3/new" "$P/d30/new" "$P/d59/f"
	all_deleted()
	{
		for f in d3/new/dir/g d30/new/dir/g d59/f; do
			out ".rel_path == \"$f\" and .event_type.type == \"deleted\"" || return
		done
	}
	ok "and what was removed" wait_for "$LIMIT" all_deleted
	kill -TERM "$fg"
	wait "$fg"
	not_ok "nothing is written into the tree" test -e "$P/.filemon"
else
	skip "no user namespace with a limit of its own" 6
fi
# A directory that became a symbolic link to one with the same names, while
# nothing ran: what is seen through the link is elsewhere.
project link <<CONF
settle = 20ms
handler log {
	types = { file, dir, symlink }
	load = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
	jobs = 4
}
CONF
mkdir "$P/d" "$P/d/sub" "$P/e" "$P/e/sub"
for i in 1 2 3 4 5; do
	echo $i >"$P/d/$i"
	echo $i >"$P/e/$i"
done
start_daemon
idle >/dev/null
ctl stop >/dev/null
: >"$HLOG"
rm -r "$P/d"
ln -s e "$P/d"
start_daemon
ok "a directory that became a symbolic link is dealt with" idle
is "nothing is pending below it" "$(st .queue.pending)" 0
is "what was in it is removed" "$(grep -c '^log remove d/' "$HLOG")" 6
is "and the link is loaded, nothing through it" "$(grep '^log load' "$HLOG")" "log load d 1"
ctl stop >/dev/null

# What was made and is gone at the first look is told as a file; a directory that
# is there at the second look, or at the end of a rename, is another thing.
project flip <<CONF
settle = 20ms
CONF
start_daemon
"$TOOLS/replay" list "$P" >"$T/first"
ok "things take each other's place" "$TOOLS/flip" "$P" 250
idle >/dev/null
ok "and are told as what they are" replayed "$T/first"
ctl stop >/dev/null

# A file that was met lately is known from memory; what is in its place by the time
# of the look is not taken for it.
project replaced <<CONF
settle = 20ms
handler log {
	load        = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
CONF
echo 1 >"$P/f"
echo 1 >"$P/d.txt"
"$TOOLS/replay" list "$P" >"$T/first"
start_daemon
idle >/dev/null
watcher=$(pid_of watcher)
kill -STOP "$watcher"
echo 2 >>"$P/f"
echo another >"$P/g"
mv "$P/g" "$P/f"
echo 2 >>"$P/d.txt"
rm "$P/d.txt"
mkdir "$P/d.txt"
echo 1 >"$P/d.txt/below"
kill -CONT "$watcher"
ok "files that are replaced as they are written to are dealt with" idle
ok "the log, replayed, gives the tree" replayed "$T/first"
: >"$HLOG"
ctl scan >/dev/null
idle >/dev/null
is "a scan finds nothing else" "$(st .scan.last_changes)" 0
ok "and nothing is loaded again" log_is ""
echo 3 >>"$P/f"
idle >/dev/null
ok "the file that is there now is known as well as the other was" log_is "log load f 1"
ctl stop >/dev/null

# A directory that was told as a file, since it was gone at the first look, and is then
# renamed: what is known below it goes with it.
project carried <<CONF
settle = 20ms
handler log {
	types = { file, dir }
	load = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
CONF
mkdir "$P/s" "$P/t"
: >"$P/s/1"
: >"$P/t/2"
"$TOOLS/replay" list "$P" >"$T/first"
exchange()
{
	python3 -c 'import ctypes, os, sys
a, b = map(os.fsencode, sys.argv[1:])
sys.exit(ctypes.CDLL(None).renameat2(-100, a, -100, b, 2) != 0)' "$@"
}
start_daemon
idle >/dev/null
watcher=$(pid_of watcher)
kill -STOP "$watcher"
chmod 700 "$P/s"
rm "$P/s/1"
: >"$P/s/1"
if command -v python3 >/dev/null && exchange "$P/s" "$P/t"; then
	mv "$P/s" "$P/u"
	mv "$P/t" "$P/v"
	kill -CONT "$watcher"
	idle >/dev/null
	ok "what is below a directory told as a file goes with it" replayed "$T/first"
else
	kill -CONT "$watcher"
	skip "no RENAME_EXCHANGE here"
fi
ctl stop >/dev/null

# Removed, made again and removed again, all told in one bufferful: the second removal
# is what tells of the creation that found nothing.
project turned <<CONF
settle = 0ms
CONF
: >"$P/stays"
: >"$P/save"
"$TOOLS/replay" list "$P" >"$T/first"
start_daemon
idle >/dev/null
watcher=$(pid_of watcher)
kill -STOP "$watcher"
rm "$P/save"
: >"$P/save"
rm "$P/save"
kill -CONT "$watcher"
idle >/dev/null
ok "what is removed twice within one reading is gone" replayed "$T/first"
ctl stop >/dev/null

# And the plain monitor tells of each.
"$FILEMONCTL" watch "$P" >"$T/told" 2>/dev/null &
monitor=$!
at_exit "kill -KILL $monitor 2>/dev/null"
wait_for "$LIMIT" grep -q '"started"' "$T/told"
kill -STOP "$monitor"
: >"$P/twice"
rm "$P/twice"
: >"$P/twice"
: >"$P/last"
kill -CONT "$monitor"
ok "the monitor goes on" wait_for "$LIMIT" grep -q '"rel_path":"last"' "$T/told"
is "what is made twice within one reading is there" \
	"$(jq -r 'select(.rel_path == "twice").event_type.type' "$T/told" | grep -v modified | tr '\n' ' ')" \
	"created deleted created "
kill "$monitor"
wait "$monitor" 2>/dev/null

# A directory is gone before its notifications are, and a file may have its name: of
# what is made below it nothing is told, since what tells of its end may be lost.  The
# row of a file there is kept by the run for its removal.
below()
{
	mkdir "$P/d"
	: >"$P/d/x"
	idle >/dev/null
	rm "$P/d/x"
	wait_for "$LIMIT" grep -q begin "$HLOG"
	watcher=$(pid_of watcher)
	kill -STOP "$watcher"
	chmod 700 "$P/d"
	: >"$P/d/x"
	for n in $(seq 100); do
		: >"$P/fill-$n"
	done
	rm -r "$P/d"
	[ "$1" = gone ] || : >"$P/d"
	kill -CONT "$watcher"
	: >"$GATE"
	idle >/dev/null
	ok "the queue did overflow" test "$(st .events.overflows)" -gt 0
	ok "nothing is made below a directory that is $1" replayed "$T/first"
}

for end in gone "a file"; do
	GATE=$T/below.$(echo "$end" | tr -d ' ')
	HLOG=$GATE.log
	export GATE HLOG
	: >"$HLOG"
	project "below-${GATE##*.}" <<-CONF
	settle = 0ms
	handler gate {
		load        = { "$H/log", "load" }
		remove-file = { "$H/gate" }
	}
	CONF
	"$TOOLS/replay" list "$P" >"$T/first"
	if start_with_queue 64; then
		below "$end"
	else
		skip "max_queued_events cannot be set" 2
		start_daemon
	fi
	ctl stop >/dev/null
done

# A directory is looked for under its old name, and is gone with all that is below,
# before it is told that it was renamed; in between something moves into it.
project moved <<CONF
settle = 0ms
CONF
mkdir "$P/old"
: >"$P/old/kept"
: >"$P/mover"
"$TOOLS/replay" list "$P" >"$T/first"
start_daemon
idle >/dev/null
watcher=$(pid_of watcher)
kill -STOP "$watcher"
chmod 700 "$P/old"
mv "$P/mover" "$P/old/moved"
mv "$P/old" "$P/new"
kill -CONT "$watcher"
idle >/dev/null
ok "what is below a directory found gone too early is found again" replayed "$T/first"
ctl stop >/dev/null

# Names of one file below a directory that another one replaces: what has the second
# name there by now is not what goes.
project names <<CONF
settle = 0ms
CONF
mkdir -p "$P/d/a" "$P/e"
: >"$P/d/a/first"
ln "$P/d/a/first" "$P/d/second"
"$TOOLS/replay" list "$P" >"$T/first"
start_daemon
idle >/dev/null
watcher=$(pid_of watcher)
kill -STOP "$watcher"
mkdir "$P/e/second"
mv "$P/d" "$T/away"
mv "$P/e" "$P/d"
kill -CONT "$watcher"
idle >/dev/null
ok "what has a name of what is replaced is told" replayed "$T/first"
ctl stop >/dev/null

# A rename is a change of a file's ctime, too: it is no news to the next scan.
project stamps <<CONF
settle = 0ms
CONF
mkdir "$P/d"
: >"$P/d/f"
start_daemon
idle >/dev/null
mv "$P/d/f" "$P/f"
idle >/dev/null
ctl scan >/dev/null
idle >/dev/null
is "a scan finds nothing new in what was renamed" \
	"$(events 'select(.event_type.type == "modified")')" ""

# Symbolic links have other names, too.
ln -s f "$P/s"
idle >/dev/null
ln -P "$P/s" "$P/d/s"
idle >/dev/null
ctl scan >/dev/null
idle >/dev/null
is "nor in a symbolic link that has got another name" \
	"$(events 'select(.event_type.type == "modified" and .source == "scan")')" ""
ctl stop >/dev/null

# A directory is renamed, and another one, or a symbolic link to one, has its name
# before it is told what happened in the first.
project another <<CONF
settle = 0ms
CONF
mkdir "$P/removed" "$P/made" "$P/linked" "$P/other"
: >"$P/removed/f"
: >"$P/linked/f"
: >"$P/other/f"
"$TOOLS/replay" list "$P" >"$T/first"
start_daemon
idle >/dev/null
watcher=$(pid_of watcher)
kill -STOP "$watcher"
: >"$P/made/f"
for dir in removed made linked; do
	rm "$P/$dir/f"
	mv "$P/$dir" "$P/$dir.old"
	[ $dir = linked ] || mkdir "$P/$dir"
	[ $dir != linked ] || ln -s other "$P/$dir"
	[ $dir = linked ] || : >"$P/$dir/f"
done
kill -CONT "$watcher"
idle >/dev/null
ok "what is in a directory is not taken for what was in one of its name" \
	replayed "$T/first"
ctl stop >/dev/null

# A file is written to, and by the time that is told it can be seen neither under the
# name that it had then nor under the one that it was renamed to.
project unseen <<CONF
settle = 0ms
CONF
mkdir "$P/a" "$P/b"
: >"$P/a/f"
start_daemon
idle >/dev/null
watcher=$(pid_of watcher)
kill -STOP "$watcher"
echo 1 >"$P/a/f"
mv "$P/a/f" "$P/b/g"
mv "$P/a" "$P/c"
mv "$P/b" "$P/d"
kill -CONT "$watcher"
idle >/dev/null
ok "what was written is told under the name where it can be seen" \
	told ".event_type.type == \"modified\" and .file_path == \"$P/d/g\""
ctl stop >/dev/null

# A file is exchanged with a directory, and what went below that was another name of
# it: by then it is not where it was renamed from, and so it counts as gone before the
# rename is noted.
project linked <<CONF
settle = 0ms
CONF
mkdir "$P/d"
: >"$P/f"
ln "$P/f" "$P/g"
"$TOOLS/replay" list "$P" >"$T/first"
start_daemon
idle >/dev/null
watcher=$(pid_of watcher)
kill -STOP "$watcher"
mv "$P/g" "$P/d/g"
if command -v python3 >/dev/null && exchange "$P/f" "$P/d"; then
	rm -r "$P/f"
	mv "$P/d" "$P/e"
	kill -CONT "$watcher"
	idle >/dev/null
	ok "what is renamed to a directory with its other name is there" \
		replayed "$T/first"
else
	kill -CONT "$watcher"
	skip "no RENAME_EXCHANGE here"
fi
ctl stop >/dev/null

# git's lock that stayed.
adopt vcs
HLOG=$T/vcs.log
ok "one that stays does not hold it for ever" wait_for "$LIMIT" logged "log load a 1"
ctl stop >/dev/null

ok "nothing is left behind" wait_for "$LIMIT" none_left
done_testing
