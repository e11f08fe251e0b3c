# SPDX-License-Identifier: ISC
# A root that goes and comes: unmounted, removed, replaced, not there at all.

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
need jq

put()
{
	echo "$2" >"${1%/*}/.put.tmp"
	mv "${1%/*}/.put.tmp" "$1"
}

root_conf()
{
	project "$1" <<-CONF
	watch = { "m" }
	settle = 50ms
	handler log {
		load        = { "$H/log", "load" }
		remove-file = { "$H/log", "remove" }
		jobs        = 2
	}
	CONF
	mkdir "$P/m"
}

fill()
{
	mkdir -p "$1/sub"
	for f in a b c sub/d sub/e; do
		put "$1/$f" 1
	done
}

gone_is()
{
	st_is '.watch[0].gone' "$1"
}

no_removal()
{
	! grep ' remove ' "$HLOG"
}

fill_removed="log remove a 1
log remove b 1
log remove c 1
log remove sub/d 1
log remove sub/e 1"

# Removed and made again.
root_conf removed
fill "$P/m"
start_daemon
idle >/dev/null
is "a root within the project is loaded" "$(lines)" 5
: >"$HLOG"
rm -rf "$P/m"
mkdir "$P/m"
all_removed()
{
	log_is "$fill_removed"
}
ok "a root removed and made again is the removal of all that was in it" \
	wait_for "$LIMIT" all_removed
ok "the root is there again" wait_for "$LIMIT" gone_is false
idle >/dev/null
ok "each is told once" all_removed
: >"$HLOG"
fill "$P/m"
ok "and the new one is watched" idle
is "each file in it is loaded" "$(grep -c ' load ' "$HLOG")" 5
ok "nothing was removed meanwhile" no_removal

: >"$HLOG"
rm -rf "$P/m"
ok "a root that is removed is gone" wait_for "$LIMIT" gone_is true
is "which is not healthy" "$(st .health)" unhealthy
is "... for a reason that names it" "$(st .reasons[0])" "root $P/m is gone"
is "... as does the gap record" "$(ctl events --type gap -n 1 --format json |
	jq -r '.event_type.cause + " " + .file_path')" "root-gone $P/m"
mkdir "$P/m"
ok "made again it comes back" wait_for "$LIMIT" gone_is false
ok "and what was in it is removed" wait_for "$LIMIT" all_removed
idle >/dev/null
ok "once" all_removed
is "it is healthy again" "$(st .health)" healthy

# Another tree in its place.
: >"$HLOG"
fill "$P/m"
idle >/dev/null
: >"$HLOG"
mkdir "$P/other"
cp -a "$P/m/sub" "$P/other/sub"
put "$P/other/b" 2
put "$P/other/new" 1
mv "$P/m" "$P/m.away"
mv "$P/other" "$P/m"
replaced()
{
	logged "log remove a 1" && logged "log remove c 1" && logged "log load b 1" &&
		logged "log load new 1"
}
ok "another tree in its place is told by what differs" wait_for "$LIMIT" replaced
idle >/dev/null
is "each removal once" "$(grep -c ' remove ' "$HLOG")" 2
: >"$HLOG"
put "$P/m.away/a" 2
put "$P/m/new" 2
idle >/dev/null
ok "and only that one is watched now" log_is "log load new 1"
ctl stop >/dev/null

# Not there.
root_conf absent
rmdir "$P/m"
not_ok "a root that is not there is refused" ctl start
like "with its name" "$(cat "$T/.tap" "$P/.filemon/trace.log" 2>/dev/null)" "*$P/m*"
not_ok "and nothing is left running" ctl status

# A file system of its own.
if [ "$FILEMON_MOUNTS" = no ] || ! mount -t tmpfs none "$P/.filemon" 2>/dev/null; then
	skip "no mounts here" 42
	finish_without=1
else
	umount "$P/.filemon"
	finish_without=
fi

mounted()
{
	mkdir -p "$T/new"
	mount -t tmpfs none "$T/new"
}

# Within a user name space mount(8) complains that it cannot note it in /run.
bring()
{
	mount -n --move "$T/new" "$P/m"
	mountpoint -q "$P/m"
}

