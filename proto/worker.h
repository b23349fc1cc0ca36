/* worker - the consumer's end of the protocol.
 *
 * A worker says HELLO to every broker, pings, and so renews its leases whatever the job's
 * thread is doing, reconnects, tells a restarted broker which jobs are still in work, and
 * re-sends DONE and FAIL until the broker says SETTLED. The caller's thread does this while it
 * waits in tm_worker_next; a thread of the worker's own looks in twenty times a second while it
 * does not. The caller takes jobs with tm_worker_next and ends each exactly once with
 * tm_worker_done, _fail or _reject.
 *
 * Several brokers share the credit: each is told what the jobs of the others leave free. Should
 * more jobs arrive than there is room for, those are answered FAIL BUSY, retryable.
 *
 * A job that somebody wants stopped is flagged: see tm_job_is_canceled. One that has not ended
 * a second later (tm_worker_stopped: a minute), or whose lease is lost otherwise (time-out,
 * another attempt elsewhere), is dropped: see tm_job_is_dropped. Its result counts no more; end
 * it soon, the worker library does the rest.
 *
 * Who has a loop of his own attaches the worker to it (tm_worker_attach): words are read and
 * pings sent there then, and there is no second thread.
 *
 * One worker, one caller's thread: all calls that take a worker come from it, but for those
 * that say "any thread". Who works on several jobs at once in threads of his own hands them
 * back to that one to be ended. A job is the caller's from tm_worker_next until it is ended,
 * and what tm_job_* returns is borrowed for as long; one thread at a time may read it. Bodies
 * and texts that are given are copied before the call returns. Of signals see client.h; the
 * worker's own thread blocks them all.
 */
#ifndef PROTO_WORKER_H
#define PROTO_WORKER_H

#include "curve.h"
#include "job_spec.h"
#include "message.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tm_worker tm_worker_t;
typedef struct tm_leased tm_job_t;

struct tm_worker_options {
    const char *brokers; /* endpoints separated by commas, at most 16 */
    const char *actor;   /* the kind of worker, as in metrics: "tune"; at most 64 bytes */
    const char *queues;  /* separated by commas, at most 1000 bytes; NULL: none, only calls */
    uint32_t credit; /* jobs at once, at most 10000; 0: 1. Nothing is prefetched beyond it */
    const char *software; /* version for people, at most 64 bytes; may be NULL */
    const char *services; /* whose calls it answers, as queues; may be NULL */
    uint32_t calls;       /* calls at once, beside the jobs, at most 10000; 0: 1 */
    bool exclusive; /* of all who say so, one at a time gets the queues' jobs; the next takes
                       over */
    struct tm_curve curve; /* none: plain, and on this machine only */
};

/* The end of a job that has jobs follow it. */
struct tm_job_end {
    const struct tm_job_spec *jobs; /* without keys */
    size_t job_count;               /* at most 1000 */
    bool join; /* they are its children: it waits until all have ended, and runs once more
                  (tm_job_is_join) */
    const void *body; /* what watchers get, as of tm_worker_done; may be NULL */
    size_t body_size;
};

/* Does not wait for a broker, which may come later. NULL: an option is wrong (tm_curve_check
 * says whether it is an endpoint or a certificate). */
tm_worker_t *tm_worker_new(const struct tm_worker_options *options);
/* Leaves: BYE, waits at most 5 s for SETTLED of what was ended, then closes. Jobs not ended go
 * back to the queue as FAIL DRAINING, and their handles are gone. */
void tm_worker_destroy(tm_worker_t **self_p);

/* Takes the next job, waiting at most timeout_ms (-1: for ever); ret_job is written with TM_OK
 * only. TM_TIMEOUT: none came; TM_DRAINING: tm_worker_drain was called and none is left, or a
 * signal came (told once, also while jobs are there): it may be called again. */
TM_CHECKED tm_err_t tm_worker_next(tm_worker_t *self, int timeout_ms, tm_job_t **ret_job);

/* Once, before the first job is taken and from the loop's thread, which is the caller's from
 * then on; the loop must outlive the worker. fn runs from the loop when jobs have come: it
 * takes them by tm_worker_next with a timeout of 0, until there is none, and does not destroy
 * the worker. The loop pings now: a handler that keeps it busy for as long as a lease loses the
 * jobs in hand. */
