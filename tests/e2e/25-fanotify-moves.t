# SPDX-License-Identifier: ISC
# 17-moves.t over fanotify: the same tests, the same results.
TEST_BACKEND=fanotify
export TEST_BACKEND
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/alone.sh"
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/e2e/17-moves.t"
