/* worker - the consumer's end of the protocol.
 *
 * A worker says HELLO to every broker, pings, and so renews its leases whatever the job's
 * thread is doing, reconnects, tells a restarted broker which jobs are still in work, and
 * re-sends DONE and FAIL until the broker says SETTLED. The caller's thread does this while it
 * waits in tm_worker_next; a thread of the worker's own looks in twenty times a second while it
 * does not. The caller takes jobs with tm_worker_next and ends each exactly once with
 * tm_worker_done or _fail. One thread at a time may call; of other threads, those functions
 * that say so.
 *
 * Several brokers share the credit: each is told what the jobs of the others leave free. Should
 * more jobs arrive than there is room for, those are answered FAIL BUSY, retryable.
 *
 * A job that somebody wants stopped is flagged: see tm_job_is_canceled. One that has not ended
 * a second later, or whose lease is lost otherwise (time-out, another attempt elsewhere), is
 * dropped: see tm_job_is_dropped. Its result counts no more; end it soon, the worker library
 * does the rest.
 */
#ifndef PROTO_WORKER_H
#define PROTO_WORKER_H

#include "curve.h"
#include "message.h"

typedef struct tm_worker tm_worker_t;
typedef struct tm_leased tm_job_t;

struct tm_worker_options {
    const char *brokers; /* endpoints separated by commas */
    const char *actor;   /* the kind of worker, as in metrics: "tune" */
    const char *queues;  /* separated by commas */
    uint32_t credit; /* jobs at once, at most 10000; 0: 1. Nothing is prefetched beyond it */
    const char *software; /* version for people, may be NULL */
    const char *services; /* whose calls it answers, separated by commas; may be NULL */
    uint32_t calls;       /* calls at once, beside the jobs; 0: 1 */
    bool exclusive; /* of all who say so, one at a time gets the queues' jobs; the next takes
                       over */
    struct tm_curve curve; /* none: plain, and on this machine only */
};

tm_worker_t *
tm_worker_new(const struct tm_worker_options *options); /* NULL: an option is wrong */
/* Leaves: BYE, waits at most 5 s for SETTLED of what was ended, then closes. Jobs not ended go
 * back to the queue as FAIL DRAINING, and their handles are gone. */
void tm_worker_destroy(tm_worker_t **self_p);

/* Takes the next job, waiting at most timeout_ms (-1: for ever). TM_TIMEOUT: none came;
 * TM_DRAINING: tm_worker_drain was called or a signal came, and none is left. */
TM_CHECKED tm_err_t tm_worker_next(tm_worker_t *self, int timeout_ms, tm_job_t **ret_job);

/* A call comes as a job, of the service's name as its queue: tm_worker_done answers it, _fail
 * says why there is no answer; progress, leases and settling are not for calls. */
bool tm_job_is_call(const tm_job_t *job);

/* Each takes the job. settled: the caller's own database transaction has finished it already.
 */
void tm_worker_done(tm_worker_t *self, tm_job_t **job_p, bool settled, const void *body,
                    size_t size);
/* Ends the job and hands in jobs that commit with its end, or not at all: at most 1000, without
 * keys, together below the broker's largest message. `join`: they are its children; the job
 * waits for them and runs once more when all have ended (tm_job_is_join). */
struct tm_job_spec;
void tm_worker_done_with(tm_worker_t *self, tm_job_t **job_p, const struct tm_job_spec *jobs,
                         size_t count, bool join, const void *body, size_t size);
void tm_worker_fail(tm_worker_t *self, tm_job_t **job_p, tm_err_t code, const char *detail,
                    bool retryable);
void tm_worker_progress(tm_worker_t *self, const tm_job_t *job, uint64_t done, uint64_t total,
                        const void *body, size_t size);
void tm_worker_drain(tm_worker_t *self); /* any thread: take no more jobs */
/* Why a broker answered the last HELLO with a refusal, TM_FORBIDDEN: this worker's certificate
 * does not allow its queues. TM_OK when it is welcome, or not answered yet. Any thread. */
tm_err_t tm_worker_refusal(const tm_worker_t *self);
/* Jobs ended but not yet SETTLED: 0 means that every outcome is durable. */
size_t tm_worker_pending(tm_worker_t *self);

const tm_uuid_t *tm_job_id(const tm_job_t *job);
uint32_t tm_job_attempt(const tm_job_t *job);
const tm_uuid_t *tm_job_workspace(const tm_job_t *job);
const char *tm_job_queue(const tm_job_t *job);       /* terminated */
const char *tm_job_traceparent(const tm_job_t *job); /* "" if none */
uint64_t tm_job_timeout_ms(const tm_job_t *job);
tm_str_t tm_job_body(const tm_job_t *job);
bool tm_job_is_join(const tm_job_t *job);    /* its children have all ended */
bool tm_job_is_dropped(const tm_job_t *job); /* any thread */
/* Somebody wants the job stopped: end it within a second, best with TM_CANCELED. Any thread. */
bool tm_job_is_canceled(const tm_job_t *job);

#endif