typedef void tm_worker_fn(void *arg);
void tm_worker_attach(tm_worker_t *self, zloop_t *loop, tm_worker_fn *fn, void *arg);

/* A call comes as a job, of the service's name as its queue: tm_worker_done answers it, _fail
 * says why there is no answer; progress, leases and settling are not for calls. */
bool tm_job_is_call(const tm_job_t *job);

/* Each takes the job and leaves NULL there. settled: the caller's own database transaction has
 * finished it already. The body is what watchers get, at most the broker's max body, 1 MiB as
 * shipped: one that is larger fails the job for good. */
void tm_worker_done(tm_worker_t *self, tm_job_t **job_p, bool settled, const void *body,
                    size_t size);
/* As tm_worker_done, and hands in jobs that commit with the end of this one, or not at all:
 * each as large as a job may be. One without a traceparent gets the job's. One that is not
 * valid fails the job for good. What `end` points to is copied before the call returns. */
void tm_worker_done_with(tm_worker_t *self, tm_job_t **job_p, const struct tm_job_end *end);
/* code: TM_JOB_FAILED for what the job itself did, or any other but TM_OK. detail is for
 * people, may be NULL and is cut to 2000 bytes. retryable: it comes again after a pause, until
 * its max_attempts have failed (TM_BUSY and TM_DRAINING do not count); else it is dead at once.
 * Dead jobs are incidents: somebody looks at them. */
void tm_worker_fail(tm_worker_t *self, tm_job_t **job_p, tm_err_t code, const char *detail,
                    bool retryable);
/* What the job asks for is wrong, and whoever asked is told why: it ends as rejected, and is no
 * incident. A broker of an older version makes it dead. code and detail as of tm_worker_fail.
 */
void tm_worker_reject(tm_worker_t *self, tm_job_t **job_p, tm_err_t code, const char *detail);
/* The job was canceled, and the caller's own database transaction has ended it as such. */
void tm_worker_canceled(tm_worker_t *self, tm_job_t **job_p);
/* Of a canceled job, within a second: it has stopped, and the caller stores what it found,
 * which may take until a minute after it was canceled. The rest is as of tm_worker_progress. */
void tm_worker_stopped(tm_worker_t *self, const tm_job_t *job, uint64_t done, uint64_t total,
                       const void *body, size_t size);
/* Told to those who watch the job, and may be lost. total 0: not known. Each is a message: a
 * few a second are enough. */
void tm_worker_progress(tm_worker_t *self, const tm_job_t *job, uint64_t done, uint64_t total,
                        const void *body, size_t size);
/* Take no more jobs; those in hand may be ended. Any thread, or a signal's handler. */
void tm_worker_drain(tm_worker_t *self);
/* Why a broker answered the last HELLO with a refusal, TM_FORBIDDEN: this worker's certificate
 * does not allow its queues. TM_OK when it is welcome, or not answered yet. Any thread. */
tm_err_t tm_worker_refusal(const tm_worker_t *self);
/* Jobs ended but not yet SETTLED: 0 means that every outcome is durable. */
size_t tm_worker_pending(tm_worker_t *self);

const tm_uuid_t *tm_job_id(const tm_job_t *job);
uint32_t tm_job_attempt(const tm_job_t *job); /* from 1; results count with the newest only */
const tm_uuid_t *tm_job_workspace(const tm_job_t *job);
const char *tm_job_queue(const tm_job_t *job);       /* terminated */
const char *tm_job_traceparent(const tm_job_t *job); /* "" if none */
uint64_t tm_job_timeout_ms(const tm_job_t *job);     /* the broker drops it then; 0: never */
tm_str_t tm_job_body(const tm_job_t *job);           /* not terminated; data is never NULL */
bool tm_job_is_join(const tm_job_t *job);            /* its children have all ended */
bool tm_job_is_dropped(const tm_job_t *job);         /* any thread */
/* Somebody wants the job stopped: end it within a second, best with TM_CANCELED, or say by
 * tm_worker_stopped that it takes a little longer. Any thread. */
bool tm_job_is_canceled(const tm_job_t *job);

#ifdef __cplusplus
}
#endif

#endif
