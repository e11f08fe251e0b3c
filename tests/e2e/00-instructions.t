# SPDX-License-Identifier: ISC
# bench/instructions.sh notices a slow-down, and does not judge what it cannot.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/tap.sh"

cp "$top_srcdir/bench/instructions.sh" "$T/"
mkdir "$T/bin"
cat >"$T/bin/valgrind" <<'EOF'
#!/bin/sh
[ "$1" != --version ] || { echo valgrind-3.0.0; exit; }
echo "==1== Collected : $(cat "$T/count")"
EOF
cat >"$T/bin/gcc" <<'EOF'
#!/bin/sh
cat "$T/compiler"
EOF
chmod +x "$T/bin/valgrind" "$T/bin/gcc"
PATH=$T/bin:$PATH
export PATH T

# compare COUNT [update]
compare()
{
	echo "$1" >"$T/count"
	sh "$T/instructions.sh" "$T" gcc '-g -O2' ${2+"$2"} >"$T/out" 2>&1
}

echo "gcc 12.2.0" >"$T/compiler"
compare 100000 update
ok "counts are kept" grep -qx 'count_state 100000' "$T/instructions.expected"
ok "the same count passes" compare 100000
ok "4 % more passes" compare 104000
ok "6 % more fails" eval '! compare 106000'
ok "... and names the workload" grep -q 'not ok 1 - count_events: 106000 instructions' "$T/out"
ok "6 % less has to be written down" eval '! compare 94000'
echo "gcc 13.1.0" >"$T/compiler"
ok "with another compiler nothing fails" compare 200000
ok "... and the reason is said" grep -q '# SKIP .*compiler: gcc 13.1.0' "$T/out"

done_testing
