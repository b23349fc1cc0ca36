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
 *     lines.c      a queue's workspaces that may have ready jobs, in turn
 *     shares.c     how many jobs of a workspace run: its limit
 *     controls.c   what is asked through the database: pauses, limits, cancelling
 *     owners.c     queues that one worker alone serves
 *     spawns.c     a DONE with jobs behind it
 *     calls.c      questions to services, which pass through
 *     lookup.c     a job's state, for STATUS and for watchers
 *     pieces.c     datasets
 *     audience.c   who wants to hear of a job
 *     reports.c    what the processes count, for those who watch
 *     upkeep.c     what the clock does: beats, lost workers, time-outs, promotion
 *     security.c   whose connections are let in, and what for; allowlist.c: their keys
 *     run.c        the process
 */
#ifndef BROKER_CORE_H
#define BROKER_CORE_H

#include "actors/kit/runtime/actor.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/util/fifo.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/runtime/loop.h"
#include "actors/kit/util/memory.h"
#include "actors/kit/pg/pg.h"
#include "actors/kit/runtime/settings.h"
#include "broker/security.h"
#include "broker/statements.def"
#include "proto/curve.h"
#include "proto/codec/uuid_map.h"

typedef struct broker broker_t;
typedef struct spawn spawn_t;
typedef struct call call_t;

enum {
#define S(NAME, params, sql) STMT_##NAME,
    BROKER_STATEMENTS(S)
#undef S
        STMT_COUNT
};

/* --- peers.c: a connected producer or worker ---------------------------------------------- */

typedef uint64_t peer_id_t; /* 0: nobody */

/* Frames that leave as one message at the end of the turn, one behind the other. */
struct outbox {
    uint8_t *data;
    size_t size, capacity;
    size_t *sizes; /* of each frame */
    size_t count, limit;
};

typedef struct {
    peer_id_t id;
    uint8_t route[256]; /* ROUTER's routing id, behind its size */
    int64_t seen_ms;
    struct outbox out;
    size_t watches;                               /* jobs it wants to hear of */
    uint64_t sent_bytes, asked_bytes, read_bytes; /* in all; at the last PING; at its PONG */
    bool is_deaf;                                 /* too much is unread */
    bool has_worker;
    tm_uuid_t worker;           /* said HELLO as this one */
    char key[TM_CURVE_KEY + 1]; /* that its connection has proved; "" on a plain socket */
} peer_t;

/* --- dispatch.c --------------------------------------------------------------------------- */

typedef struct {
    char name[TM_NAME_MAX + 1];
    zlistx_t *workers;  /* of worker_t, borrowed; rotates */
    uuid_map_t *lines;  /* of line_t, by workspace: those that may have ready jobs */
    zlistx_t *turns;    /* the same, borrowed: whose turn is next; not those at their limit */
    uuid_map_t *shares; /* shares.c: running jobs of each workspace */
    bool needs_scan;    /* the table may hold ready jobs of others */
    bool is_scanning;   /* a LINES is in flight */
    tm_uuid_t scan_at;  /* where it begins: the whole does not always fit */
    bool is_claiming;   /* a CLAIM is in flight */
    bool is_drained;    /* as far as is known, every job that waits has been asked for */
    bool is_paused, was_paused;
    int64_t told_ms;   /* when the other brokers were last told of ready jobs */
    bool is_exclusive; /* its workers want it for one of them alone */
    bool is_owner;     /* that one is `owner`, and connected here */
    bool is_bidding;   /* an OWN is in flight */
    tm_uuid_t owner;
    int64_t bid_ms;
    int64_t depth; /* jobs not running: counted now and then, estimated between */
    int64_t max_depth;
    size_t leases;
    size_t body_bytes;       /* mean of the bodies seen of late; 0: none yet */
    int64_t workspace_limit; /* running jobs of one workspace; 0: any number */
} queue_t;

/* --- lines.c: the ready jobs of one workspace in one queue ------------------------------- */

typedef struct {
    tm_uuid_t workspace;
    int64_t low_us;      /* no ready job has a rank below, as far as is known */
    void *turn;          /* in queue->turns; NULL: its workspace is at its limit */
    uint64_t known;      /* ready jobs that this broker made so and no claim has asked for */
    bool is_open;        /* there may be more: others', or left by a claim that was full */
    uint64_t quota, got; /* of the CLAIM in flight */
} line_t;

