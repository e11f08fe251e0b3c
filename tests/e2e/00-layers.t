# SPDX-License-Identifier: ISC
# Every #include "folder/file.h" in src is one that src/LAYERS allows.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/tap.sh"

# Prints file:line of every include that is not allowed.  "lib" in LAYERS is
# include/filemon, included as <filemon/...>; a word with a slash is one header.
check_layers()
{
	(cd "$1/src" && find . -name '*.[ch]' -exec awk '
	FILENAME == layers && /^[a-z]+:/ {
		folder = $1
		sub(":", "", folder)
		known[folder] = 1
		for (i = 2; i <= NF; i++)
			allowed[folder, $i] = 1
		next
	}
	FILENAME == layers { next }
	FNR == 1 {
		split(FILENAME, part, "/")
		folder = part[2]
		if (!known[folder])
			print "src/" folder ": not in src/LAYERS"
	}
	/^[ \t]*#[ \t]*include[ \t]*["<]/ {
		system_header = /</
		header = $0
		sub(/^[^"<]*["<]/, "", header)
		sub(/[">].*/, "", header)
		target = header
		sub("/.*", "", target)
		if (system_header && target != "filemon")
			next
		if (target == "filemon")
			target = "lib"
		if (header == "config.h" || target == folder)
			next
		if (index(header, "/") == 0)
			print FILENAME ":" FNR ": " header ": an include names its folder"
		else if (!allowed[folder, target] && !allowed[folder, header])
			print FILENAME ":" FNR ": " folder " may not include " header
	}' layers=LAYERS LAYERS {} +)
}

faults=$(check_layers "$top_srcdir")
is "each folder of src includes only what src/LAYERS allows" "$faults" ""

# The check itself can fail.
mkdir -p "$T/src/base" "$T/src/watcher" "$T/src/ctl"
cp "$top_srcdir/src/LAYERS" "$T/src/LAYERS"
printf '#include <stdio.h>\n#include "state/node.h"\n' >"$T/src/base/up.c"
printf '#include "base/buf.h"\n#include "node.h"\n' >"$T/src/watcher/bare.c"
faults=$(check_layers "$T")
like "an include upwards is found, with file and line" "$faults" "*base/up.c:2:*"
like "an include without its folder is found" "$faults" "*watcher/bare.c:2:*"

done_testing
