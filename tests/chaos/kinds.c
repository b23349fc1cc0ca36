#include "tests/chaos/kinds.h"

#include <string.h>

#include "tests/chaos/chaos.h"

enum { MANY = 50 }; /* attempts: faults alone do not use them up */

const struct kind kinds[] = {
    {.name = "quick", .share = 400, .queue = "a", .max_attempts = MANY, .ends = "done"},
    {.name = "effect",
     .share = 300,
     .action = DO_EFFECT,
     .queue = "a",
     .run_ms = 5,
     .max_attempts = MANY,
     .ends = "done"},
    {.name = "slow",
     .share = 12,
     .queue = "b",
     .run_ms = 400,
     .max_attempts = MANY,
     .ends = "done"},
    {.name = "slow-effect",
     .share = 8,
     .action = DO_EFFECT,
     .queue = "b",
     .run_ms = 600,
     .max_attempts = MANY,
     .ends = "done"},
    {.name = "retry",
     .share = 60,
     .action = DO_RETRY,
     .queue = "a",
     .max_attempts = MANY,
     .ends = "done"},
    {.name = "fatal",
     .share = 40,
     .action = DO_FAIL,
     .queue = "a",
     .max_attempts = MANY,
     .ends = "dead:DATA_PARSE_FAILED"},
    {.name = "keyed",
     .share = 120,
     .queue = "a",
     .run_ms = 1,
     .max_attempts = MANY,
     .is_keyed = true,
     .ends = "done"},
    {.name = "delayed",
     .share = 30,
     .queue = "a",
     .delay_ms = 300,
     .max_attempts = MANY,
     .ends = "done"},
    {.name = "expiring",
     .share = 10,
     .queue = "b",
     .run_ms = 20,
     .expires_ms = 150,
     .max_attempts = MANY,
     .ends = "done,dead:EXPIRED"},
    {.name = "hanging",
     .share = 5,
     .action = DO_HANG,
     .queue = "b",
     .timeout_ms = 200,
     .max_attempts = 2,
     .ends = "dead:JOB_TIMEOUT,dead:WORKER_LOST"},
    {.name = "canceled",
     .share = 6,
     .action = DO_CANCEL,
     .queue = "b",
     .max_attempts = MANY,
     .ends = "canceled"},
    {.name = "canceled-late",
     .share = 8,
     .action = DO_CANCEL,
     .queue = "b",
     .delay_ms = 3600000,
     .max_attempts = MANY,
     .ends = "canceled"},
    {.name = "parent",
     .share = 20,
     .action = DO_PARENT,
     .queue = "a",
     .run_ms = 2,
     .max_attempts = MANY,
     .ends = "done"},
    {.name = "child", .queue = "a", .run_ms = 1, .max_attempts = MANY, .ends = "done"},
    {.name = "poison",
     .action = DO_CRASH,
     .queue = "b",
     .max_attempts = MANY,
     .ends = "dead:POISONED"},
};
const size_t kind_count = sizeof(kinds) / sizeof(kinds[0]);

const struct kind *
kind_find(const char *name, size_t size)
{
    for (size_t i = 0; i < kind_count; i++)
        if (strlen(kinds[i].name) == size && memcmp(kinds[i].name, name, size) == 0)
            return &kinds[i];
    return NULL;
}

const struct kind *
kind_pick(uint64_t *random)
{
    unsigned sum = 0, at;

    for (size_t i = 0; i < kind_count; i++)
        sum += kinds[i].share;
    at = chaos_below(random, sum);
    for (size_t i = 0; i < kind_count; i++) {
        if (at < kinds[i].share)
            return &kinds[i];
        at -= kinds[i].share;
    }
    return &kinds[0];
}

const struct kind *
kind_poison(void)
{
    return &kinds[kind_count - 1];
}
