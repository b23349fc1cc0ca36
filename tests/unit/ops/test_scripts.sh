#!/bin/sh
# What the scripts in ops/ promise: see ops/common.sh and ops/dev. Run from the root of the tree.
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "test_scripts: $*"; exit 1; }

# expect STATUS COMMAND...: its exit status; what it says is in $scratch/said
expect() {
    wanted=$1
    shift
    status=0
    "$@" >"$scratch/said" 2>&1 || status=$?
    [ "$status" -eq "$wanted" ] || fail "$*: exit status $status: $(cat "$scratch/said")"
}
says() { grep -qF -e "$1" "$scratch/said" || fail "it should say \"$1\": $(cat "$scratch/said")"; }
common() { sh -c ". ops/common.sh; $1; echo went on"; }

# A command that is missing is named with its package, and nothing is tried without it.
expect 1 common 'need sh:dash no-such-command:its-package /no/such/file:its-other-package'
says "not installed: no-such-command /no/such/file"
says "apt-get install its-other-package its-package"
if grep -q 'went on\|dash' "$scratch/said"; then fail "it went on, or names what is there"; fi
expect 0 common 'need sh:dash /:base-files'
says "went on"

# Noise goes to the log; it is shown, and its name, when the command fails.
expect 0 common "quietly '$scratch/log' echo noise"
if grep -q noise "$scratch/said"; then fail "it is not quiet"; fi
expect 3 common "quietly '$scratch/log' sh -c 'echo the cause; exit 3' || exit \$?"
says "noise"
says "the cause"
says "$scratch/log"

# In CI a test that was skipped is a failure; one that ran is not, whatever it prints.
cat >"$scratch/junit.xml" <<'XML'
	<testcase name="ran" classname="ran" time="1" status="run">
		<system-out>&lt;testcase name="quoted" status="notrun"&gt;</system-out>
XML
expect 0 ops/dev unskipped "$scratch/junit.xml"
cat >>"$scratch/junit.xml" <<'XML'
	<testcase name="fell" classname="fell" time="1" status="fail">
	<testcase name="left_out" classname="left_out" time="1" status="notrun">
XML
expect 1 ops/dev unskipped "$scratch/junit.xml"
says "no reason: left_out"

# An archive, without git, has the same sources as a clone.
if [ -e .git ] && command -v git >/dev/null; then
    git ls-files -z | tar --null -T - -c | tar -x -C "$scratch"
    (cd "$scratch" && ops/dev sources) | sort >"$scratch/from_archive"
    ops/dev sources | sort >"$scratch/from_clone"
    cmp "$scratch/from_clone" "$scratch/from_archive" || fail "without git there are other sources"
fi
