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
    self->signal_seen = zsys_interrupted;
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

static void
check_call(tm_client_t *self, struct request *request, int64_t now_ms)
{
    bool is_lost = request->state == REQUEST_SENT && request->due_ms == 0;
    tm_err_t err = is_lost ? TM_BROKER_DOWN : TM_TIMEOUT;

    if (is_lost || now_ms >= request->end_ms)
        client_fail_request(self, request, err, tm_err_text(err), 0);
}

static void
check_request(tm_client_t *self, struct request *request, int64_t now_ms)
{
    if (request->type == TM_MSG_CALL) {
        check_call(self, request, now_ms);
    } else if (self->give_up_ms > 0 && now_ms - request->start_ms >= self->give_up_ms) {
        tm_err_t err = request->last_err ? request->last_err : TM_BROKER_DOWN;
        client_fail_request(self, request, err, tm_err_text(err), 0);
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
            client_receive(self, i);
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
        is_read |= client_receive(self, i);
    if (is_read)
        return true;
    for (size_t i = 0; i < self->broker_count; i++)
        items[i] = (zmq_pollitem_t){zsock_resolve(self->brokers[i].socket), 0, ZMQ_POLLIN, 0};
    if (zmq_poll(items, (int)self->broker_count, wait_ms > 0 ? (long)wait_ms : 0) < 0) {
        self->signal_seen = zsys_interrupted;
        return false;
    }
    for (size_t i = 0; i < self->broker_count; i++)
        if (items[i].revents & ZMQ_POLLIN)
            client_receive(self, i);
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
        if (signal_has_come(&self->signal_seen) ||
            !poll_brokers(self, end_ms < self->tick_ms ? end_ms : self->tick_ms))
            return TM_DRAINING;
        if (self->called != before)
            tm_client_flush(self);
    } while (self->called == before && zclock_mono() < end_ms);
    return self->called != before ? TM_OK : TM_TIMEOUT;
}
