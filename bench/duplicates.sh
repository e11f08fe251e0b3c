#!/bin/sh
# SPDX-License-Identifier: ISC
#
# duplicates.sh: how many events of a session of saves, and of a build, are left
# of what the kernel tells.
#
#	bench/duplicates.sh [DIRECTORY with filemond and filemonctl; default .]
#
# The session is 40 saves: by sed -i, by a temporary file that is renamed, with a
# backup that is removed, and in place.  The build is gcc's and ar's of 40 files.
# Each is done once without `edited` and once with it.  "notifications" is what a
# program reports that prints each one, as inotifywait does.

set -eu
bin=$(cd "${1:-.}" && pwd -P)
dir=$(mktemp -d "${TMPDIR:-/tmp}/filemon-duplicates.XXXXXX")
trap 'for p in "$dir"/*; do "$bin/filemonctl" -C "$p" stop >/dev/null 2>&1 || :; done
	rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM

settled()
{
	"$bin/filemonctl" -C "$p" wait --idle --timeout 60s >/dev/null
}

save()
{
	case $(($1 % 4)) in
	0) sed -i "s/line/line$1/" text ;;
	1) { echo "$1" && cat text; } >text.new && mv text.new text ;;
	2) mv text text.old && { echo "$1" && cat text.old; } >text && rm text.old ;;
	3) { cat text && echo "$1"; } >../copy && cat ../copy >text ;;
	esac
}

session()
{
	i=0
	while [ $i -lt 40 ]; do
		save $i
		settled
		i=$((i + 1))
	done
}

build()
{
	i=0
	while [ $i -lt 40 ]; do
		gcc -c -O2 -o "f$i.o" "f$i.c"
		i=$((i + 1))
	done
	ar rc lib.a f*.o
	gcc -shared -o lib.so f*.o
}

# run NAME EDITED COMMAND
run()
{
	p=$dir/$1-$2
	mkdir -p "$p/.filemon"
	printf 'edited = %s\n' "$2" >"$p/.filemon/filemon.conf"
	echo line >"$p/text"
	i=0
	while [ $i -lt 40 ]; do
		echo "int f$i(void) { return $i; }" >"$p/f$i.c"
		i=$((i + 1))
	done
	"$bin/filemonctl" -C "$p" start >/dev/null
	(cd "$p" && "$3")
	settled
	"$bin/filemonctl" -C "$p" status --json | jq -r --arg name "$1, edited = $2" '.events |
		(.created + .modified + .deleted + .renamed + .edited) as $n |
		"\($name): \(.notifications) notifications, \($n) records: " +
		"\(100 * (1 - $n / .notifications) | round) % fewer"'
	"$bin/filemonctl" -C "$p" stop >/dev/null
}

for edited in false true; do
	run saves $edited session
	run build $edited build
done
