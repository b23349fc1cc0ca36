/* client - the producer's end of the protocol.
 *
 * One client, one thread: all calls come from it, and all callbacks run in it. It connects to
 * every broker of the list, re-sends what is unanswered (with the same job id, so nothing is
 * ever submitted twice) when a broker does not answer within resend_ms or a connection breaks,
 * and reports each outcome exactly once. Use it in a zloop (tm_client_attach) or on its own
 * (tm_client_wait): sending, pinging and callbacks happen there and nowhere else.
 *
 * A refusal that passes (BUSY, STORE_DOWN, DRAINING) is not reported: the request is sent again
 * after the time the broker named, until give_up_ms. Any other refusal ends the request.
 *
 * Memory is bounded: at most `window` requests may be unanswered, and 64 x `window` jobs
 * watched; then TM_BUSY. A callback may call anything here but tm_client_destroy and
 * tm_client_wait.
 *
 * What an argument points to is copied, or read, before the call returns; what a callback is
 * given is borrowed until it returns, and a tm_str_t is not terminated. czmq takes over SIGINT
 * and SIGTERM with a process's first client or worker, unless the environment has
 * ZSYS_SIGHANDLER=false; handlers set afterwards stay.
 */
#ifndef PROTO_CLIENT_H
#define PROTO_CLIENT_H

#include "curve.h"
#include "job_spec.h"
#include "message.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tm_client tm_client_t;

struct tm_client_options {
    const char *brokers; /* at most 16, separated by commas: ipc://..., tcp://host:port */
    uint32_t window;     /* unanswered requests, at most 1000000; 0: 4096 */
    uint32_t resend_ms;  /* 0: 2000 */
    uint32_t give_up_ms; /* so long unanswered: TM_BROKER_DOWN or the last refusal; 0: never */
    struct tm_curve curve; /* none: plain, and on this machine only */
};

/* The answer to a submit: err TM_OK, the job is on disk; or why it was refused, or given up.
 * One that was given up may have been accepted all the same: submit it again with its id, or
 * ask for its state. */
struct tm_answer {
    tm_err_t err;
    tm_uuid_t job;           /* as submitted; with a known key, that of the first request */
    bool duplicate;          /* it was there before, perhaps because it was sent again */
    const char *detail;      /* for people; never NULL */
    uint64_t retry_after_ms; /* a refusal that may pass by then; 0: nothing is known */
};
typedef void tm_answer_fn(void *arg, const struct tm_answer *answer);

/* A watched job moved, which may be lost; or ended, which is told once: result->state is "done"
 * and body the result, or "dead", "canceled" or "rejected" (what it asks for is wrong) and code
 * and detail say why. It may come before the answer to the submit. */
typedef void tm_progress_fn(void *arg, const struct tm_progress *progress, tm_str_t body);
typedef void tm_result_fn(void *arg, const struct tm_result *result, tm_str_t body);
/* state is never NULL; with an err its state is "unknown", and code and detail say why. With
 * TM_OK its state is ready, running, scheduled, waiting (for its children), done, dead,
 * canceled, or unknown: there is no such job. body is the result of one that is done. */
typedef void tm_state_fn(void *arg, tm_err_t err, const struct tm_state *state, tm_str_t body);
/* The answer to a call: err TM_OK and the body, or what the server or the broker said instead.
 */
typedef void tm_return_fn(void *arg, tm_err_t err, const char *detail, tm_str_t body);
/* complete: every byte of the dataset is there, and its hash is right. */
typedef void tm_stored_fn(void *arg, tm_err_t err, bool complete, const char *detail);

/* Does not wait for a broker, which may come later. NULL: a bad endpoint or certificate
 * (tm_curve_check says which), too many brokers or too large a window. */
tm_client_t *tm_client_new(const struct tm_client_options *options);
/* Unanswered requests are dropped, not reported; of those, what was submitted last may never
 * have been sent. */
void tm_client_destroy(tm_client_t **self_p);

