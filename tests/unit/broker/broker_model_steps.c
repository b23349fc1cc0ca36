/* The steps: what peers say, rightly and wrongly. */
#include "tests/unit/broker/broker_model.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { LIVE_MOST = 150, TRIES = 20 };

static const char *
short_id(const struct model_job *job)
{
    static char text[TM_UUID_TEXT];

    return tm_uuid_text(&job->id, text) + 24;
}

static int
any_producer(struct model *self)
{
    return (int)model_below(self, PRODUCERS);
}

static int
any_worker(struct model *self)
{
    return PRODUCERS + (int)model_below(self, WORKERS);
}

/* A job of late that is not touched in this round; NULL: none was found. */
static struct model_job *
any_job(struct model *self)
{
    size_t span = self->job_count < RECENT ? self->job_count : RECENT;

    for (int i = 0; i < TRIES && span > 0; i++) {
        size_t back = 1 + model_below(self, (unsigned)span);
        struct model_job *job = self->jobs[self->job_count - back];
        if (!job->is_touched && job->state != M_SENT && !job->may_differ)
            return job;
    }
    return NULL;
}

/* One that this worker holds, and that nothing is in the way of. */
static struct model_job *
any_held(struct model *self, int peer)
{
    const struct model_peer *worker = &self->peers[peer];
    struct model_job *job;

    if (worker->held_count == 0)
        return NULL;
    job = worker->held[model_below(self, (unsigned)worker->held_count)].job;
    return job->is_touched || job->is_doubted || job->state != M_RUNS ||
                   job->holder != peer - PRODUCERS
               ? NULL
               : job;
}

/* --- producers ---------------------------------------------------------------------------- */

static void
say_submit(struct model *self, int peer, struct model_job *job, tm_msg_type_t instead,
           enum act act)
{
    uint8_t hash[32];
    char key[16];
    tm_msg_t msg = {.type = TM_MSG_SUBMIT,
                    .submit = {.ref = ++self->ref,
                               .job = job->id,
                               .queue = tm_str(job->queue),
                               .workspace = broker_world_workspace,
                               .max_attempts = job->max_attempts,
                               .has_max_attempts = true,
                               .watch = job->watcher == peer && act == ACT_NEW,
                               .has_watch = true},
                    .body = tm_str("body")};

    if (job->key) {
        snprintf(key, sizeof(key), "key%d", job->key);
        memset(hash, (int)job->variant, sizeof(hash));
        msg.submit.key = tm_str(key);
        msg.submit.request_hash = (tm_str_t){(const char *)hash, sizeof(hash)};
        msg.submit.has_key = msg.submit.has_request_hash = true;
    }
    if (act == ACT_NEW && model_below(self, 8) == 0) {
        msg.submit.delay_ms = 1 + model_below(self, 100);
        msg.submit.has_delay_ms = true;
    }
    model_say(self, peer, &msg);
    model_expect(self, peer,
                 &(struct model_answer){.type = TM_MSG_ACCEPTED,
                                        .instead = instead,
                                        .ref = self->ref,
                                        .job = job,
                                        .act = act});
}

static void
step_submit(struct model *self)
{
    int peer = any_producer(self);
    struct model_job *job;

    if (self->live >= LIVE_MOST)
        return;
    job = model_add(self);
    model_know(self, job);
    job->queue[0] = (char)('a' + (char)model_below(self, 2));
    job->max_attempts = 1 + model_below(self, 4);
    job->may_skip = self->losing > 0;
    if (model_below(self, 3) == 0)
        job->watcher = peer;
    if (model_below(self, 5) == 0 && self->keys + 1 < 1 << 16) {
        job->key = ++self->keys;
        job->variant = model_below(self, 2);
        self->key_jobs[job->key] = job;
    }
    model_note(self, "%d submits %s key %d", peer, short_id(job), job->key);
    say_submit(self, peer, job, TM_MSG_NONE, ACT_NEW);
}