typedef struct {
    tm_uuid_t id;
    char actor[TM_NAME_MAX + 1], software[TM_NAME_MAX + 1];
    peer_id_t peer;
    zlistx_t *queues;           /* of queue_t, borrowed */
    uint64_t credit;            /* jobs at once */
    uint64_t used;              /* leased or reserved */
    uint64_t calls, calls_used; /* at once, as a server */
    bool is_leaving, is_exclusive;
} worker_t;

typedef struct {
    tm_uuid_t job;
    uint32_t attempt;
    tm_uuid_t worker, workspace;
    queue_t *queue;
    int64_t deadline_ms; /* of the attempt's time-out; INT64_MAX: none */
    int64_t confirm_ms;  /* its worker is back and has not named it: lost by then; 0: fine */
    int64_t cancel_ms;   /* asked to stop: revoked by then; 0: not asked */
    bool is_ending;      /* its DONE or FAIL is on the way to its commit */
} lease_t;

/* --- intake.c: a SUBMIT on its way -------------------------------------------------------- */

typedef struct {
    fifo_link_t link;
    struct tm_submit fields; /* strings point behind the struct */
    tm_str_t body;
    peer_id_t peer;
    bool is_again;    /* sent to the database before, outcome unknown */
    bool is_careful;  /* goes by the statement that takes what is there already */
    bool is_alone;    /* goes by itself: a batch with it was refused */
    bool is_new;      /* that statement wrote it */
    bool is_reserved; /* leaves at once for `worker` when committed */
    tm_uuid_t worker;
} submit_t;

/* --- store.c: the end of an attempt on its way -------------------------------------------- */

typedef struct {
    fifo_link_t link;
    tm_uuid_t job;
    uint32_t attempt;
    tm_uuid_t worker;
    peer_id_t peer; /* gets SETTLED */
    bool is_done;
    tm_str_t body;         /* result of a DONE; these three point behind the struct */
    tm_str_t code, detail; /* of a FAIL */
    bool retryable, counts, crash;
} ending_t;

/* --- reports.c: who wants to hear what the processes count ---------------------------------
 */

struct watcher {
    peer_id_t peer;
    int64_t until_ms;
};

struct broker {
    const settings_t *settings;
    meters_t *metrics;
    loop_t *loop;
    zsock_t *socket;      /* ROUTER; NULL in tests */
    security_t *security; /* NULL: a plain socket */
    pg_t *pg;
    tm_uuid_t id;
    char endpoint[1024];
    loop_fn *on_ready; /* it is of use */
    void *ready_arg;
    tm_err_t fate;   /* what the process ends with */
    bool is_started; /* the row in `brokers` is there */
    bool is_draining;
    bool is_reconciling; /* an answer was lost: wait for quiet, then compare with the table */
    bool reconcile_sent;
    bool beat_sent;
    char *workers_told; /* as the database last heard of them */
    int64_t depth_asked_ms, depth_due_ms;
    size_t others;          /* brokers alive beside this one */
    int64_t alone_since_us; /* shares.c; 0: it is not, or does not know */
    bool is_asking_alone;
    size_t units; /* write units in flight */
    size_t submits_in_flight;
    size_t lookups;      /* states that are being looked up */
    size_t submit_bytes; /* bodies of all that wait or are in flight */

    int64_t now_ms;                                      /* of this turn */
    uint64_t sent[TM_MSG_LIMIT], received[TM_MSG_LIMIT]; /* messages since the last count */

    struct watcher *watchers; /* of reports.c */
    uint64_t reports;         /* own, so far */

