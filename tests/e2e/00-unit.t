# SPDX-License-Identifier: ISC
# Each point that systemd-analyze counts against the unit is explained in
# doc/hardening.md, and nothing is explained there that it does not count.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/tap.sh"
need jq
command -v systemd-analyze >/dev/null || skip_all "no systemd-analyze"

sed -e 's,@sbindir[@],/usr/sbin,; s,@bindir[@],/usr/bin,' \
	"$top_srcdir/contrib/systemd/filemon@.service.in" >"$T/filemon@x.service"
systemd-analyze security --offline=yes --no-pager --json=short \
	"$T/filemon@x.service" >"$T/json" 2>/dev/null
jq -e 'length > 0' "$T/json" >"$T/out" 2>&1 ||
	skip_all "this systemd-analyze does not judge units offline"

# The newest names differ between versions; what counts is what has a weight.
jq -r '.[] | select(.exposure != null and .exposure != "0" and .exposure != "" and (.set == false)) | .name' \
	"$T/json" | sort >"$T/counted"
# shellcheck disable=SC2016
sed -n '/^## The unit/,$ s/^| `\([^`]*\)`.*/\1/p' "$top_srcdir/doc/hardening.md" |
	sed 's/\\|/|/g' | sort >"$T/explained"
ok "something is counted" test -s "$T/counted"
is "what is counted is explained" "$(comm -23 "$T/counted" "$T/explained")" ""
is "the unit's judgement is 3 or better" \
	"$(systemd-analyze security --offline=yes --no-pager --threshold=30 "$T/filemon@x.service" >/dev/null 2>&1; echo $?)" 0
diag "$(systemd-analyze security --offline=yes --no-pager "$T/filemon@x.service" 2>/dev/null | tail -n 1)"
done_testing
