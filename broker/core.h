/* core - the broker's state, shared by the files of this room only.
 *
 *     broker.c     handlers: what each message does
 *     peers.c      who is connected, and what is to be sent to them
 *     dispatch.c   queues, workers' credit, leases
 *     intake.c     a SUBMIT on its way to its commit
 *     store.c      group commit: when a unit leaves, what becomes of it, lost answers
 *     submits.c    a unit's SUBMITs, and keys that were there before
 *     endings.c    a unit's DONEs and FAILs
 *     claims.c     a unit's claims
 *     lookup.c     a job's state, for STATUS and for watchers
 *     pieces.c     datasets
 *     audience.c   who wants to hear of a job
 *     upkeep.c     what the clock does: beats, lost workers, time-outs, promotion
 *     run.c        the process
 */
#ifndef BROKER_CORE_H
#define BROKER_CORE_H

#include "actors/kit/actor.h"
#include "actors/kit/auto.h"
#include "actors/kit/clock.h"
#include "actors/kit/log.h"
#include "actors/kit/loop.h"
#include "actors/kit/pg.h"
#include "actors/kit/settings.h"
#include "broker/statements.def"

typedef struct broker broker_t;

enum {
#define S(NAME, params, sql) STMT_##NAME,
    BROKER_STATEMENTS(S)
#undef S
        STMT_COUNT
};

/* --- peers.c: a connected producer or worker ---------------------------------------------- */

typedef struct {
    zframe_t *id; /* routing id */
    int64_t seen_ms;
    zmsg_t *out; /* pairs that leave at the end of this turn; NULL: none */
    bool has_worker;
    tm_uuid_t worker; /* said HELLO as this one */
} peer_t;

/* --- dispatch.c --------------------------------------------------------------------------- */

typedef struct {
    char name[TM_NAME_MAX + 1];
    zlistx_t *workers; /* of worker_t, borrowed; rotates */
    bool has_ready;    /* the table may hold ready jobs */
    bool is_claiming;  /* a CLAIM is in flight */
    int64_t depth;     /* jobs not running: counted now and then, estimated between */
} queue_t;

typedef struct {
    tm_uuid_t id;
    char actor[TM_NAME_MAX + 1];
    zframe_t *peer;   /* routing id of its peer */
    zlistx_t *queues; /* of queue_t, borrowed */
    uint64_t credit;  /* jobs at once */
    uint64_t used;    /* leased or reserved */
    bool is_leaving;
} worker_t;

typedef struct {
    tm_uuid_t job;
    uint32_t attempt;
    tm_uuid_t worker;
    queue_t *queue;
    int64_t deadline_ms; /* of the attempt's time-out; INT64_MAX: none */
    bool is_ending;      /* its DONE or FAIL is on the way to its commit */
} lease_t;

/* --- intake.c: a SUBMIT on its way -------------------------------------------------------- */

typedef struct {
    struct tm_submit fields; /* strings point behind the struct */
    tm_str_t body;
    zframe_t *peer;
    bool is_again;    /* sent to the database before, outcome unknown */
    bool is_alone;    /* goes by itself: a batch with it was refused */
    bool is_reserved; /* leaves at once for `worker` when committed */
    tm_uuid_t worker;
} submit_t;

/* --- store.c: the end of an attempt on its way -------------------------------------------- */

typedef struct {
    tm_uuid_t job;
    uint32_t attempt;
    tm_uuid_t worker;
    zframe_t *peer; /* gets SETTLED; NULL: nobody */
    bool is_done;
    zframe_t *body;      /* result of a DONE */
    char *code, *detail; /* of a FAIL */
    bool retryable, counts, crash;
} ending_t;

struct broker {
    const settings_t *settings;
    meters_t *metrics;
    loop_t *loop;
    zsock_t *socket; /* ROUTER; NULL in tests */
    pg_t *pg;
    tm_uuid_t id;
    char endpoint[1024];
    int ready_fd;
    tm_err_t fate;   /* what broker_run returns */
    bool is_started; /* the row in `brokers` is there */
    bool is_draining;
    bool is_reconciling; /* an answer was lost: wait for quiet, then compare with the table */
    bool reconcile_sent;
    bool beat_sent;
    size_t units; /* write units in flight */
    size_t submits_in_flight;

    zhashx_t *peers;      /* by routing id */
    zlistx_t *dirty;      /* routing ids of peers with something to send */
    zhashx_t *workers;    /* by id */
    zhashx_t *queues;     /* by name */
    zhashx_t *leases;     /* by job */
    zhashx_t *watches;    /* by job */
    zlistx_t *submits;    /* submit_t waiting for a unit */
    zhashx_t *submitting; /* job ids in a unit in flight */
    zlistx_t *endings;    /* ending_t waiting for a unit */
    zlistx_t *pieces;     /* PUTs waiting; the first may be in flight */
    bool piece_in_flight;
    size_t watch_count;
    peer_t *from; /* of the message being handled */
};

