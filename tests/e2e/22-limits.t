# SPDX-License-Identifier: ISC
# What a handler's runs may use, whom they are, and the group that holds them.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq prlimit

# Without a group every process has its own limits.
project rlimits <<CONF
settle = 10ms
cgroup = off
handler data {
	match = { "data" }
	load = { "sh", "-c", "ulimit -d >'$T/data'; set -- \$(cat /proc/self/stat); echo \$19 >'$T/nice'" }
	memory-max = 64M
	cpu-weight = 50
}
handler free {
	match = { "free" }
	load = { "sh", "-c", "ulimit -d >'$T/free'" }
}
CONF
touch "$P/data" "$P/free"
start_daemon
idle >/dev/null
is "memory-max is a limit of each process" "$(cat "$T/data")" 65536
is "a handler without it has that of filemond" "$(cat "$T/free")" \
	"$(sh -c "ulimit -d")"
like "status says how limits are kept" "$(ctl status)" "*limits *rlimits (switched off)*"
ctl stop >/dev/null

# Open files: filemond takes what it may have, its handlers what it was given.
project open-files <<CONF
settle = 10ms
handler told { load = { "sh", "-c", "ulimit -Sn >'$T/files'" } }
CONF
touch "$P/f"
(cd "$P" && prlimit --nofile=48: "$FILEMONCTL" start >/dev/null) || bail "the daemon does not start"
idle >/dev/null
is "a handler has the limit of open files that filemond was given" "$(cat "$T/files")" 48
is "... and filemond has as many as it may" \
	"$(awk '/^Max open files/ { print $4 == $5 }' "/proc/$(pid_of runner)/limits")" 1
ctl stop >/dev/null

project few-files <<CONF
settle = 10ms
jobs-max = 30
handler gate { load = { "$H/gate", "{path}" }   jobs = 30   retries = 0 }
CONF
for i in $(seq 34); do
	: >"$P/f$i"
done
(cd "$P" && prlimit --nofile=40:40 "$FILEMONCTL" start >/dev/null) || bail "the daemon does not start"
ok "there are more jobs than open files for them" \
	wait_for "$LIMIT" grep -q 'not an attempt' "$P/.filemon/trace.log"
touch "$GATE"
idle >/dev/null
is "that is nobody's failed attempt" \
	"$(ctl status --json | jq -r '.handlers[0] | "\(.ok) \(.runs) \(.dead) \(.breaker)"')" \
	"34 34 0 closed"
ctl stop >/dev/null

# Another user: nothing of root's is left to it.
if [ "$(id -u)" -eq 0 ] && id nobody >/dev/null 2>&1; then
	project user <<CONF
settle = 10ms
handler nobody {
	load = { "sh", "-c", "id -un >&2; id -G >&2; grep -E '^Cap(Inh|Prm|Eff|Amb)' /proc/self/status >&2; cat '$T/secret' >&2; exit 65" }
	user = nobody
	cwd = "/"
}
CONF
	echo hidden >"$T/secret"
	chmod 600 "$T/secret"
	touch "$P/f"
	start_daemon
	idle >/dev/null
	said=$(ctl failures --json | jq -r '.items[0].output')
	like "the handler's user has its own name and groups" "$said" \
		"nobody
$(id -G nobody)
*"
	is "... and no capability" "$(printf '%s\n' "$said" |
		grep -c '^Cap.*0000000000000000$')" 4
	not_ok "... and reads nothing of root's" sh -c "printf '%s' '$said' | grep -q hidden"
	ctl stop >/dev/null
else
	skip "not root, or there is no user nobody" 3
fi

# A group for each job.
mounted=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
group=$mounted/filemon-test.$$
if [ -n "$mounted" ] && mkdir "$group" 2>/dev/null && [ -e "$group/cgroup.kill" ]; then
	at_exit "rmdir '$group' 2>/dev/null"
	project group <<CONF
