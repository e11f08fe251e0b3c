# SPDX-License-Identifier: ISC
# The event log on disk: segments, their compression, their end, and reading them.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq zstd

E=.filemon/events
segments() # GLOB: how many there are
{
	# shellcheck disable=SC2012,SC2086
	(cd "$P/$E" && ls $1 2>/dev/null | wc -l | tr -d ' ')
}
segments_are() # GLOB N
{
	[ "$(segments "$1")" -eq "$2" ]
}
some_segments() # GLOB N: at least
{
	[ "$(segments "$1")" -ge "$2" ]
}
# write_files PREFIX N: each is a record.
write_files()
{
	n=0
	while [ "$n" -lt "$2" ]; do
		n=$((n + 1))
		echo x >"$P/$1$n"
	done
	wait_for "$LIMIT" recorded "$1$2"
}
recorded() # PATH
{
	ctl events --json -n 1 --path "$1" | grep -q .
}
all_events()
{
	ctl events --json --since 1
}
numbers_are_whole()
{
	all_events | jq -s -e '[.[].seq] | . == [range(.[0]; .[0] + length)] and .[0] == 1'
}

# Rotation by size, and compression.
project p <<CONF
settle = 20ms
events-segment-size = 4K
tags = { "tenant_id=acme", "user_id=u1", "session_id=s9" }
CONF
start_daemon
for part in a b c d; do
	write_files $part 20
done
ok "a segment that is full is followed by a new one" some_segments '*.ndjson*' 4
rest_is_packed()
{
	some_segments '*.ndjson.zst' 3 && segments_are '*[0-9].ndjson' 1
}
ok "closed segments are compressed, and the plain ones are gone" wait_for "$LIMIT" rest_is_packed
ok "no half-made file is left" segments_are '*.tmp' 0
ok "zstd reads them" sh -c "zstd -dcq '$P/$E'/*.zst | jq -e .seq >/dev/null"
ok "filemonctl reads over all, and nothing is missing" numbers_are_whole
is "their mode is that of the log" "$(stat -c %a "$P/$E"/*.zst | sort -u)" 600

# Reading.
first=$(all_events | head -n 1)
middle=$(all_events | sed -n 41p)
when=$(echo "$middle" | jq -r .timestamp_utc)
seq=$(echo "$middle" | jq -r .seq)
is "--since a number, in a compressed segment" "$(ctl events --json --since "$seq" | head -n 1)" "$middle"
is "--since a time" "$(ctl events --json --since "$when" | head -n 1)" "$middle"
is "--until a number" "$(ctl events --json --until "$seq" | tail -n 1)" "$middle"
is "--until a time" "$(ctl events --json --until "$when" | tail -n 1)" "$middle"
is "--until alone begins at the first" "$(ctl events --json --until "$when" | head -n 1)" "$first"
is "both" "$(ctl events --json --since "$seq" --until "$seq")" "$middle"
is "the last before a moment" "$(ctl events --json -n 1 --until "$seq")" "$middle"
is "--since far ago is all" "$(ctl events --json --since 9d | wc -l)" "$(all_events | wc -l)"
is "--since in the future is none" "$(ctl events --json --since 2200-01-01 && echo and well)" "and well"
is "--until long ago is none" "$(ctl events --json --until 9d)" ""
is "--follow ends where --until is met" "$(ctl events -f --json --since "$seq" --until "$seq")" "$middle"
is "--tenant" "$(ctl events --json --since 1 --tenant acme | wc -l)" "$(all_events | wc -l)"
is "--tenant of nobody" "$(ctl events --json --since 1 --tenant nobody)" ""
is "--user and --session" "$(ctl events --json -n 1 --user u1 --session s9 | wc -l | tr -d ' ')" 1
is "--user and another session" "$(ctl events --json -n 1 --user u1 --session s0)" ""
exits 64 "a moment that is none" ctl events --until noon
is "--format cloudevents over compressed segments" \
	"$(ctl events --format cloudevents --since "$seq" --until "$seq" | jq -r .data.seq)" "$seq"

# A restart goes on.
last=$(all_events | tail -n 1 | jq .seq)
ctl stop >/dev/null
start_daemon
write_files e 1
ok "a restart goes on with the numbers, over compressed segments" numbers_are_whole
ok "and has not begun again" test "$(all_events | tail -n 1 | jq .seq)" -gt "$last"

