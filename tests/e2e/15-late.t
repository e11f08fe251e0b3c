# SPDX-License-Identifier: ISC
# A write whose time is in the inode before its data are there: what was delivered
# in between is delivered again.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

: >"$GATE"
: >"$T/probe"
"$TOOLS/latewrite" "$T/probe" "$GATE" >"$T/said" 2>&1 ||
	skip_all "no write can be held up here: $(cat "$T/said")"

cat >"$T/copy" <<'EOS'
#!/bin/sh
cp -- "$FILEMON_PATH" "$COPIES/$FILEMON_RELPATH" && echo "$FILEMON_RELPATH" >>"$HLOG"
EOS
chmod +x "$T/copy"
COPIES=$T/copies
export COPIES
mkdir "$COPIES"
project late <<CONF
settle = 50ms
checksum = sha256
handler copy {
	load = { "$T/copy" }
}
CONF
echo early >"$P/f"
echo other >"$P/g"
ln "$P/g" "$P/h"
start_daemon
idle >/dev/null
is "what is there is delivered" "$(cat "$COPIES/f" "$COPIES/h")" "early
other"

# late FILE: the write is stuck until $GATE is there.
late()
{
	rm -f "$GATE" "$T/said" "$T/code"
	("$TOOLS/latewrite" "$P/$1" "$GATE" >"$T/said" 2>&1; echo $? >"$T/code") &
	wait_for "$LIMIT" test -s "$T/said"
	[ "$(cat "$T/said")" = stamped ]
}
stamps()
{
	stat -c '%s %y %z' "$P/$1"
}
ended()
{
	wait_for "$LIMIT" test -s "$T/code" && [ "$(cat "$T/code")" = 0 ]
}
sum_told()
{
	events 'select(.event_type.type == "checksummed" and .rel_path == "f").checksum' |
		tail -n 1 | grep -qF "$(sha256sum <"$P/f" | cut -d' ' -f1)"
}

ok "a write is held up" late f
before=$(stamps f)
ctl scan >/dev/null
idle >/dev/null
is "what a scan finds is delivered as it is" "$(cat "$COPIES/f")" early
ok "with its checksum" sum_told
: >"$GATE"
ok "the write comes to its end" ended
is "by the stamps nothing has happened" "$(stamps f)" "$before"
idle >/dev/null
is "what was written is delivered" "$(cat "$COPIES/f")" "latey"
ok "and its checksum told" sum_told

ok "another is" late g
ctl scan >/dev/null
idle >/dev/null
: >"$GATE"
ok "a write through one name of two" ended
idle >/dev/null
is "is delivered under both" "$(cat "$COPIES/g" "$COPIES/h")" "later
later"

# A writer that only opens and closes has changed nothing.
: >"$HLOG"
: >>"$P/f"
idle >/dev/null
is "an open and a close run nothing" "$(lines)" 0
finish
