# SPDX-License-Identifier: ISC
# Clients that mean ill, and state directories that others made.
# SIEGE_MIB is the length of the line without an end; a gigabyte is 1024.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

project p <<CONF
settle = 20ms
handler log {
	load = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
CONF
start_daemon
S=$P/.filemon/control.sock
if [ ${#S} -gt 100 ]; then
	skip_all "the directory for temporary files has too long a name for a socket's address"
fi

# besiege KIND N: in the background, until lift
besiege()
{
	mkfifo "$T/hold.$1"
	"$TOOLS/siege" "$1" "$2" "$S" <"$T/hold.$1" >"$T/siege.$1" 2>&1 &
	siege=$!
	exec 7>"$T/hold.$1"
	wait_for "$LIMIT" grep -q ready "$T/siege.$1"
}
lift()
{
	exec 7>&-
	wait "$siege" 2>/dev/null
}
answers()
{
	ctl status --json >"$T/status" && jq -e .ready "$T/status" >"$T/answer"
}
# delivers NAME: the loop is not held up
delivers()
{
	echo 1 >"$P/$1"
	wait_for "$LIMIT" logged "log load $1 1"
}

ok "2,000 clients that say nothing" besiege idle 2000
ok "it answers meanwhile" wait_for "$LIMIT" answers
ok "and delivers" delivers a
lift
ok "clients that send byte by byte" besiege slow 30
ok "it answers meanwhile" wait_for "$LIMIT" answers
ok "and delivers" delivers b
lift
ok "clients that ask and never read" besiege deaf 20
ok "it answers meanwhile" wait_for "$LIMIT" answers
ok "and delivers" delivers c
lift
ok "a line without an end comes to an end" \
	timeout 300 "$TOOLS/siege" line "${SIEGE_MIB:-16}" "$S" </dev/null
ok "it answers after that" wait_for "$LIMIT" answers
is "it was never started again" "$(st .restarts)" 0
diag "private memory of the watcher: $(st '.processes[] | select(.name == "watcher").private_kib') KiB"
if [ -z "${SANITIZE-}" ]; then
	ok "nor grown by what clients left unread" \
		test "$(awk '/^VmData/ { print $2 }' "/proc/$(pid_of watcher)/status")" -lt 65536
else
	skip "a sanitizer keeps memory of its own" 1
fi

# Its files are its owner's.
is "nobody else may read what it writes" \
	"$(find "$P/.filemon" -type f ! -name filemon.conf ! -name .gitignore -perm /077 | tr '\n' ' ')" ""
ctl stop >/dev/null

# A state directory that leads elsewhere, or that another user made.
mkdir "$T/elsewhere" "$T/led"
cp "$P/.filemon/filemon.conf" "$T/elsewhere"
ln -s "$T/elsewhere" "$T/led/.filemon"
(cd "$T/led" && "$FILEMOND" -C "$T/led") >"$T/out" 2>&1
not_ok "a state directory that is a symbolic link is refused" test $? -eq 0
diag_file "$T/out"
like "with the reason" "$(cat "$T/out")" "*.filemon*"
is "and nothing is written there" "$(ls "$T/elsewhere")" filemon.conf
if [ "$(id -u)" -eq 0 ]; then
	mkdir -p "$T/theirs/.filemon"
	cp "$P/.filemon/filemon.conf" "$T/theirs/.filemon"
	chown -R 65534 "$T/theirs/.filemon"
	(cd "$T/theirs" && "$FILEMOND" -C "$T/theirs") >"$T/out" 2>&1
	not_ok "one that belongs to another user is refused" test $? -eq 0
	diag_file "$T/out"
	like "with the reason" "$(cat "$T/out")" "*.filemon*"
	adopt theirs
	is "and nothing is written there" "$(ls "$P/.filemon")" filemon.conf
	# A trace log that leads elsewhere.
	adopt p
	rm -f "$P/.filemon/trace.log"
	echo precious >"$T/precious"
	ln -s "$T/precious" "$P/.filemon/trace.log"
	ctl start >"$T/out" 2>&1
	not_ok "a trace log that is a symbolic link is not written to" test $? -eq 0
	is "what it points to is as it was" "$(cat "$T/precious")" precious
	rm "$P/.filemon/trace.log"
else
	skip "this needs root" 5
fi
ok "nothing is left behind" wait_for "$LIMIT" none_left
done_testing
