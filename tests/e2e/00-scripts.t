# SPDX-License-Identifier: ISC
# Scripts are clean to shellcheck and begin as they should.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/tap.sh"
need shellcheck
[ -z "${SANITIZE-}" ] || skip_all "no program is run: the build without sanitizers does it"

cd "$top_srcdir" || bail "no $top_srcdir"

# Those of contrib and tests/handlers have no suffix: they are told by "#!".
scripts()
{
	ls check.sh quickstart.sh .ci/run .ci/packages.sh
	find contrib tests -type f \( -name '*.sh' -o -name '*.t' \) -print
	find contrib tests -type f ! -name '*.*' -exec \
		awk 'FNR == 1 && /^#!.*sh/ { print FILENAME }' {} +
}

scripts | sort -u >"$T/list"
while read -r script; do
	case $(head -n 1 "$script") in
	'#!/bin/bash') shell=bash ;;
	*) shell='sh' ;;
	esac
	ok "shellcheck $script" shellcheck -s "$shell" -x "$script"
done <"$T/list"

for script in $(find contrib/handlers -type f) check.sh quickstart.sh .ci/run; do
	ok "$script can be run" test -x "$script"
	is "$script begins with #!/bin/sh" "$(head -n 1 "$script")" "#!/bin/sh"
done

done_testing
