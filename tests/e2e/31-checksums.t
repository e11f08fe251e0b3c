# SPDX-License-Identifier: ISC
# Checksums in events and for handlers, and what they decide.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq sha256sum

put()
{
	echo "$2" >"${1%/*}/.put.tmp"
	mv "${1%/*}/.put.tmp" "$1"
}

sum_of()
{
	echo "sha256:$(sha256sum "$1" | cut -d' ' -f1)"
}

# has_sum FILE: is there a record with its checksum?
has_sum()
{
	told ".event_type.type == \"checksummed\" and .rel_path == \"$1\" and
		.checksum == \"$(sum_of "$P/$1")\""
}

# has_none FILE STATE: is there one that says why there is no checksum?
has_none()
{
	told ".event_type.type == \"checksummed\" and .rel_path == \"$1\" and
		.checksum_state == \"$2\" and (has(\"checksum\") | not)"
}

all_have_sums()
{
	for name; do
		has_sum "$name" || return 1
	done
}

# The helper's pid; 1 where none runs.
helper()
{
	ps -e -o ppid= -o pid= -o args= |
		awk -v runner="$(pid_of runner)" '
		$1 == runner && /filemon-hash/ { print $2; found = 1 } END { exit !found }'
}

same()
{
	st .handlers[0].suppressed_same_content
}

same_is()
{
	[ "$(same)" -eq "$1" ]
}

# Records and handlers.
project sums <<CONF
settle = 50ms
default-ignores = false
checksum = sha256
checksum-max-size = 1M
handler sum {
	types = { file, other }
	load  = { "$H/sum" }
}
CONF
mkfifo "$P/fifo"
start_daemon
idle >/dev/null
ok "a FIFO is not read" log_is "fifo none"
: >"$HLOG"
echo never >"$P/x.tmp"
echo one >"$P/a"
: >"$P/empty"
ok "what is written gets its checksum" wait_for "$LIMIT" has_sum a
ok "an empty file too" wait_for "$LIMIT" has_sum empty
is "the record names the one that it completes" "$(cat "$P"/.filemon/events/*.ndjson | jq -rs '
	(map(select(.event_type.type == "checksummed" and .rel_path == "a"))[0].event_type.of)
	as $of | map(select(.seq == $of))[0] | "\(.rel_path) \(.event_type.type)"' |
	sed 's/modified/created/')" "a created"
ok "entropy is told with it" told '.rel_path == "a" and .entropy == 2'
idle >/dev/null
ok "handlers are told; of temporary files there is none" log_is \
	"x.tmp none
a $(sum_of "$P/a")
empty $(sum_of "$P/empty")"
not_ok "... nor a record" told '.event_type.type == "checksummed" and .rel_path == "x.tmp"'
truncate -s 8G "$P/sparse"
ok "a file that is too large is only sampled" wait_for "$LIMIT" has_none sparse too-large
idle >/dev/null
ok "... and handlers get nothing" grep -qxF "sparse none" "$HLOG"
mv "$P/a" "$P/b"
ok "a renamed file has one under its new name" wait_for "$LIMIT" has_sum b
is "pretty shows it" "$("$FILEMONCTL" -C "$P" events --format pretty -n 1 --type checksummed |
	cut -d' ' -f2-)" "checksummed b sha256:$(sha256sum "$P/b" | cut -c1-12)"

# A file that grows while it is read: the helper is let go in small steps until
# it has the file open.
sed -i 's/1M/64M/' "$P/.filemon/filemon.conf"
ok "the limit can be changed by a reload" ctl reload
pid=$(helper)
kill -STOP "$pid"
truncate -s 32M "$P/growing"
asking()
{
	st_is '.checksums.asking > 0' true
}
reads_growing()
{
	kill -CONT "$pid"
	find "/proc/$pid/fd" -maxdepth 1 -lname "$P/growing" >"$T/reads"
	kill -STOP "$pid"
	[ -s "$T/reads" ]
}
ok "questions wait while the helper does nothing" wait_for "$LIMIT" asking
ok "... and it goes on" wait_for "$LIMIT" reads_growing
echo more >>"$P/growing"
kill -CONT "$pid"
ok "a file that grows while it is read is said to" \
	wait_for "$LIMIT" has_none growing changed-while-read
ok "... and has its checksum when it is quiet" wait_for "$LIMIT" has_sum growing
rm "$P/growing"
idle >/dev/null

# The helper dies, again and again.
n=0
while [ $n -lt 8 ]; do
	n=$((n + 1))
	echo "text $n" >"$P/killed.$n"
	# shellcheck disable=SC2046
	kill -9 $(helper) 2>/dev/null
done
names=$(cd "$P" && echo killed.*)
# shellcheck disable=SC2086
ok "a helper that is killed again and again costs no checksum" \
	wait_for "$LIMIT" all_have_sums $names
idle >/dev/null
is "... and no load" "$(grep -c '^killed' "$HLOG")" 8
ok "the records are as the schema says" fits_schema
ok "stop" ctl stop

