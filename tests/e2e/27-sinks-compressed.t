# SPDX-License-Identifier: ISC
# Sinks that are given compressed segments: each record at least once, whatever
# ends, and whatever becomes of the segments meanwhile.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq zstd

E=.filemon/events
SEGMENTS=45
EACH=20

# A helper that is killed, fails, and hangs: what it does is in the file $T/fate,
# a word a run; when that is at its end, it does what it should.
mkdir "$T/libexec"
ln -s "${top_builddir:?}/filemon-hash" "${top_builddir:?}/filemon-token" "$T/libexec"
cat >"$T/libexec/filemon-pack" <<PACK
#!/bin/sh
[ "\$1" = -d ] || exec "${top_builddir:?}/filemon-pack" "\$@"
echo "\$\$ \$3 \$4 \$5" >>"$T/unpacked"
fate=\$(head -n 1 "$T/fate")
sed -i 1d "$T/fate"
case \$fate in
kill) kill -9 \$\$ ;;
half) "${top_builddir:?}/filemon-pack" "\$@" | head -c 1000; kill -9 \$\$ ;;
fail) exit 1 ;;
hang) exec sleep 3600 ;;
esac
exec "${top_builddir:?}/filemon-pack" "\$@"
PACK
chmod +x "$T/libexec/filemon-pack"
: >"$T/fate"
: >"$T/unpacked"
FILEMON_LIBEXECDIR=$T/libexec
export FILEMON_LIBEXECDIR

all_events()
{
	ctl events --json --since 1
}
# What a sink was given, in the order of the log, each once.
has_all() # FILE
{
	all_events | sort >"$T/.log" && sort -u "$1" | cmp -s - "$T/.log"
}
same_bytes() # FILE
{
	all_events | cmp -s - "$1"
}
sink_is() # NAME JQ-CONDITION
{
	ctl status --json | jq -e ".sinks[] | select(.name == \"$1\") | $2" >/dev/null
}
segments() # GLOB
{
	# shellcheck disable=SC2012,SC2086
	(cd "$P/$E" && ls $1 2>/dev/null | wc -l | tr -d ' ')
}
# sink NAME ENV [OPTION...]: a section of one that appends to $T/NAME.
sink()
{
	echo "sink $1 { env = { \"OUT=$T/$1\", $2 }"
	echo "command = { \"$H/sink\" } start = beginning backoff = 10ms backoff-max = 20ms"
	shift 2
	printf '%s\n' "$@" "}"
}

# A log as it is after a long while: nobody needs what is compressed.
project p <<CONF
settle = 20ms
CONF
mkdir "$P/$E"
"$TOOLS/mklog" "$P/$E" $((SEGMENTS * EACH + 5)) $EACH
i=0
while [ $i -lt $SEGMENTS ]; do
	"$top_builddir/filemon-pack" "$P/$E" $((i * EACH + 1)) || bail "no compressed segment"
	i=$((i + 1))
done
start_daemon
: >"$P/first"
idle >/dev/null
is "there are many compressed segments" "$(segments '*.zst')" $SEGMENTS

# New sinks: one that only reads, one that acknowledges, one that ends again and
# again, and one that reads nothing.  Of the helper's first runs few come to
# their end.  From now on only two segments are to be kept.
printf '%s\n' kill half fail kill half fail half kill fail >"$T/fate"
{
	cat <<-CONF
	settle = 20ms
	events-keep-count = 2
	sink whole {
	    command = { "sh", "-c", "cat >>'$T/whole'" }
	    start = beginning
	    backoff = 10ms
	    backoff-max = 20ms
	}
	sink stuck {
	    command = { "sleep", "3600" }
	    start = beginning
	    stop-grace = 100ms
	}
	CONF
	sink sure '"ACK=1"' "ack = true"
	sink ends '"LIMIT=70"'
	sink ends-sure '"LIMIT=70", "ACK=1"' "ack = true"
} | conf
all_events >"$T/before"
ok "reload" ctl reload
: >"$P/second"
ok "one that reads nothing is given what a pipe takes" wait_for "$LIMIT" \
	sink_is stuck ".state == \"up\" and .seq == 0 and .fed > 0 and .lag_records > 800"
ok "and how far it is behind is known" sink_is stuck ".lag_ms > 0"
ok "it holds nobody up" idle
ok "a new sink is given every record, byte for byte" wait_for "$LIMIT" same_bytes "$T/whole"
ok "so is one that acknowledges" wait_for "$LIMIT" same_bytes "$T/sure"
ok "it has what it acknowledged" wait_for "$LIMIT" \
	sink_is sure ".lag_records == 0 and .seq == .fed and .deaths == 0"
