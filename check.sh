#!/bin/sh
# SPDX-License-Identifier: ISC
#
# check.sh: everything that CI runs.
#
#	./check.sh              all stages
#	./check.sh quick        gcc and lint
#	./check.sh STAGE...     of: gcc clang fuzz dist lint speed
#
#	gcc     builds with gcc, warnings are errors; all tests
#	clang   the same with clang, under ASan and UBSan, with files in memory
#	fuzz    each fuzz target of that build for FUZZ_SECONDS (6), from its corpus
#	dist    make distcheck
#	lint    format of the sources, scripts, manuals
#	speed   instruction counts of fixed workloads; does the benchmark run
#
# Missing Debian packages are installed, where that is allowed.  Builds and logs
# are in build/check/.  The last line counts the tests of all stages; the exit
# code is 0 where none failed.

set -u
top=$(cd "$(dirname "$0")" && pwd -P) || exit 1
cd "$top" || exit 1
# shellcheck source=.ci/packages.sh
. "$top/.ci/packages.sh"
out=$top/build/check
cores=$(nproc 2>/dev/null || echo 2)
# Tests wait for conditions a good part of the time.
tests_at_once=$((cores + 1))
passed=0
failed=0

# configure_in NAME ARGS...: an out-of-tree build directory, which becomes the
# working directory.
configure_in()
{
	mkdir -p "$out/$1" && cd "$out/$1" || return
	shift
	[ -f Makefile ] || "$top/configure" -q "$@"
}

stage_gcc()
{
	configure_in gcc CC=gcc --enable-werror &&
		make -j"$cores" && make -j"$tests_at_once" check
}

# Its stages, clang and fuzz, have one build.  Nothing of it is installed, so what
# would be in the static library is not compiled a second time.
configure_clang()
{
	configure_in clang CC=clang CFLAGS='-O1 -g' --enable-werror --enable-sanitize \
		--enable-fuzz --disable-static
}

# in_memory COMMAND...: its temporary files are, where there is room for them and
# they may be run.  The gcc stage has the file system of the disk, which takes most
# of the time of many tests; a sanitizer finds the same on both.
in_memory()
{
	shm=/dev/shm
	probe=$(mktemp "$shm/filemon-check.XXXXXX" 2>/dev/null) || probe=
	if [ -n "$probe" ] && printf '#!/bin/sh\n' >"$probe" && chmod +x "$probe" && "$probe" &&
		[ "$(df -Pk "$shm" | awk 'END { print $4 }')" -gt 2000000 ]; then
		TMPDIR=$shm
		export TMPDIR
	fi
	rm -f "$probe"
	"$@"
}

stage_clang()
{
	configure_clang && make -j"$cores" &&
		in_memory make -j"$tests_at_once" check
}

