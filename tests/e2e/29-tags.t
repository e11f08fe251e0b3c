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
tagged_again() # JQ-CONDITION: a record that is made now
{
	n=$((${n:-0} + 1))
	: >"$P/again$n"
	told "(.rel_path // \"\" | startswith(\"again\")) and ($1)"
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

# A token: signed, forged, expired, and put in the place of another.
b64()
{
	base64 -w0 | tr '+/' '-_' | tr -d =
}
sign() # KEY-OR-SECRET ALG CLAIMS: the token
{
	body=$(printf '{"alg":"%s","typ":"JWT"}' "$2" | b64).$(printf %s "$3" | b64)
	case $2 in
	HS256) sum=$(printf %s "$body" | openssl dgst -sha256 -hmac "$1" -binary | b64) ;;
	RS256) sum=$(printf %s "$body" | openssl dgst -sha256 -sign "$1" -binary | b64) ;;
	*) sum= ;;
	esac
	printf '%s.%s\n' "$body" "$sum"
}
replace() # FILE, from stdin
{
	cat >"$1.new"
	mv "$1.new" "$1"
}
health_says() # WORDS
{
	st '.health + ": " + (.reasons | join("; "))' | grep -q "^degraded: .*$1"
}
healthy()
{
	st_is .health healthy
}
if command -v openssl >/dev/null; then
	openssl genrsa -out "$T/key" 2048 2>/dev/null
	openssl rsa -in "$T/key" -pubout -out "$T/pub" 2>/dev/null
	openssl genrsa -out "$T/other" 2048 2>/dev/null
	TOKEN=$FILEMON_LIBEXECDIR/filemon-token
	claims='{"tenant_id":"jwt","sub":"u7","sid":"s7","exp":4102444800}'
	token() # SENTENCE CODE KEY-FILE: of the token in $T/t
	{
		exits "$2" "$1" "$TOKEN" "$3" "$T/t"
	}
	sign "$T/key" RS256 "$claims" >"$T/t"
	is "the claims of a token" "$("$TOKEN" "$T/pub" "$T/t" | tr '\n' ' ')" \
		"tenant_id=jwt user_id=u7 session_id=s7 exp=4102444800 "
	token "without the key" 1 "$T/none"
	sign "$T/other" RS256 "$claims" >"$T/t"
	token "signed by another" 1 "$T/pub"
	sign "$(cat "$T/pub")" HS256 "$claims" >"$T/t"
	token "a public key is no secret" 1 "$T/pub"
	sign x none "$claims" >"$T/t"
	token "not signed" 1 "$T/pub"
	sign "$T/key" RS256 '{"sub":"u7","exp":1000000000}' >"$T/t"
	token "expired" 1 "$T/pub"
	sign "$T/key" RS256 '{"sub":"u7","nbf":4102444800}' >"$T/t"
	token "not valid yet" 1 "$T/pub"
	printf 'no token' >"$T/t"
	token "no token at all" 1 "$T/pub"
	echo secret >"$T/secret"
	sign secret HS256 '{"sub":"u8"}' >"$T/t"
	token "by a secret, without an end" 0 "$T/secret"
	sign wrong HS256 '{"sub":"u8"}' >"$T/t"
	token "by another secret" 1 "$T/secret"

	conf <<-CONF
		settle = 20ms
		tenant-id = conf
		token-file = "$T/token"
		token-key = "$T/pub"
	CONF
	sign "$T/key" RS256 "$claims" >"$T/token"
	start_daemon
	ok "a token's claims are tags, over all others" wait_for "$LIMIT" tagged_again \
		'.tenant_id == "jwt" and .user_id == "u7" and .session_id == "s7"'
	sign "$T/key" RS256 '{"tenant":"two","exp":4102444800}' | replace "$T/token"
	ok "another is read when it comes" wait_for "$LIMIT" tagged_again '.tenant_id == "two"'
	sign "$T/other" RS256 '{"tenant":"evil"}' | replace "$T/token"
	ok "one that is forged makes it degraded" wait_for "$LIMIT" health_says "token: .*not signed"
	ok "and changes nothing" tagged late '.tenant_id == "two"'
	ok "reload" ctl reload
	ok "not even after a reload" tagged later '.tenant_id == "two"'
	sign "$T/key" RS256 '{"tenant":"three"}' | replace "$T/token"
	ok "a good one mends it" wait_for "$LIMIT" tagged_again '.tenant_id == "three"'
	ok "and it is healthy" wait_for "$LIMIT" healthy
	ok "stop" ctl stop
	echo 'token-file = "x"' >"$T/half"
	exits 78 "a token without a key is refused" "$FILEMOND" -C "$P" -t -c "$T/half"
else
	skip "openssl is not installed" 19
fi

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