# The same content is not delivered again.
: >"$HLOG"
project same <<CONF
settle = 50ms
compare = hash
handler log {
	load        = { "$H/log", "load" }
	remove-file = { "$H/log", "remove" }
}
CONF
mkdir "$P/d"
put "$P/d/a" one
put "$P/d/b" other
start_daemon
idle >/dev/null
ok "compare = hash: at first all is loaded" log_is \
	"log load d/a 1
log load d/b 1"
: >"$HLOG"
echo one >"$P/d/a"
ok "a save that changes nothing" wait_for "$LIMIT" same_is 1
put "$P/d/a" one
ok "... by a rename" wait_for "$LIMIT" same_is 2
touch "$P/d/a"
ok "... or a touch" wait_for "$LIMIT" same_is 3
idle >/dev/null
ok "... runs nothing" log_is ""
ctl restart >/dev/null
idle >/dev/null
put "$P/d/a" one
ok "what was delivered is known after a restart" wait_for "$LIMIT" same_is 1
ok "... which runs nothing itself" log_is ""
chmod 600 "$P/d/a"
idle >/dev/null
ok "a change of the mode is delivered" log_is "log load d/a 1"
echo two >"$P/d/a"
idle >/dev/null
ok "other content is" log_is \
	"log load d/a 1
log load d/a 1"
: >"$HLOG"
rm "$P/d/a"
idle >/dev/null
put "$P/d/a" two
idle >/dev/null
ok "what was removed is loaded when it comes back" log_is \
	"log remove d/a 1
log load d/a 1"
ctl stop >/dev/null

# A failed run may have had any effect.
: >"$HLOG"
project failing <<CONF
settle = 20ms
compare = hash
handler log {
	load = { "$H/log", "load" }
}
CONF
put "$P/a" one
start_daemon
idle >/dev/null
sed -i 's/load = .*/load = { "sh", "-c", "exit 65" }/' "$P/.filemon/filemon.conf"
ctl reload >/dev/null
put "$P/a" two
idle >/dev/null
is "a load that failed for good" "$(st .queue.dead)" 1
sed -i "s,load = .*,load = { \"$H/log\"\\, \"load\" }," "$P/.filemon/filemon.conf"
ctl reload >/dev/null
put "$P/a" one
idle >/dev/null
ok "... makes the old content worth a run" log_is \
	"log load a 1
log load a 1"
ctl stop >/dev/null

# ignore-metadata: ctime alone does not say what has changed.
: >"$HLOG"
project meta <<CONF
settle = 20ms
ignore-metadata = true
handler log {
	load = { "$H/log", "load" }
}
CONF
put "$P/a" one
start_daemon
idle >/dev/null
: >"$HLOG"
if "$TOOLS/xattr" "$P/a" user.filemon yes; then
	ok "ignore-metadata: an attribute alone" wait_for "$LIMIT" same_is 1
	ok "... is not delivered" log_is ""
else
	skip "no extended attributes here" 2
fi
touch -r "$P/a" "$T/stamp"
# Paused, so that no run comes between the two.
ctl pause >/dev/null
echo two >"$P/a"
touch -r "$T/stamp" "$P/a"
ctl resume >/dev/null
idle >/dev/null
ok "other content with the old time is" log_is "log load a 1"
put "$P/a" two
idle >/dev/null
ok "the same content with a new time is, without compare = hash" log_is \
	"log load a 1
log load a 1"
ctl stop >/dev/null
: >"$HLOG"
touch -r "$P/a" "$T/stamp"
echo six >"$P/a"
touch -r "$T/stamp" "$P/a"
chmod 600 "$P/a"
start_daemon
idle >/dev/null
ok "nor does another mode hide what was written while nobody looked" \
	log_is "log load a 1"
: >"$HLOG"
sed -i "s,load = .*,load = { \"sh\"\, \"-c\"\, \"echo run >>$HLOG; exit 65\" }," \
	"$P/.filemon/filemon.conf"
ctl reload >/dev/null
put "$P/a" bad
idle >/dev/null
chmod 640 "$P/a"
idle >/dev/null
printf 'handler new {\nload = { "%s", "load" }\n}\n' "$H/log" >>"$P/.filemon/filemon.conf"
ctl reload >/dev/null
idle >/dev/null
ok "what was given up stays so, whatever its mode" log_is "new load a 1
run"
ctl stop >/dev/null

# No helper at all.
: >"$HLOG"
project none <<CONF
settle = 20ms
compare = hash
checksum = sha256
handler log {
	load = { "$H/log", "load" }
}
CONF
put "$P/a" one
FILEMON_LIBEXECDIR=$T/nowhere start_daemon
idle >/dev/null
ok "without the helper all is delivered" log_is "log load a 1"
put "$P/a" one
idle >/dev/null
ok "... each time" log_is \
	"log load a 1
log load a 1"
says_so()
{
	st '.reasons | join(" ")' | grep -q "filemon-hash is not available"
}
ok "... and status says so" wait_for "$LIMIT" says_so
is "the record waits" "$(st .checksums.waiting)" 1
ctl stop >/dev/null
start_daemon
ok "... until there is one" wait_for "$LIMIT" has_sum a
finish
