#!/bin/sh
# SPDX-License-Identifier: ISC
#
# peers.sh: installs from Debian the programs that `make bench` compares with.
#
#	bench/peers.sh          installs what is missing
#	bench/peers.sh list     what is installed, with its version
#
# Nothing of them is left running: incron's service is stopped and disabled.

set -u
packages='inotify-tools fswatch direvent lsyncd incron entr watchman'

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

list()
{
	for package in $packages; do
		version=$(dpkg-query -W -f '${db:Status-Status} ${Version}' "$package" 2>/dev/null)
		case $version in
		installed*) echo "$package ${version#installed }" ;;
		*) echo "$package -" ;;
		esac
	done
}

[ "${1-}" = list ] && {
	list
	exit
}
command -v apt-get >/dev/null || {
	echo "peers.sh: there is no apt here (these are wanted: $packages)" >&2
	exit 1
}
as_root apt-get -q update || exit
# A package that this Debian lacks does not keep the others away.
for package in $packages; do
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install \
		--no-install-recommends "$package" ||
		echo "peers.sh: $package: not installed (its rows are left out)" >&2
done
if command -v systemctl >/dev/null && [ -d /run/systemd/system ]; then
	as_root systemctl disable --now incron lsyncd 2>/dev/null
elif [ -x /etc/init.d/incron ]; then
	as_root /etc/init.d/incron stop
fi
list