# fuzz_one TARGET: what it finds is left in the build directory.
fuzz_one()
{
	name=${1##*/fuzz_}
	mkdir -p "corpus.$name" || return
	set -- "$1" -max_total_time="${FUZZ_SECONDS:-6}" -print_final_stats=0 \
		-rss_limit_mb=1024 -timeout=10 "corpus.$name"
	[ ! -d "$top/tests/fuzz/corpus/$name" ] || set -- "$@" "$top/tests/fuzz/corpus/$name"
	"$@"
}

# fuzz_lane N: every target whose turn it is, of as many lanes as there are cores.
fuzz_lane()
{
	found=0
	for target in tests/fuzz/fuzz_*; do
		if [ ! -f "$target" ] || [ ! -x "$target" ]; then
			continue
		fi
		found=$((found + 1))
		[ $((found % cores)) -eq "$1" ] || continue
		if fuzz_one "$target"; then
			echo "ok $found - ${target##*/}"
		else
			echo "not ok $found - ${target##*/}"
		fi
	done
}

stage_fuzz()
{
	configure_clang && make -j"$cores" fuzz-targets || return
	lane=0
	while [ "$lane" -lt "$cores" ]; do
		fuzz_lane "$lane" >"lane.$lane" 2>&1 &
		lane=$((lane + 1))
	done
	wait
	cat lane.*
	grep -q '^ok ' lane.* || echo "no fuzz target was built, or none went through"
	grep -q '^ok ' lane.*
}

# The stages above have run everything.  What the tarball can lack is shown by its
# build, where -O1 does, by the unit tests, but for those that take long, and by
# those that start what is built and read what is shipped.
dist_tests()
{
	sed -n 's/^unit_tests += //p' "$top"/tests/unit/*.am | grep -v '/test_watch\|/test_handing'
	(cd "$top" && ls tests/e2e/0*.t tests/e2e/10-start-stop.t tests/e2e/11-*.t) |
		grep -v '/00-scripts'
}

stage_dist()
{
	configure_in dist && make -j"$tests_at_once" distcheck \
		DISTCHECK_CONFIGURE_FLAGS='CFLAGS=-O1' TESTS="$(dist_tests | tr '\n' ' ')"
}

lint_format()
{
	find src include tests -name '*.[ch]' -exec clang-format --dry-run -Werror {} +
}

stage_lint()
{
	if lint_format; then
		echo "ok 1 - the sources are as clang-format leaves them"
	else
		echo "not ok 1 - the sources are as clang-format leaves them"
	fi
	# They are among the tests of that stage.
	case " $stages " in *" gcc "*) return ;; esac
	built=$out/gcc
	[ -d "$built" ] || built=$out/none
	for test in tests/e2e/00-*.t; do
		top_srcdir=$top top_builddir=$built sh "$test"
	done
}

# Times say nothing here, where other work runs beside it: instructions are
# compared, and of the benchmark only that it goes through, with small sizes.
stage_speed()
{
	configure_in gcc CC=gcc --enable-werror && make -s -j"$cores" &&
		make -s bench-instructions || return
	if ! command -v python3 >/dev/null; then
		echo "1..0 # SKIP the benchmark: python3 is missing"
	elif make -s bench BENCH='setup storm rename' BENCH_SIZE=tiny BENCH_FLAGS=--no-peers &&
		! grep -q 'broke off' bench/results.json; then
		echo "ok 4 - make bench goes through"
	else
		echo "not ok 4 - make bench goes through"
	fi
}

# The tests of a log: automake's summaries, or TAP where there is none.
count()
{
	awk -v want="$1" '
	/^# (PASS|XFAIL): /      { seen = 1; p += $3 }
	/^# (FAIL|XPASS|ERROR): / { seen = 1; f += $3 }
	/^ok .*# SKIP/           { next }
	/^ok /                   { tp++ }
	/^not ok /               { tf++ }
	END { if (!seen) { p = tp; f = tf } print (want == "pass" ? p : f) + 0 }' "$2"
}

# What each failed test said of itself, in its first lines.
show_failed_tests()
{
	find "$out/$1" -name '*.log' -path '*/tests/*' -exec grep -l '^not ok\|^Bail out' {} + 2>/dev/null |
		while read -r test_log; do
			echo "    --- ${test_log#"$out/"}:"
			awk '
			/^not ok|^Bail out/ { left = 14 }
			/^(ok|PASS)/        { left = 0 }
			/^(FAIL|ERROR)/     { next }
			left-- > 0          { print "    " substr($0, 1, 160) }' "$test_log" | head -n 60
		done
}

# What a reader of the terminal has to see of a stage that failed: tests, or else
# where it broke off.
show_failure()
{
	show_failed_tests "$2" | tee "$out/failed"
	[ -s "$out/failed" ] || {
		grep -E 'error:|warning:|\*\*\*|^not ok|ERROR: AddressSanitizer|runtime error' "$1" | head -n 40
		echo "    --- the end of $1:"
		tail -n 30 "$1" | sed 's/^/    /'
	}
}

run_stage()
{
	printf '\n==> %s\n' "$1"
	log=$out/$1.log
	begin=$(date +%s)
	("stage_$1") >"$log" 2>&1
	code=$?
	p=$(count pass "$log")
	f=$(count fail "$log")
	# A stage that breaks off with no test failed is a failure all the same.
	[ "$code" -eq 0 ] || [ "$f" -gt 0 ] || f=1
	passed=$((passed + p))
	failed=$((failed + f))
	[ "$f" -eq 0 ] || show_failure "$log" "$1"
	printf '    %s: %d passed, %d failed, %d s\n' "$1" "$p" "$f" $(($(date +%s) - begin))
}

stages=
[ $# -gt 0 ] || set -- gcc clang fuzz dist lint speed
for stage; do
	case $stage in
	quick) stages="$stages gcc lint" ;;
	gcc | clang | fuzz | dist | lint | speed) stages="$stages $stage" ;;
	*)
		echo "usage: ./check.sh [quick | gcc clang fuzz dist lint speed]" >&2
		exit 64
		;;
	esac
done

install_missing "$build_needs$run_needs$check_needs" || exit 1
mkdir -p "$out" || exit 1
if [ ! -x configure ]; then
	autoreconf -fi >"$out/autoreconf.log" 2>&1 || {
		cat "$out/autoreconf.log" >&2
		exit 1
	}
fi
for stage in $stages; do
	run_stage "$stage"
done
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
