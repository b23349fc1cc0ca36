/* What goes to brokers, and what is forgotten when it is answered. */
#include "proto/client/client_inner.h"

static int
on_flush_timer(zloop_t *loop, int timer, void *arg)
{
    tm_client_t *self = arg;

    (void)loop, (void)timer;
    self->flush_timer = -1;
    tm_client_flush(self);
    return 0;
}

/* In a loop the flush is a timer of 0 ms: it runs once the handlers of this turn have run. */
void
client_want_flush(tm_client_t *self)
{
    if (self->loop && self->flush_timer < 0)
        self->flush_timer = zloop_timer(self->loop, 0, 1, on_flush_timer, self);
}

/* The broker knows nothing of what its forerunner was told. */
void
client_tell_again(tm_client_t *self)
{
    uint32_t index = 0;

    if (!self->has_told)
        return;
    for (struct request *request; (request = requests_walk(self->requests, &index));)
        if (request->state == REQUEST_SENT && request->type != TM_MSG_CALL)
            requests_queue(self->requests, request);
        else if (request->state == REQUEST_SENT)
            request->due_ms = 0; /* a call is not asked twice: the next tick ends it */
    watches_ask(self->watches, &self->brokers[self->current], false);
    client_want_flush(self);
}

/* Keeps to the current broker while it is there; else takes the next that is. */
static dealer_t *
choose_broker(tm_client_t *self)
{
    for (size_t i = 0; i < self->broker_count; i++) {
        size_t index = (self->current + i) % self->broker_count;
        if (!self->brokers[index].alive)
            continue;
        if (index != self->current) {
            self->current = index;
            client_tell_again(self);
        }
        return &self->brokers[index];
    }
    return NULL;
}

void
tm_client_flush(tm_client_t *self)
{
    dealer_t *broker = choose_broker(self);
    struct request *request;

    if (!broker)
        return;
    int64_t due_ms = zclock_mono() + self->resend_ms;
    while ((request = requests_queued(self->requests))) {
        if (!dealer_parcel(broker, &request->parcel))
            break; /* the socket takes no more: the rest goes with the next tick */
        requests_leave(self->requests, request, REQUEST_SENT,
                       request->type == TM_MSG_CALL ? request->end_ms : due_ms);
        self->has_told = true;
    }
    dealer_flush(broker);
}

/* Ends the slot and leaves a copy, so that a callback may submit again at once. */
struct request
client_end_request(tm_client_t *self, struct request *request)
{
    struct request ended = *request;

    requests_end(self->requests, request);
    ended.parcel = (encoded_msg_t){0};
    self->called++;
    return ended;
}

void
client_fail_request(tm_client_t *self, struct request *request, tm_err_t err,
                    const char *detail, uint64_t retry_after_ms)
{
    struct request ended = client_end_request(self, request);

    if (ended.type == TM_MSG_SUBMIT || ended.type == TM_MSG_SUBSCRIBE)
        watches_forget(self->watches, &ended.job);
    request_report_failure(&ended, err, detail, retry_after_ms);
}

/* A broker that leaves: the next one is asked, if there is one. */
void
client_leave_broker(tm_client_t *self)
{
    size_t before = self->current;

    for (size_t i = 1; i < self->broker_count && self->current == before; i++) {
        size_t index = (before + i) % self->broker_count;
        if (self->brokers[index].alive) {
            self->current = index;
            client_tell_again(self);
        }
    }
}
