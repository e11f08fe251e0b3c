# SPDX-License-Identifier: ISC
# The ready examples for collectors, each with the real program where it is
# here, else as far as its form can be checked.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq bash

C=$top_srcdir/contrib/collectors

same_records() # FILE: records, in whatever order; of compressed segments too
{
	ctl events --json --since 1 | jq -c .seq | sort -n >"$T/.log"
	jq -c .seq "$1" | sort -nu >"$T/.got"
	cmp "$T/.log" "$T/.got"
}
make_events()
{
	i=0
	while [ $i -lt 40 ]; do
		: >"$P/$1$i"
		i=$((i + 1))
	done
}

# start_collector OUTPUT ERRORS COMMAND...: it ends by itself where the test hangs,
# and is killed where it does not end when asked to: collector.
start_collector()
{
	out=$1
	err=$2
	shift 2
	timeout -k 10 600 "$@" >"$out" 2>"$err" &
	collector=$!
	at_exit "kill $collector 2>/dev/null"
}
end_collector()
{
	kill "$collector"
	wait "$collector" 2>/dev/null
}
# taken TEXT ERRORS OUTPUT: where the records do not come, what the collector said
# is told.
taken()
{
	ok "$1" wait_for "$LIMIT" same_records "$3" && return
	diag_file "$2"
	diag "$(timeout -k 5 10 ps -e -o pid,ppid,stat,wchan:20,args | grep -F -e kcat -e rsyslogd)"
}
ends()
{
	ok "stop" timeout -k 5 "$LIMIT" sh -c "cd '$P' && exec '$FILEMONCTL' stop"
}

# Each is a section that filemond takes.
for name in kafka syslog; do
	project "check-$name" <"$C/$name.conf"
	ok "$name.conf is a configuration" "$FILEMOND" -C "$P" -t
done

# Kafka: the brokers are those that librdkafka plays, in a consumer.
port_known()
{
	broker=$(sed -n 's/.*bootstrap.servers=\([0-9.:]*\)$/\1/p' "$T/kafka.err" | head -n 1)
	[ -n "$broker" ]
}
if command -v kcat >/dev/null && kcat -V 2>&1 | grep -q librdkafka; then
	start_collector "$T/kafka.out" "$T/kafka.err" \
		kcat -C -q -u -b mock -X test.mock.num.brokers=1 -d mock -t filemon -o beginning
	if wait_for "$LIMIT" port_known; then
		sed "s/localhost:9092/$broker/; s/^sink kafka {/&\\n    start = beginning/
			s,/usr/share/filemon/collectors,$C," "$C/kafka.conf" >"$T/kafka.conf"
		project kafka <"$T/kafka.conf"
		start_daemon
		make_events a
		taken "every event is in the topic" "$T/kafka.err" "$T/kafka.out"
		kill -USR1 "$(pid_of watcher)"
		make_events b
		taken "also over segments" "$T/kafka.err" "$T/kafka.out"
		ok "and acknowledged" wait_for "$LIMIT" st_is '.sinks[0].lag_records' 0
		ends
	else
		diag_file "$T/kafka.err"
		skip "this librdkafka plays no brokers" 4
	fi
	end_collector
else
	skip "kcat is not installed" 4
fi

# rsyslog: a private one, in the foreground.
rsyslogd=$(PATH=$PATH:/usr/sbin:/sbin command -v rsyslogd)
if [ -n "$rsyslogd" ]; then
	# It may have a segment yet to read when that is compressed.
	project rsyslog <<CONF
events-compress = false
CONF
	mkdir "$T/rsyslog.work"
	{
		echo "global(workDirectory=\"$T/rsyslog.work\")"
		sed "s,/srv/project,$P,; s,/var/log/filemon.ndjson,$T/rsyslog.out," \
			"$C/rsyslog.conf"
	} >"$T/rsyslog.conf"
	ok "rsyslog takes the configuration" timeout -k 5 "$LIMIT" \
		"$rsyslogd" -N1 -f "$T/rsyslog.conf" -i "$T/none"
	start_daemon
	make_events a
	start_collector "$T/rsyslog.log" "$T/rsyslog.err" \
		"$rsyslogd" -n -f "$T/rsyslog.conf" -i "$T/rsyslog.pid"
	taken "rsyslog has every event" "$T/rsyslog.err" "$T/rsyslog.out"
	make_events b
	kill -USR1 "$(pid_of watcher)"
	make_events c
	taken "also of a new segment" "$T/rsyslog.err" "$T/rsyslog.out"
	ok "each line is a record as it was" sh -c "jq -e .id <'$T/rsyslog.out' >/dev/null"
	end_collector
	ends
else
	skip "rsyslogd is not installed" 5
fi

# The others are not in Debian: their form, and the names that must be in it.
python_has()
{
	command -v python3 >/dev/null && python3 -c "import $1" 2>/dev/null
}
if python_has yaml; then
	ok "fluent-bit.yaml: a tail of the segments, and an output" python3 -c '
import sys, yaml
c = yaml.safe_load(open(sys.argv[1]))
i, = c["pipeline"]["inputs"]
o, = c["pipeline"]["outputs"]
assert i["name"] == "tail" and i["path"].endswith("/.filemon/events/*.ndjson")
assert i["parser"] in [p["name"] for p in c["parsers"]]
assert o["match"] == i["tag"] and o["name"]' "$C/fluent-bit.yaml"
else
	skip "python3 has no yaml"
fi
if python_has tomllib; then
	ok "vector.toml: from a source over a transform to a sink" python3 -c '
import sys, tomllib
c = tomllib.load(open(sys.argv[1], "rb"))
s = c["sources"]["filemon"]
assert s["type"] == "file" and s["include"][0].endswith("/.filemon/events/*.ndjson")
assert c["transforms"]["filemon_record"]["inputs"] == ["filemon"]
assert c["sinks"]["filemon_out"]["inputs"] == ["filemon_record"]
assert c["sinks"]["filemon_out"]["encoding"]["codec"] == "json"' "$C/vector.toml"
else
	skip "python3 has no tomllib"
fi
# shellcheck disable=SC2016 # of awk
ok "fluentd.conf: every section ends, and the match is of the source's tag" awk '
	/^ *#/ || /^ *$/ { next }
	/^ *<\// { gsub(/[ <\/>]/, ""); if (open[n--] != $0) exit 1; next }
	/^ *</ { gsub(/[<>]/, ""); open[++n] = $1; if ($1 == "match") match_of = $2; next }
	n == 0 { exit 1 }
	$1 == "tag" { tag = $2 }
	END { exit !(n == 0 && tag != "" && tag == match_of) }' "$C/fluentd.conf"
done_testing
