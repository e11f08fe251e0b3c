# SPDX-License-Identifier: ISC
# The event stream: what it says, where it goes, and that nothing is missing.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

# The types, from the log.
project p <<CONF
settle = 20ms
tags = { "tenant_id=acme", "colour=red" }
CONF
mkdir -p "$P/docs/deep"
echo old >"$P/docs/old"
echo old >"$P/docs/deep/old"
"$TOOLS/replay" list "$P" >"$T/first"
start_daemon

# What is written right after start has returned is reported.
echo new >"$P/right-after"
saw() # SENTENCE JQ-CONDITION
{
	ok "$1" wait_for "$LIMIT" told "$2"
}
saw "a file written right after start returned is reported" \
	'.rel_path == "right-after" and .event_type.type == "created"'
echo more >>"$P/docs/old"
saw "content" '.rel_path == "docs/old" and .event_type == {"type":"modified","kind":"content"}'
chmod 600 "$P/docs/old"
saw "metadata" '.rel_path == "docs/old" and .event_type == {"type":"modified","kind":"metadata"}'
"$TOOLS/xattr" "$P/docs/old" user.filemon yes
case $? in
0) saw "extended attributes" \
	'.rel_path == "docs/old" and .event_type.type == "modified" and
		(.event_type.kind == "extended" or .event_type.kind == "metadata") and .seq > 3' ;;
*) skip "no extended attributes here" ;;
esac
mkdir "$P/dir"
saw "a directory" '.rel_path == "dir" and .event_type.type == "created" and .is_dir == true'
mv "$P/docs/old" "$P/dir/new"
saw "renamed" '.rel_path == "dir/new" and .event_type.type == "renamed" and
	(.event_type.from | endswith("docs/old"))'
mv "$P/docs" "$P/papers"
saw "a renamed directory" '.rel_path == "papers" and .event_type.type == "renamed" and
	(.event_type.from | endswith("docs")) and .is_dir == true'
echo more >>"$P/papers/deep/old"
saw "a change below it, under its new name" \
	'.rel_path == "papers/deep/old" and .event_type.kind == "content"'
ln -s nowhere "$P/link"
saw "a symbolic link" '.rel_path == "link" and .event_type.type == "created"'
mkfifo "$P/fifo"
saw "a FIFO, which is not opened" '.rel_path == "fifo" and .event_type.type == "created"'
rm "$P/dir/new"
saw "deleted" '.rel_path == "dir/new" and .event_type.type == "deleted"'
bad=$(printf 'bad\377name')
: >"$P/$bad"
want=$(printf %s "$P/$bad" | base64 -w0)
saw "a name that is not UTF-8 is carried exactly" ".file_path_b64 == \"$want\""
: >"$P/new
line"
saw "a newline in a name" '.rel_path == "new\nline"'
rm -r "$P/papers"
saw "a removed tree" '.rel_path == "papers" and .event_type.type == "deleted"'
ok "it is quiet then" idle

