/* submits - the SUBMITs that wait for their commit, and what the database says of each.
 *
 * Owns     those that wait, and what is counted of all that wait or are in flight
 */
#ifndef BROKER_STORE_SUBMITS_H
#define BROKER_STORE_SUBMITS_H

#include "actors/kit/util/fifo.h"
#include "broker/queue/workers.h"

typedef struct {
    fifo_link_t link;
    struct tm_submit fields; /* strings point behind the struct */
    tm_str_t body;
    peer_id_t peer;
    bool is_again;        /* sent to the database before, outcome unknown */
    bool checks_existing; /* goes by the statement that takes what is there already */
    bool retried_singly;  /* goes by itself: a batch with it was refused */
    bool is_new;          /* that statement wrote it */
    bool is_reserved;     /* leaves at once for `worker` when committed */
    tm_uuid_t worker;
} submit_t;

/* Who is told what became of a submit. All borrow it. */
struct submit_ops {
    void (*on_committed)(void *arg, submit_t *submit); /* a new job */
    void (*on_known)(void *arg, const submit_t *submit, const tm_uuid_t *job,
                     bool is_duplicate);
    void (*on_refused)(void *arg, const submit_t *submit, tm_err_t err, const char *detail);
};

typedef struct {
    context_t *context;
    workers_t *workers;
    const struct submit_ops *ops;
    void *ops_arg;
    fifo_t waiting;   /* for a unit */
    uuid_map_t *sent; /* in a unit in flight, by job */
    size_t in_flight;
    size_t bytes;      /* bodies of all that wait or are in flight */
    bool lost_answers; /* the store reconciles: jobs may be leased to nobody */
} submits_t;

void submits_init(submits_t *self); /* what is borrowed is set before */
void submits_fini(submits_t *self);
/* For one more: a number of them, and a number of bytes. */
bool submits_have_room(const submits_t *self, tm_str_t body);
/* Copies what it keeps; counts its body until it is destroyed. NULL: no memory. */
submit_t *submit_new(submits_t *self, peer_id_t peer, const tm_msg_t *msg);
void submit_destroy(submits_t *self, submit_t **submit_p);
queue_t *submit_queue(const submits_t *self, const submit_t *submit);
/* Of a unit that failed: it is in flight no more, and a reserved credit is given back. */
void submits_take_out(submits_t *self, submit_t *submit);

/* Each appends one statement. */
void submits_add(submits_t *self, pg_unit_t *unit, fifo_t *submits);
void submits_add_checking(submits_t *self, pg_unit_t *unit, fifo_t *submits);
void submits_add_jobs(submits_t *self, pg_unit_t *unit, fifo_t *jobs); /* the columns alone */
/* Both read the statement's answer, take the submits and tell what became of them. */
void submits_ended(submits_t *self, fifo_t *submits, const PGresult *result);
void submits_ended_checking(submits_t *self, fifo_t *submits, const PGresult *result);

#endif