/* For all watched jobs, from now on. Either function may be NULL. */
void tm_client_on_watch(tm_client_t *self, tm_progress_fn *on_progress, tm_result_fn *on_result,
                        void *arg);

/* Each queues a request and returns at once. TM_OK: the callback, unless NULL, runs later,
 * once, from the loop or tm_client_wait. Anything else: nothing is sent and the callback never
 * runs. TM_BUSY: the window is full, or too many jobs are watched; TM_BAD_REQUEST: a field is
 * over its limit, or the body over TM_BODY_MAX; TM_NO_MEMORY. */
TM_CHECKED tm_err_t tm_client_submit(tm_client_t *self, const struct tm_job_spec *spec,
                                     tm_answer_fn *fn, void *arg);
TM_CHECKED tm_err_t tm_client_status(tm_client_t *self, const tm_uuid_t *job, tm_state_fn *fn,
                                     void *arg);
TM_CHECKED tm_err_t tm_client_subscribe(tm_client_t *self, const tm_uuid_t *job,
                                        tm_state_fn *fn,
                                        void *arg); /* survives reconnects: subscribed again */
/* Stops a job and its children: answered by the state it is in then. One that is running is
 * asked to stop, and ends as canceled within a second or so: watch it to hear of that. */
TM_CHECKED tm_err_t tm_client_cancel(tm_client_t *self, const tm_uuid_t *job, tm_state_fn *fn,
                                     void *arg);
/* TM_DATASET_MISMATCH: every piece is there, and together they have another hash. */
TM_CHECKED tm_err_t tm_client_put(tm_client_t *self, const struct tm_piece *piece,
                                  tm_stored_fn *fn, void *arg);
/* Asks a service: not durable, and never sent twice. Ends at the deadline with TM_TIMEOUT, and
 * with TM_BROKER_DOWN when the broker goes away meanwhile: whether the question was heard is
 * not known. TM_SERVICE_NOT_FOUND: nobody answers it now. */
TM_CHECKED tm_err_t tm_client_call(tm_client_t *self, const struct tm_call_spec *spec,
                                   tm_return_fn *fn, void *arg);
/* What a process counts: told to every broker that answers now, which passes it on to those who
 * watch. `text` is in the Prometheus text format, each series with metrics->actor and
 * ->instance as labels. With metrics->watch the others' come to on_metrics, for a minute. */
typedef void tm_metrics_fn(void *arg, const struct tm_metrics *metrics, tm_str_t text);
void tm_client_report(tm_client_t *self, const struct tm_metrics *metrics, tm_str_t text);
void tm_client_on_metrics(tm_client_t *self, tm_metrics_fn *fn, void *arg);
/* The broker at `index` of the list: its endpoint, and whether it was heard within 3 s. NULL:
 * there are no more. */
const char *tm_client_broker(const tm_client_t *self, size_t index, bool *ret_alive);
void tm_client_unsubscribe(tm_client_t *self, const tm_uuid_t *job); /* forget a watched job */

/* Flushes batches: submits made since the last call leave in ZeroMQ messages of at most 256
 * pairs or 256 KiB. An attached client does it by a timer of 0 ms, once the handlers of the
 * loop's turn have run, and tm_client_wait when it is entered; call it to send sooner. */
void tm_client_flush(tm_client_t *self);
size_t tm_client_pending(const tm_client_t *self); /* unanswered requests; not watched jobs */
bool tm_client_is_connected(const tm_client_t *self); /* a broker was heard within 3 s */

/* Once. Reads and timers run in the loop, which must outlive the client. */
void tm_client_attach(tm_client_t *self, zloop_t *loop);
/* Runs the client for at most timeout_ms (-1: for ever), returning early after any request or
 * watch has been reported. TM_OK: one was; TM_TIMEOUT; TM_DRAINING: interrupted by a signal,
 * may be called again. */
TM_CHECKED tm_err_t tm_client_wait(tm_client_t *self, int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif
