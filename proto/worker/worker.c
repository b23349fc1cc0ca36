#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "proto/link/requests.h"
#include "proto/worker/worker_inner.h"

#define SOON_MS   5   /* what is ready to be sent waits so long for company */
#define ASLEEP_MS 500 /* a turn is due every tick */

static void
lock(tm_worker_t *self)
{
    pthread_mutex_lock(&self->lock);
}

static void
unlock(tm_worker_t *self)
{
    pthread_mutex_unlock(&self->lock);
}

/* --- at the network: whoever has the lock ------------------------------------------------- */

/* Until a broker says something, the caller wants to drain, or the time is over. False: a
 * signal came. */
static bool
wait_for_news(tm_worker_t *self, int64_t wait_ms)
{
    zmq_pollitem_t items[BROKERS_MAX + 1] = {{0}};
    int count = 0;

    for (; count < (int)self->link_count; count++) {
        void *socket = zsock_resolve(self->links[count].dealer.socket);
        items[count] = (zmq_pollitem_t){socket, 0, ZMQ_POLLIN, 0};
    }
    if (!self->is_draining)
        items[count++] = (zmq_pollitem_t){NULL, self->drain_fd, ZMQ_POLLIN, 0};
    if (zmq_poll(items, count, wait_ms > 0 ? (long)wait_ms : 0) < 0) {
        self->signal_seen = zsys_interrupted;
        return false;
    }
    if (!self->is_draining && items[count - 1].revents)
        receive_drain(self);
    return true;
}

/* What is there is read first, and only then is it worth asking the system. False: a signal
 * came. */
static bool
turn(tm_worker_t *self, int64_t wait_ms)
{
    int64_t now_ms = zclock_mono();

    if (now_ms - self->turned_ms > ASLEEP_MS)
        links_wake(self, now_ms);
    self->turned_ms = now_ms;
    if (now_ms >= self->tick_ms) {
        receive_drain(self);
        links_tick(self, now_ms);
        self->tick_ms = now_ms + TICK_MS;
    }
    bool is_read = receive_messages(self);
    if (is_read || self->is_dirty)
        links_flush(self);
    if (is_read || wait_ms <= 0)
        return true;
    int64_t tick_in_ms = self->tick_ms - now_ms;
    return wait_for_news(self, wait_ms < tick_in_ms ? wait_ms : tick_in_ms);
}

/* --- the keeper --------------------------------------------------------------------------- */

static void *
keep(void *arg)
{
    tm_worker_t *self = arg;

    lock(self);
    while (!self->is_over) {
        struct timespec until = {.tv_sec = self->keeper_ms / 1000,
                                 .tv_nsec = self->keeper_ms % 1000 * 1000000};
        pthread_cond_timedwait(&self->keeper_wakes, &self->lock, &until);
        if (self->is_over || zclock_mono() < self->keeper_ms)
            continue;
        turn(self, 0);
        self->keeper_ms = zclock_mono() + TICK_MS;
    }
    unlock(self);
    return NULL;
}

/* The caller goes to its job, however long that takes. */
static void
leave_it_to_the_keeper(tm_worker_t *self)
{
    int64_t soon_ms = self->is_dirty ? zclock_mono() + SOON_MS : INT64_MAX;

    if (soon_ms >= self->keeper_ms)
        return;
    self->keeper_ms = soon_ms;
    pthread_cond_signal(&self->keeper_wakes);
}

static bool
start_keeper(tm_worker_t *self)
{
    pthread_condattr_t attributes;
    sigset_t all, before;
    int rc;

    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->keeper_wakes, &attributes);
    pthread_condattr_destroy(&attributes);
    sigfillset(&all); /* signals are the caller's business */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    rc = pthread_create(&self->keeper, NULL, keep, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0;
}

