# SPDX-License-Identifier: ISC
# Rules that tell of what is unusual.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

project p <<CONF
settle = 1h
settle-max = 1h
handler never {
	load = { "true" }
	match = { "queued" }
}
alert purge {
	rule = mass-delete
	threshold = 20
	window = 1h
	cooldown = 1h
}
alert command {
	rule = mass-rename
	threshold = 10
	window = 1h
	on-alert = { "sh", "-c", "echo \$0 \$FILEMON_RULE \$FILEMON_VALUE \$PWD >>'$T/on-alert'",
		"{name}:{rule}:{value}:{threshold}:{x}" }
}
alert broken {
	rule = mass-rename
	threshold = 10
	window = 1h
	on-alert = { "/no/such/program" }
}
alert locked {
	rule = mass-rename
	threshold = 10
	window = 1h
}
alert slow {
	rule = latency
	threshold = 1
}
alert stuck {
	rule = queue-age
	threshold = 1
	cooldown = 0
}
CONF
i=0
while [ $i -lt 40 ]; do
	echo x >"$P/f$i.txt"
	i=$((i + 1))
done
start_daemon
is "it has its rules" "$(st '.alerts | length')" 6
is "and nothing was raised" "$(st '[.alerts[].raised] | add')" 0

raised() # NAME RULE
{
	told ".event_type.type == \"alert\" and .event_type.name == \"$1\" and
		.event_type.rule == \"$2\" and .event_type.value >= .event_type.threshold"
}
i=0
while [ $i -lt 10 ]; do
	mv "$P/f$i.txt" "$P/f$i.txt.locked"
	i=$((i + 1))
done
ok "renames to another extension" wait_for "$LIMIT" raised locked mass-rename
ok "the command of an alert is run" wait_for "$LIMIT" \
	grep -qxF "command:mass-rename:10:10:{x} mass-rename 10 $P" "$T/on-alert"
ok "one that cannot be is told of" wait_for "$LIMIT" \
	grep -q "on-alert.*/no/such/program\|on-alert.*No such file" "$P/.filemon/trace.log"
not_ok "no other is raised by them" raised purge mass-delete
rm "$P"/f*.txt
ok "many deletions" wait_for "$LIMIT" raised purge mass-delete
is "once for its cool-down" "$(st '.alerts[] | select(.name == "purge").raised')" 1
slowed()
{
	echo x >>"$P/again"
	raised slow latency
}
ok "latency" wait_for "$LIMIT" slowed
echo x >"$P/queued"
ok "the age of the queue" wait_for "$LIMIT" raised stuck queue-age
like "status tells" "$(ctl status)" "*alert      purge: mass-delete was 20 (threshold 20)*"
like "pretty" "$(ctl events --format pretty --type alert -n 100)" "*alert: purge: mass-delete 20 (threshold 20)*"
ok "the trace log has it" grep -q "alert purge: mass-delete is 20" "$P/.filemon/trace.log"

printf 'alert x {\n rule = sudden\n}\n' | conf
not_ok "a rule that is none is refused" ctl reload
printf 'alert purge {\n rule = mass-delete\n threshold = 5\n}\n' | conf
ok "a reload takes other rules" ctl reload
is "one" "$(st '.alerts | length')" 1
ok "every record is as the schema says" fits_schema
finish
