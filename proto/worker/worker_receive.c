#include "proto/worker/worker_inner.h"

#include <unistd.h>

#include "proto/link/handlers.h"

#define PING_MIN_MS  20
#define READ_AT_ONCE 1000 /* pairs of a broker, before the others' turn */

/* Memory that a dealer's batch may still point to is freed with the next flush. */
static void
retire_job(tm_worker_t *self, tm_job_t *job)
{
    if (job->is_callers_end)
        atomic_fetch_sub(&self->unsettled, 1);
    zlistx_delete(self->all, job->handle);
    job->next = self->spent;
    self->spent = job;
}

/* Forgets the job for good. */
static void
forget_job(tm_worker_t *self, tm_job_t *job)
{
    if (uuid_map_get(self->held, &job->id) == job)
        uuid_map_remove(self->held, &job->id);
    retire_job(self, job);
}

/* The lease is lost: the job is forgotten now, or when the caller has ended it. */
static void
drop_job(tm_worker_t *self, tm_job_t *job)
{
    if (job->is_ended) {
        forget_job(self, job);
        return;
    }
    uuid_map_remove(self->held, &job->id);
    atomic_store(&job->is_dropped, true);
}

/* --- the caller's jobs -------------------------------------------------------------------- */

static void
add_ready(tm_worker_t *self, tm_job_t *job)
{
    job->next = NULL;
    *self->last_ready = job;
    self->last_ready = &job->next;
}

/* An answer is sent once; whether it arrives is the caller's deadline's business. */
static void
end_call(tm_worker_t *self, tm_job_t *job)
{
    struct link *link = &self->links[job->home];

    if (link->dealer.alive && job->outcome.header)
        dealer_parcel(&link->dealer, &job->outcome);
    self->is_dirty = true;
    retire_job(self, job);
}

void
receive_end_job(tm_worker_t *self, tm_job_t *job)
{
    job->is_callers_end = true;
    atomic_fetch_add(&self->unsettled, 1);
    if (job->call_ref) {
        end_call(self, job);
        return;
    }
    self->in_hand--;
    self->links[job->home].in_hand--;
    if (atomic_load(&job->is_dropped)) {
        forget_job(self, job);
    } else {
        job->is_ended = true;
        links_send_outcome(self, job, zclock_mono());
    }
}

/* One that was dropped on its way has ended. */
tm_job_t *
receive_take_ready(tm_worker_t *self)
{
    tm_job_t *job;

    while ((job = self->ready)) {
        self->ready = job->next;
        if (!self->ready)
            self->last_ready = &self->ready;
        if (!atomic_load(&job->is_dropped))
            return job;
        receive_end_job(self, job);
    }
    return NULL;
}

/* --- what brokers say --------------------------------------------------------------------- */

static void
refuse_job(tm_worker_t *self, tm_job_t *job, tm_err_t why)
{
    job->is_ended = true;
    job_set_failed(job, why, tm_err_text(why), FAILURE_RETRYABLE);
    links_send_outcome(self, job, zclock_mono());
}

static tm_err_t
on_job(const delivery_t *in)
{
    tm_worker_t *self = in->self;
    struct link *link = in->peer;
    const tm_msg_t *msg = in->msg;
    tm_job_t *known = uuid_map_get(self->held, &msg->job.job);

    if (known && known->attempt >= msg->job.attempt)
        return TM_OK; /* sent twice, or overtaken */
    if (zlistx_size(self->all) >= KNOWN_MAX)
        return TM_OK; /* a broker that settles nothing: its lease runs out */
    if (known)
        drop_job(self, known);
    tm_job_t *job = job_of_lease(&msg->job, &link->dealer.body);
    job->home = (size_t)(link - self->links);
    job->handle = zlistx_add_end(self->all, job);
    uuid_map_put(self->held, job);
    if (self->is_draining) {
        refuse_job(self, job, TM_DRAINING);
    } else if (self->in_hand >= self->hello.hello.credit) {
        refuse_job(self, job, TM_BUSY);
    } else {
        self->in_hand++;
        link->in_hand++;
        add_ready(self, job);
    }
    return TM_OK;
}

static tm_err_t
on_call(const delivery_t *in)
{
    tm_worker_t *self = in->self;
    struct link *link = in->peer;
    const tm_msg_t *msg = in->msg;
    tm_job_t *job = job_of_call(&msg->call, &link->dealer.body);

    job->home = (size_t)(link - self->links);
    job->handle = zlistx_add_end(self->all, job);
    if (!self->is_draining && zlistx_size(self->all) < KNOWN_MAX) {
        add_ready(self, job);
        return TM_OK;
    }
    job_set_failed(job, TM_DRAINING, tm_err_text(TM_DRAINING), FAILURE_RETRYABLE);
    end_call(self, job);
    return TM_OK;
}