if [ -z "$finish_without" ]; then
	: >"$HLOG"
	root_conf mounts
	mount -t tmpfs none "$P/m"
	at_exit "umount -l '$P/m'"
	fill "$P/m"
	start_daemon
	idle >/dev/null
	is "a root that is mounted is loaded" "$(lines)" 5

	: >"$HLOG"
	ok "it can be unmounted while it is watched" umount "$P/m"
	ok "then it is gone" wait_for "$LIMIT" gone_is true
	is "which is not healthy" "$(st .health)" unhealthy
	like "and the reasons say so" "$(st '.reasons | join(" ")')" "*root*gone*"
	ctl scan >/dev/null
	ctl reload >/dev/null
	like "why: the mount point is told in the trace log" \
		"$(cat "$P/.filemon/trace.log")" "*not mounted*"
	# Another file system with what was changed meanwhile: b and sub/d are not
	# in it, and it comes with all that it holds at once.
	mounted
	fill "$T/new"
	rm "$T/new/b" "$T/new/sub/d"
	put "$T/new/more" 1
	ok "nothing was removed" no_removal
	ok "another is mounted" bring
	ok "the root comes back" wait_for "$LIMIT" gone_is false
	what_changed()
	{
		logged "log load more 1" && logged "log remove b 1" &&
			logged "log remove sub/d 1"
	}
	ok "what changed meanwhile is delivered" wait_for "$LIMIT" what_changed
	idle >/dev/null
	is "and no more is removed" "$(grep -c ' remove ' "$HLOG")" 2
	: >"$HLOG"
	put "$P/m/more" 2
	idle >/dev/null
	ok "and it is watched" log_is "log load more 1"

	# Killed while it is not mounted.
	: >"$HLOG"
	umount "$P/m"
	ok "it goes again" wait_for "$LIMIT" gone_is true
	watcher=$(pid_of watcher)
	kill -9 "$watcher"
	another()
	{
		now=$(pid_of watcher)
		[ -n "$now" ] && [ "$now" != "$watcher" ]
	}
	ok "a watcher that was killed meanwhile is there again" wait_for "$LIMIT" another
	ok "and waits for the root" wait_for "$LIMIT" gone_is true
	ok "it removed nothing" no_removal
	ctl stop >/dev/null

	# Started while it is not mounted.
	: >"$HLOG"
	: >"$P/.filemon/trace.log"
	crashes()
	{
		cat "$P"/.filemon/events/*.ndjson | grep -c '"cause":"crash"'
	}
	crashes=$(crashes)
	ctl start --no-wait >"$T/out" 2>&1
	code=$?
	like "started without the mount it says so" \
		"$(cat "$T/out" "$P/.filemon/trace.log")" "*mount*"
	if [ "$code" -eq 0 ]; then
		ok "and waits" wait_for "$LIMIT" gone_is true
	else
		not_ok "and refuses" ctl status
	fi
	mounted
	fill "$T/new"
	bring
	[ "$code" -eq 0 ] || start_daemon
	ok "when it is mounted it is ready" wait_for "$LIMIT" ready
	idle >/dev/null
	one_removed()
	{
		[ "$(grep ' remove ' "$HLOG")" = "log remove more 1" ]
	}
	ok "what is not in it any more is removed, and nothing else" \
		wait_for "$LIMIT" one_removed
	is "what is in it is loaded" "$(grep -c ' load ' "$HLOG")" 5
	is "and none of that counts as a crash" "$(crashes)" "$crashes"
	ctl stop >/dev/null

	# Bound: of what is mounted elsewhere too, nothing is told when it goes.
	bound() # DISK NAME
	{
		: >"$HLOG"
		root_conf "$2"
		fill "$1"
		mount --bind "$1" "$P/m"
		at_exit "umount -l '$P/m'"
		start_daemon
		idle >/dev/null
		is "a root that is bound, $2, is loaded" "$(lines)" 5
		: >"$HLOG"
		umount "$P/m"
		rm "$1/a"
		put "$1/b" 2
		put "$1/late" 1
		ctl scan >/dev/null
		ok "without it, it is gone" wait_for "$LIMIT" gone_or_removed
		ok "and nothing was removed" no_removal
		mount --bind "$1" "$P/m"
		ok "bound again it comes back" wait_for "$LIMIT" gone_is false
		ok "with what was changed meanwhile" wait_for "$LIMIT" bound_again
		idle >/dev/null
		ok "and nothing else" bound_again
		ctl stop >/dev/null
	}
	gone_or_removed()
	{
		gone_is true || ! no_removal
	}
	bound_again()
	{
		log_is "log remove a 1
log load b 1
log load late 1"
	}
	mounted
	at_exit "umount -l '$T/new'"
	bound "$T/new" of-another
	bound "$T/disk" of-the-same

	# What a reload changes meanwhile, of two roots.
	handlers() # GLOB...
	{
		number=0
		{
			echo 'settle = 50ms'
			echo 'watch = { "m", "n" }'
			for glob; do
				number=$((number + 1))
				cat <<-CONF
				handler h$number {
					match       = { "$glob" }
					load        = { "$H/log", "load" }
					remove-file = { "$H/log", "remove" }
				}
				CONF
			done
		} | conf
		: >"$HLOG"
	}
	adopt reloads
	mkdir -p "$P/.filemon" "$P/m" "$P/n" "$T/files"
	handlers "*.txt"
	echo 1 >"$T/files/there.txt"
	echo 1 >"$P/n/a.txt"
	echo 1 >"$P/n/b.md"
	mount --bind "$T/files" "$P/m"
	at_exit "umount -l '$P/m'"
	start_daemon
	idle >/dev/null
	umount "$P/m"
	ctl scan >/dev/null
	ok "one of two roots is gone" wait_for "$LIMIT" gone_is true
	handlers "*.txt" "*.txt"
	ok "meanwhile a handler is new" ctl reload
	ok "it is told of the other root" wait_for "$LIMIT" log_is "h2 load a.txt 1"
	handlers "*.md" "*.txt"
	ok "a handler is to match something else" ctl reload
	changed()
	{
		log_is "h1 load b.md 1
h1 remove a.txt 1"
	}
	ok "which it is told of" wait_for "$LIMIT" changed
	handlers "*.txt" "*.txt"
	ok "and again what it did, before all was compared" ctl reload
	changed_back()
	{
		log_is "h1 load a.txt 1
h1 remove b.md 1"
	}
	ok "it is told of that again" wait_for "$LIMIT" changed_back
	: >"$HLOG"
	mount --bind "$T/files" "$P/m"
	ok "and of this one when it is back" wait_for "$LIMIT" log_is "h2 load there.txt 1"
	ctl stop >/dev/null
fi
ok "nothing is left behind" wait_for "$LIMIT" none_left
done_testing
