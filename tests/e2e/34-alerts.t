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
		"{name}:{rule}:{value}:{threshold}:{{x}" }
}
alert broken {
	rule = mass-rename
	threshold = 10
	window = 1h
	on-alert = { "/no/such/program" }
}
alert failing {
	rule = mass-rename
	threshold = 10
	window = 1h
	on-alert = { "sh", "-c", "exit 3" }
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
is "it has its rules" "$(st '.alerts | length')" 7
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
ok "so is one that fails" wait_for "$LIMIT" \
	grep -q "alert failing: on-alert: failed (exit 3)" "$P/.filemon/trace.log"
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
ok "stop" ctl stop

# What is looked at in files, without any checksum in the log.
project content <<CONF
settle = 100ms
settle-max = 1s
alert scrambled {
	rule = high-entropy
	threshold = 6
	window = 1h
	cooldown = 1h
}
alert sudden {
	rule = event-rate
	threshold = 2
	window = 4s
	cooldown = 1h
}
CONF
write_all() # COMMAND: what it says is the content of six files
{
	i=0
	while [ $i -lt 6 ]; do
		"$@" >"$P/w$i" || return
		i=$((i + 1))
	done
}
noise()
{
	head -c 16384 /dev/urandom
}
write_all seq 1000
start_daemon
write_all seq 2000
ok "files that were written are read" wait_for "$LIMIT" st_is '.checksums.read >= 6' true
not_ok "text raises nothing" raised scrambled high-entropy
write_all noise
ok "files rewritten with random bytes do" wait_for "$LIMIT" raised scrambled high-entropy
is "at the threshold" "$(st '.alerts[] | select(.name == "scrambled").value')" 6
not_ok "no record tells of what was read" told '.event_type.type == "checksummed"'

# What is usual is known once a window has passed, by the clock that it counts by.
window()
{
	read -r up _ </proc/uptime
	echo $((${up%%.*} / 4))
}
in_another_window()
{
	[ "$(window)" -ne "$began" ]
}
not_ok "so many events are usual" raised sudden event-rate
began=$(window)
ok "a window passes" wait_for "$LIMIT" in_another_window
(cd "$P" && seq -f 'many%g' 400 | xargs touch)
ok "many more than usual" wait_for "$LIMIT" raised sudden event-rate
finish
