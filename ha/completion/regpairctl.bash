# shellcheck shell=bash
# regpairctl.bash - completion of regpairctl in bash: commands, options, names of subscribers and NAPs.
#
# Commands and options are those that the program's own help tells, so that none is missing. Names are
# asked of the node, up to 2000 of them and for a second at the most; nobody is told when it does not answer.

_regpairctl_ask() { timeout "${_regpairctl_patience:-1}" "${words[0]}" "${control[@]}" --json "$@" 2>/dev/null; }

_regpairctl_names() { sed -n 's/.*"name": *"\([^"\\]*\)".*/\1/p'; }

# "subscriber add|import": each as a line of its own, as words.
_regpairctl_commands() {
	"${words[0]}" --help 2>/dev/null | sed -nE 's/^  ([a-z][a-z-]*( [a-z|-]+)?)(  .*| [^a-z].*|$)/\1/p' |
		while read -r first seconds; do
			for second in ${seconds//|/ }; do
				printf '%s %s\n' "$first" "$second"
			done
			[ -n "$seconds" ] || printf '%s\n' "$first"
		done
}

_regpairctl_options() { # WORD...: of that command
	"${words[0]}" "$@" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*' | sort -u
}

_regpairctl_arguments() { # FIRST SECOND: what the command is about
	case "$1 $2" in
	"bindings "* | "subscriber show" | "subscriber remove") _regpairctl_ask subscriber list --limit 2000 | _regpairctl_names ;;
	"nap show" | "nap register" | "nap unregister" | "nap poll") _regpairctl_ask nap list --limit 2000 | _regpairctl_names ;;
	"trace "*)
		_regpairctl_ask nap list --limit 2000 | _regpairctl_names
		_regpairctl_ask subscriber list --limit 2000 | _regpairctl_names
		;;
	"log-level "*) printf '%s\n' error warn notice info debug ;;
	esac
}

_regpairctl_takes_file() { # FIRST SECOND
	case "$1 $2" in
	"subscriber import" | "backup "* | "restore "* | "support "* | "pair "*) ;;
	*) return 1 ;;
	esac
}

_regpairctl() {
	local cur prev words cword i first='' second='' given=() control=() known
	_init_completion -n @: || return
	for ((i = 1; i < cword; i++)); do
		case ${words[i]} in
		--control) control=(--control "${words[++i]}") ;;
		--control=*) control=("${words[i]}") ;;
		-*) ;;
		*) given+=("${words[i]}") ;;
		esac
	done
	case $prev in
	--control | --config | --keepalived | --file | --password-file) _filedir && return ;;
	--store) _filedir -d && return ;;
	esac
	first=${given[0]-} second=${given[1]-}
	known=$(_regpairctl_commands)
	if [[ -z $first ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(cut -d ' ' -f 1 <<<"$known" | sort -u) --control --json --help --version" -- "$cur")
		return
	fi
	grep -q "^$first $second\$" <<<"$known" || second=
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_regpairctl_options "$first" ${second:+"$second"})" -- "$cur")
		return
	fi
	mapfile -t COMPREPLY < <({
		[[ -n $second || ${#given[@]} -gt 1 ]] || sed -n "s/^$first //p" <<<"$known"
		_regpairctl_arguments "$first" "$second"
	} | sort -u | while read -r i; do [[ $i == "$cur"* ]] && printf '%s\n' "$i"; done)
	_regpairctl_takes_file "$first" "$second" && _filedir
	# What stands before an @ is a word of its own to readline.
	if [[ $cur == *@* && $COMP_WORDBREAKS == *@* ]]; then
		COMPREPLY=("${COMPREPLY[@]#"${cur%@*}@"}")
	fi
}

complete -F _regpairctl regpairctl
