# SPDX-License-Identifier: ISC
# The world fails: no room, no right to write, another clock, a process that is
# held up, what is looked at becomes another thing meanwhile. In the end all is
# delivered, or it was said why it cannot be.
# FAULT_CHANGES, FAULT_ENTRIES and FAULT_DAMAGE make it longer (make check-long).

# Mounts are made in a name space of this test alone, and end with it.
if [ -z "${FILEMON_MOUNTS-}" ]; then
	if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
		FILEMON_MOUNTS=yes exec unshare -m sh "$0" "$@"
	elif unshare -rm true 2>/dev/null; then
		FILEMON_MOUNTS=yes exec unshare -rm sh "$0" "$@"
	fi
	FILEMON_MOUNTS=no
fi
export FILEMON_MOUNTS
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/churn.sh"
need jq

FAULT=${top_builddir:?}/tests/fault
CHANGES=${FAULT_CHANGES:-3000}
ENTRIES=${FAULT_ENTRIES:-10000}
DAMAGE=${FAULT_DAMAGE:-12}
SEED=${SWEEP_SEED:-1}

# copy_project NAME [LINE]: with a handler that is quick.
copy_project()
{
	export MIRROR_TARGET="$T/$1.copy"
	mkdir "$MIRROR_TARGET"
	project "$1" <<-CONF
	${2-}
	default-ignores = false
	settle = 20ms
	handler copy {
		types       = { file, dir, symlink }
		load        = { "$FAULT/copy", "load", "{path}" }
		remove-file = { "$FAULT/copy", "remove", "{path}" }
		jobs = 4
		retries = -1
		backoff = 20ms
		backoff-max = 200ms
	}
	CONF
}

all_copied()
{
	idle && same
}

# state.db damaged in many ways: killed, damaged, started.
if [ -z "${SANITIZE-}" ] && [ -x "$FAULT/sweep" ]; then
	mkdir "$T/damage"
	ok "whatever state.db holds, it starts and delivers" \
		"$FAULT/sweep" -j 2 -d "$DAMAGE" -s "$SEED" "$top_builddir" "$T/damage"
	diag "$DAMAGE kinds of damage, seeds from $SEED on"
else
	skip "tests/fault/sweep is not built"
fi

# Damage that the check at the start does not see is found before it is ready.
copy_project schema
start_daemon
echo 1 >"$P/kept"
idle >/dev/null
ctl stop >/dev/null
sqlite3 "$P/.filemon/state.db" "PRAGMA writable_schema = ON; UPDATE sqlite_master
	SET sql = replace(sql, 'digest', 'digits') WHERE name = 'handler'"
ok "a state.db that is another keeps it from no start" ctl start
ok "... and everything is delivered" idle
ok "... with the damaged one aside" sh -c "test -s '$P'/.filemon/state.db.damaged-*[0-9]"
ctl stop >/dev/null

# Full disks.
full()
{
	dd if=/dev/zero of="$1/fill" bs=4096 2>/dev/null
	test -s "$1/fill"
}

write_some()
{
	i=0
	while [ $i -lt 40 ]; do
		echo "$1 $i" >"$P/$1-$i"
		i=$((i + 1))
	done
	mkdir -p "$P/dir-$1"
	echo x >"$P/dir-$1/x"
	[ ! -e "$P/first" ] || mv "$P/first" "$P/moved-$1"
	echo first >"$P/first"
}

# Seen by the log alone.
come_and_go()
{
	mkdir "$P/came"
	ok "what comes meanwhile is told" wait_for "$LIMIT" told '.rel_path == "came"'
	rmdir "$P/came"
}

# disk_full WHAT DIR...: these directories of the state have no room for a while.
disk_full()
{
	what=$1
	shift
	write_some before
	idle >/dev/null
	ok "full disk for $what" full "$1"
	write_some "$what"
	# More than what stays unwritten for want of a page.
	"$TOOLS/storm" -n 600 -f 300 "$P"
	failing()
	{
		st_is '[.state.failing, .events.failing] | any' true
	}
	ok "$what: status says what cannot be written" wait_for "$LIMIT" failing
	is "$what: and that it is unhealthy" "$(st .health)" unhealthy
	[ "$what" != state ] || come_and_go
	for d; do
		rm "$d/fill"
	done
	ok "$what: with room again everything is delivered" wait_for "$LIMIT" all_copied
	is "$what: the files are counted well" "$(st .files)" \
		"$(find "$P" -name .filemon -prune -o ! -type d -print | wc -l)"
	[ "$what" != state ] || ok "the log, replayed, gives the tree" \
		wait_for "$LIMIT" replayed "$T/first"
	is "$what: nothing is dead" "$(st .queue.dead)" 0
	is "$what: nobody was started again" "$(st .restarts)" 0
	ok "$what: stop" ctl stop
	ok "$what: every line of the log is a record" \
		sh -c "cat '$P'/.filemon/events/*.ndjson | jq -e . >/dev/null"
	start_daemon
	ok "$what: nor is anything lost after a restart" all_copied
	ctl stop >/dev/null
}

