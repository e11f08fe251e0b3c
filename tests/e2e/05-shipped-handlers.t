# SPDX-License-Identifier: ISC
# The handlers in contrib, called as filemond calls them, without it.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/tap.sh"

handlers=$top_srcdir/contrib/handlers
FILEMON_ROOT=$T/p
export FILEMON_ROOT
mkdir -p "$FILEMON_ROOT/.filemon" "$T/m" "$T/outside"
cd "$FILEMON_ROOT" || bail "no $FILEMON_ROOT"
odd=$(printf "it's \"odd\"\n.quit\n; \377 \$(x) *")

# fts-index

fts()
{
	"$handlers/fts-index" "$@"
}

finds()
{
	fts search "$1" | grep -q "^$2: "
}

fts_tests()
{
	exits 75 "fts-index: a search without an index says so" fts search zebra
	echo "a zebra crossing" >plain
	echo "a zebra again, it's here" >"$odd"
	echo "dashed zebra" >./-rf
	printf 'binary\0zebra' >binary
	head -c 5000 /dev/zero | tr '\0' z >large
	ok "fts-index: indexes a file" fts load "$PWD/plain"
	ok "fts-index: a name is data" fts load "$PWD/$odd"
	ok "fts-index: a name may begin with a dash" fts load "$PWD/-rf"
	ok "fts-index: a binary file is no failure" fts load "$PWD/binary"
	ok "fts-index: nor is one that is too large" env FTS_MAX=1000 \
		"$handlers/fts-index" load "$PWD/large"
	exits 75 "fts-index: one that is gone is looked at again" fts load "$PWD/gone"
	is "fts-index: finds them, and nothing else" "$(fts search zebra | wc -l)" 3
	ok "fts-index: shows the path from the root" finds crossing plain
	ok "fts-index: finds beginnings" finds 'cross*' plain
	exits 1 "fts-index: a word of the query language is a word" fts search AND
	exits 1 "fts-index: quotes in a word are data" fts search "x\"' OR zebra"
	echo "a quagga" >plain
	ok "fts-index: indexes again" fts load "$PWD/plain"
	ok "fts-index: the new text is found" finds quagga plain
	exits 1 "fts-index: the old one is not" fts search crossing
	ok "fts-index: forgets" fts remove-file "$PWD/$odd"
	ok "fts-index: forgets what it does not know" fts remove-file "$PWD/nowhere"
	is "fts-index: what was forgotten is not found" "$(fts search zebra)" "-rf: dashed [zebra]"
	is "fts-index: nothing is left over" "$(ls .filemon)" "fts.db"
}

# Eight at once, of whom none finds an index.
fts_at_once()
{
	rm -f .filemon/fts.db*
	mkdir many
	for i in 1 2 3 4 5 6 7 8; do
		echo "okapi $i" >"many/$i"
	done
	pids=
	for i in 1 2 3 4 5 6 7 8; do
		fts load "$PWD/many/$i" &
		pids="$pids $!"
	done
	code=0
	for pid in $pids; do
		wait "$pid" || code=1
	done
	is "fts-index: eight at once succeed" "$code" 0
	is "fts-index: and all are found" "$(fts search okapi | wc -l)" 8
	rm -rf many
}

# mirror

mirror()
{
	"$handlers/mirror" "$@"
}

# All that a mirror keeps: of directories not the times.
tree()
{
	(
		cd "$1" || exit
		find . -mindepth 1 -name .filemon -prune -o -type d -printf '%P %y %m\n' \
			-o -printf '%P %y %m %T@ %l\n' | sort
		find . -name .filemon -prune -o -type f -exec cksum {} + | sort
	)
}

same()
{
	is "mirror: $1" "$(tree "$T/m")" "$(tree "$FILEMON_ROOT")"
}

