# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034
#
# What has to be installed, and installing it; sourced by quickstart.sh and
# check.sh.  A row is "what to look for: Debian package", where what to look
# for is a command, a pkg-config module (pc/NAME) or a header (h/NAME).

build_needs='
autoconf: autoconf
automake: automake
libtoolize: libtool
make: make
gcc: gcc
pkg-config: pkg-config
h/stdio.h: libc6-dev
h/ev.h: libev-dev
pc/libcjson: libcjson-dev
pc/libbsd-overlay: libbsd-dev
pc/libmd: libmd-dev
pc/libzstd: libzstd-dev
pc/libconfuse: libconfuse-dev
pc/sqlite3: libsqlite3-dev
pc/libseccomp: libseccomp-dev
pc/libcrypto: libssl-dev
pc/libjwt: libjwt-dev
'
run_needs='
sqlite3: sqlite3
'
check_needs='
pc/check: check
clang: clang
rt/clang: libclang-rt-dev
clang-format: clang-format
shellcheck: shellcheck
mandoc: mandoc
valgrind: valgrind
python3: python3
jq: jq
git: git
vim.tiny: vim-tiny
nano: nano
emacs: emacs-nox
xz: xz-utils
zstd: zstd
kcat: kcat
openssl: openssl
/usr/sbin/rsyslogd: rsyslog
/usr/sbin/logrotate: logrotate
'

# The name has the version of clang in it, which is known once clang is there.
clang_rt_package()
{
	version=$(clang -dumpversion 2>/dev/null)
	[ -n "$version" ] ||
		version=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p')
	echo "libclang-rt-${version%%.*}-dev"
}

has_clang_rt()
{
	command -v clang >/dev/null || return 1
	for file in "$(clang -print-resource-dir)"/lib/linux/libclang_rt.fuzzer-*.a; do
		[ -e "$file" ] && return 0
	done
	return 1
}

has_need()
{
	case $1 in
	pc/*) pkg-config --exists "${1#pc/}" 2>/dev/null ;;
	h/*) printf '#include <%s>\n' "${1#h/}" | gcc -E -o /dev/null -x c - 2>/dev/null ;;
	rt/clang) has_clang_rt ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

# Prints the packages that are missing for the rows given.
missing_packages()
{
	echo "$1" | while IFS=': ' read -r need package; do
		[ -n "$need" ] || continue
		has_need "$need" && continue
		[ "$package" = libclang-rt-dev ] && package=$(clang_rt_package)
		echo "$package"
	done | sort -u | tr '\n' ' ' | sed 's/ $//'
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

# A fresh machine's apt knows of no package before the update, so the names are
# asked for again.
apt_get_install()
{
	as_root apt-get -q update || return
	# shellcheck disable=SC2046 # a list of words
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install \
		--no-install-recommends $(missing_packages "$1")
}

# Installs what is missing for the rows given; 1, with what to do, where it
# cannot.
install_missing()
{
	packages=$(missing_packages "$1")
	[ -n "$packages" ] || return 0
	if ! command -v apt-get >/dev/null; then
		echo "These are missing (named as Debian packages): $packages" >&2
		echo "There is no apt here: please install them and start again." >&2
		return 1
	fi
	echo "Installing: $packages"
	if [ "$(id -u)" -ne 0 ] && ! sudo -n true 2>/dev/null; then
		echo "That needs root, and sudo does not allow it without a password.  Please run" >&2
		echo "    sudo apt-get install --no-install-recommends $packages" >&2
		echo "and start again." >&2
		return 1
	fi
	apt_log=$(mktemp) || return 1
	apt_get_install "$1" >"$apt_log" 2>&1 || tail -n 20 "$apt_log" >&2
	rm -f "$apt_log"
	packages=$(missing_packages "$1")
	[ -z "$packages" ] || {
		echo "apt-get could not install: $packages" >&2
		return 1
	}
}