static tm_err_t
on_settled(const delivery_t *in)
{
    tm_worker_t *self = in->self;
    const struct tm_settled *settled = &in->msg->settled;
    tm_job_t *job = uuid_map_get(self->held, &settled->job);

    if (job && job->is_ended && job->attempt == settled->attempt)
        forget_job(self, job);
    return TM_OK;
}

static tm_err_t
on_drop(const delivery_t *in)
{
    tm_worker_t *self = in->self;
    const struct tm_drop *dropped = &in->msg->drop;
    tm_job_t *job = uuid_map_get(self->held, &dropped->job);

    if (job && job->attempt == dropped->attempt)
        drop_job(self, job);
    return TM_OK;
}

static tm_err_t
on_cancel(const delivery_t *in)
{
    tm_worker_t *self = in->self;
    const struct tm_cancel *cancel = &in->msg->cancel;
    tm_job_t *job = uuid_map_get(self->held, &cancel->job);

    if (job && job->attempt == cancel->attempt)
        atomic_store(&job->is_canceled, true);
    return TM_OK;
}

static tm_err_t
on_welcome(const delivery_t *in)
{
    tm_worker_t *self = in->self;
    struct link *link = in->peer;
    const struct tm_welcome *welcome = &in->msg->welcome;
    uint32_t ping_ms =
        welcome->ping_ms > PING_MIN_MS ? (uint32_t)welcome->ping_ms : PING_MIN_MS;
    uint32_t half_ms = (uint32_t)(welcome->lease_ms / 2);
    uint32_t least_ms = ping_ms + ping_ms / 2;

    link->is_welcome = true;
    atomic_store(&self->refusal, TM_OK);
    link->dealer.ping_ms = ping_ms;
    link->dealer.silence_ms = half_ms > least_ms ? half_ms : least_ms;
    return TM_OK;
}

static tm_err_t
on_rejected(const delivery_t *in)
{
    tm_worker_t *self = in->self;
    struct link *link = in->peer;
    const struct tm_rejected *rejected = &in->msg->rejected;

    if (tm_str_is(rejected->code, "NOT_FOUND"))
        link->is_welcome = false; /* it does not know this worker: HELLO again, by tick */
    else if (tm_str_is(rejected->code, "FORBIDDEN") && !link->is_welcome)
        atomic_store(&self->refusal, TM_FORBIDDEN);
    return TM_OK;
}

static const handlers_t handlers = {
    .on = {[TM_MSG_WELCOME] = on_welcome,
           [TM_MSG_JOB] = on_job,
           [TM_MSG_SETTLED] = on_settled,
           [TM_MSG_DROP] = on_drop,
           [TM_MSG_CALL] = on_call,
           [TM_MSG_CANCEL] = on_cancel,
           [TM_MSG_REJECTED] = on_rejected},
};

static void
on_message(tm_worker_t *self, struct link *link, const tm_msg_t *msg)
{
    const delivery_t in = {.self = self, .peer = link, .msg = msg};
    int64_t now_ms = zclock_mono();
    bool is_new = dealer_heard(&link->dealer, msg, now_ms);
    const char *what;

    if (is_new && msg->type != TM_MSG_WELCOME)
        links_hello(self, link, now_ms);
    handlers_call(&handlers, &in, &what); /* what a worker does not take is not answered */
}

bool
receive_messages(tm_worker_t *self)
{
    bool is_read = false;
    tm_msg_t msg;

    for (size_t i = 0; i < self->link_count; i++) {
        dealer_t *dealer = &self->links[i].dealer;
        for (int left = READ_AT_ONCE; left > 0 && dealer_receive(dealer, &msg); left--) {
            on_message(self, &self->links[i], &msg);
            is_read = true;
        }
    }
    return is_read;
}

/* --- the end ------------------------------------------------------------------------------ */

void
receive_drain(tm_worker_t *self)
{
    uint64_t count;

    if (self->is_draining || read(self->drain_fd, &count, sizeof count) < 0)
        return; /* known, or not asked for */
    self->is_draining = true;
    links_bye(self, 0);
}

void
receive_leave(tm_worker_t *self)
{
    tm_job_t *job = zlistx_first(self->all);

    self->ready = NULL;
    self->last_ready = &self->ready;
    self->is_draining = self->is_leaving = true;
    self->leave_ms = zclock_mono() + LEAVE_MS;
    for (; job; job = zlistx_next(self->all))
        if (!job->is_ended && !job->call_ref && !atomic_load(&job->is_dropped))
            refuse_job(self, job, TM_DRAINING);
    links_bye(self, LEAVE_MS);
}
