/* What is sent but unanswered stands in requests_t; watched jobs stand in a map of their own,
 * from submit or subscribe until their RESULT. All requests go to one broker while it is there.
 * When another takes its place, or it turns out to know nothing of us (a new process, or back
 * from silence), everything unanswered is sent again and every watched job is subscribed again.
 * As a broker may drop words to a peer that reads too slowly, a watched job is also asked for
 * now and then (watches.c). */
#include "proto/client/client_inner.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_DEFAULT    4096
#define WINDOW_MAX        1000000
#define RESEND_DEFAULT_MS 2000
#define WATCHED_PER_SLOT  64 /* watched jobs, as a multiple of the window */
#define TICK_MS           50
#define RETRY_DEFAULT_MS  200
#define RETRY_MAX_MS      60000
#define READ_AT_ONCE      1000 /* pairs of one broker before the others' turn */

tm_client_t *
tm_client_new(const struct tm_client_options *options)
{
    uint32_t window = options->window ? options->window : WINDOW_DEFAULT;
    tm_client_t *self = zmalloc(sizeof *self);

    self->broker_count = window <= WINDOW_MAX
                             ? dealers_connect(self->brokers, options->brokers, &options->curve)
                             : 0;
    if (self->broker_count == 0) {
        free(self);
        return NULL;
    }
    self->resend_ms = options->resend_ms ? options->resend_ms : RESEND_DEFAULT_MS;
    self->give_up_ms = options->give_up_ms;
    self->requests = requests_new(window);
    self->watches = watches_new((size_t)window * WATCHED_PER_SLOT);
    self->tick_timer = self->flush_timer = -1;
    for (size_t i = 0; i < self->broker_count; i++)
        dealer_tick(&self->brokers[i], zclock_mono());
    return self;
}

static void
detach(tm_client_t *self)
{
    for (size_t i = 0; i < self->broker_count; i++)
        zloop_reader_end(self->loop, self->brokers[i].socket);
    zloop_timer_end(self->loop, self->tick_timer);
    if (self->flush_timer >= 0)
        zloop_timer_end(self->loop, self->flush_timer);
}

void
tm_client_destroy(tm_client_t **self_p)
{
    tm_client_t *self = *self_p;

    if (!self)
        return;
    if (self->loop)
        detach(self);
    requests_destroy(&self->requests);
    watches_destroy(&self->watches);
    dealers_close(self->brokers, self->broker_count);
    free(self);
    *self_p = NULL;
}

void
tm_client_on_watch(tm_client_t *self, tm_progress_fn *on_progress, tm_result_fn *on_result,
                   void *arg)
{
    self->on_progress = on_progress;
    self->on_result = on_result;
    self->watch_arg = arg;
}

size_t
tm_client_pending(const tm_client_t *self)
{
    return requests_pending(self->requests);
}

bool
tm_client_is_connected(const tm_client_t *self)
{
    for (size_t i = 0; i < self->broker_count; i++)
        if (self->brokers[i].alive)
            return true;
    return false;
}

void
tm_client_unsubscribe(tm_client_t *self, const tm_uuid_t *job)
{
    watches_forget(self->watches, job);
}

/* Forgets the job before it calls: whatever comes later about it is not reported. */
static void
watch_end(tm_client_t *self, const struct tm_result *result, tm_str_t body)
{
    if (!watches_has(self->watches, &result->job))
        return;
    watches_forget(self->watches, &result->job);
    self->called++;
    if (self->on_result)
        self->on_result(self->watch_arg, result, body);
}

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
static void
tell_again(tm_client_t *self)
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
            tell_again(self);
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
static struct request
request_end(tm_client_t *self, struct request *request)
{
    struct request ended = *request;

    requests_end(self->requests, request);
    ended.parcel = (encoded_msg_t){0};
    self->called++;
    return ended;
}

