# SPDX-License-Identifier: ISC
# shellcheck shell=sh
#
# For the tests of convergence, after daemon.sh: a project with the mirror
# handler, writers, and the comparison.

# shellcheck disable=SC2034
{
	[ -z "${SANITIZE-}" ] || : "${CHURN_OPS:=2000}" "${CHURN_FAULT_OPS:=1000}"
	OPS=${CHURN_OPS:-20000}
	FAULT_OPS=${CHURN_FAULT_OPS:-3000}
}

# mirror_project NAME FLAKY
mirror_project()
{
	mirror=${top_srcdir:?}/contrib/handlers/mirror
	flaky=
	[ "$2" -eq 0 ] || flaky="\"$H/flaky\","
	export MIRROR_TARGET="$T/$1.mirror"
	mkdir "$MIRROR_TARGET"
	project "$1" <<-CONF
	default-ignores = false
	settle = 50ms
	settle-max = 1s
	handler mirror {
		types       = { file, dir, symlink }
		load        = { $flaky "$mirror", "load", "{path}" }
		remove-file = { $flaky "$mirror", "remove-file", "{path}" }
		jobs        = 4
		retries     = -1
		backoff     = 20ms
		backoff-max = 500ms
		breaker-failures = 0
	}
	CONF
}

# churn OPERATIONS SEED [OPTION...]
churn()
{
	churn_n=$1
	churn_seed=$(($2 + ${CHURN_SEED:-0}))
	shift 2
	"$TOOLS/churn" -w 4 -d 1000 "$@" -n "$churn_n" -s "$churn_seed" "$P"
}

same()
{
	"$TOOLS/treediff" -x .filemon "$P" "$MIRROR_TARGET" >"$T/diff" && return 0
	head -n 20 "$T/diff"
	grep differences "$T/diff"
	return 1
}

tell()
{
	diag "$(find "$P" -path "$P/.filemon" -prune -o -print | wc -l) paths," \
		"$(st '"\(.handlers[0].runs) runs, \(.handlers[0].retries) retries, \(.events.seq) events, \(.events.overflows) overflows"')"
}
