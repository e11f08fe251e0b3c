# SPDX-License-Identifier: ISC
# What a restart runs: only what is different.  What a reload changes.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq sqlite3

project p <<CONF
settle = 20ms
handler log {
	load        = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
	jobs = 2
}
CONF
mkdir -p "$P/d/e"
for f in a b c d/f d/g d/e/h; do
	echo $f >"$P/$f"
done
start_daemon
idle >/dev/null
is "the first start delivers the tree" "$(lines)" 6
ctl stop >/dev/null

: >"$HLOG"
start_daemon
idle >/dev/null
ok "a restart over an unchanged tree runs nothing" log_is ""
ok "restart" ctl restart
idle >/dev/null
ok "nor does filemonctl restart" log_is ""
ok "scan" ctl scan
idle >/dev/null
ok "nor does a scan" log_is ""
ctl stop >/dev/null

# Changes while it is down.
echo more >>"$P/a"
rm "$P/b"
echo new >"$P/new"
mv "$P/d/e" "$P/moved"
start_daemon
idle >/dev/null
ok "after a start exactly what changed while it was down is delivered" log_is "log load a 1
log remove b 1
log load new 1
log remove d/e/h 1
log load moved/h 1"

# The same size and mtime, but another content: the ctime tells.
ctl stop >/dev/null
: >"$HLOG"
touch -r "$P/c" "$T/stamp"
printf 'X\n' >"$P/c"
touch -r "$T/stamp" "$P/c"
start_daemon
idle >/dev/null
ok "a rewrite with size and mtime put back is seen" log_is "log load c 1"

# The same name is another type.
ctl stop >/dev/null
: >"$HLOG"
rm "$P/c"
mkdir "$P/c"
echo below >"$P/c/below"
start_daemon
idle >/dev/null
ok "a file that became a directory is removed, and what is in it loaded" \
	log_is "log remove c 1
log load c/below 1"

# What was pending when it stopped is delivered after the start.
conf <<CONF
settle = 20ms
drain-timeout = 300ms
handler log {
	load        = { "$H/gate" }
	remove-file = { "$H/log", "remove" }
	stop-grace = 200ms
	jobs = 1
}
CONF
ok "reload" ctl reload
: >"$HLOG"
echo more >>"$P/a"
echo more >>"$P/new"
ok "a job runs" wait_for "$LIMIT" lines_are 1
ok "stop ends it" ctl stop
ok "and leaves nothing of it" wait_for "$LIMIT" none_left
: >"$GATE"
: >"$HLOG"
start_daemon
idle >/dev/null
ok "a run that was cut short is made again and does not count as an attempt" \
	log_is "log begin a 1
log end a 1
log begin new 1
log end new 1"

