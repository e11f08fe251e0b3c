# SPDX-License-Identifier: ISC
# bash(1) completion of filemonctl: the words come from filemonctl itself.

_filemonctl_command() {
	local i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-C | -c | -o | --project | --config | --option) i=$((i + 1)) ;;
		-*) ;;
		*)
			printf '%s\n' "${COMP_WORDS[i]}"
			return
			;;
		esac
	done
}

_filemonctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local ctl=${COMP_WORDS[0]} command
	command=$(_filemonctl_command)
	COMPREPLY=()
	case $prev in
	-C | --project)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	--format)
		mapfile -t COMPREPLY < <(compgen -W "json pretty cloudevents$(
			[[ $command == events ]] || echo ' none'
		)" -- "$cur")
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
