# SPDX-License-Identifier: ISC
# bash(1) completion of filemond: its options from its own --help, what -o may be given
# from filemonctl.

# shellcheck source=/dev/null
declare -F _filemon_setting >/dev/null || . "${BASH_SOURCE[0]%/*}/filemonctl.bash"

_filemond() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local ctl=${FILEMONCTL:-filemonctl}
	COMPREPLY=()
	! _filemon_setting "$ctl" && ! _filemon_path "$prev" "$cur" || return 0
	case $prev in
	--format)
		mapfile -t COMPREPLY < <(compgen -W "$(_filemon_values "$ctl" format)" -- "$cur")
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" --help 2>/dev/null |
		sed -n 's/^  \(-.,\|   \) \(--[a-z-]*\).*/\2/p')" -- "$cur")
}

complete -o filenames -F _filemond filemond