static void
end_keeper(tm_worker_t *self)
{
    lock(self);
    self->is_over = true;
    pthread_cond_signal(&self->keeper_wakes);
    unlock(self);
    pthread_join(self->keeper, NULL);
}

/* --- in a loop ---------------------------------------------------------------------------- */

static void
look(tm_worker_t *self)
{
    bool has_come;

    lock(self);
    turn(self, 0);
    has_come = self->ready != NULL;
    unlock(self);
    if (has_come)
        self->on_jobs(self->jobs_arg);
}

static int
on_readable(zloop_t *loop, zsock_t *socket, void *arg)
{
    (void)loop, (void)socket;
    look(arg);
    return 0;
}

static int
on_tick(zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer;
    look(arg);
    return 0;
}

/* The loop looks at the sockets without the lock: nobody else may be at them. */
void
tm_worker_attach(tm_worker_t *self, zloop_t *loop, tm_worker_fn *fn, void *arg)
{
    end_keeper(self);
    self->loop = loop;
    self->on_jobs = fn;
    self->jobs_arg = arg;
    for (size_t i = 0; i < self->link_count; i++)
        zloop_reader(loop, self->links[i].dealer.socket, on_readable, self);
    self->loop_timer = zloop_timer(loop, TICK_MS, 0, on_tick, self);
}

static void
detach(tm_worker_t *self)
{
    for (size_t i = 0; i < self->link_count; i++)
        zloop_reader_end(self->loop, self->links[i].dealer.socket);
    zloop_timer_end(self->loop, self->loop_timer);
}

/* --- from its beginning to its end -------------------------------------------------------- */

static void
close_link(struct link *link)
{
    if (link->dealer.alive) /* the BYE may still be on its way */
        zsock_set_linger(link->dealer.socket, LAST_WORD_MS);
    dealer_close(&link->dealer);
}

static void
free_parts(tm_worker_t *self)
{
    for (tm_job_t *job = zlistx_first(self->all); job; job = zlistx_next(self->all))
        job_destroy(&job);
    links_flush(self);
    zlistx_destroy(&self->all);
    uuid_map_destroy(&self->held);
    for (size_t i = 0; i < self->link_count; i++)
        close_link(&self->links[i]);
    if (self->drain_fd >= 0)
        close(self->drain_fd);
    free(self->actor);
    free(self->queues);
    free(self->services);
    free(self->software);
    free(self);
}

static char *
copy(const char *text)
{
    return tm_str_dup(tm_str(text));
}

static bool
set_hello(tm_worker_t *self, const struct tm_worker_options *options)
{
    uint8_t header[TM_HEADER_MAX];
    uint32_t calls = options->calls ? options->calls : 1;

    self->actor = copy(options->actor);
    self->queues = copy(options->queues);
    self->services = copy(options->services);
    self->software = options->software ? copy(options->software) : NULL;
    self->hello = (tm_msg_t){.type = TM_MSG_HELLO,
                             .hello = {.actor = tm_str(self->actor),
                                       .worker = tm_uuid_new(),
                                       .queues = tm_str(self->queues),
                                       .credit = options->credit ? options->credit : 1,
                                       .software = tm_str(self->software),
                                       .services = tm_str(self->services),
                                       .has_services = self->services[0] != '\0',
                                       .calls = calls,
                                       .has_calls = true,
                                       .exclusive = options->exclusive,
                                       .has_exclusive = options->exclusive,
                                       .has_software = self->software != NULL}};
    return options->credit <= CREDIT_MAX && calls <= CREDIT_MAX &&
           tm_msg_encode(&self->hello, header) > 0;
}

static bool
connect_links(tm_worker_t *self, const struct tm_worker_options *options)
{
    dealer_t dealers[BROKERS_MAX];

    self->link_count = dealers_connect(dealers, options->brokers, &options->curve);
    for (size_t i = 0; i < self->link_count; i++)
        self->links[i].dealer = dealers[i];
    return self->link_count > 0;
}

