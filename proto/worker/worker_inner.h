/* worker_inner - a worker's parts, shared by the files of the worker only.
 *
 *     worker.c          what the caller calls; who is at the network, and when
 *     worker_links.c    what is told to brokers
 *     worker_receive.c  what brokers say
 *     worker_job.c      a job in the worker's hands
 *
 * Everything but the atomics is guarded by `lock`. Whoever waits in tm_worker_next is at the
 * network itself, so that a job passes no other thread on its way; while the caller is busy
 * with jobs, the keeper, a thread of the worker's own, looks in every TICK_MS: it pings, reads,
 * and sends what was left. A worker that is attached to a loop has no keeper: the loop does it.
 *
 * Every job that is not yet settled stands in the list `all`. Those whose lease is not known to
 * be lost stand in `held` too, by id: that is what HOLDING tells and what counts when a word
 * about a job comes in. A dropped job only waits in `all` until the caller has ended it.
 *
 * Inner header of proto: not installed, and nothing outside proto includes it.
 */
#ifndef PROTO_WORKER_WORKER_INNER_H
#define PROTO_WORKER_WORKER_INNER_H

#include <pthread.h>
#include <stdatomic.h>

#include "proto/link/dealer.h"
#include "proto/codec/uuid_map.h"
#include "proto/worker.h"

#define CREDIT_MAX 10000                    /* jobs at once */
#define KNOWN_MAX  ((size_t)4 * CREDIT_MAX) /* jobs in hand or not yet settled */
#define TICK_MS    50
#define LEAVE_MS   5000

struct tm_leased {
    /* written before the caller gets the job, and not after */
    tm_uuid_t id;
    uint32_t attempt;
    char queue[TM_NAME_MAX + 1];
    tm_uuid_t workspace;
    uint64_t timeout_ms;
    bool is_join;
    uint64_t call_ref; /* of a call; 0: a job */
    char traceparent[64 + 1];
    zmq_msg_t body;
    /* read by any thread */
    atomic_bool is_dropped, is_canceled;
    /* written by the caller when it ends the job: DONE or FAIL; empty: say nothing */
    encoded_msg_t outcome;
    encoded_msg_t *followers; /* jobs that go behind it in the same message */
    size_t follower_count;
    /* under the lock */
    size_t home;         /* the broker it came from, or that has taken it over */
    bool is_ended;       /* the outcome waits for SETTLED */
    bool is_callers_end; /* the caller ended it: counted as unsettled until it is forgotten */
    int64_t resend_ms;   /* when to send the outcome again */
    tm_job_t *next;      /* of those that are ready, or that are spent */
    void *handle;        /* in the list of all jobs */
};

struct link {
    dealer_t dealer;
    bool is_welcome;
    int64_t hello_ms; /* when HELLO was last sent */
    uint64_t credit;  /* as last told */
    size_t in_hand;   /* its jobs that the caller has or will get */
};

struct tm_worker {
    pthread_mutex_t lock;
    pthread_t keeper;
    pthread_cond_t keeper_wakes;
    int64_t keeper_ms; /* when it looks in next */
    bool is_over;      /* for the keeper to end */
    int drain_fd;      /* readable when the caller wants no more jobs */

    tm_msg_t hello; /* its texts are the worker's */
    char *actor, *queues, *services, *software;
    struct link links[BROKERS_MAX];
    size_t link_count;
    zlistx_t *all;
    uuid_map_t *held;
    tm_job_t *ready, **last_ready; /* for tm_worker_next, in order of arrival */
    tm_job_t *spent;               /* freed with the next flush */
    size_t in_hand;                /* jobs that the caller has or will get */
    bool is_dirty;                 /* something may wait for the next flush */
    bool is_draining, is_leaving;
    int64_t leave_ms; /* at the latest */
    int64_t tick_ms;  /* when the next tick is due */
    int64_t turned_ms;
    int signal_seen; /* of signal_has_come */

    zloop_t *loop; /* NULL: the keeper runs */
    int loop_timer;
    tm_worker_fn *on_jobs;
    void *jobs_arg;

    atomic_size_t unsettled; /* ended by the caller, and not yet forgotten */
    atomic_int refusal;      /* tm_err_t: what tm_worker_refusal returns */
};

/* --- worker_job.c ------------------------------------------------------------------------- */

/* Both copy what they keep, and take the content of the body frame. */
tm_job_t *job_of_lease(const struct tm_job *job, zmq_msg_t *body);
tm_job_t *job_of_call(const struct tm_call *call, zmq_msg_t *body);
void job_destroy(tm_job_t **self_p);
void job_forget_followers(tm_job_t *self);
enum job_failure { FAILURE_FINAL, FAILURE_RETRYABLE, FAILURE_REJECTED, FAILURE_SETTLED };
/* Makes the outcome FAIL; `detail` may be any bytes. */
void job_set_failed(tm_job_t *self, tm_err_t code, const char *detail, enum job_failure how);

/* --- worker_links.c ----------------------------------------------------------------------- */

/* HELLO, and for each job that is this broker's or whose broker is gone HOLDING, or how it has
 * ended. From here on the orphans among them are this broker's. */
void links_hello(tm_worker_t *self, struct link *link, int64_t now_ms);
void links_bye(tm_worker_t *self, uint64_t leaving_in_ms);
/* To its broker, or another that is alive; again after a while, until SETTLED. */
void links_send_outcome(tm_worker_t *self, tm_job_t *job, int64_t now_ms);
/* of the job, which it names */
void links_progress(tm_worker_t *self, const tm_job_t *job, struct tm_progress progress,
                    tm_str_t body);
void links_tick(tm_worker_t *self,
                int64_t now_ms); /* pings; HELLOs and outcomes that are due */
/* Sends what waits, and each broker's credit if it has changed; frees what is spent. */
void links_flush(tm_worker_t *self);
void links_wake(tm_worker_t *self, int64_t now_ms); /* this process had been stopped */

/* --- worker_receive.c --------------------------------------------------------------------- */

bool receive_messages(tm_worker_t *self); /* what has come, from each; false: nothing */
void receive_drain(tm_worker_t *self);
void receive_leave(tm_worker_t *self); /* what the caller has not ended goes back at once */
void receive_end_job(tm_worker_t *self, tm_job_t *job); /* the caller's: its outcome is set */
tm_job_t *receive_take_ready(tm_worker_t *self);        /* NULL: none */

#endif
