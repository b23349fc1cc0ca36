/* confined - a program that reads what strangers sent, in a process of its own: what goes wrong
 * with it goes wrong there.
 *
 * It has a file as standard input, its answer goes to standard output, and it has nothing else
 * of its parent: no environment, no descriptor, no core, no file to write. It is killed when it
 * is late, says too much, or its parent ends. The loop goes on meanwhile.
 */
#ifndef ACTORS_KIT_RUNTIME_CONFINED_H
#define ACTORS_KIT_RUNTIME_CONFINED_H

#include "actors/kit/runtime/loop.h"
#include "proto/message.h"

typedef struct confined confined_t;

struct confined_spec {
    const char *const *argv; /* argv[0]: the program's path; ends with NULL */
    int input;               /* borrowed until confined_new returns */
    size_t max_output;
    uint32_t deadline_ms;
};

/* Called once, from the loop, unless it was destroyed before. TM_OK: it has ended by itself,
 * with `code`, and has said `output`. TM_TIMEOUT: it was late. TM_TOO_LARGE: it said more.
 * TM_INTERNAL: it was killed. */
typedef void confined_fn(void *arg, tm_err_t err, int code, tm_str_t output);

/* NULL: it cannot be started now (logged). */
confined_t *confined_new(loop_t *loop, const struct confined_spec *spec, confined_fn *fn,
                         void *arg);
/* Kills it if it is still there. Also from fn. */
void confined_destroy(confined_t **self_p);

#endif