static void
request_fail(tm_client_t *self, struct request *request, tm_err_t err, const char *detail,
             uint64_t retry_after_ms)
{
    struct request ended = request_end(self, request);

    if (ended.type == TM_MSG_SUBMIT || ended.type == TM_MSG_SUBSCRIBE)
        watches_forget(self->watches, &ended.job);
    request_report_failure(&ended, err, detail, retry_after_ms);
}

static struct request *
find_answered(tm_client_t *self, uint64_t ref, tm_msg_type_t type)
{
    struct request *request = requests_find(self->requests, ref);

    return request && request->type == type ? request : NULL;
}

/* A watched job may run, and end, at any broker: each of them tells its own watchers. */
static void
tell_others(tm_client_t *self, const tm_uuid_t *job)
{
    tm_msg_t msg = {.type = TM_MSG_SUBSCRIBE, .subscribe.job = *job};

    for (size_t i = 0; i < self->broker_count; i++)
        if (i != self->current && self->brokers[i].alive) {
            dealer_msg(&self->brokers[i], &msg);
            dealer_flush(&self->brokers[i]);
        }
}

static void
on_accepted(tm_client_t *self, const tm_msg_t *msg)
{
    struct request *request = find_answered(self, msg->accepted.ref, TM_MSG_SUBMIT);

    if (!request)
        return;
    struct request ended = request_end(self, request);
    struct tm_answer answer = {
        .err = TM_OK,
        .job = msg->accepted.job,
        .duplicate = msg->accepted.duplicate,
        .detail = "",
    };
    if (watches_move(self->watches, &ended.job, &answer.job))
        watches_ask(self->watches, &self->brokers[self->current], true);
    if (watches_has(self->watches, &answer.job))
        tell_others(self, &answer.job);
    if (ended.fn.answer)
        ended.fn.answer(ended.arg, &answer);
}

static bool
is_tried_again(tm_err_t err)
{
    return err == TM_BUSY || err == TM_STORE_DOWN || err == TM_DRAINING;
}

/* A broker that leaves: the next one is asked, if there is one. */
static void
leave_broker(tm_client_t *self)
{
    size_t before = self->current;

    for (size_t i = 1; i < self->broker_count && self->current == before; i++) {
        size_t index = (before + i) % self->broker_count;
        if (self->brokers[index].alive) {
            self->current = index;
            tell_again(self);
        }
    }
}

static void
on_rejected(tm_client_t *self, const tm_msg_t *msg)
{
    const struct tm_rejected *rejected = &msg->rejected;
    struct request *request = requests_find(self->requests, rejected->ref);
    tm_err_t err = tm_err_by_name(rejected->code.data, rejected->code.size);
    uint64_t wait_ms =
        rejected->has_retry_after_ms ? rejected->retry_after_ms : RETRY_DEFAULT_MS;
    char detail[TM_DETAIL_MAX + 1];

    if (!request)
        return;
    if (is_tried_again(err)) {
        int64_t due_ms =
            zclock_mono() + (int64_t)(wait_ms < RETRY_MAX_MS ? wait_ms : RETRY_MAX_MS);
        request->last_err = err;
        requests_leave(self->requests, request, REQUEST_PAUSED, due_ms);
        if (err == TM_DRAINING)
            leave_broker(self);
        return;
    }
    snprintf(detail, sizeof detail, "%.*s", (int)rejected->detail.size, rejected->detail.data);
    request_fail(self, request, err, detail, rejected->retry_after_ms);
}

static bool
is_over(tm_str_t state)
{
    return tm_str_is(state, "done") || tm_str_is(state, "dead") || tm_str_is(state, "canceled");
}