static void
say_hello(tm_worker_t *self)
{
    self->turned_ms = self->tick_ms = self->keeper_ms = zclock_mono();
    self->signal_seen = zsys_interrupted;
    for (size_t i = 0; i < self->link_count; i++)
        links_hello(self, &self->links[i], self->turned_ms);
}

tm_worker_t *
tm_worker_new(const struct tm_worker_options *options)
{
    tm_worker_t *self = zmalloc(sizeof *self);

    self->all = zlistx_new();
    self->held = uuid_map_new(offsetof(tm_job_t, id));
    self->last_ready = &self->ready;
    self->drain_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (set_hello(self, options) && self->drain_fd >= 0 && connect_links(self, options)) {
        say_hello(self);
        if (start_keeper(self))
            return self;
    }
    free_parts(self);
    return NULL;
}

/* Nothing is left to settle, or nobody is there to settle it, or the time is over. */
static bool
may_leave(const tm_worker_t *self)
{
    bool is_heard = false;

    for (size_t i = 0; i < self->link_count; i++)
        is_heard = is_heard || self->links[i].dealer.alive;
    return uuid_map_size(self->held) == 0 || !is_heard || zclock_mono() >= self->leave_ms;
}

void
tm_worker_destroy(tm_worker_t **self_p)
{
    tm_worker_t *self = *self_p;

    if (!self)
        return;
    if (self->loop)
        detach(self);
    lock(self);
    receive_leave(self);
    while (!may_leave(self))
        turn(self, TICK_MS);
    unlock(self);
    if (!self->loop)
        end_keeper(self);
    pthread_cond_destroy(&self->keeper_wakes);
    pthread_mutex_destroy(&self->lock);
    free_parts(self);
    *self_p = NULL;
}

/* --- the caller's jobs -------------------------------------------------------------------- */

static tm_err_t
look_for_jobs(tm_worker_t *self, int64_t end_ms)
{
    if (self->is_draining)
        return TM_DRAINING;
    if (!turn(self, end_ms - zclock_mono()) || signal_has_come(&self->signal_seen))
        return TM_DRAINING;
    return !self->ready && zclock_mono() >= end_ms ? TM_TIMEOUT : TM_OK;
}

tm_err_t
tm_worker_next(tm_worker_t *self, int timeout_ms, tm_job_t **ret_job)
{
    int64_t end_ms = timeout_ms < 0 ? INT64_MAX : zclock_mono() + timeout_ms;
    tm_job_t *job = NULL;

    lock(self);
    tm_err_t err = signal_has_come(&self->signal_seen) ? TM_DRAINING : TM_OK;
    while (!err && !(job = receive_take_ready(self)))
        err = look_for_jobs(self, end_ms);
    leave_it_to_the_keeper(self);
    unlock(self);
    if (job)
        *ret_job = job;
    return job ? TM_OK : err;
}

/* The last of many leaves with the others: the caller comes back for the next one at once. */
static void
hand_back(tm_worker_t *self, tm_job_t **job_p)
{
    lock(self);
    receive_end_job(self, *job_p);
    if (!self->ready)
        links_flush(self);
    unlock(self);
    *job_p = NULL;
}

static tm_err_t
add_followers(tm_job_t *job, const struct tm_job_spec *jobs, size_t count)
{
    job->followers = zmalloc((count + 1) * sizeof *job->followers);
    for (; job->follower_count < count; job->follower_count++) {
        tm_msg_t msg = {.type = TM_MSG_SUBMIT};
        request_fill_submit(&msg, &jobs[job->follower_count]);
        if (!msg.submit.has_traceparent && job->traceparent[0]) {
            msg.submit.traceparent = tm_str(job->traceparent);
            msg.submit.has_traceparent = true;
        }
        tm_err_t err = encoded_msg_init(&job->followers[job->follower_count], &msg);
        if (err)
            return err;
    }
    return TM_OK;
}

