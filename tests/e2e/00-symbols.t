# SPDX-License-Identifier: ISC
# libfilemon exports what its header declares, and nothing else.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/tap.sh"
need nm

library=${top_builddir:?}/.libs/libfilemon.so
[ -e "$library" ] || skip_all "no shared libfilemon was built"

nm -D --defined-only "$library" | awk '{ print $NF }' | sed 's/@.*//' |
	sort -u >"$T/exported"
# A declared function is fm_... before an opening parenthesis, not a member and
# not in a comment.
sed -e 's,/\*.*\*/,,' "$top_srcdir/include/filemon/watch.h" |
	grep -v '^ \*' | grep -o '\bfm_[a-z_]*(' | tr -d '(' | sort -u >"$T/declared"

ok "the library exports something" test -s "$T/exported"
is "every exported symbol begins with fm_" "$(grep -v '^fm_' "$T/exported")" ""
is "every exported function is declared" "$(comm -23 "$T/exported" "$T/declared")" ""
is "every declared function is exported" "$(comm -13 "$T/exported" "$T/declared")" ""

done_testing
