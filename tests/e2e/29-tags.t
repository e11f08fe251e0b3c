# SPDX-License-Identifier: ISC
# Tags: from the configuration, its options, the environment and a token.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

project p <<CONF
settle = 20ms
tags = { "tenant_id=conf", "colour=red", "shape=round" }
session-id = s1
metadata = "colour=blue,host=a1"
handler env {
    load = { "sh", "-c", "echo \$FILEMON_TENANT_ID \$FILEMON_USER_ID \$FILEMON_SESSION_ID >>'$T/env'" }
}
CONF
tagged() # NAME JQ-CONDITION: the last record of that file
{
	: >"$P/$1"
	wait_for "$LIMIT" told ".rel_path == \"$1\" and ($2)"
}
FILEMON_TENANT_ID=env FILEMON_USER_ID=u1 FILEMON_METADATA=shape=square,size=big
export FILEMON_TENANT_ID FILEMON_USER_ID FILEMON_METADATA
start_daemon
ok "an option goes over tags, and they over the environment" tagged a \
	'.tenant_id == "conf" and .user_id == "u1" and .session_id == "s1" and
	.metadata == {"colour":"blue","shape":"round","host":"a1","size":"big"}'
ok "commands have them too" idle
is "in their environment" "$(tail -n 1 "$T/env")" "conf u1 s1"
unset FILEMON_TENANT_ID FILEMON_USER_ID FILEMON_METADATA
sed 's/^session-id = s1/session-id = s2/' "$P/.filemon/filemon.conf" >"$T/new"
conf <"$T/new"
ok "reload" ctl reload
ok "a reload changes them" tagged b '.session_id == "s2" and .user_id == "u1"'
ok "stop" ctl stop

ok "filemond has them as options" "$FILEMOND" -C "$P" -t --tenant-id t --user-id u \
	--session-id s --metadata a=b,c=d
exits 78 "what is no pair is refused" "$FILEMOND" -C "$P" -t --metadata nothing

mkdir "$T/tree"
adopt tree
"$FILEMONCTL" watch --tenant-id t9 --metadata a=1,b=2 "$T/tree" >"$T/watched" 2>"$T/err" &
watcher=$!
at_exit "kill $watcher 2>/dev/null"
seen()
{
	date >"$T/tree/f"
	jq -es "any(.[]; $1)" "$T/watched"
}
ok "filemonctl watch" wait_for "$LIMIT" seen \
	'.rel_path == "f" and .tenant_id == "t9" and .metadata == {"a":"1","b":"2"}'
kill "$watcher"
wait "$watcher"

# shellcheck disable=SC2016 # of the command
"$FILEMONCTL" run --user-id u9 --session-id s9 --format json \
	--load 'sh -c "echo $FILEMON_USER_ID $FILEMON_SESSION_ID >>ran" sh' "$T/tree" \
	>"$T/run" 2>"$T/err" &
runner=$!
at_exit "kill $runner 2>/dev/null"
ran()
{
	grep -qx "u9 s9" "$T/tree/ran"
}
ok "filemonctl run" wait_for "$LIMIT" ran
kill "$runner"
wait "$runner"
ok "nothing is left behind" wait_for "$LIMIT" none_left
done_testing
