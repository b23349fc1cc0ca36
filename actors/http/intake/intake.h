/* intake - the way of a request that brings price data, from its first header to its answer.
 *
 * Each state is one step, whose function starts what it waits for and whose callback leads to
 * the next:
 *
 *   receiving    the form arrives; the file goes to the spool     -> looking_up
 *   looking_up   PostgreSQL: workspace and strategy               -> uploading
 *   uploading    broker: the file, unless it is known             -> the end step of the route
 *
 * and then, in tune_submit.c:
 *
 *   submitting   broker: the job; ACCEPTED means it is durable    -> waiting, or rendering
 *   waiting      for the tune's end, as long as the client likes  -> rendering
 *   rendering    PostgreSQL: the tune as it is now                -> waiting, keeping, answered
 *   keeping      PostgreSQL: the answer under its key, read back  -> answered
 *
 * or, in backtest_submit.c:
 *
 *   keeping      PostgreSQL: what was asked for, under an id      -> computing, or forgetting
 *   computing    a tune process computes it                       -> answered, or forgetting
 *   forgetting   PostgreSQL: what was kept and not computed goes  -> answered
 *
 * Every step holds a reference to the request. A client that has left ends the way at the next
 * step.
 */
#ifndef ACTORS_HTTP_INTAKE_INTAKE_H
#define ACTORS_HTTP_INTAKE_INTAKE_H

#include "actors/http/intake/dataset_upload.h"
#include "actors/http/intake/intake_receive.h"

#define INTAKE_STATES(X)        \
    X(RECEIVING, "receiving")   \
    X(LOOKING_UP, "looking_up") \
    X(UPLOADING, "uploading")   \
    X(SUBMITTING, "submitting") \
    X(WAITING, "waiting")       \
    X(RENDERING, "rendering")   \
    X(KEEPING, "keeping")       \
    X(COMPUTING, "computing")   \
    X(FORGETTING, "forgetting") \
    X(ANSWERED, "answered")

typedef enum {
#define X(NAME, name) INTAKE_##NAME,
    INTAKE_STATES(X)
#undef X
} intake_state_t;

/* The state of such a request: the first member of a struct of its route. */
typedef struct intake {
    const struct intake_kind *kind;
    request_t *request; /* which owns this */
    bridge_t *bridge;
    intake_state_t state;
    intake_receive_t *receive; /* NULL: it was refused for its headers */
    struct workspace workspace;
    tune_request_t *tune; /* or back-test */
    struct dataset_upload dataset;
} intake_t;

/* What a route makes of it. */
struct intake_kind {
    size_t size;                                                /* of its struct */
    tune_request_t *(*new_request)(const settings_t *settings); /* which fields its form has */
    /* All has arrived: reads fields of its own. May be NULL. */
    void (*check)(intake_t *self, struct problem *problem);
    void (*end)(intake_t *self); /* the end step: the broker has the file */
    void (*fini)(intake_t *self);
};

/* The row of such a route: its ops begin with intake_begin of its kind, and have intake_body;
 * its run is intake_run. */
void intake_begin(request_t *request, const struct intake_kind *kind);
bool intake_body(request_t *request, const char *data, size_t size);
route_fn intake_run;

/* For end steps */
void intake_set_state(intake_t *self, intake_state_t next);
/* The way ends here with a problem. */
void intake_problem(intake_t *self, const struct problem *problem);
void intake_fail(intake_t *self, tm_err_t err, const char *detail); /* "": err's own text */

#endif