# A handler that is new gets the whole tree; initial = skip does not.
: >"$HLOG"
cat >>"$P/.filemon/filemon.conf" <<CONF
handler late {
	match = { "moved/", "d/" }
	load = { "$H/log", "load" }
}
handler skips {
	initial = skip
	load = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
CONF
ok "reload with new handlers" ctl reload
idle >/dev/null
ok "a new handler gets the tree; initial = skip leaves it" log_is "late load moved/h 1
late load d/f 1
late load d/g 1"
like "... as why says" "$(ctl why d/f)" \
	"*handler skips: not told, since it was there first (initial = skip); nothing to do*"
is "... and --json" "$(ctl why d/f --json | jq -r '.handlers | map(.delivered) | join(" ")')" \
	"yes yes skipped"
: >"$HLOG"
echo more >>"$P/d/f"
rm "$P/d/g"
idle >/dev/null
ok "a change afterwards is for both" log_is "late load d/f 1
log begin d/f 1
log end d/f 1
skips load d/f 1
log remove d/g 1
skips remove d/g 1"
like "... which then is delivered" "$(ctl why d/f)" "*handler skips: delivered; nothing to do*"

# Reload.
pid=$(pid_of watcher)
watches=$(st '.watch[0].watches')
cp "$P/.filemon/filemon.conf" "$T/good.conf"
echo 'settle = 1 fortnight' >>"$P/.filemon/filemon.conf"
ctl reload >"$T/out" 2>&1
is "a reload with a bad file fails" $? 1
like "and says file and line" "$(cat "$T/out")" "*filemon.conf:*settle*"
is "nothing has changed" "$(ctl config --json | jq -r '.options[] | select(.name == "settle").value')" 20ms
: >"$HLOG"
echo more >>"$P/d/f"
idle >/dev/null
ok "and delivery goes on" logged "late load d/f 1"
sed 's/settle = 20ms/settle = 30ms/' "$T/good.conf" | conf
ctl reload >"$T/out" 2>&1
is "a good one is taken" $? 0
like "and what changed is told" "$(cat "$T/out")" "*settle*20ms*30ms*"
is "and all is well again" "$(st .health)" healthy
is "config shows it" "$(ctl config --json | jq -r '.options[] | select(.name == "settle").value')" 30ms
like "a reload without a change says so" "$(ctl reload)" "*nothing*"
is "a reload starts no process again" "$(pid_of watcher)" "$pid"
is "and loses no watch" "$(st '.watch[0].watches')" "$watches"
sed 's/settle = 20ms/settle = 40ms/' "$T/good.conf" | conf
kill -HUP "$(pid_of supervisor)"
settle_is()
{
	[ "$(ctl config --json | jq -r '.options[] | select(.name == "settle").value')" = "$1" ]
}
ok "SIGHUP reloads as well" wait_for "$LIMIT" settle_is 40ms
echo 'settle = 1 fortnight' >>"$P/.filemon/filemon.conf"
kill -HUP "$(pid_of supervisor)"
complained()
{
	grep -q 'filemon.conf:.*settle' "$P/.filemon/trace.log"
}
ok "SIGHUP with a bad file is a line in the trace log" wait_for "$LIMIT" complained
refused()
{
	st '.health, .reasons[]' | tr '\n' ' ' | grep -q '^degraded the last reload was refused: .*settle'
}
ok "and a reason in the status" wait_for "$LIMIT" refused
is "and changes nothing" "$(pid_of watcher)" "$pid"

# New ignores and a removed handler.
: >"$HLOG"
conf <<CONF
settle = 20ms
ignore = { "d/" }
handler late {
	load = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
CONF
ok "reload with another filter" ctl reload
idle >/dev/null
: >"$HLOG"
echo more >>"$P/d/f"
echo more >>"$P/moved/h"
idle >/dev/null
ok "the new filter is in force" log_is "late load moved/h 1"
ctl stop >/dev/null

# Damage.
: >"$HLOG"
dd if=/dev/urandom of="$P/.filemon/state.db" bs=4096 count=4 conv=notrunc 2>/dev/null
rm -f "$P/.filemon/state.db-wal" "$P/.filemon/state.db-shm"
ok "it starts with a damaged state.db" ctl start
idle >/dev/null
is "everything is delivered again" "$(lines)" "$(find "$P" -path "$P/.filemon" -prune -o -path "$P/d" -prune -o -type f -print | wc -l)"
moved=$(find "$P/.filemon" -name 'state.db?*' ! -name '*-wal' ! -name '*-shm')
ok "the damaged file was moved aside" test -n "$moved"
ok "with its name in the trace log" grep -qF "${moved##*/}" "$P/.filemon/trace.log"
ctl stop >/dev/null
is "the new one is sound" "$(sqlite3 "$P/.filemon/state.db" 'PRAGMA integrity_check')" ok
: >"$HLOG"
start_daemon
idle >/dev/null
ok "after that a restart runs nothing" log_is ""

# The same with an empty file and with text.
for what in '' 'this is no database'; do
	ctl stop >/dev/null
	: >"$HLOG"
	rm -f "$P/.filemon/state.db-wal" "$P/.filemon/state.db-shm"
	printf %s "$what" >"$P/.filemon/state.db"
	ok "it starts with a state.db of '$what'" ctl start
	idle >/dev/null
	ok "and delivers" test "$(lines)" -gt 0
done

# A crash after the log was written and before the state was: the log is ahead.
echo 1 >"$P/mover"
echo 2 >"$P/replaced"
idle >/dev/null
ctl stop >/dev/null
log=$(find "$P/.filemon/events" -name '*.ndjson' | sort | tail -n 1)
record=$(tail -n 1 "$log")
echo "$record" | jq -c --arg p "$P" '{v, seq, id, timestamp_utc} as $head |
	($head * {seq: (.seq + 1), event_type: {type: "created"},
		file_path: ($p + "/ahead"), rel_path: "ahead"}),
	($head * {seq: (.seq + 2), event_type: {type: "renamed", from: ($p + "/mover")},
		file_path: ($p + "/replaced"), rel_path: "replaced"}),
	($head * {seq: (.seq + 3), event_type: {type: "renamed", from: ($p + "/replaced")},
		file_path: ($p + "/fresh"), rel_path: "fresh"})' >>"$log"
seq=$(echo "$record" | jq '.seq + 3')
start_daemon
idle >/dev/null
ok "records that are ahead of the state are told of" \
	told '.event_type.type == "gap" and .event_type.cause == "crash"'
ok "and taken back" told '.event_type.type == "deleted" and .rel_path == "ahead"'
is "last first; what a rename replaced is there again" \
	"$(cat "$P"/.filemon/events/*.ndjson | jq -rs --argjson seq "$seq" '
		map(select(.seq > $seq and (.event_type.type | . == "renamed" or . == "created")) |
		"\(.event_type.type) \(.rel_path)") | join(", ")')" \
	"renamed replaced, renamed mover, created replaced"
ctl stop >/dev/null
start_daemon
ctl stop >/dev/null
is "once" "$(cat "$P"/.filemon/events/*.ndjson | grep -c '"cause":"crash"')" 1

# More than may be looked through in one turn, by their numbers.
log=$(find "$P/.filemon/events" -name '*.ndjson' | sort | tail -n 1)
tail -n 1 "$log" | jq -c '.seq += 300000' >"$T/ahead"
cat "$T/ahead" >>"$log"
start_daemon
ctl stop >/dev/null
ok "too many that are ahead are told of" \
	grep -q "too many records are ahead" "$P/.filemon/trace.log"
is "and stay" "$(cat "$P"/.filemon/events/*.ndjson | grep -c '"cause":"crash"')" 2

# initial = skip, and a state.db that is damaged.
: >"$HLOG"
project damaged <<CONF
settle = 20ms
handler skips {
	initial = skip
	load    = { "$H/log", "load" }
}
CONF
echo 1 >"$P/a"
echo 1 >"$P/b"
start_daemon
idle >/dev/null
ctl stop >/dev/null
echo 2 >>"$P/a"
dd if=/dev/urandom of="$P/.filemon/state.db" bs=4096 count=4 conv=notrunc 2>/dev/null
rm -f "$P/.filemon/state.db-wal" "$P/.filemon/state.db-shm"
start_daemon
idle >/dev/null
ok "where nobody knows what was delivered, nothing is skipped" log_is "skips load a 1
skips load b 1"
ctl stop >/dev/null

# What is made while the tree is compared for a handler that skips what was there.
: >"$HLOG"
project during <<CONF
settle = 20ms
CONF
for d in $(seq 60); do
	mkdir "$P/$d"
	(cd "$P/$d" && seq 100 | xargs touch)
done
start_daemon
cat >>"$P/.filemon/filemon.conf" <<CONF
handler skips {
	initial = skip
	load    = { "$H/log", "load" }
}
CONF
ctl reload >/dev/null
mkdir "$P/new"
echo 1 >"$P/new/f"
idle >/dev/null
ok "what was made after the reload was not there first" log_is "skips load new/f 1"
ctl stop >/dev/null

# The same where that comparison did not come to its end.
: >"$HLOG"
echo 2 >"$P/7/5"
sqlite3 "$P/.filemon/state.db" "UPDATE handler SET digest = 0; DELETE FROM delivered"
start_daemon
idle >/dev/null
ok "nor was what changed until the next start went on with it" log_is "skips load new/f 1
skips load 7/5 1"

# SIGHUP while the watcher, which has died again and again, is not there.
pid=$(pid_of supervisor)
for _ in 1 2 3 4 5; do
	wait_for "$LIMIT" ready
	watcher=$(pid_of watcher)
	kill -9 "$watcher"
	wait_for "$LIMIT" pid_gone "$watcher"
done
conf <<CONF
settle = 33ms
handler skips {
	initial = skip
	load = { "$H/log", "load" }
}
CONF
kill -HUP "$pid"
ok "SIGHUP waits for a watcher that is about to start" wait_for "$LIMIT" \
	grep -q "reload: settle: .* -> 33ms" "$P/.filemon/trace.log"

# Another one while the runner has not answered to the first.
under_way()
{
	ctl reload 2>&1 | grep -q "under way"
}
runner=$(pid_of runner)
watcher=$(pid_of watcher)
kill -STOP "$runner"
ctl reload >/dev/null 2>&1 &
reload=$!
ok "a reload is under way" wait_for "$LIMIT" under_way
sed 's/33ms/34ms/' "$P/.filemon/filemon.conf" >"$T/next.conf"
cat "$T/next.conf" >"$P/.filemon/filemon.conf"
kill -HUP "$watcher"
st .ready >/dev/null
st .ready >/dev/null
kill -CONT "$runner"
wait "$reload"
ok "SIGHUP waits for its end" wait_for "$LIMIT" \
	grep -q "reload: settle: .* -> 34ms" "$P/.filemon/trace.log"
finish
