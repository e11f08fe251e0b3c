# SPDX-License-Identifier: ISC
# The watcher, once it runs, can do no more than its work; handlers can do all
# that they could.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

# field PROCESS NAME: of /proc/PID/status
field()
{
	awk -v name="$2:" '$1 == name { print $2 }' "/proc/$(pid_of "$1")/status"
}
# The kinds of what a process has open, a line each.
open_kinds()
{
	find "/proc/$(pid_of "$1")/fd" -type l -printf '%l\n' |
		sed 's/:\[.*//; s,.*/\.filemon/,,; s/events.*/events/' | sort -u
}

project p <<CONF
settle = 20ms
watch = { "tree" }
handler out {
	load = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
CONF
mkdir "$P/tree"
start_daemon
if [ "$(st .sandbox.landlock)" = true ]; then
	is "landlock holds" "$(ctl status | sed -n 's/^sandbox  *//p' | grep -c 'no landlock')" 0
else
	diag "landlock: $(st .sandbox.landlock_why)"
	skip "no landlock in this kernel" 1
fi
if [ "$(st .sandbox.seccomp)" = true ]; then
	is "a filter holds in the watcher" "$(field watcher Seccomp)" 2
	is "and no new privileges" "$(field watcher NoNewPrivs)" 1
else
	diag "seccomp: $(st .sandbox.seccomp_why)"
	skip "no seccomp, or a build with a sanitizer" 2
fi
# The bits of capabilities(7): 1 and 2 DAC_*, 3 FOWNER, 21 SYS_ADMIN.
allowed=$((1 << 1 | 1 << 2 | 1 << 3))
[ "$(st .watch[0].backend)" != fanotify ] || allowed=$((allowed | 1 << 21))
is "of capabilities the watcher has only what files need" \
	"$((0x$(field watcher CapPrm) & ~allowed))" 0
is "the runner has them all" "$(field runner CapEff)" \
	"$(awk '$1 == "CapEff:" { print $2 }' /proc/self/status)"
is "the runner has no filter more than its parent" "$(field runner Seccomp_filters)" \
	"$(awk '$1 == "Seccomp_filters:" { print $2 }' /proc/self/status)"
is "nor fewer privileges" "$(field runner NoNewPrivs)" \
	"$(awk '$1 == "NoNewPrivs:" { print $2 }' /proc/self/status)"
echo 1 >"$P/tree/a"
idle >/dev/null
ok "a handler writes outside of the project" logged "out load a 1"

# What it needs it can still do.
mv "$P/tree/a" "$P/tree/b"
mkdir -p "$P/tree/d/e"
echo 2 >"$P/tree/d/e/c"
ctl reload >"$T/out"
ctl scan >/dev/null
idle >/dev/null
ok "it watches, reloads, scans and delivers" logged "out load d/e/c 1"
mv "$P/.filemon/trace.log" "$P/.filemon/trace.log.1"
kill -USR1 "$(pid_of supervisor)"
ok "it opens its logs anew" wait_for "$LIMIT" test -f "$P/.filemon/trace.log"
rm -rf "$P/tree/d"
mv "$P/tree" "$P/away"
ok "it notices that the root goes" wait_for "$LIMIT" st_is '.watch[0].gone' true
mv "$P/away" "$P/tree"
ok "and that it is back" wait_for "$LIMIT" st_is '.watch[0].gone' false
idle >/dev/null
ok "and delivers what went" logged "out remove d/e/c 1"
open_kinds watcher >"$T/kinds"
not_ok "it holds no directory of the tree" grep -q "^$P" "$T/kinds"
ok "and what it holds is its own" sh -c "! grep -vE '^(anon_inode.*|socket|pipe|/dev/null|/dev/pts/.*|/proc/.*|events|lock|.*lock|state\.db.*|trace\.log.*|filemond.*)$' '$T/kinds'"
diag_file "$T/kinds"
ctl stop >/dev/null

start_daemon -o seccomp=false -o landlock=false -o drop-capabilities=false
is "all can be switched off" \
	"$(st '[.sandbox.seccomp_why, .sandbox.landlock_why, .sandbox.capabilities_why] | unique[]')" \
	"switched off"
is "and the watcher then has its capabilities" "$(field watcher CapEff)" \
	"$(awk '$1 == "CapEff:" { print $2 }' /proc/self/status)"
is "and the watcher then is as its parent" "$(field watcher Seccomp_filters)" \
	"$(awk '$1 == "Seccomp_filters:" { print $2 }' /proc/self/status)"
finish
