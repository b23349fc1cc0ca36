#!/bin/sh
# installed_library.sh BUILD_DIR SOURCE_DIR CC: installs everything into a place of its own, moves it,
# builds a producer in C and one in C++ against it by pkg-config alone, and runs them where there is
# no broker.
set -eu
build=$1 source=$2 cc=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "installed_library: $*"; exit 1; }

cxx=$(command -v g++ || command -v clang++) ||
    fail "there is no C++ compiler: install g++ (ops/setup --test does)"

# expect_down PROGRAM: it runs, finds the library, and finds no broker
expect_down() {
    status=0
    answer=$("$1" "ipc://$scratch/nobody") || status=$?
    echo "$1: $answer"
    [ "$status" -eq 1 ] || fail "$1: exit status $status"
    case $answer in BROKER_DOWN*) ;; *) fail "expected BROKER_DOWN" ;; esac
}

# Whoever has built the program alone, as ops/demo does, has all that is installed.
ninja -C "$build" -t inputs tunemill | grep -q '^proto/libtunemill\.so' ||
    fail "the target tunemill does not build libtunemill.so, and cmake --install would fail"

cmake --install "$build" --prefix "$scratch/first" >/dev/null
prefix=$scratch/prefix
mv "$scratch/first" "$prefix"
"$prefix/bin/tunemill" --version
[ -e "$prefix/share/tunemill/strategies/bb_reversal.json" ] || fail "no strategies are installed"

library=$(find "$prefix" -name libtunemill.so -printf '%h')
PKG_CONFIG_PATH=$library/pkgconfig
export PKG_CONFIG_PATH
flags=$(pkg-config --cflags --libs tunemill)
# shellcheck disable=SC2086 # the flags are many words
"$cc" -std=gnu11 -Wall -Wextra -Werror "$source/tests/clients/producer.c" $flags \
    -Wl,-rpath,"$library" -o "$scratch/producer"
expect_down "$scratch/producer"

cat >"$scratch/producer.cpp" <<'CPP'
#include <cstdio>
#include <tunemill/client.h>
#include <tunemill/worker.h>

static void
on_answer(void *arg, const tm_answer *answer)
{
    *static_cast<tm_err_t *>(arg) = answer->err;
    std::printf("%s\n", tm_err_name(answer->err));
}

int
main(int, char **argv)
{
    tm_client_options options = {};
    tm_job_spec job = {};
    tm_err_t answer = TM_TIMEOUT;

    options.brokers = argv[1];
    options.give_up_ms = 300;
    job.queue = "tune";
    tm_client_t *client = tm_client_new(&options);
    tm_worker_t *(*worker)(const tm_worker_options *) = tm_worker_new;
    if (!client || !worker || tm_client_submit(client, &job, on_answer, &answer))
        return 2;
    while (tm_client_pending(client) > 0 && tm_client_wait(client, 1000) != TM_DRAINING)
        continue;
    tm_client_destroy(&client);
    return answer ? 1 : 0;
}
CPP
# shellcheck disable=SC2086 # the flags are many words
"$cxx" -std=c++17 -Wall -Wextra -Wpedantic -Werror "$scratch/producer.cpp" $flags \
    -Wl,-rpath,"$library" -o "$scratch/producer++"
expect_down "$scratch/producer++"

others=$(nm -D --defined-only "$library/libtunemill.so" | awk '$3 !~ /^tm_/ {print $3}')
[ -z "$others" ] || fail "exported, but not tm_*: $others"