settle = 10ms
cgroup = "$group"
handler in {
	match = { "in" }
	load = { "sh", "-c", "cat /proc/self/cgroup >'$T/in'; cat '$group'/filemon-job-*/cgroup.procs >'$T/procs'" }
}
handler leave {
	match = { "leave" }
	load = { "$H/leave" }
}
handler hang {
	match = { "hang" }
	load = { "$H/hang" }
	timeout = 300ms   stop-grace = 50ms   retries = 0
}
CONF
	touch "$P/in" "$P/leave" "$P/hang"
	start_daemon
	ok "jobs run in groups" idle
	ok "... each in its own" grep -q "^0::.*filemon-test.$$/filemon-job-" "$T/in"
	ok "... in which it is" test -s "$T/procs"
	is "what left daemons behind has delivered" \
		"$(st '.handlers[] | select(.name == "leave").ok')" 1
	is "what hung has timed out" "$(ctl failures --json | jq -r '.items[].outcome')" \
		"timed out after 300 ms"
	no_groups()
	{
		[ -z "$(find "$group" -mindepth 1 -maxdepth 1 -type d)" ]
	}
	ok "no group is left of them" wait_for "$LIMIT" no_groups
	like "status names the group" "$(st .limits)" "cgroup $group (*"
	rm "$P/hang"
	touch "$P/hang"
	wait_for "$LIMIT" st_is '.handlers[] | select(.name == "hang").running' 1
	kill -9 "$(pid_of runner)"
	ok "a runner that was killed is replaced" idle
	ok "... and no group is left" wait_for "$LIMIT" no_groups
	ctl stop >/dev/null
	ok "the group is empty at the end" rmdir "$group"
else
	skip "no cgroup of version 2 in which a group can be made" 10
fi

# The limits are the group's, where its controllers can be had.
controllers() # DIRECTORY: are memory and cpu given to the groups in it?
{
	echo "+memory +cpu" >"$1/cgroup.subtree_control"
}
if [ -n "$mounted" ] && controllers "$mounted" 2>/dev/null && mkdir "$group"; then
	project controlled <<CONF
settle = 10ms
cgroup = "$group"
handler told {
	match = { "told" }
	load = { "sh", "-c", "cd '$mounted'\$(sed -n 's/^0:://p' /proc/self/cgroup) && cat memory.max cpu.weight >'$T/told'" }
	memory-max = 64M
	cpu-weight = 50
}
handler greedy {
	match = { "greedy" }
	load = { "sh", "-c", "sleep 1000 & head -c 300000000 /dev/zero | tail -c 299999999 | wc -c >'$T/greedy'" }
	memory-max = 64M
	retries = 0
}
CONF
	touch "$P/told" "$P/greedy"
	start_daemon
	idle >/dev/null
	is "memory-max and cpu-weight are the group's" "$(tr '\n' ' ' <"$T/told")" "67108864 50 "
	is "what takes more is killed, all of the job" \
		"$(ctl failures --json | jq -r '.items[] | select(.path == "greedy").outcome')" \
		"signal 9 (Killed)"
	not_ok "... and has not gone on" test -s "$T/greedy"
	ok "... and no group is left" wait_for "$LIMIT" no_groups
	like "status names the controllers" "$(st .limits)" "cgroup $group (memory, cpu)"
	ctl stop >/dev/null
	rmdir "$group"
else
	skip "no controllers of memory and cpu in a cgroup of version 2" 5
fi

# The group that a service manager gave us, as it marks it.
delegate() # DIRECTORY
{
	mkdir "$1" && python3 -c 'import os, sys
os.setxattr(sys.argv[1], "user.delegate", b"1")' "$1"
}
in_group() # DIRECTORY COMMAND...: runs it there
{
	sh -c 'echo $$ >"$0/cgroup.procs" && shift 0 && exec "$@"' "$@"
}
if [ -n "$mounted" ] && delegate "$group" 2>/dev/null; then
	project auto <<CONF
settle = 10ms
handler in { load = { "sh", "-c", "cat /proc/self/cgroup >'$T/auto.group'" } }
CONF
	touch "$P/f"
	(cd "$P" && in_group "$group" "$FILEMONCTL" start >/dev/null) || bail "the daemon does not start"
	idle >/dev/null
	like "cgroup = auto takes the delegated group" "$(st .limits)" "cgroup $group (*"
	ok "jobs have groups in it" grep -q "^0::.*filemon-test.$$/filemon-job-" "$T/auto.group"
	is "filemon's own processes are in one beside them" "$(wc -l <"$group/filemon/cgroup.procs")" 3
	kill -9 "$(pid_of runner)"
	wait_for "$LIMIT" ready
	touch "$P/g"
	idle >/dev/null
	ok "a new runner finds it again" grep -q "^0::.*filemon-test.$$/filemon-job-" "$T/auto.group"
	ctl stop >/dev/null
	rmdir "$group/filemon"
	rmdir "$group"
else
	skip "no cgroup of version 2 that can be delegated" 4
fi
finish
