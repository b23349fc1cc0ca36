/* worker_io - the thread of a worker that talks to the brokers.
 *
 * The caller's thread and this one share nothing but the pipe, over which jobs and commands
 * travel by address, and the `is_dropped` flag of a job. A job belongs to the thread that has
 * it last received; its outcome is written before it is handed back.
 *
 * Inner header of proto: not installed, and nothing outside proto includes it.
 */
#ifndef PROTO_WORKER_IO_H
#define PROTO_WORKER_IO_H

#include <stdatomic.h>

#include "dealer.h"
#include "worker.h"

#define CREDIT_MAX 1000 /* jobs at once; fits the pipe, so that its send never waits */

struct tm_leased {
    /* written before the caller gets the job, and by nobody after */
    tm_uuid_t id;
    uint32_t attempt;
    char queue[TM_NAME_MAX + 1];
    tm_uuid_t workspace;
    uint64_t timeout_ms;
    bool is_join;
    char traceparent[64 + 1];
    zframe_t *body;
    /* both threads */
    atomic_bool is_dropped, is_canceled;
    /* written by the caller when it ends the job: DONE or FAIL; empty: say nothing */
    parcel_t outcome;
    parcel_t *followers; /* jobs that go behind it in the same message */
    size_t follower_count;
    /* the network's thread only */
    size_t home;         /* the broker it came from, or that has taken it over */
    bool is_ended;       /* the outcome waits for SETTLED */
    bool is_callers_end; /* the caller ended it: counted as unsettled until it is forgotten */
    int64_t resend_ms;   /* when to send the outcome again */
    void *handle;        /* in the list of all jobs */
};

void job_destroy(tm_job_t **self_p);
void job_forget_followers(tm_job_t *self);
/* Makes the outcome FAIL; `detail` may be any bytes. */
void job_set_failed(tm_job_t *self, tm_err_t code, const char *detail, bool is_retryable);

/* What the caller sends over the pipe, as picture "sp". */
#define COMMAND_END      "END"      /* tm_job_t: its outcome is set, or it is dropped */
#define COMMAND_PROGRESS "PROGRESS" /* struct worker_progress */

struct worker_progress {
    const tm_job_t *job; /* still the caller's, ended by a later command */
    parcel_t parcel;
};

/* What the thread needs to start; read, and ret_is_ok written, before zactor_new returns. */
struct worker_io_options {
    tm_msg_t hello; /* its texts live as long as the thread */
    const char *brokers;
    const struct tm_curve *curve; /* read before zactor_new returns */
    int drain_fd;                 /* an eventfd: readable when the caller wants no more jobs */
    bool *ret_is_ok;              /* false: a bad list of brokers; the thread has ended */
    atomic_int *refusal;          /* what tm_worker_refusal returns */
    atomic_size_t
        *unsettled; /* the caller adds one when it ends a job, the thread takes it off */
};

/* The actor. It sends, as picture "p", each job, and NULL once when
 * no more will come. Ends with $TERM, at most LEAVE_MS later. */
void worker_io(zsock_t *pipe, void *args);

#endif
