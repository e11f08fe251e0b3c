# SPDX-License-Identifier: ISC
# Under a service manager with a store of descriptors the watches outlive a stop
# that is part of a restart.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq
[ "${TEST_BACKEND:-inotify}" = inotify ] || skip_all "inotify alone hands its watches over"

project tree <<CONF
settle = 5ms
handler log {
	load = { "$H/log", "load" }
	remove-file = { "$H/log", "remove-file" }
}
CONF
mkdir -p "$P/a/b" "$P/c"
echo 1 >"$P/a/b/f"
"$TOOLS/replay" list "$P" >"$T/first"

# The manager's words, in lines; the command may do what is in $T/before first.
: >"$T/before"
"$TOOLS/manager" "$T/notify" sh -c ". '$T/before'; exec '$FILEMOND' -f --format none -C '$P'" \
	>"$T/said" 2>"$T/err" &
manager=$!

# said PATTERN N: there are so many such messages.
said()
{
	[ "$(grep -c -e "$1" "$T/said")" -ge "$2" ]
}

ok "it is ready" wait_for "$LIMIT" said READY=1 1
is "nothing was taken over at first" "$(st .taken_over)" false
idle >/dev/null
supervisor=$(pid_of supervisor)

cat >"$T/before" <<END
mv '$P/a' '$P/z'
echo 1 >'$P/new'
echo 2 >>'$P/new'
END
: >"$HLOG"
kill -HUP $manager
ok "a restart by the manager" wait_for "$LIMIT" said READY=1 2
: >"$T/before"
ok "... a stop first" said STOPPING=1 1
ok "... which stores the table" said "FDSTORE=1.*FDNAME=filemon-table" 1
ok "... and the queue" said "FDSTORE=1.*FDNAME=filemon-watch-0" 1
not_ok "... is another process" test "$(pid_of supervisor)" = "$supervisor"
is "... that takes the watches over" "$(st .taken_over)" true
is "... and lists nothing" "$(st '.watch[0].listed')" 0
ok "... and empties the store" said "FDSTOREREMOVE=1" 2
ok "what happened between is delivered" idle
ok "... each change once" log_is "log remove-file a/b/f 1
log load z/b/f 1
log load new 1"
ok "... and told exactly" told '.event_type.type == "renamed" and .rel_path == "z"'
ok "replay" replayed "$T/first"

# Again, and what does not fit is compared.
kill -HUP $manager
ok "once more" wait_for "$LIMIT" said READY=1 3
is "... it takes the watches over" "$(st .taken_over)" true
echo "echo 'settle = 6ms' >'$P/.filemon/filemon.conf'" >"$T/before"
kill -HUP $manager
ok "with another configuration" wait_for "$LIMIT" said READY=1 4
is "... the tree is compared" "$(st '"\(.taken_over) \(.not_taken_over)"')" \
	"false the configuration is another one"

# By filemonctl it stays in its process, and the manager sees a reload.
supervisor=$(pid_of supervisor)
: >"$T/before"
ok "filemonctl restart" ctl restart
ok "... is a reload to the manager" said "RELOADING=1" 1
ok "... which ends" wait_for "$LIMIT" said READY=1 5
is "... in the same process" "$(pid_of supervisor)" "$supervisor"

# A stop that comes while filemonctl has it become a new one.
watcher=$(pid_of watcher)
stored=$(grep -c "FDSTORE=1.*FDNAME=filemon-table" "$T/said")
kill -STOP "$supervisor"
"$FILEMONCTL" -C "$P" restart >/dev/null 2>&1 &
asker=$!
ended()
{
	ps -o stat= -p "$watcher" | grep -q Z
}
ok "the watcher has made place for a new one" wait_for "$LIMIT" ended
# It would start another one besides the manager's.
kill -9 "$asker"
wait "$asker" 2>/dev/null
kill -HUP $manager
pending()
{
	[ $((0x$(sed -n 's/^ShdPnd:[[:space:]]*//p' "/proc/$supervisor/status") & 0x4000)) -ne 0 ]
}
ok "... when a stop comes" wait_for "$LIMIT" pending
kill -CONT "$supervisor"
ok "... and the next one is ready" wait_for "$LIMIT" said READY=1 6
ok "what was handed over is stored" said "FDSTORE=1.*FDNAME=filemon-table" $((stored + 1))
is "... and taken over" "$(st .taken_over)" true

# Others have descriptors there too, and more of them.
cat >"$T/before" <<'END'
more=$(printf ':other%.0s' 1 2 3 4 5 6 7 8 9 10)
LISTEN_FDNAMES=$LISTEN_FDNAMES$more$more$more$more$more$more$more
LISTEN_FDS=$((LISTEN_FDS + 70))
END
kill -HUP $manager
ok "among seventy others" wait_for "$LIMIT" said READY=1 7
is "... its own is found" "$(st .taken_over)" true

# What two have left: the table may not be that of the queue.
removed=$(grep -c FDSTOREREMOVE=1 "$T/said")
cat >"$T/before" <<'END'
exec 5<&3
LISTEN_FDNAMES=$LISTEN_FDNAMES:${LISTEN_FDNAMES%%:*}
LISTEN_FDS=$((LISTEN_FDS + 1))
END
kill -HUP $manager
ok "with a name twice" wait_for "$LIMIT" said READY=1 8
is "... the tree is compared" "$(st .taken_over)" false
ok "... and the store emptied" said FDSTOREREMOVE=1 $((removed + 3))
kill $manager
wait $manager
is "it ends at SIGTERM" $? 0
ok "nothing is left behind" wait_for "$LIMIT" none_left
done_testing
