# SPDX-License-Identifier: ISC
# The manuals are clean mdoc and tell of everything there is.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/tap.sh"

lint()
{
	mandoc -T lint -W warning "$1" >"$T/lint" 2>&1
	code=$?
	cat "$T/lint"
	return "$code"
}

if command -v mandoc >/dev/null; then
	for page in "$top_srcdir"/man/*.[1-8]; do
		ok "mandoc: man/${page##*/}" lint "$page"
	done
	printf '.Dd January 1, 2026\n.Dt X 1\n.Os\n.Sh NAME\n.Em\n' >"$T/bad.1"
	not_ok "a page with a fault is found" lint "$T/bad.1"
else
	skip "mandoc is not installed"
fi

ctl=${top_builddir:?}/filemonctl
if [ -x "$ctl" ]; then
	"$ctl" help --commands >"$T/commands" || bail "filemonctl help --commands fails"
	ok "filemonctl names its commands" test -s "$T/commands"
	while read -r command; do
		ok "filemonctl.1 tells of $command" \
			grep -Eq "^\.(It|Ss)( [A-Z][a-z])? $command( |\$)" "$top_srcdir/man/filemonctl.1"
	done <"$T/commands"

	# entry COMMAND: what the manual has on a command, to the next one.
	entry()
	{
		awk -v head="^\\.It Cm $1( |\$)" '$0 ~ head { on = 1; print; next }
			/^\.(It Cm|Ss|Sh) / { on = 0 } on' "$top_srcdir/man/filemonctl.1"
	}
	# The rows of --help as the manual has them: "Fl t , Fl Fl timeout".
	rows()
	{
		sed -n 's/^  *-\(.\), --\([a-z-]*\).*/Fl \1 , Fl Fl \2/p
			s/^       *--\([a-z-]*\).*/Fl Fl \1/p'
	}
	while read -r command; do
		entry "$command" >"$T/entry"
		"$ctl" "$command" --help | sed '/^options of every command/,$d' | rows >"$T/rows"
		while read -r row; do
			ok "filemonctl.1 tells of $command: $row" grep -Eq "^\.It $row( |\$)" "$T/entry"
		done <"$T/rows"
		grep '^\.It Fl' "$T/entry" | while read -r line; do
			grep -qF "$(echo "${line#.It }" | sed 's/ \(Ar\|Ns\) .*//')" "$T/rows" ||
				echo "$command: $line"
		done >"$T/more"
		is "... and of no other" "$(cat "$T/more")" ""
	done <"$T/commands"
	daemon=${top_builddir:?}/filemond
	"$daemon" --help | rows >"$T/rows"
	ok "filemond --help lists its options" test "$(wc -l <"$T/rows")" -ge 13
	while read -r row; do
		ok "filemond.8 tells of $row" grep -Eq "^\.It $row( |\$)" "$top_srcdir/man/filemond.8"
	done <"$T/rows"
	sed '/^\.Ss Making/,$d' "$top_srcdir/man/filemonctl.1" >"$T/entry"
	"$ctl" --help | rows >"$T/rows"
	while read -r row; do
		ok "filemonctl.1 tells of every command's $row" grep -Eq "^\.It .*$row( |\$)" "$T/entry"
	done <"$T/rows"
else
	skip "filemonctl is not built"
fi

# Every option of the table has its item in filemon.conf(5).
sed -n 's/.*\.name = "\([a-z-]*\)".*/\1/p; s/^[ \t]*{ "\([a-z][a-z-]*\)", OPTION_.*/\1/p' \
	"$top_srcdir/src/conf/options.c" | sort -u >"$T/names"
ok "the table of options can be read" test -s "$T/names"
while read -r name; do
	ok "filemon.conf.5 tells of $name" \
		grep -Eq "^\.It( [A-Z][a-z])? $name( |\$)" "$top_srcdir/man/filemon.conf.5"
done <"$T/names"

done_testing
