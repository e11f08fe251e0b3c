# SPDX-License-Identifier: ISC
# What bash(1) offers at the end of a line: the programs' own words.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/tap.sh"
need bash
: "${FILEMOND:?}" "${FILEMONCTL:?}"
export FILEMONCTL

# offers PROGRAM WORD...: for the last word, on one line.
offers()
{
	bash -c '. "$1" || exit
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		"_${1##*/}"
		echo "${COMPREPLY[*]}"' bash \
		"$top_srcdir/contrib/completion/${1##*/}.bash" "$@" 2>&1
}

for program in "$FILEMONCTL" "$FILEMOND"; do
	name=${program##*/}
	is "$name -o: names of options" "$(offers "$program" -o che)" \
		"checksum= checksum-max-size="
	is "... --option, too" "$(offers "$program" --option backe)" "backend="
	is "... the words of one that has some" "$(offers "$program" -o backend =)" \
		"auto inotify poll fanotify"
	is "... as begun" "$(offers "$program" -o backend = fa)" fanotify
	is "... in one word, where = parts none" "$(offers "$program" -o gitignore=t)" gitignore=true
	is "... of a list" "$(offers "$program" -o enrich = p)" process
	is "... none where it may be any" "$(offers "$program" -o settle =)" ""
	is "$name --format: its words" "$(offers "$program" --format c)" cloudevents
	like "$name: its options" "$(offers "$program" --)" "*--project*--option*"
done
is "events have no format none" "$(offers "$FILEMONCTL" events --format '')" \
	"json pretty cloudevents"
is "a command is one behind -o, too" "$(offers "$FILEMONCTL" -o backend = poll sta)" \
	"start status"
like "... and its options are offered" "$(offers "$FILEMONCTL" -o backend = poll stop --f)" --force
done_testing