/* The state of a watched job that has ended is its result: the RESULT itself may be lost. */
static void
on_state(tm_client_t *self, const tm_msg_t *msg)
{
    const struct tm_state *state = &msg->state;
    struct request *request = requests_find(self->requests, state->ref);

    if (request && (request->type == TM_MSG_STATUS || request->type == TM_MSG_SUBSCRIBE ||
                    request->type == TM_MSG_CANCEL)) {
        struct request ended = request_end(self, request);
        if (ended.type == TM_MSG_SUBSCRIBE && !is_over(state->state))
            tell_others(self, &state->job);
        if (ended.fn.state)
            ended.fn.state(ended.arg, TM_OK, state, msg->body);
    }
    if (is_over(state->state)) {
        struct tm_result result = {.job = state->job,
                                   .state = state->state,
                                   .code = state->code,
                                   .has_code = state->has_code,
                                   .detail = state->detail,
                                   .has_detail = state->has_detail};
        watch_end(self, &result, msg->body);
    }
}

static void
on_result(tm_client_t *self, const tm_msg_t *msg)
{
    watch_end(self, &msg->result, msg->body);
}

static void
on_progress(tm_client_t *self, const tm_msg_t *msg)
{
    if (!self->on_progress || !watches_has(self->watches, &msg->progress.job))
        return;
    self->called++;
    self->on_progress(self->watch_arg, &msg->progress, msg->body);
}

static void
on_stored(tm_client_t *self, const tm_msg_t *msg)
{
    struct request *request = find_answered(self, msg->stored.ref, TM_MSG_PUT);

    if (!request)
        return;
    struct request ended = request_end(self, request);
    if (ended.fn.stored)
        ended.fn.stored(ended.arg, TM_OK, msg->stored.complete, "");
}

static void
on_returned(tm_client_t *self, const tm_msg_t *msg)
{
    struct request *request = find_answered(self, msg->returned.ref, TM_MSG_CALL);

    if (!request)
        return; /* too late */
    struct request ended = request_end(self, request);
    if (ended.fn.returned)
        ended.fn.returned(ended.arg, TM_OK, "", msg->body);
}

static void
on_error(tm_client_t *self, const tm_msg_t *msg)
{
    struct request *request = find_answered(self, msg->error.ref, TM_MSG_CALL);
    tm_err_t err = tm_err_by_name(msg->error.code.data, msg->error.code.size);
    char detail[TM_DETAIL_MAX + 1];

    snprintf(detail, sizeof detail, "%.*s", (int)msg->error.detail.size,
             msg->error.detail.data);
    if (request)
        request_fail(self, request, err ? err : TM_INTERNAL, detail, 0);
}

static void
on_metrics(tm_client_t *self, const tm_msg_t *msg)
{
    if (!self->on_metrics)
        return;
    self->called++;
    self->on_metrics(self->metrics_arg, &msg->metrics, msg->body);
}

typedef void handler_fn(tm_client_t *self, const tm_msg_t *msg);

static handler_fn *const handlers[TM_MSG_LIMIT] = {
    [TM_MSG_ACCEPTED] = on_accepted, [TM_MSG_REJECTED] = on_rejected,
    [TM_MSG_STATE] = on_state,       [TM_MSG_RESULT] = on_result,
    [TM_MSG_STORED] = on_stored,     [TM_MSG_PROGRESS] = on_progress,
    [TM_MSG_RETURN] = on_returned,   [TM_MSG_ERROR] = on_error,
    [TM_MSG_METRICS] = on_metrics,
};

static void
on_message(tm_client_t *self, size_t index, const tm_msg_t *msg)
{
    if (dealer_heard(&self->brokers[index], msg, zclock_mono())) {
        if (index == self->current)
            tell_again(self);
        else /* a watched job may end there */
            watches_ask(self->watches, &self->brokers[index], false);
    }
    if (handlers[msg->type])
        handlers[msg->type](self, msg);
}

/* True: there was something. */
static bool
read_broker(tm_client_t *self, size_t index)
{
    tm_msg_t msg;
    int count = 0;

    while (count < READ_AT_ONCE && dealer_receive(&self->brokers[index], &msg)) {
        on_message(self, index, &msg);
        count++;
    }
    if (count > 0)
        client_want_flush(self);
    return count > 0;
}