    zhashx_t *peers;     /* of peer_t, by routing id */
    peer_t **peer_slots; /* by the lower half of their number */
    size_t peer_limit, last_slot;
    uint64_t peers_seen;
    peer_id_t *dirty; /* those with something to send */
    size_t dirty_count, dirty_limit;
    uuid_map_t *workers;    /* of worker_t */
    zhashx_t *queues;       /* by name */
    uuid_map_t *leases;     /* of lease_t, by job */
    uuid_map_t *watches;    /* by job */
    fifo_t submits;         /* submit_t waiting for a unit */
    uuid_map_t *submitting; /* of struct submitting: in a unit in flight */
    fifo_t endings;         /* ending_t waiting for a unit */
    zlistx_t *pieces;       /* PUTs waiting; the first may be in flight */
    bool piece_in_flight;
    size_t watch_count, watch_at;
    zhashx_t *services; /* by name */
    call_t **calls;     /* by the lower half of their number */
    size_t call_limit, call_count, call_at;
    uint64_t calls_seen;
    peer_t *from;   /* of the message being handled */
    spawn_t *spawn; /* its DONE whose followers are being read; NULL: none */
};

void peers_init(broker_t *self);
void peers_fini(broker_t *self);
peer_t *peers_touch(broker_t *self, const void *route, size_t size); /* finds or makes */
peer_t *peers_find(const broker_t *self, peer_id_t id);              /* NULL: it has gone */
void peers_drop(broker_t *self, peer_id_t id);
void peers_part(broker_t *self, peer_id_t id); /* its worker is at another peer now */
/* Queues a message for the end of this turn; a peer that has gone is no error. */
void peers_send(broker_t *self, peer_id_t id, const tm_msg_t *msg);
void peers_flush(broker_t *self);
void peers_on_pong(broker_t *self, peer_t *peer, const struct tm_pong *pong);
void peers_reject(broker_t *self, peer_id_t id, uint64_t ref, tm_err_t err, const char *detail,
                  uint64_t retry_after_ms);
void peers_expire(broker_t *self, int64_t worker_silent_ms, int64_t other_silent_ms);

queue_t *dispatch_queue(broker_t *self, const char *name, size_t size); /* finds or makes */
/* A peer may name this queue: it is known, or there is room for one more. */
bool dispatch_may_name(broker_t *self, tm_str_t name);
void dispatch_forget_queues(broker_t *self); /* those that nothing is known of any more */
worker_t *dispatch_worker(broker_t *self, const tm_uuid_t *id); /* NULL if gone */
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
/* The same for a job that its worker holds already. */
void dispatch_adopted(broker_t *self, queue_t *queue, const struct tm_job *job,
                      const tm_uuid_t *worker);
void dispatch_end(broker_t *self,
                  lease_t *lease); /* forgets it; credit was given back before */
void dispatch_worker_lost(broker_t *self, worker_t *worker, const char *cause);
void dispatch_drop(broker_t *self, const lease_t *lease, tm_err_t code); /* tells the worker */
void queue_destroy(queue_t **self_p);
void worker_destroy(worker_t **self_p);

enum { LOW_UNKNOWN = 0, PRIORITY_DEFAULT = 5 };

line_t *lines_find(queue_t *queue, const tm_uuid_t *workspace);
/* The workspace has one more ready job, of this rank or a later one; or, `may_be`, it may have
 * any number of them. */
void lines_add(queue_t *queue, const tm_uuid_t *workspace, int64_t low_us, bool may_be);
int64_t lines_rank_us(uint64_t priority);        /* of a job that is ready now */
void lines_settle(queue_t *queue, line_t *line); /* takes turns while there is room for it */
void lines_remove(queue_t *queue, line_t *line);
void lines_scan(broker_t *self, queue_t *queue); /* if it is due */

size_t shares_id_at(void); /* for the map */
void shares_fini(queue_t *queue);
void shares_take(queue_t *queue, const tm_uuid_t *workspace, size_t count);
void shares_give(queue_t *queue, const tm_uuid_t *workspace, size_t count);
/* Jobs that the workspace may have running beside those; SIZE_MAX: no limit. */
size_t shares_room(const queue_t *queue, const tm_uuid_t *workspace);
void shares_look_if_alone(broker_t *self); /* after each beat */

tm_err_t intake_check(const broker_t *self, const struct tm_submit *submit, tm_str_t body,
                      const char **ret_detail);