# SIGUSR1.
next=$(printf %020d "$(($(all_events | tail -n 1 | jq .seq) + 1))")
kill -USR1 "$(pid_of supervisor)"
ok "SIGUSR1 begins a new segment" wait_for "$LIMIT" test -e "$P/$E/$next.ndjson"
write_files f 1
ok "and nothing is missing" numbers_are_whole
ctl stop >/dev/null

# One that cannot be compressed keeps no other from it.
oldest=$P/$E/00000000000000000001.ndjson
zstd -dcq "$oldest.zst" >"$T/elsewhere"
mv "$oldest.zst" "$T/oldest"
ln -s "$T/elsewhere" "$oldest"
start_daemon
for part in l m n o; do
	write_files $part 20
done
rest_is_compressed()
{
	some_segments '*.ndjson.zst' 6 && segments_are '*[0-9].ndjson' 2
}
ok "a segment that cannot be compressed does not keep the others" \
	wait_for "$LIMIT" rest_is_compressed
ok "... and is told" grep -q "segment 1: cannot be compressed" "$P/.filemon/trace.log"
ok "... and stays" test -L "$oldest"
ctl stop >/dev/null
rm "$oldest"
mv "$T/oldest" "$oldest.zst"

# What a child that was killed leaves.
cd "$P/$E" || bail "no log"
torn=$(find . -name '*.zst' | sort | sed -n 2p | sed 's,^\./,,')
zstd -dcq "$torn" >"${torn%.zst}"
: >"$torn.tmp"
cd "$T" || exit
ok "a segment in both forms is read once" numbers_are_whole
start_daemon
both_mended()
{
	[ ! -e "$P/$E/${torn%.zst}" ] && [ -e "$P/$E/$torn" ] && segments_are '*.tmp' 0
}
ok "and what a killed child left is cleared" wait_for "$LIMIT" both_mended
ok "still nothing is missing" numbers_are_whole
ctl stop >/dev/null

# filemon-pack killed at any moment.
pack=${top_builddir:?}/filemon-pack
mkdir "$T/kill"
"$TOOLS/mklog" "$T/kill" 4000 4000
cp "$T/kill/00000000000000000001.ndjson" "$T/kill.plain"
survives()
{
	for round in 1 2 3 4 5 6 7 8; do
		[ -e "$T/kill/00000000000000000001.ndjson" ] || break
		timeout -s KILL "0.00$round" "$pack" "$T/kill" 1 2>/dev/null
		if [ -e "$T/kill/00000000000000000001.ndjson.zst" ]; then
			zstd -dcq "$T/kill/00000000000000000001.ndjson.zst" |
				cmp - "$T/kill.plain" || return 1
		else
			cmp "$T/kill/00000000000000000001.ndjson" "$T/kill.plain" || return 1
		fi
	done
}
ok "a child that is killed leaves a whole segment" survives
"$pack" "$T/kill" 1 2>/dev/null
ok "and it is compressed the next time" \
	sh -c "zstd -dcq '$T/kill/00000000000000000001.ndjson.zst' | cmp - '$T/kill.plain'"
exits 1 "a segment that is not there cannot be compressed" "$pack" "$T/kill" 77

# The chain, and whether the log is whole.
verdict() # JQ-EXPRESSION
{
	ctl verify --json >"$T/verdict"
	jq -rc "$1" "$T/verdict"
}
ok "verify finds nothing, over compressed segments" ctl verify
is "and says that nothing is chained" "$(verdict .chained)" 0
exits 1 "a number past the end is none to verify from" ctl verify --since 999999
like "and the last one is told" "$(ctl verify --since 999999 2>&1)" \
	"*no record from 999999 on (the last is $(verdict .last_seq))*"

# A log of somebody else: root, too, has only what the mode gives.
as_other()
{
	if [ "$(id -u)" -eq 0 ]; then
		(cd "$P" && exec setpriv --bounding-set=-dac_override,-dac_read_search "$@")
	else
		(cd "$P" && exec "$@")
	fi
}
refused() # PATH-PATTERN ARG...
{
	pattern=$1
	shift
	exits 1 "$* fails" as_other timeout 60 "$FILEMONCTL" "$@"
	like "and tells what cannot be read" "$(as_other timeout 60 "$FILEMONCTL" "$@" 2>&1)" \
		"*/events$pattern*Permission denied*"
}
chmod 0 "$P/$E"
if as_other true 2>/dev/null && ! as_other ls "$E" >/dev/null 2>&1; then
	refused ":" verify
	refused ":" events
	refused ":" events -f --until 1s
	chmod 700 "$P/$E"
	closed=$(cd "$P/$E" && find . -name '*.ndjson' | sort | tail -n 1 | sed 's,^\./,,')
	chmod 0 "$P/$E/$closed"
	refused "/$closed:" verify
	refused "/$closed:" events -f --since 1 --until 999999
	chmod 600 "$P/$E/$closed"