small_disk()
{
	mkdir -p "$1"
	mount -n -t tmpfs -o size=6m,mode=700 none "$1"
}

if [ "$FILEMON_MOUNTS" = yes ] && small_disk "$T/probe"; then
	umount "$T/probe"
	for what in state log both; do
		copy_project "full-$what"
		cp "$P/.filemon/filemon.conf" "$T/conf"
		small_disk "$P/.filemon"
		at_exit "umount -l '$P/.filemon'"
		cp "$T/conf" "$P/.filemon/filemon.conf"
		if [ $what != both ]; then
			small_disk "$P/.filemon/events"
			at_exit "umount -l '$P/.filemon/events'"
		fi
		"$TOOLS/replay" list "$P" >"$T/first"
		start_daemon
		case $what in
		state | both) disk_full $what "$P/.filemon" ;;
		log) disk_full $what "$P/.filemon/events" ;;
		esac
	done

	# The state can be written again before the log can.
	copy_project in-turn
	cp "$P/.filemon/filemon.conf" "$T/conf"
	small_disk "$P/.filemon"
	at_exit "umount -l '$P/.filemon'"
	cp "$T/conf" "$P/.filemon/filemon.conf"
	small_disk "$P/.filemon/events"
	at_exit "umount -l '$P/.filemon/events'"
	start_daemon
	full "$P/.filemon"
	"$TOOLS/storm" -n 600 -f 300 "$P"
	ok "the state fails" wait_for "$LIMIT" st_is .state.failing true
	full "$P/.filemon/events"
	"$TOOLS/storm" -n 600 -f 300 "$P"
	ok "and the log" wait_for "$LIMIT" st_is .events.failing true
	rm "$P/.filemon/fill"
	ok "the state can be written" wait_for "$LIMIT" st_is .state.failing false
	rm "$P/.filemon/events/fill"
	ok "then the log tells that it is ahead" wait_for "$LIMIT" \
		told '.event_type.cause == "state-failed"'
	ok "and everything is delivered" wait_for "$LIMIT" all_copied
	ctl stop >/dev/null

	# A state directory that cannot be written to.
	copy_project read-only
	cp "$P/.filemon/filemon.conf" "$T/conf"
	small_disk "$P/.filemon"
	at_exit "umount -l '$P/.filemon'"
	cp "$T/conf" "$P/.filemon/filemon.conf"
	mount -n -o remount,ro "$P/.filemon"
	not_ok "with a read-only state directory it does not start" ctl start
	like "and says why" "$(cat "$T/.tap")" "*ead-only file system*"
	mount -n -o remount,rw "$P/.filemon"
	start_daemon
	write_some before
	ok "with one that can be written to, it does" all_copied
	ctl stop >/dev/null
else
	skip "no mounts here" 40
fi

# Its directory goes while it runs.
copy_project gone
start_daemon
write_some before
idle >/dev/null
pid=$(pid_of supervisor)
mv "$P/.filemon" "$T/gone.filemon"
ok "without its state directory it ends" wait_for "$LIMIT" pid_gone "$pid"
ok "and leaves nothing behind" wait_for "$LIMIT" none_left
ok "with the reason in its log" grep -q 'was removed or replaced' "$T/gone.filemon/trace.log"
mv "$T/gone.filemon" "$P/.filemon"
write_some after
start_daemon
ok "when it is there again, all goes on" all_copied
ctl stop >/dev/null

