/* client - the producer's end of the protocol.
 *
 * One client, one thread. It connects to every broker of the list, re-sends what is unanswered
 * (with the same job id, so nothing is ever submitted twice) when a broker does not answer
 * within resend_ms or a connection breaks, and reports each outcome exactly once. Use it in a
 * zloop (tm_client_attach) or on its own (tm_client_wait).
 *
 * A refusal that passes (BUSY, STORE_DOWN, DRAINING) is not reported: the request is sent again
 * after the time the broker named, until give_up_ms. Any other refusal ends the request.
 *
 * Memory is bounded: at most `window` requests may be unanswered, and 64 x `window` jobs
 * watched; then TM_BUSY. A callback may call anything here but tm_client_destroy.
 */
#ifndef PROTO_CLIENT_H
#define PROTO_CLIENT_H

#include "curve.h"
#include "message.h"

typedef struct tm_client tm_client_t;

struct tm_client_options {
    const char *brokers; /* endpoints separated by commas: ipc://..., tcp://host:port */
    uint32_t window;     /* unanswered requests; 0: 4096 */
    uint32_t resend_ms;  /* 0: 2000 */
    uint32_t give_up_ms; /* so long unanswered: TM_BROKER_DOWN or the last refusal; 0: never */
    struct tm_curve curve; /* none: plain, and on this machine only */
};

struct tm_job_spec {
    tm_uuid_t job; /* nil: one is made */
    const char *queue;
    tm_uuid_t workspace;
    const char *key;             /* idempotency key or NULL */
    const char *scope;           /* NULL: "" */
    const uint8_t *request_hash; /* 32 bytes or NULL; needed with a key */
    uint32_t priority;           /* 0..9 */
    bool has_priority;
    uint64_t delay_ms, timeout_ms, expires_ms;
    uint32_t max_attempts; /* 0: the queue's */
    const char *traceparent;
    bool watch; /* on_progress and on_result are wanted */
    const void *body;
    size_t body_size; /* at most the broker's max body, 1 MiB as shipped */
};

/* One piece of a dataset: 1 MiB but for the last. data NULL asks whether the whole is known. */
struct tm_piece {
    const uint8_t *sha256; /* 32 bytes, of the whole */
    uint64_t size, offset; /* of the whole; in the whole */
    const void *data;
    size_t data_size;
};

/* The answer to a submit: err TM_OK (job, duplicate) or the broker's refusal (detail). */
struct tm_answer {
    tm_err_t err;
    tm_uuid_t job;
    bool duplicate;
    const char *detail; /* never NULL; borrowed for the call */
    uint64_t retry_after_ms;
};
typedef void tm_answer_fn(void *arg, const struct tm_answer *answer);

/* A watched job moved. `progress` and `result` borrow from the message for the call. */
typedef void tm_progress_fn(void *arg, const struct tm_progress *progress, tm_str_t body);
typedef void tm_result_fn(void *arg, const struct tm_result *result, tm_str_t body);
/* state is never NULL; with an err its state is "unknown", and code and detail say why. */
typedef void tm_state_fn(void *arg, tm_err_t err, const struct tm_state *state, tm_str_t body);
/* The answer to a call: err TM_OK and the body, or what the server or the broker said instead.
 */
typedef void tm_return_fn(void *arg, tm_err_t err, const char *detail, tm_str_t body);
typedef void tm_stored_fn(void *arg, tm_err_t err, bool complete, const char *detail);

tm_client_t *
tm_client_new(const struct tm_client_options *options); /* NULL: bad endpoint or certificate */
void
tm_client_destroy(tm_client_t **self_p); /* unanswered requests are dropped, not reported */

void tm_client_on_watch(tm_client_t *self, tm_progress_fn *on_progress, tm_result_fn *on_result,
                        void *arg);

/* Each sends a request and returns at once: TM_BUSY when the window is full, TM_BAD_REQUEST
 * when a field is over its limit. The callback runs later, once, from the loop or
 * tm_client_wait. */
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
TM_CHECKED tm_err_t tm_client_put(tm_client_t *self, const struct tm_piece *piece,
                                  tm_stored_fn *fn, void *arg);
/* Asks a service: not durable, and never sent twice. Ends at the deadline with TM_TIMEOUT, and
 * with TM_BROKER_DOWN when the broker goes away meanwhile: whether the question was heard is
 * not known. TM_SERVICE_NOT_FOUND: nobody answers it now. */
TM_CHECKED tm_err_t tm_client_call(tm_client_t *self, const char *service, uint32_t deadline_ms,
                                   const void *body, size_t size, tm_return_fn *fn, void *arg);
void tm_client_unsubscribe(tm_client_t *self, const tm_uuid_t *job); /* forget a watched job */

/* Flushes batches: submits made since the last call leave in ZeroMQ messages of at most 256
 * pairs or 256 KiB. An attached client does it by a timer of 0 ms, once the handlers of the
 * loop's turn have run, and tm_client_wait when it is entered; call it to send sooner. */
void tm_client_flush(tm_client_t *self);
size_t tm_client_pending(const tm_client_t *self);
bool tm_client_is_connected(const tm_client_t *self); /* a broker answered within 3 pings */

/* Reads and timers run in the loop, which must outlive the client. */
void tm_client_attach(tm_client_t *self, zloop_t *loop);
/* Runs the client for at most timeout_ms, returning early after any callback has run.
 * TM_OK: something happened; TM_TIMEOUT; TM_DRAINING: interrupted by a signal. */
TM_CHECKED tm_err_t tm_client_wait(tm_client_t *self, int timeout_ms);

#endif
