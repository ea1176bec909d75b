# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of doublelock(1). What there is, the program says itself.

# the lines of --help that are about one subject
_doublelock_about()
{
	doublelock --help 2>/dev/null | awk -v subject="$1" '
		/^  [a-z]/ { mine = $1 == subject }
		/^$/ { mine = 0 }
		mine'
}

_doublelock()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local subject=${COMP_WORDS[1]-} about words

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		words=$(doublelock --help 2>/dev/null | awk '/^  [a-z]/ { print $1 }')
		mapfile -t COMPREPLY < <(compgen -W "$words --help --version" -- "$cur")
		return
	fi
	case $prev in
	--config | --trust | --intermediates | --ca | --crl | --sample | --bind | --png | --batch)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		compopt -o filenames 2>/dev/null
		return
		;;
	--algorithm) words='SHA1 SHA256 SHA512' ;;
	--revocation) words='require prefer off' ;;
	--user | --admin)
		mapfile -t COMPREPLY < <(compgen -u -- "$cur")
		return
		;;
	*)
		about=$(_doublelock_about "$subject")
		if [[ $cur == -* ]]; then
			words=$(grep -oE -e '--[a-z-]+' <<<"$about")
		elif ((COMP_CWORD == 2)) && [[ $about == *' | '* ]]; then
			# "cert add USER FILE | list [USER] | ...": the verbs
			words=$(echo "${about#*"$subject"}" | tr '|' '\n' | awk '{ print $1 }')
		else
			mapfile -t COMPREPLY < <(compgen -u -f -- "$cur")
			compopt -o filenames 2>/dev/null
			return
		fi
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _doublelock doublelock