static void
step_submit_again(struct model *self)
{
    int peer = any_producer(self);
    struct model_job *job = any_job(self);

    if (!job || job->key)
        return;
    job->is_touched = true;
    model_note(self, "%d submits %s again (%s)", peer, short_id(job),
               model_state_name(job->state));
    say_submit(self, peer, job, TM_MSG_NONE, ACT_KNOWN);
}

static void
step_use_key_again(struct model *self)
{
    int peer = any_producer(self);
    struct model_job *owner, *job;
    int key;

    if (self->keys == 0)
        return;
    key = self->keys - (int)model_below(self, self->keys < 50 ? (unsigned)self->keys : 50);
    owner = self->key_jobs[key];
    if (owner->is_touched)
        return;
    owner->is_touched = true;
    job = model_add(self);
    job->is_checked = true; /* it is none */
    job->queue[0] = owner->queue[0];
    job->max_attempts = 1;
    job->key = key;
    job->variant = model_below(self, 2);
    model_note(self, "%d uses key %d again, variant %u", peer, key, job->variant);
    say_submit(self, peer, job, TM_MSG_REJECTED, ACT_KEY);
}

static void
step_status(struct model *self)
{
    int peer = any_producer(self);
    struct model_job *job = any_job(self);
    tm_msg_t msg = {.type = TM_MSG_STATUS};

    if (!job)
        return;
    job->is_touched = true;
    msg.status.ref = ++self->ref;
    msg.status.job = job->id;
    model_note(self, "%d asks for %s (%s)", peer, short_id(job), model_state_name(job->state));
    model_say(self, peer, &msg);
    model_expect(self, peer,
                 &(struct model_answer){
                     .type = TM_MSG_STATE, .ref = self->ref, .job = job, .act = ACT_STATE});
}

static void
step_cancel(struct model *self)
{
    int peer = any_producer(self);
    struct model_job *job = any_job(self);
    tm_msg_t msg = {.type = TM_MSG_CANCEL};

    if (!job)
        return;
    job->is_touched = true;
    msg.cancel.ref = ++self->ref;
    msg.cancel.job = job->id;
    model_note(self, "%d cancels %s (%s)", peer, short_id(job), model_state_name(job->state));
    model_say(self, peer, &msg);
    model_expect(self, peer,
                 &(struct model_answer){
                     .type = TM_MSG_STATE, .ref = self->ref, .job = job, .act = ACT_CANCEL});
}

/* --- workers ------------------------------------------------------------------------------ */

static tm_msg_t
done_of(const struct model_job *job, uint32_t attempt)
{
    return (tm_msg_t){.type = TM_MSG_DONE,
                      .done = {.job = job->id, .attempt = attempt},
                      .body = tm_str("result")};
}

static tm_msg_t
fail_of(const struct model_job *job, uint32_t attempt, const char *code, bool retryable)
{
    return (tm_msg_t){
        .type = TM_MSG_FAIL,
        .fail = {
            .job = job->id, .attempt = attempt, .code = tm_str(code), .retryable = retryable}};
}

static void
step_end(struct model *self)
{
    int peer = any_worker(self);
    struct model_job *job = any_held(self, peer);
    unsigned how = model_below(self, 12);
    enum act act = how < 7 ? ACT_DONE : how < 9 ? ACT_FAIL : how < 11 ? ACT_GIVE_BACK : ACT_DIE;
    tm_msg_t msg;

    if (!job)
        return;
    job->is_touched = job->is_ending = true;
    msg = act == ACT_DONE ? done_of(job, job->attempt)
          : act == ACT_GIVE_BACK
              ? fail_of(job, job->attempt, how == 9 ? "BUSY" : "DRAINING", true)
              : fail_of(job, job->attempt, "JOB_FAILED", act == ACT_FAIL);
    model_note(self, "%d ends %s, act %d", peer, short_id(job), (int)act);
    model_say(self, peer, &msg);
    model_expect(self, peer,
                 &(struct model_answer){
                     .type = TM_MSG_SETTLED, .job = job, .attempt = job->attempt, .act = act});
    model_forget_held(&self->peers[peer], job, job->attempt);
}

/* Words that count for nothing: of another's job, of another attempt, of what has ended. A
 * broker that has the lease, if only for a moment more, says DROP; else the word is settled,
 * and changes nothing. */
