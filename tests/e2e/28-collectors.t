# SPDX-License-Identifier: ISC
# The ready examples for collectors, each with the real program where it is
# here, else as far as its form can be checked.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq bash

C=$top_srcdir/contrib/collectors

same_records() # FILE: records, in whatever order
{
	cat "$P"/.filemon/events/*.ndjson | jq -c .seq | sort -n >"$T/.log"
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
	kcat -C -q -u -b mock -X test.mock.num.brokers=1 -d mock -t filemon \
		-o beginning >"$T/kafka.out" 2>"$T/kafka.err" &
	consumer=$!
	at_exit "kill $consumer 2>/dev/null"
	if wait_for "$LIMIT" port_known; then
		sed "s/localhost:9092/$broker/; s/^sink kafka {/&\\n    start = beginning/
			s,/usr/share/filemon/collectors,$C," "$C/kafka.conf" >"$T/kafka.conf"
		project kafka <"$T/kafka.conf"
		start_daemon
		make_events a
		ok "every event is in the topic" wait_for "$LIMIT" same_records "$T/kafka.out"
		kill -USR1 "$(pid_of watcher)"
		make_events b
		ok "also over segments" wait_for "$LIMIT" same_records "$T/kafka.out"
		ok "and acknowledged" wait_for "$LIMIT" st_is '.sinks[0].lag_records' 0
		ok "stop" ctl stop
	else
		diag_file "$T/kafka.err"
		skip "this librdkafka plays no brokers" 4
	fi
	kill "$consumer"
	wait "$consumer" 2>/dev/null
else
	skip "kcat is not installed" 4
fi

# rsyslog: a private one, in the foreground.
rsyslogd=$(PATH=$PATH:/usr/sbin:/sbin command -v rsyslogd)
if [ -n "$rsyslogd" ]; then
	project rsyslog </dev/null
	mkdir "$T/rsyslog.work"
	{
		echo "global(workDirectory=\"$T/rsyslog.work\")"
		sed "s,/srv/project,$P,; s,/var/log/filemon.ndjson,$T/rsyslog.out," \
			"$C/rsyslog.conf"
	} >"$T/rsyslog.conf"
	ok "rsyslog takes the configuration" "$rsyslogd" -N1 -f "$T/rsyslog.conf" -i "$T/none"
	start_daemon
	make_events a
	"$rsyslogd" -n -f "$T/rsyslog.conf" -i "$T/rsyslog.pid" >"$T/rsyslog.log" 2>&1 &
	collector=$!
	at_exit "kill $collector 2>/dev/null"
	ok "rsyslog has every event" wait_for "$LIMIT" same_records "$T/rsyslog.out"
	make_events b
	kill -USR1 "$(pid_of watcher)"
	make_events c
	ok "also of a new segment" wait_for "$LIMIT" same_records "$T/rsyslog.out"
	ok "each line is a record as it was" sh -c "jq -e .id <'$T/rsyslog.out' >/dev/null"
	kill "$collector"
	wait "$collector" 2>/dev/null
	ok "stop" ctl stop
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
