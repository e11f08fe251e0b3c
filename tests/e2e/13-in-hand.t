# SPDX-License-Identifier: ISC
# Quick jobs: orders wait in the runner's hand, and outcomes for each other.
# Whatever comes between, each path is run, and only what a kill cut off twice.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

N=240
project p <<CONF
settle = 0ms
handler log {
	load = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
	jobs = 2
}
CONF
start_daemon

# round NAME: so many files, pending; and a quarter of them done.
round()
{
	name=$1
	: >"$HLOG"
	ctl pause >/dev/null
	i=0
	while [ $i -lt $N ]; do
		echo "$name" >"$P/$name$i"
		i=$((i + 1))
	done
	ok "$name: all wait" wait_for "$LIMIT" st_is '.handlers[0].pending' $N
	ctl resume >/dev/null
	ok "$name: some were run" wait_for "$LIMIT" quarter_done
}
quarter_done()
{
	[ "$(lines)" -ge $((N / 4)) ]
}
runs_of() # WORD: paths that it was run for
{
	awk -v word="$1" '$2 == word { print $3 }' "$HLOG"
}
all_were_run()
{
	idle >/dev/null
	is "$name: all were run" "$(runs_of load | sort -u | wc -l)" $N
	is "... and nothing is pending" "$(st '.handlers[0].pending')" 0
}
once()
{
	is "... each once" "$(runs_of load | sort | uniq -d)" ""
}
# Two run, two in hand for each and one more, and those whose end was not told yet.
few_twice()
{
	twice=$(runs_of load | sort | uniq -d | wc -l)
	ok "... $twice of them twice" test "$twice" -le 20
	is "... and none more often" \
		"$(runs_of load | sort | uniq -c | awk '$1 > 2')" ""
}
none_runs()
{
	st_is '.handlers[0].running' 0
}

round pause
ctl pause >/dev/null
ok "a pause calls back what is in hand" wait_for "$LIMIT" none_runs
is "... and the rest stays pending" "$(st '.handlers[0].pending')" $((N - $(lines)))
ctl resume >/dev/null
all_were_run
once
is "attempts are not counted" "$(awk '$4 != 1' "$HLOG")" ""

round reload
echo "# again" >>"$CONF"
ok "a reload in the middle" ctl reload
all_were_run
once

round stop
ok "a stop in the middle" ctl stop
start_daemon
all_were_run
once

round removed
i=0
while [ $i -lt $N ]; do
	rm "$P/removed$i"
	i=$((i + 1))
done
idle >/dev/null
runs_of load | sort >"$T/loaded"
runs_of remove | sort >"$T/removed"
is "what was loaded is removed" "$(comm -23 "$T/loaded" "$T/removed")" ""
is "... once" "$(uniq -d "$T/removed")" ""

pid=$(pid_of runner)
round runner
kill -9 "$pid"
all_were_run
few_twice

pid=$(pid_of watcher)
round watcher
kill -9 "$pid"
all_were_run
few_twice

finish