static void
step_wrong_end(struct model *self)
{
    int peer = any_worker(self);
    struct model_job *job = any_job(self);
    bool is_done = model_below(self, 2), is_now = model_below(self, 2), is_anothers;
    uint32_t attempt;
    tm_msg_t msg;

    if (!job || job->is_doubted || (job->is_stopping && job->state == M_RUNS))
        return;
    is_anothers = job->state == M_RUNS && job->holder != peer - PRODUCERS;
    attempt = is_now && (is_anothers || job->state != M_RUNS) ? job->attempt : job->attempt + 3;
    job->is_touched = true;
    msg = is_done ? done_of(job, attempt) : fail_of(job, attempt, "JOB_FAILED", false);
    model_note(self, "%d wrongly ends %s attempt %u of %u (%s)", peer, short_id(job), attempt,
               job->attempt, model_state_name(job->state));
    model_say(self, peer, &msg);
    model_expect(
        self, peer,
        &(struct model_answer){.type = is_anothers && attempt == job->attempt ? TM_MSG_DROP
                                                                              : TM_MSG_SETTLED,
                               .instead = job->state == M_RUNS ? TM_MSG_NONE : TM_MSG_DROP,
                               .job = job,
                               .attempt = attempt});
}

/* Of a job that another holds, or that has ended. */
static void
step_wrong_holding(struct model *self)
{
    int peer = any_worker(self);
    struct model_job *job = any_job(self);
    tm_msg_t msg = {.type = TM_MSG_HOLDING};

    if (!job || job->holder == peer - PRODUCERS ||
        !(job->state == M_RUNS ? !job->is_stopping : job->is_checked))
        return;
    job->is_touched = true;
    msg.holding.job = job->id;
    msg.holding.attempt = job->attempt;
    model_note(self, "%d wrongly holds %s (%s)", peer, short_id(job),
               model_state_name(job->state));
    model_say(self, peer, &msg);
    model_expect(
        self, peer,
        &(struct model_answer){.type = TM_MSG_DROP, .job = job, .attempt = job->attempt});
}

/* Progress that counts is 1, other is 2. */
static void
step_progress(struct model *self)
{
    int peer = any_worker(self);
    struct model_job *job = model_below(self, 2) ? any_held(self, peer) : any_job(self);
    tm_msg_t msg = {.type = TM_MSG_PROGRESS};
    bool counts;

    if (!job || job->is_doubted)
        return;
    counts = job->state == M_RUNS && job->holder == peer - PRODUCERS;
    job->is_touched = true;
    msg.progress.job = job->id;
    msg.progress.attempt = job->attempt;
    msg.progress.done = counts ? 1 : 2;
    model_note(self, "%d tells progress of %s, %s", peer, short_id(job),
               counts ? "rightly" : "wrongly");
    model_say(self, peer, &msg);
}

static void
ping(struct model *self, int peer, enum act act)
{
    tm_msg_t msg = {.type = TM_MSG_PING, .ping = {.seq = ++self->ref}};

    model_say(self, peer, &msg);
    model_expect(self, peer,
                 &(struct model_answer){.type = TM_MSG_PONG, .ref = self->ref, .act = act});
}

/* It wants less from now on. */
static void
begin_crossing(struct model_peer *worker)
{
    if (worker->crossing == 0 || worker->credit > worker->former_credit)
        worker->former_credit = worker->credit;
    worker->crossing = CROSSING;
}

static void
say_credit(struct model *self, int peer, uint32_t credit)
{
    struct model_peer *worker = &self->peers[peer];
    tm_msg_t msg = {.type = TM_MSG_CREDIT, .credit.credit = credit};

    worker->is_touched = true;
    begin_crossing(worker);
    worker->next_credit = credit;
    model_note(self, "%d has a credit of %u", peer, worker->next_credit);
    model_say(self, peer, &msg);
    ping(self, peer, ACT_CREDIT);
}

static void
step_credit(struct model *self)
{
    int peer = any_worker(self);

    if (!self->peers[peer].is_touched)
        say_credit(self, peer, model_below(self, CREDIT_MOST + 1));
}

