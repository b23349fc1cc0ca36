#!/bin/sh
# installed_library.sh BUILD_DIR SOURCE_DIR CC: installs the library into a place of its own,
# builds a producer against it by pkg-config alone, and runs it where there is no broker.
set -eu
build=$1 source=$2 cc=$3
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT

cmake --install "$build" --prefix "$prefix" --component library >/dev/null
library=$(find "$prefix" -name libtunemill.so -printf '%h')
PKG_CONFIG_PATH=$library/pkgconfig
export PKG_CONFIG_PATH
flags=$(pkg-config --define-variable=prefix="$prefix" --cflags --libs tunemill)
# shellcheck disable=SC2086 # the flags are many words
"$cc" -std=gnu11 -Wall -Wextra -Werror "$source/tests/clients/producer.c" $flags \
    -Wl,-rpath,"$library" -o "$prefix/producer"

others=$(nm -D --defined-only "$library/libtunemill.so" | awk '$3 !~ /^tm_/ {print $3}')
[ -z "$others" ] || { echo "exported, but not tm_*: $others"; exit 1; }

status=0
answer=$("$prefix/producer" "ipc://$prefix/nobody") || status=$?
echo "$answer"
[ "$status" -eq 1 ]
case $answer in BROKER_DOWN*) ;; *) echo "expected BROKER_DOWN"; exit 1 ;; esac