else
	skip "the mode of a directory holds nobody off here" 10
fi
chmod 700 "$P/$E"
project c <<CONF
settle = 20ms
events-segment-size = 4K
chain = on
CONF
start_daemon
for part in a b c; do
	write_files $part 20
done
is "stdout and file agree on the hash" "$(all_events | tail -n 1 | tr -d '\n' | sha256sum | cut -d' ' -f1)" \
	"$(verdict .last_hash)"
kill -9 "$(pid_of watcher)"
wait_for "$LIMIT" ready
write_files d 5
ctl stop >/dev/null
printf '{"v":1,"seq":4711,"id":"to' >>"$(find "$P/$E" -name '*.ndjson' | sort | tail -n 1)"
start_daemon
write_files e 20
ok "over a crash, a torn record and compressed segments the chain is whole" ctl verify
ok "they fit the schema" fits_schema
is "all records are in it" "$(verdict '.chained == .records and .gaps > 0')" true
ctl stop >/dev/null
is "verify needs no daemon" "$(verdict .ok)" true
cp -a "$P/$E" "$T/good"

tamper() # FILE SED-SCRIPT: a record is changed in a compressed or plain segment
{
	rm -rf "${P:?}/$E"
	cp -a "$T/good" "$P/$E"
	case $1 in
	*.zst)
		zstd -dcq "$P/$E/$1" | sed "$2" >"$P/$E/${1%.zst}"
		rm "$P/$E/$1"
		"$pack" "$P/$E" "$(echo "${1%.ndjson.zst}" | sed 's/^0*//')"
		;;
	*) sed -i "$2" "$P/$E/$1" ;;
	esac
}
second=$(cd "$T/good" && find . -name '*.zst' | sort | sed -n '2s,^\./,,p')
in_second=$(zstd -dcq "$T/good/$second" | sed -n 3p | jq .seq)
tamper "$second" '3s/"rel_path":"/&x/'
exits 1 "a changed record is found" ctl verify
is "and named" "$(verdict '[.fault.kind, .fault.seq]')" "[\"changed\",$in_second]"
tamper "$second" 3d
is "a record that was taken out is named" "$(verdict '[.fault.kind, .fault.seq]')" \
	"[\"missing\",$in_second]"
tamper "$second" '3s/,"prev":"[0-9a-f]*"//'
is "a record whose hash was taken out is named" "$(verdict '[.fault.kind, .fault.seq]')" \
	"[\"unchained\",$in_second]"
tamper "$second" ''
rm "$P/$E/$second"
is "a segment that was taken out is named" "$(verdict '[.fault.kind, .fault.seq]')" \
	"[\"missing\",$(echo "${second%.ndjson.zst}" | sed 's/^0*//')]"
tamper "$second" ''
first_one=$(cd "$T/good" && find . -name '*.zst' | sort | sed -n '1s,^\./,,p')
rm "$P/$E/$first_one"
is "a beginning that was taken away is named" "$(verdict '[.fault.kind, .fault.seq]')" \
	'["missing",1]'
begins=$(all_events | head -n 1 | jq .seq)
like "and what is there is told" "$(ctl verify 2>&1)" \
	"*record 1 is missing*first one is $begins:*verify --since $begins)*"
ok "from which on it is whole" ctl verify --since "$begins"
tamper "$second" ''
printf 'xxxx' | dd of="$P/$E/$second" bs=1 seek=60 conv=notrunc 2>/dev/null
is "a damaged compressed segment is told" "$(verdict .fault.kind)" unreadable
tamper "$second" '3s/"rel_path":"/&x/'
is "the rest is checked with --since" "$(ctl verify --json --since "$((in_second + 1))" | jq .ok)" true

