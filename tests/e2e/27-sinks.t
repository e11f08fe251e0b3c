# SPDX-License-Identifier: ISC
# Sinks: each record at least once, whatever ends; and none holds up the rest.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

# The same on both sides: what is in the log, compressed or not, and what a sink
# wrote, each once.
has_all() # FILE [FIRST-SEQ]
{
	ctl events --json --since "${2:-1}" | jq -c . >"$T/.log"
	jq -cs 'unique_by(.seq) | .[]' "$1" >"$T/.got"
	cmp -s "$T/.log" "$T/.got"
}
same_bytes() # FILE
{
	ctl events --json --since 1 | cmp -s - "$1"
}
sink_is() # NAME JQ-CONDITION
{
	ctl status --json | jq -e ".sinks[] | select(.name == \"$1\") | $2" >/dev/null
}
touch_files() # PREFIX COUNT
{
	i=0
	while [ $i -lt "$2" ]; do
		: >"$P/$1$i"
		i=$((i + 1))
	done
}

project p <<CONF
settle = 20ms
sink plain {
    command = { "$H/sink" }
    env = { "OUT=$T/plain" }
    start = beginning
}
sink sure {
    command = { "$H/sink" }
    env = { "OUT=$T/sure", "ACK=1" }
    ack = true
    start = beginning
}
sink stuck {
    command = { "sleep", "3600" }
    start = beginning
    stop-grace = 100ms
}
CONF
start_daemon
touch_files a 20
ok "a sink is given every record, byte for byte" wait_for "$LIMIT" same_bytes "$T/plain"
ok "so is one that acknowledges" wait_for "$LIMIT" same_bytes "$T/sure"
ok "it has what it acknowledged" wait_for "$LIMIT" \
	sink_is sure ".lag_records == 0 and .lag_ms == 0 and .state == \"up\" and .seq == .fed"
ok "without acknowledging: what it took" wait_for "$LIMIT" sink_is plain ".lag_records == 0"
ok "one that reads nothing lags, in records and in time" wait_for "$LIMIT" \
	sink_is stuck ".lag_records > 20 and .lag_ms > 0 and .seq == 0"
like "the status tells of it" "$(ctl status | grep '^sink  *stuck')" \
	"sink *stuck  up  at 0  *records behind*"
ok "and holds nobody up" idle

# Segments are followed, and more than a pipe holds.
kill -USR1 "$(pid_of watcher)"
touch_files b 300
kill -USR1 "$(pid_of watcher)"
touch_files c 300
ok "over the change of segments" wait_for "$LIMIT" same_bytes "$T/plain"
ok "there were several" sh -c "[ \$(ls '$P'/.filemon/events/*.ndjson* | wc -l) -ge 3 ]"
ok "also acknowledging" wait_for "$LIMIT" has_all "$T/sure"
ok "none twice" same_bytes "$T/sure"

# Ends that nobody asked for.
pid=$(st '.sinks[] | select(.name == "sure").pid')
kill -9 "$pid"
touch_files d 50
ok "one that was killed is started again" wait_for "$LIMIT" \
	sink_is sure ".starts == 2 and .deaths == 1 and .state == \"up\""
ok "and has all" wait_for "$LIMIT" has_all "$T/sure"
kill -9 "$(pid_of runner)"
touch_files e 50
ok "after the end of the runner" wait_for "$LIMIT" ready
ok "they have all" wait_for "$LIMIT" has_all "$T/sure"
ok "the plain one too" wait_for "$LIMIT" has_all "$T/plain"

# Stop and start: nothing comes twice.
ok "it has it all before the stop" wait_for "$LIMIT" sink_is sure ".lag_records == 0"
: >"$T/sure"
seq=$(st .events.seq)
ok "stop" ctl stop
like "a sink ends at the end of its input" "$(tail -n 1 "$T/sure.runs")" end
start_daemon
ok "after a restart it goes on where it was" wait_for "$LIMIT" has_all "$T/sure" $((seq + 1))

