# SPDX-License-Identifier: ISC
# shellcheck shell=sh
#
# Sourced first of all by a test over fanotify, which is told of what happens on the
# whole file system: what other tests do there at the same time would fill its queue,
# and after a loss a rename is told as a removal and a creation.  Where that is
# allowed, the test begins anew in a mount namespace, with a temporary directory
# on a file system of its own; tap.sh takes it away.

if [ -z "${ALONE-}" ]; then
	ALONE=$(mktemp -d "${TMPDIR:-/tmp}/filemon-test.XXXXXX") || exit 99
	export ALONE
	if unshare -m mount -t tmpfs filemon-test "$ALONE" 2>/dev/null; then
		# shellcheck disable=SC2016 # of the inner shell
		exec unshare -m sh -c 'mount -t tmpfs filemon-test "$ALONE" &&
			TMPDIR=$ALONE exec sh "$0"' "$0"
	fi
	rmdir "$ALONE"
	unset ALONE
fi