# Switched off and on again.  A directory that is made is one record.
project o </dev/null
chain_is() # BOOLEAN NAME...: a reload, and records that are with or without it
{
	printf 'chain = %s\n' "$1" | conf
	ctl reload >/dev/null
	shift
	for name; do
		mkdir "$P/$name"
		wait_for "$LIMIT" recorded "$name"
	done
}
start_daemon
chain_is off a
chain_is on b
chain_is off
chain_is on c
ok "a chain that is switched off and on goes on from the last record" ctl verify
is "two records are chained then" "$(verdict .chained)" 2
chain_is off d
stopped=$(all_events | jq -s '. as $all | [range(1; length)] |
	map(select($all[.].prev == null and $all[. - 1].prev != null)) | $all[.[0]].seq')
chain_is on e
like "where it was switched off verify says so" "$(ctl verify 2>&1)" \
	"*record $stopped is not chained*(chain was switched off there? verify --since $stopped)*"
ok "the rest is whole, chained again" ctl verify --since "$stopped"
ok "by the hash of the record before" test "$(all_events | grep -c '"prev":"0*"')" -eq 0
ctl stop >/dev/null

# Retention keeps it verifiable.
tamper "$second" ''
conf <<CONF
settle = 20ms
events-segment-size = 4K
events-keep-count = 2
chain = on
CONF
start_daemon
write_files f 30
ok "retention takes the beginning away" wait_for "$LIMIT" segments_are '*[0-9].ndjson*' 2
ok "and what is left is whole" ctl verify
is "from the anchor on" "$(verdict .first_seq)" "$(jq .first_seq "$P/$E/anchor")"
ctl stop >/dev/null

# The schema says what it should, and the tool finds what is not in it.
fits() # RECORD
{
	echo "$1" | "$TOOLS/schema" "$top_srcdir/doc/event.schema.json"
}
good=$(zstd -dcq "$T/good/$second" | sed -n 3p)
ok "a record fits the schema" fits "$good"
while read -r change; do
	not_ok "but not with $change" fits "$(echo "$good" | jq -c "$change")"
done <<'EOF'
.seq=0
.seq=1.5
.v=2
.id="x"
del(.rel_path)
.event_type.type="creatd"
.event_type={"type":"created","kind":"content"}
.event_type={"type":"renamed"}
.size="7"
.prev="0"
.metadata={"a":1}
.extra=1
EOF

# A long log: a moment is found at once.  check-long has ten million records.
records=${LOG_RECORDS:-40000}
adopt long
mkdir -p "$P/$E"
conf </dev/null
"$TOOLS/mklog" "$P/$E" "$records" "$((records / 20))"
each=$((records / 20))
for n in 0 1 2 5 9 10 16; do
	"$pack" "$P/$E" "$((n * each + 1))" || bail "filemon-pack fails"
done
began=$(date +%s%N)
for part in 1 3 7 10 13 19; do
	wanted=$((records * part / 20 - 17))
	when=$(date -u -d "@$((1767225600 + wanted / 1000))" +%Y-%m-%dT%H:%M:%S).$(printf %03d $((wanted % 1000)))Z
	is "record $wanted is found by its time" \
		"$(ctl events --json --since "$when" --until "$when" | jq .seq)" "$wanted"
done
diag "$(((($(date +%s%N)) - began) / 6000000)) ms for a moment among $records records"
ok "and the whole log is verified" ctl verify

# logrotate, as contrib has it.
PATH=$PATH:/usr/sbin
if command -v logrotate >/dev/null && command -v flock >/dev/null; then
	project l <<-CONF
	settle = 20ms
	events-compress = false
	CONF
	start_daemon
	write_files a 5
	sed "s,^#\(.*[{}]\|	\),\1,; s,/srv/project,$P,g" \
		"$top_srcdir/contrib/logrotate/filemon" >"$T/logrotate.conf"
	chmod 600 "$T/logrotate.conf"
	ok "logrotate takes the file as it is" logrotate -f -s "$T/logrotate.state" "$T/logrotate.conf"
	write_files b 5
	ok "the trace log is begun anew" wait_for "$LIMIT" test -e "$P/.filemon/trace.log"
	ok "the old one is kept" sh -c "gzip -dc '$P/.filemon/trace.log.1.gz' | grep -q ready"
	archived_whole()
	{
		cat "$P"/.filemon/events.old/*.ndjson.1 "$P"/$E/*.ndjson |
			jq -s -e '[.[].seq] | . == [range(1; 1 + length)] and length >= 10'
	}
	ok "no record is lost between what was moved away and what came after" archived_whole
	ctl stop >/dev/null
	ok "with the daemon stopped nobody gets a signal" logrotate -f -s "$T/logrotate.state" "$T/logrotate.conf"
else
	skip "logrotate is not installed" 5
fi

# A full disk: what cannot be written waits, past a bound it is dropped and told.
project full <<CONF
settle = 20ms
chain = on
events-segment-size = 32K
events-compress = false
CONF
mkdir -p "$P/$E"
if mount -t tmpfs -o size=64k,mode=700 tmpfs "$P/$E" 2>/dev/null; then
	at_exit "umount -l '$P/$E' 2>/dev/null"
	start_daemon
	write_files a 2
	dd if=/dev/zero of="$P/$E/fill" bs=4k 2>/dev/null
	mkdir "$P/many"
	(cd "$P/many" && seq 8000 | xargs touch)
	ok "a full disk is told by status" wait_for "$LIMIT" st_is .events.failing true
	dropping()
	{
		[ "$(st .events.dropped)" -gt 0 ]
	}
	ok "what goes beyond the bound is dropped and counted" wait_for "$LIMIT" dropping
	rm "$P/$E/fill"
	mount -o remount,size=32m "$P/$E"
	ok "when there is room the log is written again" wait_for "$LIMIT" st_is .events.failing false
	echo x >"$P/after"
	ok "and goes on" wait_for "$LIMIT" recorded after
	is "a gap tells how many are missing" \
		"$(all_events | jq 'select(.event_type.cause == "log-full").event_type.count')" \
		"$(st .events.dropped)"
	ok "which is all that is missing, and the chain is whole" ctl verify
	ctl stop >/dev/null
	umount "$P/$E" || umount -l "$P/$E"
else
	skip "no tmpfs can be mounted" 6
fi

# Retention.
project r <<CONF
settle = 20ms
events-segment-size = 4K
events-keep-count = 3
events-compress = false
CONF
start_daemon
for part in a b c d e; do
	write_files $part 20
done
ok "events-keep-count" wait_for "$LIMIT" segments_are '*[0-9].ndjson*' 3
begins=$(ctl events --json --since 1 | head -n 1 | jq .seq)
ok "the oldest have gone" test "$begins" -gt 20
is "the anchor says where the log begins" "$(jq .first_seq "$P/$E/anchor")" "$begins"
ok "the rest is whole" sh -c "cd '$P' && '$FILEMONCTL' events --json --since 1 |
	jq -s -e '[.[].seq] | . == [range(.[0]; .[0] + length)]'"
conf <<CONF
settle = 20ms
events-segment-size = 4K
events-compress = false
events-keep-bytes = 9K
CONF
ctl reload >/dev/null
write_files f 60
# What stays when a segment is begun, and that segment, which a record may exceed: or
# as many as came at once, so that only those that come one by one keep to it.
small_enough()
{
	more=$((${more-0} + 1))
	echo x >"$P/more$more"
	[ "$(cat "$P/$E"/*.ndjson | wc -c)" -lt $(((9 + 2 * 4) * 1024)) ]
}
ok "events-keep-bytes" wait_for "$LIMIT" small_enough
adopt r
ctl stop >/dev/null

# What a sink needs stays, uncompressed, up to the hard cap.
project s <<CONF
settle = 20ms
events-segment-size = 4K
events-keep-count = 2
sink stuck { command = { "sleep", "1000" } ack = true }
CONF
start_daemon
wait_for "$LIMIT" st_is ".sinks[0].state" up # it begins at the end of the log
for part in a b c d; do
	write_files $part 20
done
unacknowledged=$(($(st ".sinks[0].seq") + 1))
ok "what a sink has not acknowledged stays" \
	sh -c "cd '$P' && '$FILEMONCTL' events --json --since 1 | jq -se '.[0].seq <= $unacknowledged'"
ok "and stays as it is" segments_are '*.zst' 0
ok "although it is more than events-keep-count" some_segments '*[0-9].ndjson' 4
conf <<CONF
settle = 20ms
events-segment-size = 4K
events-keep-count = 2
events-hard-cap = 9K
sink stuck { command = { "sleep", "1000" } ack = true }
CONF
ctl reload >/dev/null
ok "past events-hard-cap it goes, and a gap says so" wait_for "$LIMIT" \
	told '.event_type.cause == "retention" and .event_type.count > 10'
ok "such a gap fits the schema" fits_schema
ok "the log is whole from there" ctl verify
ctl stop >/dev/null
adopt p
start_daemon
finish