static void
end_job(tm_worker_t *self, tm_job_t **job_p, const struct tm_job_end *end, bool settled)
{
    tm_job_t *job = *job_p;
    tm_msg_t msg = {.type = TM_MSG_DONE,
                    .done = {.job = job->id,
                             .attempt = job->attempt,
                             .settled = settled,
                             .has_settled = settled,
                             .followers = end->job_count,
                             .has_followers = end->job_count > 0,
                             .join = end->join,
                             .has_join = end->join && end->job_count > 0},
                    .body = {end->body, end->body_size}};
    if (job->call_ref) {
        msg.type = TM_MSG_RETURN;
        msg.returned = (struct tm_returned){.ref = job->call_ref};
    }
    tm_err_t err =
        end->body_size > TM_BODY_MAX ? TM_TOO_LARGE : encoded_msg_init(&job->outcome, &msg);

    if (!err && end->job_count > 0)
        err = add_followers(job, end->jobs, end->job_count);
    if (err) {
        job_forget_followers(job);
        job_set_failed(job, err,
                       end->job_count > 0
                           ? "a job that was to follow is not valid, or is too large"
                           : "the result could not be sent: it is too large for a message",
                       tm_err_retryable(err) ? FAILURE_RETRYABLE : FAILURE_FINAL);
    }
    hand_back(self, job_p);
}

void
tm_worker_done(tm_worker_t *self, tm_job_t **job_p, bool settled, const void *body, size_t size)
{
    end_job(self, job_p, &(struct tm_job_end){.body = body, .body_size = size}, settled);
}

void
tm_worker_done_with(tm_worker_t *self, tm_job_t **job_p, const struct tm_job_end *end)
{
    end_job(self, job_p, end, false);
}

void
tm_worker_fail(tm_worker_t *self, tm_job_t **job_p, tm_err_t code, const char *detail,
               bool retryable)
{
    job_set_failed(*job_p, code, detail, retryable ? FAILURE_RETRYABLE : FAILURE_FINAL);
    hand_back(self, job_p);
}

void
tm_worker_reject(tm_worker_t *self, tm_job_t **job_p, tm_err_t code, const char *detail)
{
    job_set_failed(*job_p, code, detail, FAILURE_REJECTED);
    hand_back(self, job_p);
}

void
tm_worker_canceled(tm_worker_t *self, tm_job_t **job_p)
{
    job_set_failed(*job_p, TM_CANCELED, tm_err_text(TM_CANCELED), FAILURE_SETTLED);
    hand_back(self, job_p);
}

static void
send_progress(tm_worker_t *self, const tm_job_t *job, struct tm_progress progress,
              tm_str_t body)
{
    lock(self);
    links_progress(self, job, progress, body);
    unlock(self);
}

void
tm_worker_progress(tm_worker_t *self, const tm_job_t *job, uint64_t done, uint64_t total,
                   const void *body, size_t size)
{
    send_progress(self, job, (struct tm_progress){.done = done, .total = total},
                  (tm_str_t){body, size});
}

void
tm_worker_stopped(tm_worker_t *self, const tm_job_t *job, uint64_t done, uint64_t total,
                  const void *body, size_t size)
{
    send_progress(self, job,
                  (struct tm_progress){
                      .done = done, .total = total, .stopped = true, .has_stopped = true},
                  (tm_str_t){body, size});
}

void
tm_worker_drain(tm_worker_t *self)
{
    uint64_t one = 1;

    if (write(self->drain_fd, &one, sizeof one) < 0)
        return; /* full: a drain is already on its way */
}

size_t
tm_worker_pending(tm_worker_t *self)
{
    lock(self);
    turn(self, 0);
    unlock(self);
    return atomic_load(&self->unsettled);
}

tm_err_t
tm_worker_refusal(const tm_worker_t *self)
{
    return (tm_err_t)atomic_load(&self->refusal);
}
