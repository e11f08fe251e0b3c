# SPDX-License-Identifier: ISC
# Limits of the event log: what is over is told, and delivered all the same.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

project p <<CONF
settle = 20ms
max-events-per-second = 3
handler log {
	load = { "$H/log" }
	jobs = 4
}
CONF
start_daemon
i=0
while [ $i -lt 60 ]; do
	echo x >"$P/f$i"
	i=$((i + 1))
done
ok "it comes to rest" idle
told_dropped()
{
	events 'select(.event_type.type == "limited") | .event_type.dropped' |
		awk '{ n += $1 } END { print n + 0 }'
}
all_told()
{
	[ "$(told_dropped)" -gt 0 ] && [ "$(told_dropped)" -eq "$(st .events.limited)" ]
}
ok "what was dropped is told, all of it" wait_for "$LIMIT" all_told
recorded=$(events 'select(.rel_path != null)' | wc -l)
ok "less than all is recorded" test "$recorded" -lt 60
ok "with what was dropped it is all" test $((recorded + $(told_dropped))) -ge 60
loaded()
{
	[ "$(sed -n 's/.* \(f[0-9]*\) .*/\1/p' "$HLOG" | sort -u | wc -l)" -eq 60 ]
}
ok "delivered is all of it" wait_for "$LIMIT" loaded
ok "seq grows by one" sh -c "cat '$P'/.filemon/events/*.ndjson |
	jq -es '[.[].seq] | . == [range(.[0]; .[0] + length)]'"
like "status tells" "$(ctl status)" "*over the limit*"

# One path.
printf 'settle = 20ms\nmax-events-per-file-per-second = 1\n' | conf
ok "a reload takes the limits" ctl reload
mark=$(events .seq | tail -n 1)
limited_by_path()
{
	echo x >>"$P/busy"
	echo y >>"$P/busy"
	told ".seq > $mark and .event_type.type == \"limited\" and .rel_path == \"busy\" and
		.event_type.dropped > 0"
}
ok "a path that is over its own limit is named" wait_for "$LIMIT" limited_by_path
echo x >"$P/other"
ok "another is not concerned" wait_for "$LIMIT" told '.rel_path == "other"'
like "pretty" "$(ctl events --format pretty --type limited -n 1)" "*limited*dropped*"
finish
