/* requests - the unanswered requests of a client, in a fixed array of slots.
 *
 * A request's ref names its slot (ref % window), so an answer finds its request at once; an
 * answer to a request that has ended finds another ref there, or none, and is ignored. That is
 * what makes each outcome be reported once, however often the request was sent.
 *
 * QUEUED  leaves with the next flush, if a broker is there
 * SENT    unanswered; queued again when due
 * PAUSED  the broker asked to try later; queued again when due
 *
 * Inner header of proto: not installed, and nothing outside proto includes it.
 */
#ifndef PROTO_LINK_REQUESTS_H
#define PROTO_LINK_REQUESTS_H

#include "proto/client.h"
#include "proto/link/dealer.h"

enum request_state { REQUEST_FREE, REQUEST_QUEUED, REQUEST_SENT, REQUEST_PAUSED };

/* Whom an answer is told, by the type of the request. */
typedef union {
    tm_answer_fn *answer;
    tm_state_fn *state;
    tm_stored_fn *stored;
    tm_return_fn *returned;
} request_fn_t;

struct request {
    uint64_t ref;
    enum request_state state;
    tm_msg_type_t type;
    tm_err_t last_err;                /* the refusal that paused it, TM_OK if none did */
    uint32_t prev, next;              /* in the queue; next also in the free list */
    int64_t start_ms, due_ms, end_ms; /* end_ms: the deadline of a call */
    tm_uuid_t job;
    encoded_msg_t parcel;
    request_fn_t fn;
    void *arg;
};

typedef struct requests requests_t;

requests_t *requests_new(uint32_t window);
void requests_destroy(requests_t **self_p);

/* The ref that the next request gets; 0 when the window is full. */
uint64_t requests_next_ref(const requests_t *self);
/* Takes the parcel, which holds that ref, and queues the request. */
struct request *requests_add(requests_t *self, tm_msg_type_t type, encoded_msg_t *parcel);
void requests_end(requests_t *self, struct request *request); /* frees the slot */

struct request *requests_find(requests_t *self, uint64_t ref); /* NULL: not ours, or ended */
struct request *requests_queued(requests_t *self);             /* the oldest, or NULL */
void requests_queue(requests_t *self, struct request *request);
void requests_leave(requests_t *self, struct request *request, enum request_state state,
                    int64_t due_ms); /* SENT or PAUSED */

size_t requests_pending(const requests_t *self);
/* Walks all that are unanswered: start with index 0; NULL at the end. Requests may be ended and
 * added on the way. */
struct request *requests_walk(requests_t *self, uint32_t *index);

/* Calls the callback of a request that has ended without an answer. */
void request_report_failure(const struct request *self, tm_err_t err, const char *detail,
                            uint64_t retry_after_ms);

/* The message of a submit, but for its ref; borrows from spec. */
void request_fill_submit(tm_msg_t *msg, const struct tm_job_spec *spec);

#endif
