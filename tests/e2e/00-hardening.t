# SPDX-License-Identifier: ISC
# What compiler and linker do against faults of memory is in what was built
# (doc/hardening.md).
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/tap.sh"
need readelf
[ -x "${top_builddir:?}/filemond" ] || skip_all "nothing was built"
hardening=$(sed -n 's/^enable_hardening = //p' "${top_builddir:?}/Makefile")
[ "$hardening" != no ] || skip_all "configured with --disable-hardening"
[ -z "${SANITIZE-}" ] || skip_all "a build with sanitizers is for tests alone"

optimised()
{
	sed -n 's/^C\(PP\)*FLAGS = //p' "$top_builddir/Makefile" | grep -q -e '-O[1-9s]'
}
# has FILE ERE: a line in its headers, flags or symbols
has()
{
	readelf -W -h -l -d --dyn-syms "$1" >"$T/elf" && grep -qE -e "$2" "$T/elf"
}
hardened() # FILE
{
	ok "${1##*/}: relocations are read-only" has "$1" '^ *GNU_RELRO '
	ok "${1##*/}: all of them" has "$1" 'BIND_NOW|FLAGS_1.* NOW'
	ok "${1##*/}: the stack is not executable" has "$1" '^ *GNU_STACK .* RW +0x'
}

programs='filemond filemonctl filemon-hash filemon-pack filemon-token'
for name in $programs; do
	file=$top_builddir/$name
	ok "$name can be loaded anywhere" has "$file" 'FLAGS_1.* PIE'
	hardened "$file"
done
hardened "$top_builddir/.libs/libfilemon.so"
if [ "$hardening" = full ] && optimised; then
	for name in filemond filemonctl; do
		ok "$name checks the size of buffers" has "$top_builddir/$name" ' __[a-z]+_chk@'
	done
else
	skip "the size of buffers: not with --enable-hardening=full, or not optimised" 2
fi
for name in filemond filemonctl; do
	ok "$name guards its stack" has "$top_builddir/$name" ' __stack_chk_fail@'
done
done_testing
