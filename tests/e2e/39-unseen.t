# SPDX-License-Identifier: ISC
# What cannot be seen is said: directories that may not be listed, other file
# systems, what is not there.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

nobody=
[ "$(id -u)" -ne 0 ] || nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"

put()
{
	echo "$2" >"$1"
}

shown()
{
	case $(ctl "$@" 2>&1) in
	*"$pattern"*) return 0 ;;
	esac
	return 1
}
# says PATTERN COMMAND...: its output, of both kinds, has it.
says()
{
	pattern=$1
	shift
	shown "$@" && return
	diag "$(ctl "$@" 2>&1)"
	return 1
}

project p <<CONF
settle = 50ms
ignore = { "*.log" }
handler log {
	load        = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
CONF
mkdir -p "$P/open" "$P/shut" "$P/later/sub"
put "$P/open/a" 1
put "$P/open/b.log" 1
put "$P/later/a" 1
mkfifo "$P/open/fifo"

# By a daemon that is not root's.
if $nobody test -x "$FILEMOND" -a -x "$FILEMONCTL" -a -x "$H/log" 2>/dev/null; then
	if [ -n "$nobody" ]; then
		chmod 711 "$T"
		chmod 666 "$HLOG"
		chown -R 65534:65534 "$P"
	fi
	chmod 000 "$P/shut"
	(cd "$P" && exec $nobody "$FILEMONCTL" start) >"$T/.start" 2>&1 ||
		bail "the daemon does not start: $(cat "$T/.start")"
	ok "a directory that cannot be read: idle" idle
	is "... degraded" "$(st .health)" degraded
	is "... and counted" "$(st .watch[0].unlisted)" 1
	like "... by name" "$(st .reasons[0])" \
		"$P/shut cannot be listed: Permission denied*"
	ok "wait says so" says "1 directory cannot be listed" wait
	ok "why says so" says "not watched: shut cannot be listed: Permission denied" \
		why shut/a
	ok "... and not that there is nothing" says "cannot be looked at" why shut/a
	ok "... of itself too" says "it is not watched: shut cannot be listed" why shut
	ok "one that can be read is watched" says "its directory is watched by" \
		why open/a

	# One that is shut while it is watched, and one below it.
	chmod 000 "$P/later"
	ok "one that is shut later is noticed" wait_for "$LIMIT" \
		st_is .watch[0].unlisted 2
	like "... in the reasons" "$(st .reasons[0])" \
		"$P/* and 1 other directory cannot be listed: Permission denied*"
	chmod 755 "$P/later" "$P/shut"
	ok "opened, all is well" wait_for "$LIMIT" st_is .health healthy
	put "$P/shut/new" 1
	ok "... and seen" wait_for "$LIMIT" logged "log load shut/new 1"

	# Shut without a notice of it, with something that happens further below.
	exec 3>"$P/later/sub/c"
	idle >/dev/null
	chmod 000 "$P/later"
	echo 2 >&3
	exec 3>&-
	ok "what is below it is not seen either" wait_for "$LIMIT" \
		st_is ".watch[0].unlisted > 0" true
	: >"$HLOG"
	chmod 755 "$P/later"
	ok "... and is when it is opened" wait_for "$LIMIT" \
		logged "log load later/sub/c 1"
	ok "... with nothing left" wait_for "$LIMIT" st_is .watch[0].unlisted 0
	ctl stop >/dev/null

	# The monitor has nobody else to tell.
	chmod 000 "$P/shut"
	(cd "$P" && exec $nobody "$FILEMONCTL" watch . >"$T/seen" 2>"$T/said") &
	watch=$!
	ok "the monitor says what it cannot list" wait_for "$LIMIT" \
		grep -q "shut: cannot be listed: Permission denied" "$T/said"
	kill "$watch"
	wait "$watch" 2>/dev/null

	# Whatever is polled is tried again all the time.
	polled()
	{
		st_is ".watch[0].listed > $((listed + 10))" true
	}
	chmod 444 "$P/open"
	: >"$P/.filemon/trace.log"
	(cd "$P" && exec $nobody "$FILEMONCTL" -o backend=poll -o poll-interval=20ms \
		start) >"$T/.start" 2>&1
	listed=$(st .watch[0].listed)
	ok "polled" wait_for "$LIMIT" polled
	is "two that cannot be listed" "$(st .watch[0].unlisted)" 2
	is "... are logged once" \
		"$(grep -c "cannot be listed" "$P/.filemon/trace.log")" 2
	ctl stop >/dev/null
	chmod 755 "$P/shut" "$P/open"
	[ -z "$nobody" ] || chown -R 0:0 "$P"
else
	skip "the daemon cannot be run as another user" 20
fi

start_daemon
idle >/dev/null
ok "why: what is not there" says "not watched: nosuch does not exist" why nosuch/deeper
ok "why: the directory of what is ignored" says "its directory is watched by" \
	why open/b.log
ok "why: another type of file" says "not for this type of file (other" why open/fifo
ok "why: the state directory" says "it belongs to filemon itself" why .filemon/x
ctl stop >/dev/null

# Another file system in the tree.
mkdir "$P/m"
cat >"$T/mounted" <<'EOS'
mount -t tmpfs none "$P/m" || exit 77
: >"$P/m/f"
cd "$P" || exit
"$FILEMONCTL" start >/dev/null || exit
"$FILEMONCTL" wait
"$FILEMONCTL" why m/f
"$FILEMONCTL" scan m 2>&1
"$FILEMONCTL" stop >/dev/null
EOS
export P
if unshare -m mount -t tmpfs none "$P/m" 2>/dev/null; then
	unshare -m sh "$T/mounted" >"$T/out" 2>&1
	like "why: another file system" "$(cat "$T/out")" \
		"*not watched: m is on another file system (cross-filesystems = false)*"
	like "... of what nothing was seen" "$(cat "$T/out")" \
		"*handler log: not delivered; nothing of it was seen*"
	ok "... and the trace log says that it is left out" \
		grep -q "m: on another file system: left out" "$P/.filemon/trace.log"

	# The same directory at another place, which no second watch can be had for.
	mkdir "$P/open2"
	cat >"$T/mounted" <<-'EOS'
		mount --bind "$P/open" "$P/open2" || exit 77
		cd "$P" || exit
		"$FILEMONCTL" start >/dev/null || exit
		"$FILEMONCTL" wait
		"$FILEMONCTL" status
		"$FILEMONCTL" stop >/dev/null
	EOS
	unshare -m sh "$T/mounted" >"$T/out" 2>&1
	like "status: a directory that is seen twice" "$(cat "$T/out")" \
		"*1 directory is polled: no watch can be had there*"
else
	skip "nothing can be mounted" 4
fi

finish