void
model_rest(struct model *self, int worker)
{
    model_begin_round(self);
    say_credit(self, PRODUCERS + worker, 0);
    model_end_round(self);
    for (int round = 0; round < 4; round++) {
        model_begin_round(self);
        for (int i = 0; i < 4; i++)
            step_status(self);
        model_end_round(self);
    }
}

static void
step_bye(struct model *self)
{
    int peer = any_worker(self);
    tm_msg_t msg = {.type = TM_MSG_BYE};

    if (self->peers[peer].is_touched)
        return;
    self->peers[peer].is_touched = true;
    begin_crossing(&self->peers[peer]);
    model_note(self, "%d says BYE", peer);
    model_say(self, peer, &msg);
    ping(self, peer, ACT_LEAVE);
}

static void
step_ping(struct model *self)
{
    int peer = (int)model_below(self, PEERS);

    model_note(self, "%d pings", peer);
    ping(self, peer, ACT_NOTHING);
}

/* --- HELLO -------------------------------------------------------------------------------- */

static void
say_hello_as(struct model *self, int peer)
{
    struct model_peer *worker = &self->peers[peer];
    tm_msg_t msg = {.type = TM_MSG_HELLO,
                    .hello = {.actor = tm_str("model"),
                              .worker = worker->id,
                              .queues = tm_str(peer % 2 ? "a" : "a,b"),
                              .credit = worker->next_credit}};

    worker->is_touched = worker->is_greeting = true;
    worker->has_left = false;
    model_say(self, peer, &msg);
    model_expect(self, peer, &(struct model_answer){.type = TM_MSG_WELCOME, .act = ACT_CREDIT});
}

static void
say_holding(struct model *self, int peer, const struct model_held *held)
{
    tm_msg_t msg = {.type = TM_MSG_HOLDING,
                    .holding = {.job = held->job->id, .attempt = held->attempt}};

    model_say(self, peer, &msg);
}

static void
lose_all(struct model *self, struct model_peer *worker)
{
    for (size_t i = 0; i < worker->held_count; i++) {
        struct model_job *job = worker->held[i].job;
        job->is_touched = true;
        if (job->state == M_RUNS && job->attempt == worker->held[i].attempt)
            model_fail(self, job, true);
    }
    worker->held_count = 0;
}

void
model_hello(struct model *self, int index, enum hello how)
{
    int peer = PRODUCERS + index;
    struct model_peer *worker = &self->peers[peer];

    if (how == HELLO_REPLACED) {
        worker->id = tm_uuid_new();
        worker->is_replacing = true;
        model_lose_messages(self);
        lose_all(self, worker);
    }
    model_note(self, "%d says HELLO %d, and holds %zu", peer, (int)how, worker->held_count);
    say_hello_as(self, peer);
    for (size_t i = 0; i < worker->held_count; i++) {
        struct model_job *job = worker->held[i].job;
        bool is_named = !job->is_doubted && (how == HELLO_ALL || model_below(self, 2));
        job->is_touched = true;
        job->is_doubted = !is_named;
        if (is_named)
            say_holding(self, peer, &worker->held[i]);
    }
}

void
model_greet(struct model *self)
{
    unsigned how = model_below(self, 4);

    model_hello(self, (int)model_below(self, WORKERS),
                how == 0   ? HELLO_REPLACED
                : how == 1 ? HELLO_ALL
                           : HELLO_SOME);
}

/* --- which -------------------------------------------------------------------------------- */

void
model_step(struct model *self)
{
    static const struct {
        unsigned share;
        void (*step)(struct model *self);
    } steps[] = {{300, step_submit},
                 {40, step_submit_again},
                 {40, step_use_key_again},
                 {60, step_status},
                 {30, step_cancel},
                 {340, step_end},
                 {80, step_wrong_end},
                 {30, step_wrong_holding},
                 {38, step_progress},
                 {20, step_credit},
                 {2, step_bye},
                 {20, step_ping}};
    unsigned at = model_below(self, 1000);

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (at < steps[i].share) {
            steps[i].step(self);
            return;
        }
        at -= steps[i].share;
    }
}