# Reload: removed, added, changed.
: >"$T/late"
conf <<CONF
settle = 20ms
sink plain {
    command = { "$H/sink" }
    env = { "OUT=$T/plain" }
    start = beginning
}
sink sure {
    command = { "$H/sink" }
    env = { "OUT=$T/changed", "ACK=1", "LIMIT=5" }
    ack = true
    backoff = 10ms
    backoff-max = 20ms
}
sink fresh {
    command = { "$H/sink" }
    env = { "OUT=$T/fresh" }
}
sink late {
    command = { "$H/sink" }
    env = { "OUT=$T/late", "ACK=1", "LATE=$T/now" }
    ack = true
    start = beginning
}
sink broken { command = { "no-such-program" } backoff = 10ms backoff-max = 20ms }
sink mute {
    command = { "sh", "-c", "exec >&-; exec cat >/dev/null" }
    ack = true
    backoff = 10ms
    backoff-max = 20ms
}
sink liar { command = { "echo", "ack 99999999" } ack = true backoff = 10ms backoff-max = 20ms }
CONF
runs=$(wc -l <"$T/plain.runs")
ok "it has it all before the reload" wait_for "$LIMIT" sink_is sure ".lag_records == 0"
before=$(st .events.seq)
stuck=$(st '.sinks[] | select(.name == "stuck").pid')
ok "reload" ctl reload
is "one that was removed is gone" "$(st '[.sinks[].name] | index("stuck")')" null
ended() # PID
{
	! kill -0 "$1" 2>/dev/null
}
ok "its process too" wait_for "$LIMIT" ended "$stuck"
touch_files f 30
ok "a new one begins now" wait_for "$LIMIT" has_all "$T/fresh" "$(jq -s '.[0].seq' "$T/fresh")"
ok "or at the beginning" wait_for "$LIMIT" has_all "$T/late"
ok "a changed one goes on where it was, though it ends every few records" \
	wait_for "$LIMIT" has_all "$T/changed" $((before + 1))
ok "it was started again and again" wait_for "$LIMIT" sink_is sure ".deaths > 3"
is "one that is the same was left alone" "$(wc -l <"$T/plain.runs")" "$runs"
ok "a program that is not there" wait_for "$LIMIT" \
	sink_is broken '.deaths > 2 and .starts == 0 and (.last_error | test("not found in PATH"))'
ok "is a reason to be degraded" sh -c "'$FILEMONCTL' -C '$P' status --json |
	jq -e '.health == \"degraded\" and any(.reasons[]; test(\"sink broken\"))'"
ok "one that acknowledges what it was not given is ended" wait_for "$LIMIT" \
	sink_is liar '.deaths > 2 and .seq < 99999999'

ok "one that closes what it was to acknowledge by is ended" wait_for "$LIMIT" \
	sink_is mute '.deaths > 1 and (.last_error | test("it closed its output"))'

# At least once, from the last acknowledgement.
ok "what was not acknowledged is lag" wait_for "$LIMIT" \
	sink_is late '.seq == 0 and .fed > 0 and .lag_records > 0'
kill -9 "$(st '.sinks[] | select(.name == "late").pid')"
: >"$T/now"
: >"$T/late"
ok "and comes again" wait_for "$LIMIT" has_all "$T/late"
ok "till it is" wait_for "$LIMIT" sink_is late '.lag_records == 0'

# How far they are is not lost with the files that say so.
rm -r "$P/.filemon/sinks"
ok "stop, without the files that say how far they are" ctl stop
ok "... which are there again" test -s "$P/.filemon/sinks/fresh.cursor"
from=$(jq -s '.[0].seq' "$T/fresh")
touch_files down 5
start_daemon
touch_files up 5
ok "... so that a sink that begins with now misses nothing" \
	wait_for "$LIMIT" has_all "$T/fresh" "$from"

# A log that was begun anew.
ok "stop" ctl stop
rm -r "$P/.filemon/events" "$P/.filemon/state.db"*
: >"$T/plain"
start_daemon
ok "a log that was begun anew is given from its beginning" wait_for "$LIMIT" \
	same_bytes "$T/plain"
finish
