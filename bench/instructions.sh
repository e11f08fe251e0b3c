#!/bin/sh
# SPDX-License-Identifier: ISC
#
# instructions.sh BUILDDIR CC CFLAGS [update]
#
# Counts the instructions of three fixed workloads under callgrind and compares
# them with instructions.expected, so that a slow-down is noticed on a noisy
# machine.  Speaks TAP.  A count is only good for the compiler, the flags and
# the libraries it was made with; with others the check is skipped, with the
# reason.  "update" writes the file anew.

set -u
tolerance=5 # per cent
here=$(cd "$(dirname "$0")" && pwd -P) || exit 1
expected=$here/instructions.expected
[ $# -ge 3 ] || {
	echo "usage: instructions.sh BUILDDIR CC CFLAGS [update]" >&2
	exit 64
}
build=$1
cc=$2
cflags=$3
update=${4-}
workloads='count_events count_dirtab count_state'

skip()
{
	echo "1..0 # SKIP $*"
	exit 0
}

command -v valgrind >/dev/null || skip "valgrind is missing"

# glibc chooses how to copy and search by what the processor can do.
simd()
{
	grep -qw -m1 avx2 /proc/cpuinfo 2>/dev/null && printf ' with avx2'
}

# The options that only say what to warn about, or how to debug, change nothing.
made_with()
{
	$cc --version | sed -n '1s/^/compiler: /p'
	printf 'flags:'
	for flag in $cflags; do
		case $flag in
		-O* | -m* | -f*) printf ' %s' "$flag" ;;
		esac
	done
	echo
	echo "machine: $(uname -m)$(simd)"
	echo "libc: $(getconf GNU_LIBC_VERSION 2>/dev/null)"
	echo "sqlite: $(pkg-config --modversion sqlite3 2>/dev/null)"
	echo "valgrind: $(valgrind --version)"
}

out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
trap 'exit 1' HUP INT TERM

# count WORKLOAD: instructions, or nothing where it failed.
count()
{
	valgrind --tool=callgrind --collect-atstart=no --toggle-collect=workload \
		--callgrind-out-file=/dev/null "$build/bench/$1" >"$out/$1" 2>&1 ||
		return
	sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$out/$1"
}

complain()
{
	sed 's/^/# /' "$out/$1"
}

made_with >"$out/made_with"
if [ "$update" = update ]; then
	{
		echo "# Instructions of fixed workloads; make bench-instructions compares."
		sed 's/^/# /' "$out/made_with"
		for workload in $workloads; do
			echo "$workload $(count "$workload")"
		done
	} >"$out/new"
	cat "$out/new" >"$expected"
	cat "$expected"
	exit
fi

while read -r line; do
	grep -qxF -e "# $line" "$expected" ||
		skip "the counts are for another machine or compiler: $line"
done <"$out/made_with"

echo "1..3"
n=0
failed=0
for workload in $workloads; do
	n=$((n + 1))
	want=$(sed -n "s/^$workload //p" "$expected")
	got=$(count "$workload")
	if [ -z "$got" ] || [ -z "$want" ]; then
		echo "not ok $n - $workload: could not be counted"
		complain "$workload"
		failed=1
	elif [ $((got * 100)) -gt $((want * (100 + tolerance))) ]; then
		echo "not ok $n - $workload: $got instructions, more than $want + $tolerance %"
		failed=1
	elif [ $((got * 100)) -lt $((want * (100 - tolerance))) ]; then
		# Better, but then the file has to say so, or the next slow-down hides.
		echo "not ok $n - $workload: $got instructions, fewer than $want - $tolerance % (make bench-instructions UPDATE=update)"
		failed=1
	else
		echo "ok $n - $workload: $got instructions, $want expected"
	fi
done
exit $failed