mirror_tests()
{
	MIRROR_TARGET=$T/m
	export MIRROR_TARGET
	exits 126 "mirror: without a target no path is to blame" \
		env MIRROR_TARGET="$T/none" "$handlers/mirror" load "$PWD/plain"
	rm -rf ./*
	mkdir -p d/e
	echo one >d/e/f
	chmod 4750 d/e/f
	touch -d '2001-02-03 04:05:06.789' d/e/f
	echo two >"$odd"
	ln -s /etc d/abs
	ln -s loop loop
	chmod 2700 d
	ok "mirror: a file brings the folders above it" mirror load "$PWD/d/e/f"
	ok "mirror: takes files, folders and links" \
		find "$PWD" -mindepth 1 -name .filemon -prune -o -exec "$handlers/mirror" load {} \;
	same "the copy is exact"
	echo three >>"$odd"
	ok "mirror: a changed file" mirror load "$PWD/$odd"
	ok "mirror: a link to itself, again" mirror load "$PWD/loop"
	same "the copy follows"
	exits 75 "mirror: a file that is gone is looked at again" mirror load "$PWD/gone"
	ok "mirror: what was never there is removed" mirror remove-file "$PWD/gone/too"
}

mirror_changes_type()
{
	rm -rf d/e
	echo file >d/e
	ok "mirror: a file in the place of a folder" mirror load "$PWD/d/e"
	rm "$odd"
	mkdir "$odd"
	ok "mirror: a folder in the place of a file" mirror load "$PWD/$odd"
	same "types have changed"
	rm -rf d
	ln -s "$T/outside" d
	echo kept >"$T/outside/f"
	exits 75 "mirror: a path through a link is not followed" mirror load "$PWD/d/f"
	ok "mirror: a link in the place of a folder" mirror load "$PWD/d"
	ok "mirror: a removal below a link" mirror remove-file "$PWD/d/f"
	same "links are links"
	is "mirror: what a link leads to is left alone" "$(cat "$T/outside/f")" kept
	rm d
	mkdir d
	echo new >d/f
	ok "mirror: a folder in the place of a link" mirror load "$PWD/d/f"
	is "mirror: nothing is written through the old link" "$(cat "$T/outside/f")" kept
}

# A file that becomes a full folder just before it is copied.
mirror_is_late()
{
	MIRROR_TARGET=$T/late.m
	mkdir "$MIRROR_TARGET" "$T/late"
	echo 1 >turns
	cat >"$T/late/cp" <<-END
		#!/bin/sh
		rm "$PWD/turns" && mkdir "$PWD/turns" && : >"$PWD/turns/in"
		PATH=$PATH exec cp "\$@"
	END
	chmod +x "$T/late/cp"
	exits 1 "mirror: a file that is a folder by now is not copied" \
		env PATH="$T/late:$PATH" "$handlers/mirror" load "$PWD/turns"
	is "mirror: nor is anything in it" "$(ls -A "$MIRROR_TARGET")" ""
	ok "mirror: the next run makes the folder alone" mirror load "$PWD/turns"
	is "mirror: which is empty" "$(ls -A "$MIRROR_TARGET/turns")" ""
	rm -r turns
	MIRROR_TARGET=$T/m
}

mirror_moves()
{
	chmod 600 d/f
	mv d/f d/g
	inode=$(stat -c %i "$T/m/d/f")
	ok "mirror: a move" mirror move "$PWD/d/f" "$PWD/d/g"
	is "mirror: copies nothing" "$(stat -c %i "$T/m/d/g")" "$inode"
	ok "mirror: a repeated move" mirror move "$PWD/d/f" "$PWD/d/g"
	same "the move is exact"
	mkdir "$T/m/d/.~mirror~g" && echo left >"$T/m/d/.~mirror~g/x"
	ok "mirror: what a killed run left is replaced" mirror load "$PWD/d/g"
	echo left >"$T/m/d/.~mirror~g"
	rm d/g
	ok "mirror: and removed" mirror remove-file "$PWD/d/g"
	echo left >"$T/m/.~mirror~d"
	ok "mirror: also where a folder is by now" mirror load "$PWD/d"
	same "nothing of it is left"
	rmdir d
	echo stale >"$T/m/d/stale"
	echo left >"$T/m/.~mirror~d"
	ok "mirror: a folder goes with all in it" mirror remove-file "$PWD/d"
	same "removals are exact"
}

# webhook: curl is played by a script that notes what it was given and answers
# as it is told.

webhook_answers()
{
	exits "$2" "webhook: ${1:-no answer} is exit $2" env ANSWER="$1" "$handlers/webhook" load "$PWD/$odd"
}

webhook_tests()
{
	mkdir "$T/bin"
	cat >"$T/bin/curl" <<-'END'
		#!/bin/sh
		cat >"$T/body"
		cat <&3 >"$T/headers"
		printf '%s\n' "$@" >"$T/args"
		[ -n "$ANSWER" ] || exit 7
		printf %s "$ANSWER"
	END
	chmod +x "$T/bin/curl"
	PATH=$T/bin:$PATH
	WEBHOOK_URL=http://localhost/x
	WEBHOOK_TOKEN=secret
	FILEMON_EVENT_ID=some-id
	export T WEBHOOK_URL WEBHOOK_TOKEN FILEMON_EVENT_ID
	exits 126 "webhook: without an address no path is to blame" \
		env -u WEBHOOK_URL "$handlers/webhook" load "$PWD/x"
	webhook_answers 200 0
	webhook_answers 204 0
	webhook_answers 404 65
	webhook_answers 302 65
	webhook_answers 429 75
	webhook_answers 503 75
	webhook_answers "" 75
	is "webhook: the body is JSON" "$(jq -r .command "$T/body")" load
	is "webhook: carries the path as it is" \
		"$(jq -r .path_b64 "$T/body")" "$(printf %s "$odd" | base64 -w0)"
	ok "webhook: sends the id, so that repetitions can be dropped" \
		grep -qx "Idempotency-Key: some-id" "$T/headers"
	ok "webhook: sends the token" grep -q "Bearer secret" "$T/headers"
	not_ok "webhook: the token is on no command line" grep -q secret "$T/args"
}

if command -v sqlite3 >/dev/null; then
	fts_tests
	fts_at_once
else
	skip "sqlite3 is not installed"
fi
mirror_tests
mirror_changes_type
mirror_is_late
mirror_moves
if command -v jq >/dev/null; then
	webhook_tests
else
	skip "jq is not installed"
fi

done_testing