# Its state.db goes while it runs, or the WAL: all of it is put back.
project unlinked <<CONF
settle = 10ms
handler log {
	load = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
CONF
touch "$P/kept" "$P/changed" "$P/removed"
start_daemon
idle >/dev/null
restarts=0
put_back() # as often as that
{
	restarts=$((restarts + 1))
	# Whoever asks has a turn of the loop begin, and may be cut off by its end.
	wait_for "$LIMIT" st_is .restarts $restarts 2>/dev/null && idle >/dev/null
}
db=$P/.filemon/state.db
: >"$HLOG"
rm "$db"
ok "a state.db that is removed is put back" put_back
rm "$db" "$db-wal"
ok "... with its WAL" put_back
rm "$db-wal"
ok "... the WAL alone" put_back
cp "$db" "$T/other.db"
mv "$T/other.db" "$db"
ok "... or one that is replaced" put_back
mkdir "$db.new"
rm "$db-wal"
ok "where nothing can be put there, it goes on with the file, which has all" put_back
ok "... and says so" grep -q "cannot be put back (what the file there does not hold" \
	"$P/.filemon/trace.log"
rmdir "$db.new"
ok "... which the trace log tells" \
	grep -q 'state.db, or its WAL, was removed or replaced' "$P/.filemon/trace.log"
echo more >"$P/changed"
rm "$P/removed"
idle >/dev/null
ok "nothing runs again but what there is to tell" log_is "log load changed 1
log remove removed 1"
: >"$HLOG"
rm "$db"
exits 0 "a stop after it went is one as any other" ctl stop
ok "one that went just before the stop is put back, too" test -s "$db"
is "... with all that it held" "$(sqlite3 "$db" 'PRAGMA integrity_check; SELECT count(*) FROM delivered')" "ok
2"
rm "$P/kept"
start_daemon
idle >/dev/null
ok "so what was removed meanwhile is told" log_is "log remove kept 1"
is "and nothing is left beside it" "$(cd "$P/.filemon" && echo state.db*)" "state.db state.db-wal"
ctl stop >/dev/null

# The clock of the wall steps; the sanitizers have no room for the shim.
if [ -z "${SANITIZE-}" ] && [ -e "$FAULT/.libs/shim.so" ]; then
	copy_project clock
	"$FAULT/page" "$T/page" 0
	LD_PRELOAD=$FAULT/.libs/shim.so FAULT_PAGE=$T/page start_daemon
	write_some before
	idle >/dev/null
	for step in 3600 -3600 0; do
		"$FAULT/page" "$T/page" $step
		write_some "step$step"
		ok "the clock is $step s from the real one: all is delivered" all_copied
	done
	numbers_grow()
	{
		cat "$P"/.filemon/events/*.ndjson |
			jq -es '[.[].seq] | . == (sort | unique)' >/dev/null
	}
	ok "the numbers of the records grow all the same" numbers_grow
	ctl stop >/dev/null
else
	skip "the clock is not ours here" 4
fi

# Held up while much changes.
copy_project stopped
start_daemon
watcher=$(pid_of watcher)
kill -STOP "$watcher"
"$TOOLS/storm" -n "$CHANGES" -f 100 "$P"
churn 500 "$SEED" -d 0 -x link >/dev/null
kill -CONT "$watcher"
ok "a watcher that was stopped during $CHANGES changes delivers them" \
	wait_for "$LIMIT" all_copied
is "and was not started again" "$(st .restarts)" 0
ctl stop >/dev/null

# Watches run out while directories are made.
# shellcheck disable=SC2016
few='echo 15 >/proc/sys/user/max_inotify_watches || exit
	[ $# -eq 0 ] || exec "$1" -f --format none -C "$2"'
if unshare -r sh -c "$few" sh 2>/dev/null; then
	copy_project limited "poll-interval = 100ms"
	unshare -r sh -c "$few" sh "$FILEMOND" "$P" >"$T/stdout" 2>"$T/stderr" &
	fg=$!
	ok "with few directories it needs no more watches than there are" wait_for "$LIMIT" ready
	i=0
	while [ $i -lt 40 ]; do
		mkdir -p "$P/d$i/e"
		echo $i >"$P/d$i/e/f"
		i=$((i + 1))
	done
	polls()
	{
		test "$(st '.watch[0].polled')" -gt 0
	}
	ok "it polls when watches run out in the middle" wait_for "$LIMIT" polls
	ok "and delivers everything" wait_for "$LIMIT" all_copied
	echo more >>"$P/d39/e/f"
	rm -r "$P/d20"
	ok "what changes later too" wait_for "$LIMIT" all_copied
	kill -TERM "$fg"
	wait "$fg"
else
	skip "no user namespace with a limit of its own" 4
fi

# A directory of many entries is renamed while it is listed.
: >"$HLOG"
project many <<CONF
settle = 20ms
handler log {
	match       = { "*/f*77" }
	load        = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
	jobs        = 4
}
CONF
mkdir "$P/big"
(cd "$P/big" && seq "$ENTRIES" | sed 's/^/f/' | xargs touch)
start_daemon --no-wait
mv "$P/big" "$P/other"
wanted=$(seq "$ENTRIES" | grep -c '77$')
loaded()
{
	idle >/dev/null &&
		[ "$(grep -c '^log load other/' "$HLOG")" -eq "$wanted" ] &&
		[ "$(grep -c ' load big/' "$HLOG")" -eq "$(grep -c ' remove big/' "$HLOG")" ]
}
ok "a directory of $ENTRIES entries, renamed while it is listed, is delivered" \
	wait_for "$LIMIT" loaded
: >"$HLOG"
ctl scan >/dev/null
mv "$P/other" "$P/again"
moved()
{
	idle >/dev/null && [ "$(grep -c '^log load again/' "$HLOG")" -eq "$wanted" ] &&
		[ "$(grep -c '^log remove other/' "$HLOG")" -eq "$wanted" ]
}
ok "and once more during a scan" wait_for "$LIMIT" moved
ctl stop >/dev/null

# One path is a file, a directory, a symbolic link, in turn.
copy_project shapes
start_daemon
i=0
while [ $i -lt 30 ]; do
	rm -rf "$P/shape"
	case $((i % 3)) in
	0) echo "file $i" >"$P/shape" ;;
	1) mkdir -p "$P/shape/below" && echo $i >"$P/shape/below/f" ;;
	2) ln -s "target $i" "$P/shape" ;;
	esac
	[ $((i % 5)) -ne 0 ] || idle >/dev/null
	i=$((i + 1))
done
ok "a path that is a file, a directory, a link in turn ends as what it is" all_copied
rm -rf "$P/shape"
mkdir "$P/shape"
echo last >"$P/shape/last"
ok "whichever comes last" all_copied
finish
