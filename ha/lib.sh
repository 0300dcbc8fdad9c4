# shellcheck shell=bash
# lib.sh - what ha/pair and tests/run share: progress lines, waiting, building. Sourced, bash.

export LC_ALL=C
readonly REPO=${REPO:?the script that sources lib.sh sets REPO}
BUILD=$(realpath -m "${REGPAIR_BUILD:-$REPO/build}")
readonly BUILD

now_ms() {
	local us=${EPOCHREALTIME/[.,]/}
	printf '%s' "${us%???}"
}

STARTED_MS=$(now_ms)
readonly STARTED_MS

seconds_of() { printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100)); }

say() { printf '[%6s s] %s\n' "$(seconds_of $(($(now_ms) - STARTED_MS)))" "$*"; }

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# The comment at the head of the script itself, without its first line.
print_head() { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; }

# wait_for SECONDS COMMAND...: polls it; false when the time is up.
wait_for() {
	local deadline=$(($(now_ms) + $1 * 1000))
	shift
	until "$@"; do
		[ "$(now_ms)" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}

# configure FOLDER COMPILER OPTION...: a CMake build folder under BUILD, made once.
configure() {
	local folder=$BUILD/$1 compiler=$2
	shift 2
	[ -f "$folder/build.ninja" ] && return
	local launcher=()
	command -v ccache >/dev/null && launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
	cmake -G Ninja -S "$REPO" -B "$folder" -DCMAKE_C_COMPILER="$compiler" "${launcher[@]}" "$@"
}

compile() { cmake --build "$BUILD/$1" --parallel "${JOBS:-$(nproc)}" "${@:2}"; }
