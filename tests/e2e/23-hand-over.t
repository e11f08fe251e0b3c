# SPDX-License-Identifier: ISC
# A restart, as at a package's upgrade, in the middle of changes: nothing is
# lost, and nothing is delivered again that was done.  A reload: it says what it
# changes, keeps watches and queue, and a bad file changes nothing.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

write_conf()
{
	conf <<CONF
settle = $1
handler copy {
	load = { "sh", "-c", "cat \$0 >'$T/copy/'\$1 && echo \$1 \$(cat \$0) >>'$T/done.log'", "{path}", "{name}" }
	remove-file = { "sh", "-c", "rm -f '$T/copy/'\$0; echo \$0 gone >>'$T/done.log'", "{name}" }
	jobs = 2
}
CONF
}

mkdir "$T/copy"
: >"$T/done.log"
project tree </dev/null
write_conf 5ms
"$TOOLS/replay" list "$P" >"$T/first"

more_done()
{
	[ "$(wc -l <"$T/done.log")" -gt "$1" ]
}

# Each file is written once, with a content of its own, and some are removed: so
# a line that is there twice is a delivery made twice.
change()
{
	n=0
	until [ -e "$T/enough" ]; do
		n=$((n + 1))
		echo "content $n" >"$P/.new.tmp" && mv "$P/.new.tmp" "$P/f$n"
		[ $((n % 7)) -ne 0 ] || rm -f "$P/f$((n - 3))"
		# Some forty ahead, also while nothing is delivered.
		least=$((n - 2 * n / 7 - 40))
		more_done $least || wait_for "$LIMIT" more_done $least || break
	done
	echo $n >"$T/written"
}
# Other backends hand nothing over, and the tree is compared.
if [ "${TEST_BACKEND:-inotify}" = inotify ]; then
	how="watches taken over" listed=0 started="1 null 3 true"
else
	how="the tree was compared" listed=1 started="4 null"
fi
start_daemon
change &
for turn in 1 2 3; do
	wait_for "$LIMIT" more_done $((turn * 20))
	old=$(pid_of supervisor)
	old_watcher=$(pid_of watcher)
	like "restart $turn, while files change" "$(ctl restart)" "*($how)"
	is "... in the same process" "$(pid_of supervisor)" "$old"
	not_ok "... with another watcher" test "$(pid_of watcher)" = "$old_watcher"
	is "... that has listed nothing again" "$(st '.watch[0].listed')" $listed
	ok "... and deliveries go on" wait_for "$LIMIT" more_done "$(wc -l <"$T/done.log")"
done
: >"$T/enough"
wait
ok "everything is delivered" idle
mkdir "$T/tree-now"
find "$P" -maxdepth 1 -type f -name 'f*' -exec cp {} "$T/tree-now" \;
ok "what was written all through the restarts is there, and no more" \
	diff -r "$T/tree-now" "$T/copy"
ok "more than a few files were" test "$(cat "$T/written")" -gt 60
sort "$T/done.log" | uniq -d >"$T/twice"
ok "nothing was delivered twice that was done" test ! -s "$T/twice"
ok "every change is in the event log, which replayed gives the tree" replayed "$T/first"
is "... and says whether the watches were taken over" \
	"$(events 'select(.event_type.type == "started") | .event_type.handover' | sort | uniq -c | xargs)" \
	"$started"
not_ok "... without a gap" told '.event_type.type == "gap"'
before=$(wc -l <"$T/done.log")
ctl restart >/dev/null
idle >/dev/null
is "a restart without changes runs nothing" "$(wc -l <"$T/done.log")" "$before"

# Reload.
watcher=$(pid_of watcher)
touch "$P/paused"
ctl pause >/dev/null
echo queued >"$P/queued"
ok "something is in the queue" wait_for "$LIMIT" st_is '.queue.pending > 0' true
write_conf 250ms
like "a reload says what it changes" "$(ctl reload)" "*settle: 5ms -> 250ms*"
is "... keeps the process and its watches" "$(pid_of watcher)" "$watcher"
is "... and the queue" "$(st '.queue.pending > 0')" true
is "... and what is paused" "$(st '.paused | join(" ")')" copy
echo 'settle = nonsense' >"$P/.filemon/filemon.conf"
not_ok "a file with an error in it is refused" ctl reload
like "... with the place" "$(ctl reload 2>&1)" "*filemon.conf:1: settle*"
is "... and nothing has changed" "$(pid_of watcher) $(st '.queue.pending > 0')" \
	"$watcher true"
ctl resume >/dev/null
ok "what was in the queue is delivered" idle
ok "... with the configuration from before" grep -q "^queued queued" "$T/done.log"
write_conf 5ms
finish
