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
    uint64_t call_ref; /* of a call; 0: a job */
    char traceparent[64 + 1];
    zmq_msg_t body;
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
    tm_job_t *next;      /* of those that are spent */
    void *handle;        /* in the list of all jobs */
};

/* Both copy what they keep, and take the content of the body frame. */
tm_job_t *job_of_lease(const struct tm_job *job, zmq_msg_t *body);
tm_job_t *job_of_call(const struct tm_call *call, zmq_msg_t *body);
void job_destroy(tm_job_t **self_p);
void job_forget_followers(tm_job_t *self);
/* Makes the outcome FAIL; `detail` may be any bytes. */
void job_set_failed(tm_job_t *self, tm_err_t code, const char *detail, bool is_retryable);

/* What the caller sends over the pipe. */
struct command {
    enum { COMMAND_END, COMMAND_PROGRESS } kind;
    void *
        address; /* tm_job_t: its outcome is set, or it is dropped; or struct worker_progress */
};

struct worker_progress {
    const tm_job_t *job; /* still the caller's, ended by a later command */
    parcel_t parcel;
};

/* What the thread needs to start; read, and ret_is_ok written, before zactor_new returns. */
struct worker_io_options {
    tm_msg_t hello; /* its texts live as long as the thread */
    char *brokers;
    const struct tm_curve *curve; /* read before zactor_new returns */
    int drain_fd;                 /* an eventfd: readable when the caller wants no more jobs */
    bool *ret_is_ok;              /* false: a bad list of brokers; the thread has ended */
    atomic_int *refusal;          /* what tm_worker_refusal returns */
    atomic_size_t
        *unsettled; /* the caller adds one when it ends a job, the thread takes it off */
};

/* The pipe orders memory: what was written to an object before its address was given is there
 * when the address is taken. The thread sanitizer does not see into the pipe; so each side says
 * what it does. In other builds these do nothing. */
#ifdef __SANITIZE_THREAD__
void __tsan_release(void *address);
void __tsan_acquire(void *address);
#define PIPE_GIVE(address) __tsan_release(address)
#define PIPE_TAKE(address) __tsan_acquire(address)
#else
#define PIPE_GIVE(address) ((void)(address))
#define PIPE_TAKE(address) ((void)(address))
#endif

/* The actor. It sends the address of each job, and NULL once when
 * no more will come. Ends with $TERM, at most LEAVE_MS later. */
void worker_io(zsock_t *pipe, void *args);

#endif
