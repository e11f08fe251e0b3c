# SPDX-License-Identifier: ISC
# bash(1) completion of filemonctl: the words come from filemonctl itself.

# The command, behind the options that have a value (which "=" may part in words).
_filemonctl_command() {
	local i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-C | -c | -o | --project | --config | --option)
			i=$((i + 1))
			[[ ${COMP_WORDS[i + 1]-} != = ]] || i=$((i + 2))
			;;
		-*) ;;
		*)
			printf '%s\n' "${COMP_WORDS[i]}"
			return
			;;
		esac
	done
}

# What filemonctl CTL says that -o may be given, where it is -o's value that is
# completed; 1: it is not.
_filemon_setting() {
	local ctl=$1 at=$COMP_CWORD name='' word=${COMP_WORDS[COMP_CWORD]}
	if [[ $word == = ]]; then
		word=''
		at=$((at + 1))
	fi
	if [[ ${COMP_WORDS[at - 1]} == = ]]; then
		name=${COMP_WORDS[at - 2]}
		at=$((at - 2))
	fi
	[[ ${COMP_WORDS[at - 1]} == -o || ${COMP_WORDS[at - 1]} == --option ]] || return 1
	if [[ -n $name ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("$ctl" help --settings 2>/dev/null |
			sed -n "s/^$name=//p")" -- "$word")
	elif [[ $word == *=* ]]; then
		mapfile -t COMPREPLY < <(compgen -W \
			"$("$ctl" help --settings 2>/dev/null)" -- "$word")
	else
		mapfile -t COMPREPLY < <(compgen -W "$("$ctl" help --settings 2>/dev/null |
			sed 's/=.*/=/' | uniq)" -- "$word")
		compopt -o nospace 2>/dev/null
	fi
	return 0
}

# The words of an option whose values filemonctl CTL knows, for the option --NAME.
_filemon_values() {
	"$1" help --settings 2>/dev/null | sed -n "s/^$2=//p"
}

# _filemon_path PREVIOUS WORD: where a project or a configuration is named.
_filemon_path() {
	case $1 in
	-C | --project) mapfile -t COMPREPLY < <(compgen -d -- "$2") ;;
	-c | --config) mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
	*) return 1 ;;
	esac
}

_filemonctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local ctl=${COMP_WORDS[0]} command
	command=$(_filemonctl_command)
	COMPREPLY=()
	! _filemon_setting "$ctl" && ! _filemon_path "$prev" "$cur" || return 0
	case $prev in
	--format)
		mapfile -t COMPREPLY < <(compgen -W "$(_filemon_values "$ctl" format |
			if [[ $command == events ]]; then grep -vx none; else cat; fi)" -- "$cur")
		return
		;;
	--type)
		mapfile -t COMPREPLY < <(compgen -W \
			'created modified deleted renamed edited checksummed gap started stopped limited alert clock' -- "$cur")
		return
		;;
	esac
	case $cur in
	-*)
		mapfile -t COMPREPLY < <(compgen -W \
			"$("$ctl" help --options ${command:+"$command"} 2>/dev/null)" -- "$cur")
		return
		;;
	esac
	case $command in
	'' | help)
		mapfile -t COMPREPLY < <(compgen -W \
			"$("$ctl" help --commands 2>/dev/null)" -- "$cur")
		;;
	init | watch | run)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		;;
	pause | resume)
		mapfile -t COMPREPLY < <(compgen -W \
			"$("$ctl" status 2>/dev/null | sed -n 's/^handler  *\([A-Za-z0-9_-]*\).*/\1/p')" -- "$cur")
		;;
	retry | discard | scan | why)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	esac
}

complete -o filenames -F _filemonctl filemonctl
