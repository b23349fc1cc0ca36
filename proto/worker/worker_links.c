/* The credit told to a broker is what the jobs of the other brokers leave free, so that several
 * brokers together do not send more than the caller takes. Brokers may cross each other all the
 * same: a job that finds no place is answered FAIL BUSY, retryable. */
#include "proto/worker/worker_inner.h"

#define RESEND_MS      2000 /* DONE and FAIL, until SETTLED */
#define HELLO_AGAIN_MS 1000 /* to a broker that answers, but has not said WELCOME */

static uint64_t
credit_for(const tm_worker_t *self, const struct link *link)
{
    uint64_t others = self->in_hand - link->in_hand;

    if (self->is_draining)
        return 0;
    return others < self->hello.hello.credit ? self->hello.hello.credit - others : 0;
}

static void
send_credit(tm_worker_t *self, struct link *link)
{
    tm_msg_t msg = {.type = TM_MSG_CREDIT, .credit.credit = credit_for(self, link)};

    if (dealer_msg(&link->dealer, &msg))
        link->credit = msg.credit.credit;
    dealer_flush(&link->dealer);
}

static struct link *
first_alive(tm_worker_t *self, size_t home)
{
    struct link *link = &self->links[home];

    for (size_t i = 0; i < self->link_count && !link->dealer.alive; i++)
        link = &self->links[i];
    return link->dealer.alive ? link : NULL;
}

void
links_send_outcome(tm_worker_t *self, tm_job_t *job, int64_t now_ms)
{
    struct link *link = first_alive(self, job->home);

    job->resend_ms = now_ms + RESEND_MS;
    if (!link || !job->outcome.header)
        return;
    if (job->follower_count > 0)
        dealer_hold(&link->dealer, true); /* one message: they commit together */
    dealer_parcel(&link->dealer, &job->outcome);
    for (size_t i = 0; i < job->follower_count; i++)
        dealer_parcel(&link->dealer, &job->followers[i]);
    if (job->follower_count > 0)
        dealer_hold(&link->dealer, false);
    self->is_dirty = true;
}

void
links_progress(tm_worker_t *self, const tm_job_t *job, struct tm_progress progress,
               tm_str_t body)
{
    tm_msg_t msg = {.type = TM_MSG_PROGRESS, .progress = progress, .body = body};
    struct link *link = &self->links[job->home];
    encoded_msg_t parcel;

    msg.progress.job = job->id;
    msg.progress.attempt = job->attempt;
    if (encoded_msg_init(&parcel, &msg))
        return; /* too large: progress is for people, and may be missed */
    if (!atomic_load(&job->is_dropped) && link->dealer.alive)
        dealer_parcel(&link->dealer, &parcel);
    dealer_flush(&link->dealer);
    encoded_msg_fini(&parcel);
}

void
links_flush(tm_worker_t *self)
{
    for (size_t i = 0; i < self->link_count; i++) {
        struct link *link = &self->links[i];
        if (link->is_welcome && credit_for(self, link) != link->credit)
            send_credit(self, link);
        else
            dealer_flush(&link->dealer);
    }
    while (self->spent) {
        tm_job_t *job = self->spent;
        self->spent = job->next;
        job_destroy(&job);
    }
    self->is_dirty = false;
}

static void
send_bye(struct link *link, uint64_t leaving_in_ms)
{
    tm_msg_t msg = {
        .type = TM_MSG_BYE,
        .bye = {.leaving_in_ms = leaving_in_ms, .has_leaving_in_ms = leaving_in_ms > 0}};

    dealer_msg(&link->dealer, &msg);
    dealer_flush(&link->dealer);
}

void
links_bye(tm_worker_t *self, uint64_t leaving_in_ms)
{
    for (size_t i = 0; i < self->link_count; i++)
        send_bye(&self->links[i], leaving_in_ms);
}

static void
move_home(tm_worker_t *self, tm_job_t *job, size_t home)
{
    if (!job->is_ended) {
        self->links[job->home].in_hand--;
        self->links[home].in_hand++;
    }
    job->home = home;
}

static void
tell_held(tm_worker_t *self, struct link *link, tm_job_t *job, int64_t now_ms)
{
    tm_msg_t holding = {.type = TM_MSG_HOLDING,
                        .holding = {.job = job->id, .attempt = job->attempt}};

    move_home(self, job, (size_t)(link - self->links));
    if (job->is_ended)
        links_send_outcome(self, job, now_ms);
    else
        dealer_msg(&link->dealer, &holding);
}

void
links_hello(tm_worker_t *self, struct link *link, int64_t now_ms)
{
    size_t index = (size_t)(link - self->links);
    tm_msg_t hello = self->hello;
    tm_job_t *job;

    hello.hello.credit = credit_for(self, link);
    link->credit = hello.hello.credit;
    link->hello_ms = now_ms;
    link->is_welcome = false;
    dealer_msg(&link->dealer, &hello);
    for (size_t at = 0; (job = uuid_map_next(self->held, &at));)
        if (job->home == index || !self->links[job->home].dealer.alive)
            tell_held(self, link, job, now_ms);
    dealer_flush(&link->dealer);
    if (self->is_draining)
        send_bye(link, self->is_leaving ? LEAVE_MS : 0);
}

/* A broker has fallen silent: its jobs are told to another before their leases run out. */
static void
on_silence(tm_worker_t *self, struct link *link, int64_t now_ms)
{
    link->is_welcome = false;
    for (size_t i = 0; i < self->link_count; i++)
        if (self->links[i].dealer.alive) {
            links_hello(self, &self->links[i], now_ms);
            return;
        }
}

/* With each ping goes the credit: a broker answers a ping whoever sent it, but tells a worker
 * that it does not know so. Thus a worker whose connection broke and came back is never idle
 * for good. */
static void
tick_link(tm_worker_t *self, struct link *link, int64_t now_ms)
{
    uint64_t pings = link->dealer.seq;

    if (!dealer_tick(&link->dealer, now_ms))
        on_silence(self, link, now_ms);
    if (link->is_welcome && link->dealer.seq != pings)
        send_credit(self, link);
    if (link->dealer.alive && !link->is_welcome && now_ms - link->hello_ms >= HELLO_AGAIN_MS)
        links_hello(self, link, now_ms);
}

void
links_tick(tm_worker_t *self, int64_t now_ms)
{
    for (size_t i = 0; i < self->link_count; i++)
        tick_link(self, &self->links[i], now_ms);
    for (tm_job_t *job = zlistx_first(self->all); job; job = zlistx_next(self->all))
        if (job->is_ended && job->resend_ms <= now_ms)
            links_send_outcome(self, job, now_ms);
    links_flush(self);
}

/* It is the brokers who heard nothing: each is told again of its own jobs, and none of
 * another's. */
void
links_wake(tm_worker_t *self, int64_t now_ms)
{
    for (size_t i = 0; i < self->link_count; i++)
        dealer_doubt(&self->links[i].dealer, now_ms);
}
