/* kinds - the jobs of the load: what is submitted, what a worker does, how it may end. */
#ifndef TESTS_CHAOS_KINDS_H
#define TESTS_CHAOS_KINDS_H

#include <stddef.h>
#include <stdint.h>

#include "proto/client.h"

enum action {
    DO_DONE,   /* after run_ms */
    DO_EFFECT, /* after run_ms, by a transaction of the worker's own */
    DO_RETRY,  /* fails twice, then is done */
    DO_FAIL,   /* for good */
    DO_HANG,   /* until the lease is gone */
    DO_PARENT, /* has two children, and is done when they have ended */
    DO_CANCEL, /* until it is canceled: the producer asks for that */
    DO_CRASH   /* the worker dies of it */
};

struct kind {
    const char *name;
    unsigned share; /* of the load; the sum is free */
    enum action action;
    const char *queue;
    uint32_t run_ms, delay_ms, timeout_ms, expires_ms, max_attempts;
    bool is_keyed;
    const char
        *ends; /* how it may end: states, separated by commas, with the code of a death */
};

extern const struct kind kinds[];
extern const size_t kind_count;

const struct kind *kind_find(const char *name, size_t size); /* NULL: there is none */
const struct kind *kind_pick(uint64_t *random);              /* by share */
const struct kind *kind_poison(void);

#endif
