#!/bin/sh
# SPDX-License-Identifier: ISC
#
# quickstart.sh: builds filemon and shows it at work, in one command.
#
#	./quickstart.sh        on a copy of the texts under /usr/share/doc
#	./quickstart.sh DIR    on DIR, in which nothing but DIR/.filemon is made
#
# Everything else goes to build/ here and, without DIR, to a demo project in
# ~/.local/share/filemon-demo (or $FILEMON_DEMO).  It may be run again at any
# time.  Nothing is installed but missing Debian packages.

set -u

die()
{
	printf 'quickstart.sh: %s\n' "$*" >&2
	exit 1
}

case ${1-} in
-*) die "usage: ./quickstart.sh [DIR]" ;;
esac
dir=
[ -z "${1-}" ] || dir=$(cd "$1" && pwd -P) || die "$1: no such directory"
top=$(cd "$(dirname "$0")" && pwd -P) || exit 1
cd "$top" || exit 1
# shellcheck source=.ci/packages.sh
. "$top/.ci/packages.sh"
build=$top/build/quickstart
prefix=$build/installed
log=$build/build.log
cores=$(nproc 2>/dev/null || echo 2)

say()
{
	printf '\n==> %s\n' "$*"
}

quietly()
{
	"$@" >>"$log" 2>&1 && return
	tail -n 25 "$log" >&2
	die "failed: $* (all of it is in $log)"
}

seconds()
{
	date +%s
}

build_filemon()
{
	say "Building (log: $log)"
	mkdir -p "$build" || exit 1
	: >"$log"
	[ -x configure ] || quietly autoreconf -fi
	cd "$build" || exit 1
	[ -f Makefile ] || quietly "$top/configure" --prefix="$prefix"
	quietly make -j"$cores"
	quietly make install
	cd "$top" || exit 1
	PATH=$prefix/bin:$prefix/sbin:$PATH
	export PATH
	echo "$("$prefix/bin/filemonctl" version), in $prefix"
}

# Text is what grep takes for text; compressed files are left out by that.
copy_texts()
{
	(cd /usr/share/doc && find . -type f -size -512k -exec grep -IlZ . {} + |
		xargs -0 cp --parents -p -t "$1" --) 2>>"$log"
}

# The demo is made anew each time; a directory that is not ours is not touched.
make_demo()
{
	demo=${FILEMON_DEMO:-${XDG_DATA_HOME:-${HOME:-/tmp}/.local/share}/filemon-demo}
	say "Making the demo project: $demo"
	if [ -e "$demo" ]; then
		[ -e "$demo/.filemon/demo" ] || die "$demo exists and is no demo of mine"
		filemonctl -C "$demo" -q stop || die "$demo: the old daemon does not stop"
		rm -rf "$demo" || exit 1
	fi
	mkdir -p "$demo/.filemon" || exit 1
	: >"$demo/.filemon/demo"
	copy_texts "$demo"
	project=$demo
	echo "$(find "$project" -name .filemon -prune -o -type f -print | wc -l) text files copied from /usr/share/doc"
}

use_dir()
{
	project=$dir
	say "Using $project: nothing in it is changed; .filemon/ is made"
	if [ -e "$project/.filemon/filemon.conf" ]; then
		grep -q '^handler fts' "$project/.filemon/filemon.conf" ||
			die "$project is a filemon project already, without a handler fts: I leave it alone"
		filemonctl -C "$project" -q stop || die "the old daemon does not stop"
	fi
}

configure_project()
{
	conf=$project/.filemon/filemon.conf
	filemonctl -q init "$project" || die "init failed"
	if ! grep -q '^handler fts' "$conf"; then
		cat >>"$conf" <<-END

			handler fts {
			    load        = { "$fts", "load", "{path}" }
			    remove-file = { "$fts", "remove-file", "{path}" }
			    jobs        = $cores
			    timeout     = 1m
			}
		END
	fi
	echo "Configuration: $conf"
}

