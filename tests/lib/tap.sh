# SPDX-License-Identifier: ISC
# shellcheck shell=sh
#
# TAP for tests in sh.  Sourced first by every test:
#
#	. "${top_srcdir:?}/tests/lib/tap.sh"
#	need jq sqlite3                      # skips the whole test without them
#	ok "a sentence that says it" cmd args...   # runs cmd: must succeed
#	not_ok "a sentence" cmd args...      # must fail
#	exits CODE "a sentence" cmd args...  # must end with that code
#	is "a sentence" got wanted           # strings
#	like "a sentence" got pattern        # of case
#	wait_for SECONDS cmd args...         # polls every 50 ms; 1 at the time-out
#	skip REASON [N]; skip_all REASON; diag text...; bail reason
#	done_testing                         # or plan N at the beginning
#
# T is this test's own directory, removed at the end (KEEP=1 keeps it).
# What is given to at_exit runs at the end, the last one first, however the
# test ends.  TIME_SCALE multiplies the limits of wait_for.

tap_n=0
tap_failed=0
tap_planned=
tap_hooks=
tap_last= # a last test, which a library adds
T=$(mktemp -d "${TMPDIR:-/tmp}/filemon-test.XXXXXX") || exit 99
T=$(cd "$T" && pwd -P) || exit 99
export LC_ALL=C

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

diag_file()
{
	tail -n "${2:-20}" "$1" 2>/dev/null | tr -c '[:print:]\n' '?' | sed 's/^/# | /'
}

bail()
{
	echo "Bail out! $*"
	exit 99
}

at_exit()
{
	tap_hooks="$1
$tap_hooks"
}

tap_end()
{
	tap_code=$?
	trap - EXIT HUP INT TERM
	eval "$tap_hooks"
	if [ -n "${KEEP-}" ]; then
		diag "kept: $T"
	else
		chmod -R u+rwX "$T" 2>/dev/null
		rm -rf "$T"
		[ -z "${ALONE-}" ] || { umount -l "$ALONE" && rmdir "$ALONE"; }
	fi
	exit "$tap_code"
}
trap tap_end EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

skip_all()
{
	echo "1..0 # SKIP $*"
	exit 0
}

need()
{
	for tap_tool; do
		command -v "$tap_tool" >/dev/null ||
			skip_all "$tap_tool is not installed"
	done
}

plan()
{
	tap_planned=$1
	echo "1..$1"
}

# tap_result CODE SENTENCE
tap_result()
{
	tap_n=$((tap_n + 1))
	if [ "$1" -eq 0 ]; then
		printf 'ok %d - %s\n' "$tap_n" "$2"
	else
		tap_failed=$((tap_failed + 1))
		printf 'not ok %d - %s\n' "$tap_n" "$2"
	fi
	return "$1"
}

ok()
{
	tap_text=$1
	shift
	"$@" >"$T/.tap" 2>&1
	tap_rc=$?
	tap_result "$tap_rc" "$tap_text" && return 0
	diag "exit $tap_rc of: $*"
	diag_file "$T/.tap"
	return 1
}

not_ok()
{
	tap_text=$1
	shift
	if "$@" >"$T/.tap" 2>&1; then
		tap_result 1 "$tap_text"
		diag "succeeded, and should not: $*"
		diag_file "$T/.tap"
		return 1
	fi
	tap_result 0 "$tap_text"
}

exits()
{
	tap_want=$1
	tap_text=$2
	shift 2
	"$@" >"$T/.tap" 2>&1
	tap_rc=$?
	[ "$tap_rc" -eq "$tap_want" ]
	tap_result $? "$tap_text" && return 0
	diag "exit $tap_rc, wanted $tap_want, of: $*"
	diag_file "$T/.tap"
	return 1
}

is()
{
	[ "$2" = "$3" ]
	tap_result $? "$1" && return 0
	diag "got:    $(printf '%s' "$2" | tr -c '[:print:]\n' '?' | head -n 20)"
	diag "wanted: $(printf '%s' "$3" | tr -c '[:print:]\n' '?' | head -n 20)"
	return 1
}

like()
{
	# shellcheck disable=SC2254
	case $2 in
	$3) tap_result 0 "$1" && return 0 ;;
	esac
	tap_result 1 "$1"
	diag "got:     $(printf '%s' "$2" | tr -c '[:print:]\n' '?' | head -n 20)"
	diag "pattern: $3"
	return 1
}

# The time that the test looked at may be that of a loaded machine.
wait_for()
{
	tap_until=$(($(date +%s) + $1 * ${TIME_SCALE:-1}))
	shift
	until "$@" >"$T/.wait" 2>&1; do
		if [ "$(date +%s)" -ge "$tap_until" ]; then
			"$@" && return 0
			echo "not within the time: $*"
			return 1
		fi
		sleep 0.05
	done
}

skip()
{
	tap_left=${2:-1}
	while [ "$tap_left" -gt 0 ]; do
		tap_n=$((tap_n + 1))
		tap_left=$((tap_left - 1))
		echo "ok $tap_n # SKIP $1"
	done
}

done_testing()
{
	eval "$tap_last"
	[ -n "$tap_planned" ] || echo "1..$tap_n"
	if [ "$tap_failed" -gt 0 ]; then
		diag "$tap_failed of $tap_n failed"
		exit 1
	fi
	exit 0
}
