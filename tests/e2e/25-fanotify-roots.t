# SPDX-License-Identifier: ISC
# 18-roots.t over fanotify: the same tests, the same results.
TEST_BACKEND=fanotify
export TEST_BACKEND
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/alone.sh"
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/e2e/18-roots.t"
