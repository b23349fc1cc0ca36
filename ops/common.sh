# shellcheck shell=sh
# common.sh - what the scripts of this tree share; each sources it by its own path.

PATH=$PATH:/usr/sbin:/sbin # nginx is there, and a user's PATH may not be
export PATH

# need WHAT:PACKAGE...: each WHAT is a command, or a file if it begins with a slash. Ends the script with
# status 1 unless all are there, and names the packages that are missing.
need() {
    missing=""
    packages=""
    for pair in "$@"; do
        what=${pair%%:*}
        case $what in
        /*) [ -e "$what" ] && continue ;;
        *) command -v "$what" >/dev/null && continue ;;
        esac
        missing="$missing $what"
        packages="$packages ${pair#*:}"
    done
    [ -z "$missing" ] && return
    # shellcheck disable=SC2086 # a list of words
    packages=$(printf '%s\n' $packages | sort -u | paste -sd ' ')
    echo "$0: not installed:$missing. Install on Debian: apt-get install $packages" >&2
    exit 1
}

# quietly LOG COMMAND...: what it says goes to the end of LOG; if it fails, the last lines are shown.
quietly() {
    log=$1
    shift
    status=0
    "$@" >>"$log" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
        tail -n 30 "$log" >&2
        echo "$0: failed: $*; the whole log is $log" >&2
    fi
    return "$status"
}

# need_release ROOT TARGET...: those of the release build, made anew if they are not of these sources. What
# building and running them takes is installed.
need_release() {
    root=$1
    shift
    mkdir -p "$root/build"
    rm -f "$root/build/bench.log"
    quietly "$root/build/bench.log" "$root/ops/setup" &&
        quietly "$root/build/bench.log" "$root/ops/dev" build release "$@" || exit 1
}