ok "one that ends again and again has all" wait_for "$LIMIT" has_all "$T/ends"
ok "and one that acknowledges, too" wait_for "$LIMIT" has_all "$T/ends-sure"
ok "they did end" sink_is ends-sure ".deaths > 5"
is "the helper did fail" "$(wc -l <"$T/fate")" 0
ok "the trace log says so" grep -q 'sink .*: event segment .* cannot be decompressed: .*signal 9' \
	"$P/.filemon/trace.log"
ok "nothing is an error any more" wait_for "$LIMIT" sink_is whole '.last_error == null'
is "no segment that one needs has gone" "$(segments '*.zst')" $SEGMENTS
not_ok "nor is there a gap" told '.event_type.type == "gap"'

# A stop in the middle, of the sink and of the helper.
: >"$T/unpacked"
echo hang >"$T/fate"
{
	echo 'settle = 20ms'
	sink late '"ACK=1"' "ack = true stop-grace = 100ms"
	sink stuck "\"ACK=1\", \"LATE=$T/never\"" "ack = true stop-grace = 100ms"
} | conf
ok "reload" ctl reload
hangs()
{
	[ -s "$T/unpacked" ] && [ ! -s "$T/fate" ]
}
ok "a helper hangs" wait_for "$LIMIT" hangs
ok "stop" ctl stop
ok "nothing of it is left" wait_for "$LIMIT" none_left
start_daemon
ok "it has all after the start" wait_for "$LIMIT" has_all "$T/late"
ok "it is told" wait_for "$LIMIT" sink_is late ".lag_records == 0"
ok "one that acknowledges nothing was given all of it" wait_for "$LIMIT" \
	sink_is stuck ".seq == 0 and .lag_records > 800"

# The helper is killed while the sink is, too.
echo hang >"$T/fate"
: >"$T/unpacked"
{
	echo 'settle = 20ms'
	sink again '"ACK=1"' "ack = true"
} | conf
ctl reload >/dev/null
ok "it hangs again" wait_for "$LIMIT" hangs
helper=$(sed 's/ .*//' "$T/unpacked")
kill -9 "$(st '.sinks[] | select(.name == "again").pid')"
ok "the end of a sink is the end of its helper" wait_for "$LIMIT" pid_gone "$helper"
ok "and it is given all in its next life" wait_for "$LIMIT" has_all "$T/again"
ok "a helper that is not there" mv "$T/libexec/filemon-pack" "$T/libexec/away"
{
	echo 'settle = 20ms'
	sink lost '"X=1"'
} | conf
ctl reload >/dev/null
ok "is told" wait_for "$LIMIT" sink_is lost '.last_error | test("filemon-pack")'
mv "$T/libexec/away" "$T/libexec/filemon-pack"
ok "and waited for" wait_for "$LIMIT" has_all "$T/lost"

# Damage.
second=$P/$E/$(printf %020d $((EACH + 1))).ndjson.zst
printf xxxxxxxx | dd of="$second" bs=1 seek=$(($(stat -c %s "$second") / 2)) conv=notrunc 2>/dev/null
printf xx | dd of="$P/$E/$(printf %020d $((2 * EACH + 1))).ndjson.zst" bs=1 conv=notrunc 2>/dev/null
{
	echo 'settle = 20ms'
	sink hurt '"ACK=1"' "ack = true"
} | conf
ctl reload >/dev/null
ok "over damaged segments" wait_for "$LIMIT" sink_is hurt ".lag_records == 0"
ok "what was lost is counted" wait_for "$LIMIT" sink_is hurt ".missed == 2 * $EACH"
like "status says it" "$(ctl status | grep '^sink')" "*missed $((2 * EACH)) records*"
sort "$T/before" | grep -vE "\"seq\":(2[1-9]|[345][0-9]|60)," >"$T/.wanted"
sort "$T/hurt" | comm -12 - "$T/.wanted" >"$T/.got"
ok "all others are there" cmp "$T/.got" "$T/.wanted"
is "and none that was damaged" "$(jq -s 'map(select(.seq > 20 and .seq <= 60)) | length' "$T/hurt")" 0
ok "the trace log names the segment" grep -q "event segment $((EACH + 1)): it is damaged" \
	"$P/.filemon/trace.log"

# Nobody needs them any more.
printf 'settle = 20ms\nevents-keep-count = 2\n' | conf
ctl reload >/dev/null
two_left()
{
	[ "$(segments '*.ndjson*')" -le 2 ]
}
ok "retention takes them when no sink is left" wait_for "$LIMIT" two_left
finish
