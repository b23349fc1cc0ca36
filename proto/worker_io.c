/* Every job that is not yet settled stands in the list `all`. Those whose lease is not known to
 * be lost stand in `held` too, by id: that is what HOLDING tells and what counts when a word
 * about a job comes in. A dropped job only waits in `all` until the caller has ended it.
 *
 * The credit told to a broker is what the jobs of the other brokers leave free, so that several
 * brokers together do not send more than the caller takes. Brokers may cross each other all the
 * same: a job that finds no place is answered FAIL BUSY, retryable. */
#include "worker_io.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "uuid_map.h"

#define TICK_MS        50
#define RESEND_MS      2000 /* DONE and FAIL, until SETTLED */
#define HELLO_AGAIN_MS 1000 /* to a broker that answers, but has not said WELCOME */
#define ASLEEP_MS      500  /* a turn takes a tick at most */
#define LEAVE_MS       5000
#define LAST_WORD_MS   200 /* a socket outlives its worker so long, to send what it was given */
#define PING_MIN_MS    20
#define READ_AT_ONCE   1000 /* pairs of a broker, or commands, before the others' turn */
#define KNOWN_MAX      ((size_t)4 * CREDIT_MAX) /* jobs in hand or not yet settled */

struct link {
    dealer_t dealer;
    bool is_welcome;
    int64_t hello_ms; /* when HELLO was last sent */
    uint64_t credit;  /* as last told */
};

struct io {
    zsock_t *pipe;
    tm_msg_t hello;
    int drain_fd;
    struct link links[BROKERS_MAX];
    size_t link_count;
    zlistx_t *all;
    uuid_map_t *held;
    tm_job_t *spent; /* freed with the next flush */
    size_t in_hand;  /* jobs that the caller has or will get */
    atomic_size_t *unsettled;
    atomic_int *refusal;
    bool is_draining, is_leaving;
    int64_t leave_ms; /* at the latest */
    void *texts;      /* of hello and others; the caller's */
};

static struct link *
home_of(struct io *self, const tm_job_t *job)
{
    return &self->links[job->home];
}

/* Memory that a dealer's batch may still point to is freed with the next flush. */
static void
spend(struct io *self, tm_job_t *job)
{
    if (job->is_callers_end)
        atomic_fetch_sub(self->unsettled, 1);
    zlistx_delete(self->all, job->handle);
    job->next = self->spent;
    self->spent = job;
}

/* Forgets the job for good. */
static void
forget(struct io *self, tm_job_t *job)
{
    if (uuid_map_get(self->held, &job->id) == job)
        uuid_map_remove(self->held, &job->id);
    spend(self, job);
}

/* The lease is lost: the job is forgotten now, or when the caller has ended it. */
static void
drop(struct io *self, tm_job_t *job)
{
    if (job->is_ended) {
        forget(self, job);
        return;
    }
    uuid_map_remove(self->held, &job->id);
    atomic_store(&job->is_dropped, true);
}

/* ---- what is told to brokers ---- */

static uint64_t
credit_for(const struct io *self, const struct link *link)
{
    uint64_t others = 0;
    tm_job_t *job = zlistx_first(self->all);

    if (self->is_draining)
        return 0;
    for (; job && self->link_count > 1; job = zlistx_next(self->all))
        if (!job->is_ended && !job->call_ref && &self->links[job->home] != link)
            others++;
    return others < self->hello.hello.credit ? self->hello.hello.credit - others : 0;
}

static void
send_credit(struct io *self, struct link *link)
{
    tm_msg_t msg = {.type = TM_MSG_CREDIT, .credit.credit = credit_for(self, link)};

    if (dealer_msg(&link->dealer, &msg))
        link->credit = msg.credit.credit;
    dealer_flush(&link->dealer);
}

static void
tell_credit(struct io *self)
{
    for (size_t i = 0; i < self->link_count; i++) {
        struct link *link = &self->links[i];
        if (link->is_welcome && credit_for(self, link) != link->credit)
            send_credit(self, link);
    }
}