/* hashes keyed by a tm_uuid_t inside the item */
zhashx_t *uuid_hash_new(void);

peer_t *peers_touch(broker_t *self, zframe_t *id); /* finds or makes */
void peers_drop(broker_t *self, const zframe_t *id);
void peers_part(broker_t *self, const zframe_t *id); /* its worker is at another peer now */
/* Queues a message for the end of this turn; a peer that has gone is no error. */
void peers_send(broker_t *self, zframe_t *id, const tm_msg_t *msg);
void peers_flush(broker_t *self);
void peers_reject(broker_t *self, zframe_t *id, uint64_t ref, tm_err_t err, const char *detail,
                  uint64_t retry_after_ms);
void peers_expire(broker_t *self, int64_t silent_since_ms);
void peer_destroy(peer_t **self_p);

queue_t *dispatch_queue(broker_t *self, const char *name, size_t size); /* finds or makes */
worker_t *dispatch_worker(broker_t *self, const tm_uuid_t *id);         /* NULL if gone */
worker_t *dispatch_hello(broker_t *self, const struct tm_hello *hello);
void dispatch_forget_worker(broker_t *self, worker_t *worker);
/* Takes one credit of a worker of the queue; false: none is free. */
bool dispatch_reserve(broker_t *self, queue_t *queue, tm_uuid_t *ret_worker);
void dispatch_release(broker_t *self, const tm_uuid_t *worker); /* gives the credit back */
uint64_t dispatch_free_credit(queue_t *queue);
lease_t *dispatch_lease(broker_t *self, const tm_uuid_t *job);
/* Records the lease (its credit is reserved already) and sends the JOB. */
void dispatch_start(broker_t *self, queue_t *queue, const struct tm_job *job, tm_str_t body,
                    const tm_uuid_t *worker);
void dispatch_adopted(broker_t *self, queue_t *queue, const tm_uuid_t *job, uint32_t attempt,
                      uint64_t timeout_ms, const tm_uuid_t *worker);
void dispatch_end(broker_t *self,
                  lease_t *lease); /* forgets it; credit was given back before */
void dispatch_worker_lost(broker_t *self, worker_t *worker, const char *cause);
void dispatch_drop(broker_t *self, const lease_t *lease, tm_err_t code); /* tells the worker */
void queue_destroy(queue_t **self_p);
void worker_destroy(worker_t **self_p);
void lease_destroy(lease_t **self_p);

tm_err_t intake_check(const broker_t *self, const struct tm_submit *submit, tm_str_t body,
                      const char **ret_detail);
submit_t *submit_new(zframe_t *peer, const tm_msg_t *msg);
void submit_destroy(submit_t **self_p);
void intake_accept(broker_t *self, submit_t *submit, const tm_uuid_t *owner, bool duplicate);
void intake_committed(broker_t *self, submit_t *submit); /* a new job: starts or queues it */
void intake_reject(broker_t *self, submit_t *submit, tm_err_t err, const char *detail);

void ending_destroy(ending_t **self_p);
/* Puts the end of an attempt on its way; takes nothing. */
void store_done(broker_t *self, const struct tm_done *done, const tm_uuid_t *worker,
                tm_str_t body);
void store_fail(broker_t *self, const ending_t *like, const char *code, const char *detail);
void store_flush(broker_t *self);     /* sends what waits, if a unit may leave */
void store_reconcile(broker_t *self); /* if one is due and all is quiet */
void store_lookup_state(broker_t *self, const tm_uuid_t *job, zframe_t *peer,
                        uint64_t ref); /* STATE to peer, RESULT to watchers if it has ended */

typedef struct put put_t;
void put_destroy(put_t **self_p);
tm_err_t pieces_put(broker_t *self, const struct tm_put *put, tm_str_t body);
void pieces_flush(broker_t *self);

TM_CHECKED tm_err_t audience_add(broker_t *self, const tm_uuid_t *job, zframe_t *peer);
bool audience_has(const broker_t *self, const tm_uuid_t *job);
void audience_progress(broker_t *self, const tm_msg_t *progress);
void audience_result(broker_t *self, const tm_uuid_t *job, const char *state, const char *code,
                     const char *detail, tm_str_t body); /* and forgets them */
void audience_peer_gone(broker_t *self, const zframe_t *peer);

void upkeep_start(broker_t *self); /* arms the timers */
void upkeep_database_up(broker_t *self);

const tm_actor_type_t *broker_type(void);
broker_t *broker_new(loop_t *loop, const settings_t *settings, meters_t *metrics,
                     zsock_t *socket);
void broker_destroy(broker_t **self_p);
void broker_receive(broker_t *self, zmsg_t *message); /* routing id first */
void broker_turn(broker_t *self);                     /* end of a turn: flush everything */
void broker_drain(broker_t *self);

#endif