/* Not larger than broker.max_body_kb. */
bool intake_takes(const broker_t *self, tm_str_t body);
/* For one more that waits for its commit: a number of them, and a number of bytes. */
bool intake_has_room(const broker_t *self, tm_str_t body);
submit_t *submit_new(broker_t *self, peer_id_t peer, const tm_msg_t *msg);
void submit_destroy(broker_t *self, submit_t **self_p);
void intake_accept(broker_t *self, submit_t *submit, const tm_uuid_t *owner, bool duplicate);
void intake_committed(broker_t *self, submit_t *submit); /* a new job: starts or queues it */
void intake_reject(broker_t *self, submit_t *submit, tm_err_t err, const char *detail);

/* Puts the end of an attempt on its way; takes nothing. */
void store_done(broker_t *self, const struct tm_done *done, const tm_uuid_t *worker,
                tm_str_t body);
void store_fail(broker_t *self, const ending_t *like, tm_str_t code, tm_str_t detail);
void store_flush(broker_t *self);     /* sends what waits, if a unit may leave */
void store_reconcile(broker_t *self); /* if one is due and all is quiet */
void store_lookup_state(broker_t *self, const tm_uuid_t *job, peer_id_t peer,
                        uint64_t ref); /* STATE to peer, RESULT to watchers if it has ended */
bool lookup_has_room(const broker_t *self);
void claims_note_body(queue_t *queue, size_t size);

typedef struct put put_t;
void put_destroy(put_t **self_p);
tm_err_t pieces_put(broker_t *self, const struct tm_put *put, tm_str_t body);
void pieces_flush(broker_t *self);

TM_CHECKED tm_err_t audience_add(broker_t *self, const tm_uuid_t *job, peer_id_t peer);
bool audience_has(const broker_t *self, const tm_uuid_t *job);
void audience_progress(broker_t *self, const tm_msg_t *progress);
void audience_result(broker_t *self, const tm_uuid_t *job, const char *state, const char *code,
                     const char *detail, tm_str_t body); /* and forgets them */
void audience_peer_gone(broker_t *self, peer_id_t peer);
void audience_fini(broker_t *self);
void audience_check(broker_t *self); /* a few of those whose job runs elsewhere, or has ended */

enum { CANCEL_MS = 1000, TELL_MS = 50 };

void controls_notify(void *arg, const char *payload); /* a word of the channel */
void controls_load(broker_t *self);                   /* the queues' rules */
void controls_cancel(broker_t *self, const struct tm_cancel *request);
void controls_look_for_cancels(broker_t *self);
void controls_tell_ready(broker_t *self, queue_t *queue);

/* Whether or not the DONE counts: the SUBMITs behind it are no producer's. */
void spawns_begin(broker_t *self, const struct tm_done *done, tm_str_t body, bool counts);
void spawns_add(broker_t *self, const tm_msg_t *msg); /* a SUBMIT behind it */
void spawns_end_of_message(broker_t *self);
void spawn_destroy(spawn_t **self_p);

void calls_init(broker_t *self);
void calls_fini(broker_t *self);
void calls_forward(broker_t *self, const struct tm_call *fields, tm_str_t body);
void calls_return(broker_t *self, const tm_msg_t *msg);
void calls_error(broker_t *self, const tm_msg_t *msg);
void calls_hello(broker_t *self, worker_t *worker, const struct tm_hello *hello);
void calls_forget_server(broker_t *self, const worker_t *worker, bool is_lost);
void calls_expire(broker_t *self);

void owners_check(broker_t *self);
bool owners_allow(const queue_t *queue,
                  const worker_t *worker); /* to give it the queue's jobs */

void reports_start(broker_t *self);
void reports_fini(broker_t *self);
void reports_pass(broker_t *self, const tm_msg_t *msg); /* a METRICS that was received */

void upkeep_start(broker_t *self); /* arms the timers */
void upkeep_database_up(broker_t *self);

const tm_actor_type_t *broker_type(void);
broker_t *broker_new(loop_t *loop, const settings_t *settings, meters_t *metrics, pg_t *pg,
                     zsock_t *socket);
void broker_destroy(broker_t **self_p);
/* Its worker is free of the job; the lease stays until the commit. NULL: it has no such lease.
 */
lease_t *broker_end_lease(broker_t *self, const tm_uuid_t *job, uint64_t attempt);
void broker_turn(broker_t *self); /* end of a turn: flush everything */
/* The lines that follow are of this trace, if it is one. */
void broker_log_trace(tm_str_t traceparent);

#endif