static void
send_outcome(struct io *self, tm_job_t *job, int64_t now_ms)
{
    struct link *link = home_of(self, job);

    for (size_t i = 0; i < self->link_count && !link->dealer.alive; i++)
        link = &self->links[i];
    job->resend_ms = now_ms + RESEND_MS;
    if (!link->dealer.alive || !job->outcome.header)
        return;
    if (job->follower_count > 0)
        dealer_hold(&link->dealer, true); /* one message: they commit together */
    dealer_parcel(&link->dealer, &job->outcome);
    for (size_t i = 0; i < job->follower_count; i++)
        dealer_parcel(&link->dealer, &job->followers[i]);
    if (job->follower_count > 0)
        dealer_hold(&link->dealer, false);
}

static void
flush_all(struct io *self)
{
    for (size_t i = 0; i < self->link_count; i++)
        dealer_flush(&self->links[i].dealer);
    while (self->spent) {
        tm_job_t *job = self->spent;
        self->spent = job->next;
        job_destroy(&job);
    }
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

/* HELLO, and for each job that is this broker's or whose broker is gone HOLDING, or how it has
 * ended. From here on the orphans among them are this broker's. */
static void
say_hello(struct io *self, struct link *link, int64_t now_ms)
{
    size_t index = (size_t)(link - self->links);
    tm_msg_t hello = self->hello;

    hello.hello.credit = credit_for(self, link);
    link->credit = hello.hello.credit;
    link->hello_ms = now_ms;
    link->is_welcome = false;
    dealer_msg(&link->dealer, &hello);
    tm_job_t *job;
    for (size_t at = 0; (job = uuid_map_next(self->held, &at));) {
        tm_msg_t holding = {.type = TM_MSG_HOLDING,
                            .holding = {.job = job->id, .attempt = job->attempt}};
        if (job->home != index && home_of(self, job)->dealer.alive)
            continue;
        job->home = index;
        if (job->is_ended)
            send_outcome(self, job, now_ms);
        else
            dealer_msg(&link->dealer, &holding);
    }
    dealer_flush(&link->dealer);
    if (self->is_draining)
        send_bye(link, self->is_leaving ? LEAVE_MS : 0);
}

/* A broker has fallen silent: its jobs are told to another before their leases run out. */
static void
on_silence(struct io *self, struct link *link, int64_t now_ms)
{
    link->is_welcome = false;
    for (size_t i = 0; i < self->link_count; i++)
        if (self->links[i].dealer.alive) {
            say_hello(self, &self->links[i], now_ms);
            return;
        }
}

/* ---- jobs ---- */

/* An answer is sent once; whether it arrives is the caller's deadline's business. */
static void
end_call(struct io *self, tm_job_t *job)
{
    struct link *link = home_of(self, job);

    if (link->dealer.alive && job->outcome.header)
        dealer_parcel(&link->dealer, &job->outcome);
    job->is_callers_end = true;
    spend(self, job);
}

static void
end_job(struct io *self, tm_job_t *job, int64_t now_ms)
{
    if (job->call_ref) {
        end_call(self, job);
        return;
    }
    self->in_hand--;
    job->is_callers_end = true;
    if (atomic_load(&job->is_dropped)) {
        forget(self, job);
    } else {
        job->is_ended = true;
        send_outcome(self, job, now_ms);
    }
    tell_credit(self);
}

static void
refuse_job(struct io *self, tm_job_t *job, tm_err_t why)
{
    job->is_ended = true;
    job_set_failed(job, why, tm_err_text(why), true);
    send_outcome(self, job, zclock_mono());
}

/* NULL: no more will come. */
static void
give_job(struct io *self, tm_job_t *job)
{
    PIPE_GIVE(job);
    while (zmq_send(zsock_resolve(self->pipe), (void *)&job, sizeof job, 0) < 0 &&
           errno == EINTR)
        continue;
}

static void
on_job(struct io *self, struct link *link, const tm_msg_t *msg, zmq_msg_t *body)
{
    tm_job_t *known = uuid_map_get(self->held, &msg->job.job);

    if (known && known->attempt >= msg->job.attempt)
        return; /* sent twice, or overtaken */
    if (zlistx_size(self->all) >= KNOWN_MAX)
        return; /* a broker that settles nothing: its lease runs out */
    if (known)
        drop(self, known);
    tm_job_t *job = job_of_lease(&msg->job, body);
    job->home = (size_t)(link - self->links);
    job->handle = zlistx_add_end(self->all, job);
    uuid_map_put(self->held, job);
    if (self->is_draining) {
        refuse_job(self, job, TM_DRAINING);
    } else if (self->in_hand >= self->hello.hello.credit) {
        refuse_job(self, job, TM_BUSY);
    } else {
        self->in_hand++;
        give_job(self, job);
        tell_credit(self);
    }
}

static void
on_call(struct io *self, struct link *link, const tm_msg_t *msg, zmq_msg_t *body)
{
    tm_job_t *job = job_of_call(&msg->call, body);

    job->home = (size_t)(link - self->links);
    job->handle = zlistx_add_end(self->all, job);
    if (!self->is_draining && zlistx_size(self->all) < KNOWN_MAX) {
        give_job(self, job);
        return;
    }
    job_set_failed(job, TM_DRAINING, tm_err_text(TM_DRAINING), true);
    atomic_fetch_add(self->unsettled, 1);
    end_call(self, job);
}

static void
on_settled(struct io *self, const struct tm_settled *settled)
{
    tm_job_t *job = uuid_map_get(self->held, &settled->job);

    if (job && job->is_ended && job->attempt == settled->attempt)
        forget(self, job);
}

static void
on_drop(struct io *self, const struct tm_drop *dropped)
{
    tm_job_t *job = uuid_map_get(self->held, &dropped->job);

    if (job && job->attempt == dropped->attempt)
        drop(self, job);
}

static void
on_cancel(struct io *self, const struct tm_cancel *cancel)
{
    tm_job_t *job = uuid_map_get(self->held, &cancel->job);

    if (job && job->attempt == cancel->attempt)
        atomic_store(&job->is_canceled, true);
}

static void
on_welcome(struct io *self, struct link *link, const struct tm_welcome *welcome)
{
    uint32_t ping_ms =
        welcome->ping_ms > PING_MIN_MS ? (uint32_t)welcome->ping_ms : PING_MIN_MS;
    uint32_t half_ms = (uint32_t)(welcome->lease_ms / 2);
    uint32_t least_ms = ping_ms + ping_ms / 2;

    link->is_welcome = true;
    atomic_store(self->refusal, TM_OK);
    link->dealer.ping_ms = ping_ms;
    link->dealer.silence_ms = half_ms > least_ms ? half_ms : least_ms;
    tell_credit(self);
}

static void
on_rejected(struct io *self, struct link *link, tm_str_t code)
{
    if (tm_str_is(code, "NOT_FOUND"))
        link->is_welcome = false; /* it does not know this worker: HELLO again, by tick */
    else if (tm_str_is(code, "FORBIDDEN") && !link->is_welcome)
        atomic_store(self->refusal, TM_FORBIDDEN);
}

static void
on_message(struct io *self, struct link *link, const tm_msg_t *msg, zmq_msg_t *body)
{
    int64_t now_ms = zclock_mono();
    bool is_new = dealer_heard(&link->dealer, msg, now_ms);

    if (is_new && msg->type != TM_MSG_WELCOME)
        say_hello(self, link, now_ms);
    if (msg->type == TM_MSG_WELCOME)
        on_welcome(self, link, &msg->welcome);
    else if (msg->type == TM_MSG_JOB)
        on_job(self, link, msg, body);
    else if (msg->type == TM_MSG_SETTLED)
        on_settled(self, &msg->settled);
    else if (msg->type == TM_MSG_DROP)
        on_drop(self, &msg->drop);
    else if (msg->type == TM_MSG_CALL)
        on_call(self, link, msg, body);
    else if (msg->type == TM_MSG_CANCEL)
        on_cancel(self, &msg->cancel);
    else if (msg->type == TM_MSG_REJECTED)
        on_rejected(self, link, msg->rejected.code);
}

/* ---- the thread ---- */

static bool
read_link(struct io *self, struct link *link)
{
    tm_msg_t msg;
    int count = 0;

    while (count < READ_AT_ONCE && dealer_receive(&link->dealer, &msg)) {
        on_message(self, link, &msg, &link->dealer.body);
        count++;
    }
    return count > 0;
}

static void
send_progress(struct io *self, struct worker_progress *progress)
{
    struct link *link = home_of(self, progress->job);

    if (!atomic_load(&progress->job->is_dropped) && link->dealer.alive)
        dealer_parcel(&link->dealer, &progress->parcel);
    dealer_flush(&link->dealer);
    parcel_fini(&progress->parcel);
    free(progress);
}

static void
start_drain(struct io *self)
{
    uint64_t count;

    if (read(self->drain_fd, &count, sizeof count) < 0 || self->is_draining)
        return; /* nothing there after all, or known */
    self->is_draining = true;
    for (size_t i = 0; i < self->link_count; i++)
        send_bye(&self->links[i], 0);
    give_job(self, NULL);
}

/* The caller leaves: what it has not ended goes back to the queue at once. */
static void
start_leave(struct io *self)
{
    int64_t now_ms = zclock_mono();
    tm_job_t *job = zlistx_first(self->all);

    PIPE_TAKE(self->texts); /* with them, the jobs in the caller's hand */
    self->is_draining = self->is_leaving = true;
    self->leave_ms = now_ms + LEAVE_MS;
    for (; job; job = zlistx_next(self->all))
        if (!job->is_ended && !job->call_ref && !atomic_load(&job->is_dropped))
            refuse_job(self, job, TM_DRAINING);
    for (size_t i = 0; i < self->link_count; i++)
        send_bye(&self->links[i], LEAVE_MS);
}

/* Several commands at once, so that many short jobs leave in few messages. What is not a
 * command is zactor's $TERM. */
static bool
read_pipe(struct io *self)
{
    struct command command;
    int count = 0, size;

    while (count < READ_AT_ONCE && (size = zmq_recv(zsock_resolve(self->pipe), &command,
                                                    sizeof command, ZMQ_DONTWAIT)) >= 0) {
        count++;
        if (size != (int)sizeof command) {
            start_leave(self);
            continue;
        }
        PIPE_TAKE(command.address);
        if (command.kind == COMMAND_END)
            end_job(self, command.address, zclock_mono());
        else
            send_progress(self, command.address);
    }
    return count > 0;
}

/* With each ping goes the credit: a broker answers a ping whoever sent it, but tells a worker
 * that it does not know so. Thus a worker whose connection broke and came back is never idle
 * for good.
 */
static void
tick_link(struct io *self, struct link *link, int64_t now_ms)
{
    uint64_t pings = link->dealer.seq;

    if (!dealer_tick(&link->dealer, now_ms))
        on_silence(self, link, now_ms);
    if (link->is_welcome && link->dealer.seq != pings)
        send_credit(self, link);
    if (link->dealer.alive && !link->is_welcome && now_ms - link->hello_ms >= HELLO_AGAIN_MS)
        say_hello(self, link, now_ms);
}

static void
tick(struct io *self, int64_t now_ms)
{
    tm_job_t *job;

    start_drain(self); /* if it was asked for: a busy thread hardly waits */
    for (size_t i = 0; i < self->link_count; i++)
        tick_link(self, &self->links[i], now_ms);
    for (job = zlistx_first(self->all); job; job = zlistx_next(self->all))
        if (job->is_ended && job->resend_ms <= now_ms)
            send_outcome(self, job, now_ms);
    flush_all(self);
}

/* Until the caller, a broker or the next tick. EINTR is a turn without news. */
static void
wait_for_news(struct io *self, int64_t wait_ms)
{
    zmq_pollitem_t items[BROKERS_MAX + 2] = {{0}};

    items[0] = (zmq_pollitem_t){zsock_resolve(self->pipe), 0, ZMQ_POLLIN, 0};
    items[1] = (zmq_pollitem_t){NULL, self->drain_fd, ZMQ_POLLIN, 0};
    for (size_t i = 0; i < self->link_count; i++) {
        void *socket = zsock_resolve(self->links[i].dealer.socket);
        items[i + 2] = (zmq_pollitem_t){socket, 0, ZMQ_POLLIN, 0};
    }
    if (zmq_poll(items, (int)self->link_count + 2, wait_ms > 0 ? (long)wait_ms : 0) > 0 &&
        (items[1].revents & ZMQ_POLLIN))
        start_drain(self);
}

/* One turn: what is there is read first, and only then is it worth asking the system. */
static void
turn(struct io *self, int64_t wait_ms)
{
    bool is_read = false;

    for (size_t i = 0; i < self->link_count; i++)
        is_read |= read_link(self, &self->links[i]);
    is_read |= read_pipe(self);
    if (is_read)
        flush_all(self);
    else
        wait_for_news(self, wait_ms);
}

/* Nothing is left to settle, or nobody is there to settle it, or the time is over. */
static bool
may_leave(struct io *self, int64_t now_ms)
{
    bool is_heard = false;

    for (size_t i = 0; i < self->link_count; i++)
        is_heard = is_heard || self->links[i].dealer.alive;
    return self->is_leaving &&
           (uuid_map_size(self->held) == 0 || !is_heard || now_ms >= self->leave_ms);
}

/* This process was stopped, or the machine slept. It is the brokers who heard nothing: each is
 * told again of its own jobs, and none of another's. */
static void
wake_up(struct io *self, int64_t now_ms)
{
    for (size_t i = 0; i < self->link_count; i++)
        dealer_doubt(&self->links[i].dealer, now_ms);
}

static void
run(struct io *self)
{
    int64_t next_ms = 0, turned_ms = zclock_mono();

    while (!may_leave(self, zclock_mono())) {
        int64_t now_ms = zclock_mono();
        if (now_ms - turned_ms > ASLEEP_MS)
            wake_up(self, now_ms);
        turned_ms = now_ms;
        if (now_ms >= next_ms) {
            tick(self, now_ms);
            next_ms = now_ms + TICK_MS;
        }
        turn(self, next_ms - now_ms);
    }
}

static bool
io_init(struct io *self, zsock_t *pipe, const struct worker_io_options *options)
{
    dealer_t dealers[BROKERS_MAX];

    *self = (struct io){.pipe = pipe,
                        .hello = options->hello,
                        .drain_fd = options->drain_fd,
                        .unsettled = options->unsettled,
                        .refusal = options->refusal,
                        .texts = options->brokers};
    self->link_count = dealers_connect(dealers, options->brokers, options->curve);
    for (size_t i = 0; i < self->link_count; i++)
        self->links[i].dealer = dealers[i];
    self->all = zlistx_new();
    self->held = uuid_map_new(offsetof(tm_job_t, id));
    return self->link_count > 0;
}

static void
io_fini(struct io *self)
{
    for (tm_job_t *job = zlistx_first(self->all); job; job = zlistx_next(self->all))
        job_destroy(&job);
    flush_all(self);
    zlistx_destroy(&self->all);
    uuid_map_destroy(&self->held);
    for (size_t i = 0; i < self->link_count; i++) {
        dealer_t *dealer = &self->links[i].dealer;

        if (dealer->alive) /* the BYE may still be on its way */
            zsock_set_linger(dealer->socket, LAST_WORD_MS);
        dealer_close(dealer);
    }
}

void
worker_io(zsock_t *pipe, void *args)
{
    struct io self;
    sigset_t all;

    sigfillset(&all); /* signals are the caller's business */
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    struct worker_io_options *options = args;
    bool is_ok = io_init(&self, pipe, options);
    *options->ret_is_ok = is_ok;
    PIPE_GIVE(options);
    zsock_signal(pipe, 0);
    if (is_ok) {
        for (size_t i = 0; i < self.link_count; i++)
            say_hello(&self, &self.links[i], zclock_mono());
        run(&self);
    }
    io_fini(&self);
    PIPE_GIVE(self.texts); /* their owner may free them */
}
