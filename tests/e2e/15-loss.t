# SPDX-License-Identifier: ISC
# Events are lost while handlers run: what was surely left alone is not run again,
# what may have been something else for a moment is.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

GATE=$T/gate
export GATE
project loss <<CONF
settle = 50ms
handler gate {
	load = { "$H/gate" }
	remove-file = { "$H/gate" }
	jobs = 8
}
CONF
mkdir -p "$P/quiet/deep/er" "$P/busy" "$P/swapped/dir"
for f in quiet/f quiet/deep/er/f busy/f busy/written swapped/dir/f; do
	echo 1 >"$P/$f"
done
: >"$HLOG"
start_with_queue 64 --no-wait || skip_all "max_queued_events cannot be set"

begun()
{
	[ "$(grep -c begin "$HLOG")" = 5 ]
}
runs()
{
	grep -c "begin $1 " "$HLOG"
}

ok "a run of each goes on" wait_for "$LIMIT" begun
watcher=$(pid_of watcher)
# More than the queue takes, while nobody reads it.
flood()
{
	kill -STOP "$watcher"
	"$TOOLS/storm" -n 500 -f 200 -d 0 "$P/busy"
	rm "$P"/busy/f[0-9]*
}
flood
echo 2 >"$P/busy/written"
# Another file by the same name, for a moment: all that could tell of it is lost.
mv "$P/swapped/dir" "$P/swapped/away"
mkdir "$P/swapped/dir"
echo 2 >"$P/swapped/dir/f"
rm -r "$P/swapped/dir"
mv "$P/swapped/away" "$P/swapped/dir"
kill -CONT "$watcher"
lost()
{
	[ "$(st .events.overflows)" -gt "${losses:-0}" ]
}
ok "the queue did overflow" wait_for "$LIMIT" lost
: >"$GATE"
idle >/dev/null
is "a file that was left alone ran once" "$(runs quiet/f)" 1
is "and one far below" "$(runs quiet/deep/er/f)" 1
is "and one beside which others came and went" "$(runs busy/f)" 1
is "one that was written ran again" "$(runs busy/written)" 2
is "and one whose directory was another for a moment" "$(runs swapped/dir/f)" 2

rm "$GATE"
: >"$HLOG"
losses=$(st .events.overflows)
rm "$P/quiet/f"
ok "a removal goes on" wait_for "$LIMIT" logged "gate begin quiet/f 1"
flood
kill -CONT "$watcher"
ok "the queue overflows again" wait_for "$LIMIT" lost
: >"$GATE"
idle >/dev/null
is "a removal has nothing to make good" "$(runs quiet/f)" 1
ctl stop >/dev/null
ok "nothing is left behind" wait_for "$LIMIT" none_left
done_testing