static void
check_call(tm_client_t *self, struct request *request, int64_t now_ms)
{
    bool is_lost = request->state == REQUEST_SENT && request->due_ms == 0;
    tm_err_t err = is_lost ? TM_BROKER_DOWN : TM_TIMEOUT;

    if (is_lost || now_ms >= request->end_ms)
        request_fail(self, request, err, tm_err_text(err), 0);
}

static void
check_request(tm_client_t *self, struct request *request, int64_t now_ms)
{
    if (request->type == TM_MSG_CALL) {
        check_call(self, request, now_ms);
    } else if (self->give_up_ms > 0 && now_ms - request->start_ms >= self->give_up_ms) {
        tm_err_t err = request->last_err ? request->last_err : TM_BROKER_DOWN;
        request_fail(self, request, err, tm_err_text(err), 0);
    } else if (request->state != REQUEST_QUEUED && request->due_ms <= now_ms) {
        requests_queue(self->requests, request);
    }
}

static void
tick(tm_client_t *self)
{
    int64_t now_ms = zclock_mono();
    uint32_t index = 0;

    self->tick_ms = now_ms + TICK_MS;
    for (size_t i = 0; i < self->broker_count; i++)
        dealer_tick(&self->brokers[i], now_ms); /* choose_broker sees who is silent */
    for (struct request *request; (request = requests_walk(self->requests, &index));)
        check_request(self, request, now_ms);
    watches_ask(self->watches, &self->brokers[self->current], true);
    tm_client_flush(self);
}

static int
on_tick_timer(zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer;
    tick(arg);
    return 0;
}

static int
on_readable(zloop_t *loop, zsock_t *socket, void *arg)
{
    tm_client_t *self = arg;

    (void)loop;
    for (size_t i = 0; i < self->broker_count; i++)
        if (self->brokers[i].socket == socket)
            read_broker(self, i);
    return 0;
}

void
tm_client_attach(tm_client_t *self, zloop_t *loop)
{
    self->loop = loop;
    for (size_t i = 0; i < self->broker_count; i++)
        zloop_reader(loop, self->brokers[i].socket, on_readable, self);
    self->tick_timer = zloop_timer(loop, TICK_MS, 0, on_tick_timer, self);
    client_want_flush(self);
}

/* Waits for a word from any broker until `until_ms`, unless one is there; false when a signal
 * came. */
static bool
poll_brokers(tm_client_t *self, int64_t until_ms)
{
    zmq_pollitem_t items[BROKERS_MAX] = {{0}};
    int64_t wait_ms = until_ms - zclock_mono();
    bool is_read = false;

    for (size_t i = 0; i < self->broker_count; i++)
        is_read |= read_broker(self, i);
    if (is_read)
        return true;
    for (size_t i = 0; i < self->broker_count; i++)
        items[i] = (zmq_pollitem_t){zsock_resolve(self->brokers[i].socket), 0, ZMQ_POLLIN, 0};
    if (zmq_poll(items, (int)self->broker_count, wait_ms > 0 ? (long)wait_ms : 0) < 0)
        return false;
    for (size_t i = 0; i < self->broker_count; i++)
        if (items[i].revents & ZMQ_POLLIN)
            read_broker(self, i);
    return true;
}

tm_err_t
tm_client_wait(tm_client_t *self, int timeout_ms)
{
    int64_t end_ms = timeout_ms < 0 ? INT64_MAX : zclock_mono() + timeout_ms;
    uint64_t before = self->called;

    do {
        if (zclock_mono() >= self->tick_ms)
            tick(self);
        tm_client_flush(self);
        if (self->called != before)
            return TM_OK;
        if (!poll_brokers(self, end_ms < self->tick_ms ? end_ms : self->tick_ms))
            return TM_DRAINING;
        if (self->called != before)
            tm_client_flush(self);
    } while (self->called == before && zclock_mono() < end_ms);
    return self->called != before ? TM_OK : TM_TIMEOUT;
}