ok "every line is a record" sh -c "cat '$P'/.filemon/events/*.ndjson | jq -e . >/dev/null"
ok "with all it must have" sh -c "cat '$P'/.filemon/events/*.ndjson | jq -es 'all(.[];
	.v == 1 and (.seq | type) == \"number\" and (.id | length) == 36 and
	(.timestamp_utc | test(\"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\\\.[0-9]{9}Z$\")) and
	(.event_type.type | type) == \"string\")'"
ok "ids are UUIDs of version 7, each its own" sh -c "cat '$P'/.filemon/events/*.ndjson |
	jq -es '(all(.[]; .id[14:15] == \"7\")) and ([.[].id] | length == (unique | length))'"
ok "seq grows by one" sh -c "cat '$P'/.filemon/events/*.ndjson |
	jq -es '[.[].seq] | . == [range(.[0]; .[0] + length)]'"
ok "a record of a file has path, size, time and inode" told \
	".rel_path == \"right-after\" and .file_path == \"$P/right-after\" and .size == 4 and
	.mtime_ns > 0 and .inode == $(stat -c %i "$P/right-after")"
ok "the tags are in every record of a path" sh -c "cat '$P'/.filemon/events/*.ndjson |
	jq -es 'all(.[] | select(.file_path); .tenant_id == \"acme\" and .metadata.colour == \"red\")'"
ok "the log begins with started" told '.seq == 1 and .event_type.type == "started"'
ok "replayed over the first tree the log gives the last" replayed "$T/first"
ok "every record fits the JSON Schema" fits_schema
not_ok "it never tells of its own state" told '.rel_path // "" | startswith(".filemon")'

# filemonctl events
ctl events -n 3 >"$T/out"
is "filemonctl events tells the last records" "$(wc -l <"$T/out" | tr -d ' ')" 3
ok "as JSON on demand" sh -c "cd '$P' && '$FILEMONCTL' events --json -n 5 | jq -e .seq >/dev/null"
is "of one type" "$(ctl events --json --type renamed -n 100 | jq -r .event_type.type | sort -u)" renamed
is "of some paths" "$(ctl events --json --path right-after -n 100 | jq -r .rel_path | sort -u)" \
	right-after
is "since a sequence number" "$(ctl events --json --since 3 -n 1000 | jq -s '.[0].seq <= 4')" true
(cd "$P" && exec "$FILEMONCTL" events -f --json -n 1) >"$T/follow" &
follower=$!
ok "events -f begins with the last" wait_for "$LIMIT" test -s "$T/follow"
echo x >"$P/followed"
ok "and goes on with what comes" wait_for "$LIMIT" grep -q '"followed"' "$T/follow"
kill "$follower"
wait "$follower" 2>/dev/null
last=$(events .seq | tail -n 1)
ctl stop >/dev/null
ok "the log ends with stopped" told '.event_type.type == "stopped"'
start_daemon
is "after a restart seq goes on" "$(events .seq | sed -n "$((last + 1)),\$p" | head -n 1)" $((last + 1))
echo x >"$P/after"
idle >/dev/null
ok "and the replay still fits" replayed "$T/first"
ctl stop >/dev/null

# A torn last line, as a crash leaves it.
log=$(find "$P/.filemon/events" -name '*.ndjson' | sort | tail -n 1)
printf '{"v":1,"seq":99999,"id":"torn' >>"$log"
start_daemon
ok "a torn record is cut off, and a gap tells of it" \
	told '.event_type.type == "gap" and .event_type.cause == "torn-record" or .cause == "torn-record"'
ok "a gap fits the schema, too" fits_schema
ok "every line is a record again" sh -c "cat '$P'/.filemon/events/*.ndjson | jq -e . >/dev/null"
ctl stop >/dev/null

# In the foreground: records on stdout, the trace on stderr.
foreground() # ARGS: starts it; pid in $fg, ends up in $T/stdout and $T/stderr
{
	: >"$T/stdout"
	"$@" >"$T/stdout" 2>"$T/stderr" </dev/null &
	fg=$!
}
fg_stop()
{
	kill -TERM "$fg"
	wait "$fg"
}
has_out()
{
	grep -q -e "$1" "$T/stdout"
}
is_ready()
{
	(cd "$P" && "$FILEMONCTL" status --json | jq -e .ready)
}
foreground "$FILEMOND" --foreground --project "$P"
ok "in the foreground it comes up" wait_for "$LIMIT" is_ready
echo x >"$P/in-front"
ok "and the stream is on stdout" wait_for "$LIMIT" has_out '"rel_path":"in-front"'
fg_stop
is "SIGTERM ends it with 0" $? 0
ok "stdout has nothing but records" jq -es 'all(.[]; .seq > 0)' "$T/stdout"
not_ok "stderr has none" grep -q '"seq"' "$T/stderr"
ok "the same records are in the log" grep -qF "$(grep -F in-front "$T/stdout")" "$log"
foreground "$FILEMOND" -f -C "$P" --format pretty
wait_for "$LIMIT" is_ready
echo x >>"$P/in-front"
ok "--format pretty" wait_for "$LIMIT" has_out "modified.*in-front"
fg_stop
foreground "$FILEMOND" -f -C "$P" --format cloudevents
wait_for "$LIMIT" is_ready
echo x >>"$P/in-front"
ok "--format cloudevents" wait_for "$LIMIT" has_out '"specversion":"1.0"'
fg_stop
ok "cloudevents are JSON, with type, source and id" \
	jq -es 'all(.[]; .type and .source and .id)' "$T/stdout"
foreground "$FILEMOND" -f -C "$P" --format none
wait_for "$LIMIT" is_ready
echo x >"$P/quiet"
wait_for "$LIMIT" told '.rel_path == "quiet"'
fg_stop
is "--format none" "$(cat "$T/stdout")" ""

# sd_notify: READY when ready.
if command -v python3 >/dev/null; then
	cat >"$T/notify.py" <<'EOS'
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(120)
print("bound", flush=True)
while True:
    text = s.recv(4096).decode()
    print(text, flush=True)
    if "READY=1" in text:
        open(sys.argv[2], "w").close()
    if "STOPPING=1" in text:
        break
EOS
	python3 "$T/notify.py" "$T/notify" "$P/at-ready" >"$T/notified" &
	notified=$!
	wait_for "$LIMIT" grep -q bound "$T/notified"
	foreground env NOTIFY_SOCKET="$T/notify" "$FILEMOND" -f -C "$P"
	ok "READY=1 is sent" wait_for "$LIMIT" grep -q READY=1 "$T/notified"
	ok "a file written at READY=1 is reported" wait_for "$LIMIT" has_out '"rel_path":"at-ready"'
	fg_stop
	wait "$notified"
	ok "STOPPING=1 is sent" grep -q STOPPING=1 "$T/notified"
else
	skip "python3 is not installed" 3
fi

# A reader that does not read stops nothing.
mkfifo "$T/slow"
"$FILEMOND" -f -C "$P" >"$T/slow" 2>/dev/null </dev/null &
fg=$!
exec 9<"$T/slow"
ok "with a reader that does not read it comes up" wait_for "$LIMIT" is_ready
"$TOOLS/storm" -n 20000 -f 20 -d 2000 "$P"
echo x >"$P/after-the-storm"
ok "and goes on working" wait_for "$LIMIT" told '.rel_path == "after-the-storm"'
exec 9<&-
fg_stop 2>/dev/null
ok "every record is in the log" replayed "$T/first"

# Nor one of the trace log, be it full to the brim.
"$FILEMOND" -f -C "$P" --format none -o 'handler.words.match=words*' \
	-o 'handler.words.load={ "sh", "-c", "seq -f %0700.0f 200" }' \
	2>"$T/slow" >/dev/null </dev/null &
fg=$!
exec 9<"$T/slow"
ok "with a stderr that nobody reads it comes up" wait_for "$LIMIT" is_ready
echo x >"$P/words"
echo x >"$P/words too"
ok "... and runs what has much to say" idle
fg_stop
is "... and ends when it is told to" $? 0
exec 9<&-

# The plain monitor writes nothing into the tree.
mkdir -p "$T/plain/sub"
echo x >"$T/plain/a"
touch -d @1000000000 "$T/plain/sub" "$T/plain"
: >"$T/stdout"
"$FILEMONCTL" watch "$T/plain" --tenant-id acme --metadata k=v,n=7 >"$T/stdout" 2>"$T/stderr" &
fg=$!
ok "watch says that it has started" wait_for "$LIMIT" has_out '"started"'
is "and has written nothing into the tree" \
	"$(find "$T/plain" | sort | tr '\n' ' ') $(stat -c %Y "$T/plain")" \
	"$T/plain $T/plain/a $T/plain/sub  1000000000"
"$TOOLS/replay" list "$T/plain" >"$T/first.plain"
echo y >"$T/plain/sub/b"
mv "$T/plain/a" "$T/plain/c"
rm "$T/plain/sub/b"
echo z >"$T/plain/end"
ok "it tells what happens" wait_for "$LIMIT" has_out '"rel_path":"end"'
ok "with the tags" sh -c "grep '\"rel_path\":\"end\"' '$T/stdout' | head -n 1 |
	jq -e '.tenant_id == \"acme\" and .metadata.k == \"v\" and .metadata.n == \"7\"'"
kill -INT "$fg"
wait "$fg"
is "it ends at SIGINT with 0" $? 0
is "it has said nothing of itself" "$(cat "$T/stderr")" ""
ok "the plain monitor's records fit the schema" sh -c "'$TOOLS/schema' \
	'${top_srcdir:?}/doc/event.schema.json' <'$T/stdout'"
ok "and its stream, replayed, gives the tree" \
	sh -c "'$TOOLS/replay' check '$T/first.plain' '$T/plain' <'$T/stdout'"

# --poll, --ignore, pretty.
: >"$T/stdout"
"$FILEMONCTL" watch "$T/plain" --poll=100ms --ignore '*.log' >"$T/stdout" 2>"$T/stderr" &
fg=$!
wait_for "$LIMIT" has_out '"started"'
"$TOOLS/replay" list "$T/plain" >"$T/first.plain"
echo x >"$T/plain/not.log"
mkdir -p "$T/plain/x/y"
echo x >"$T/plain/x/y/polled"
ok "--poll finds what is new" wait_for "$LIMIT" has_out '"rel_path":"x/y/polled"'
echo more >>"$T/plain/x/y/polled"
ok "and what changed" wait_for "$LIMIT" has_out '"modified".*"rel_path":"x/y/polled"'
rm -r "$T/plain/x"
ok "and what has gone" wait_for "$LIMIT" has_out '"deleted".*"rel_path":"x/y/polled"'
not_ok "--ignore leaves out" has_out not.log
is "source says poll" "$(jq -r 'select(.rel_path == "x/y/polled").source' "$T/stdout" | sort -u)" poll
kill -INT "$fg"
wait "$fg"
rm "$T/plain/not.log"
ok "its stream, replayed, gives the tree" \
	sh -c "'$TOOLS/replay' check '$T/first.plain' '$T/plain' <'$T/stdout'"

# Nobody reads for a while: what happens waits in the kernel's queue.
rests() # has not run since the last call
{
	ran=$(cat "/proc/$fg/schedstat")
	[ "$ran" = "${ran_before-}" ] || { ran_before=$ran && return 1; }
}
exec 8>/tmp/filemon-test.queue.lock # as start_with_queue has it
flock 8
if [ "$(cat /proc/sys/fs/inotify/max_queued_events)" -ge 16384 ]; then
	deep="$T/late/$(printf '%0100d/%0100d' 0 0)"
	mkdir -p "$deep"
	mkfifo "$T/late.out"
	exec 7<>"$T/late.out"
	"$FILEMONCTL" watch "$T/late" >"$T/late.out" 2>"$T/stderr" 7>&- 8>&- &
	fg=$!
	IFS= read -r line <&7 # that it has started
	diag "$line"
	"$TOOLS/storm" -n 4000 -f 4000 "$deep"
	wait_for "$LIMIT" rests
	: >"$T/stdout"
	cat <&7 >"$T/stdout" 8>&- &
	reader=$!
	ok "a reader that comes late gets all there is" wait_for "$LIMIT" has_out /f3999
	is "each file" "$(jq -r 'select(.event_type.type == "created").rel_path' "$T/stdout" |
		sort -u | wc -l)" 4000
	not_ok "and no gap" has_out '"gap"'
	kill -INT "$fg"
	wait "$fg"
	kill "$reader"
	exec 7<&-
else
	skip "fs.inotify.max_queued_events is not what it is by default"
fi
exec 8>&-

# A tree that can't be written to.
if unshare -rm true 2>/dev/null; then
	: >"$T/stdout"
	# shellcheck disable=SC2016
	unshare -rm sh -c 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" "$1" &&
		exec "$2" watch "$1"' sh "$T/plain" "$FILEMONCTL" >"$T/stdout" 2>"$T/stderr" &
	fg=$!
	ok "watch works on a read-only tree" wait_for "$LIMIT" has_out '"started"'
	echo x >"$T/plain/from-outside"
	ok "and tells what others write" wait_for "$LIMIT" has_out '"rel_path":"from-outside"'
	kill -INT "$fg"
	wait "$fg"
else
	skip "no mount namespaces here" 2
fi

# filemonctl run: handlers without a configuration.
mkdir "$T/runs"
echo x >"$T/runs/first"
: >"$HLOG"
"$FILEMONCTL" run "$T/runs" --load "'$H/log' load {path}" --remove-file "'$H/log' remove {path}" \
	--settle 20ms >"$T/stdout" 2>"$T/stderr" &
fg=$!
delivered()
{
	grep -q "$1" "$HLOG"
}
ok "run loads what is there" wait_for "$LIMIT" delivered " load first 1"
echo x >"$T/runs/second"
ok "and what comes" wait_for "$LIMIT" delivered " load second 1"
rm "$T/runs/first"
ok "and removes what goes" wait_for "$LIMIT" delivered " remove first 1"
kill -INT "$fg"
wait "$fg"
is "run ends at SIGINT with 0" $? 0
not_ok "run writes nothing into the tree" test -e "$T/runs/.filemon"
adopt p
finish
