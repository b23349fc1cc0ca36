/* completions - the ends of attempts on their way to their commit, and who is told then.
 *
 * Emits    SETTLED
 * Owns     those that wait
 */
#ifndef BROKER_STORE_COMPLETIONS_H
#define BROKER_STORE_COMPLETIONS_H

#include "actors/kit/util/fifo.h"
#include "broker/queue/dispatch.h"

typedef struct {
    fifo_link_t link;
    tm_uuid_t job;
    uint32_t attempt;
    tm_uuid_t worker;
    peer_id_t peer; /* gets SETTLED */
    bool is_done;
    tm_str_t body;         /* result of a DONE; these three point behind the struct */
    tm_str_t code, detail; /* of a FAIL */
    bool retryable, counts, is_crash, is_rejected;
} completion_t;

/* Who is told that a job has ended, for those that want to hear of it. */
struct completion_ops {
    void (*on_ended)(void *arg, const tm_uuid_t *job, const char *state, const char *code,
                     const char *detail, tm_str_t body);
    void (*on_unknown)(void *arg, const tm_uuid_t *job); /* the table knows how it is */
};

typedef struct {
    context_t *context;
    peers_t *peers;
    dispatch_t *dispatch;
    const struct completion_ops *ops;
    void *ops_arg;
    fifo_t waiting; /* for a unit */
} completions_t;

void completions_fini(completions_t *self);
/* Puts the end of an attempt on its way; copies what it is given. */
void completions_done(completions_t *self, const struct tm_done *done, const peer_t *from,
                      tm_str_t body);
void completions_fail(completions_t *self, const completion_t *like, tm_str_t code,
                      tm_str_t detail);

/* Each appends one statement. */
void completions_add_dones(pg_unit_t *unit, fifo_t *dones);
void completions_add_fails(completions_t *self, pg_unit_t *unit, fifo_t *fails);
/* Each reads the statement's answer. */
void completions_dones_ended(completions_t *self, fifo_t *dones, const PGresult *result);
void completions_fails_ended(completions_t *self, fifo_t *fails, const PGresult *result);

#endif