# The number of a member of "queue" in the status.
queue_number()
{
	filemonctl -C "$project" status --json |
		tr -d ' \t\n' | sed -n "s/.*\"queue\":{[^}]*\"$1\":\([0-9]*\).*/\1/p"
}

# On a terminal one line that changes; in a log a line now and then.
show_progress()
{
	if [ -t 1 ]; then
		printf '\r  %3d s: %s files to go   ' "$1" "$2"
	elif [ $(($1 % 5)) -eq 0 ]; then
		printf '  %3d s: %s files to go\n' "$1" "$2"
	fi
}

wait_with_progress()
{
	since=$(seconds)
	until filemonctl -C "$project" -q wait --idle --timeout 1s >/dev/null 2>&1; do
		pending=$(queue_number pending)
		[ -n "$pending" ] || die "the daemon does not answer: see $project/.filemon/trace.log"
		show_progress $(($(seconds) - since)) "$pending"
	done
	[ ! -t 1 ] || printf '\r'
	printf '  idle after %d s; %s failed          \n' $(($(seconds) - since)) "$(queue_number dead)"
}

idle()
{
	filemonctl -C "$project" -q wait --idle --timeout 1m || die "not idle within a minute"
}

search()
{
	printf '$ fts-index search %s\n' "$*"
	(cd "$project" && "$fts" search "$@") || echo "  (nothing found)"
}

finds()
{
	(cd "$project" && "$fts" search "$1" 2>/dev/null) | grep -qF -- "$2:"
}

expect()
{
	finds "$1" "$2" || die "the search for $1 should have found $2"
}

expect_not()
{
	! finds "$1" "$2" || die "the search for $1 should not find $2 any more"
}

show_add()
{
	say "Adding a file"
	search quokkaberry
	mkdir -p "$project/notes"
	echo "A quokkaberry is a fruit that grows in no other text." >"$project/notes/new.txt"
	echo "  ... notes/new.txt written"
	idle
	search quokkaberry
	expect quokkaberry notes/new.txt
}

show_edit()
{
	say "Editing a file, as an editor does: a new file renamed over the old one"
	search zanzibarwind
	sed 's/quokkaberry/zanzibarwind/' "$project/notes/new.txt" >"$project/notes/.new.txt.swp"
	mv "$project/notes/.new.txt.swp" "$project/notes/new.txt"
	echo "  ... notes/new.txt: quokkaberry replaced by zanzibarwind"
	idle
	search zanzibarwind
	search quokkaberry
	expect zanzibarwind notes/new.txt
	expect_not quokkaberry notes/new.txt
}

show_remove()
{
	say "Removing it"
	rm -r "$project/notes"
	echo "  ... notes/ removed"
	idle
	search zanzibarwind
	expect_not zanzibarwind notes/new.txt
}

say_goodbye()
{
	say "What to do next"
	cat <<-END
		    export PATH=$prefix/bin:$prefix/sbin:\$PATH
		    export MANPATH=$prefix/share/man:
		    cd "$project"
		    "$fts" search WORD...         search
		    filemonctl events -f        see what happens, as it happens
		    filemonctl why FILE         why was it delivered, or not
		    filemonctl stop             stop the daemon
		    man filemon-handler         write a handler of your own

		    configuration  $project/.filemon/filemon.conf
		    what it says   $project/.filemon/trace.log
		    index          $project/.filemon/fts.db
	END
}

say "Looking for what is needed"
install_missing "$build_needs$run_needs" || exit 1
echo "All there."
build_filemon
fts=$prefix/share/filemon/handlers/fts-index
if [ -n "$dir" ]; then use_dir; else make_demo; fi
configure_project

say "Starting filemond"
filemonctl -C "$project" start || die "it did not start: see $project/.filemon/trace.log"
wait_with_progress
echo "$(sqlite3 "$project/.filemon/fts.db" 'SELECT count(*) FROM file') files in the index"
if [ -z "$dir" ]; then
	show_add
	show_edit
	show_remove
	say "A search in what was there first"
	search permission warrant\* | head -n 6
fi
say "filemonctl status"
filemonctl -C "$project" status
say_goodbye
