# SPDX-License-Identifier: ISC
# Calls that fail, processes that are killed there, power cuts: a sample of the
# points of tests/fault/sweep, as many as there is time for (SWEEP_SECONDS), in an
# order that SWEEP_SEED makes.  "make check-fault" tries all.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/tap.sh"

fault=${top_builddir:?}/tests/fault
[ -z "${SANITIZE-}" ] || skip_all "a sanitizer wants to be loaded first"
[ -x "$fault/sweep" ] || skip_all "tests/fault/sweep is not built"
seconds=${SWEEP_SECONDS:-12}
seed=${SWEEP_SEED:-1}

# sweep OPTION...: what it says of the points is kept in $T/points.
sweep()
{
	"$fault/sweep" -s "$seed" "$@" "$top_builddir" "$T" >"$T/points" 2>&1
	code=$?
	cat "$T/points"
	return $code
}

ok "a call that fails, or a kill -9 there, loses nothing" sweep -j 4 -t "$seconds"
diag "$(tail -n 1 "$T/points")"
ok "a power cut loses nothing" sweep -j 4 -p -t $((seconds / 2))
diag "$(tail -n 1 "$T/points")"
done_testing
