/* What the broker says, held against the model. A word that was asked for makes true what its
 * answer says; of the others, each must be one that the broker may say by itself. */
#include "tests/unit/broker/broker_model.h"

/* --- what a job becomes ------------------------------------------------------------------- */

void
model_set(struct model *self, struct model_job *job, enum model_state state)
{
    self->live -= job->state < M_DONE && state >= M_DONE;
    job->state = state;
    job->is_ending = false;
    job->may_skip |= state == M_WAITS && self->losing > 0;
    if (state != M_RUNS) {
        job->holder = NOBODY;
        job->is_doubted = false;
    }
}

static void
wait_again(struct model *self, struct model_job *job)
{
    model_set(self, job, job->is_stopping ? M_CANCELED : M_WAITS);
}

void
model_fail(struct model *self, struct model_job *job, bool is_crash)
{
    job->failures++;
    job->crashes += is_crash;
    if (!job->is_stopping &&
        (job->failures >= job->max_attempts || (is_crash && job->crashes >= POISON)))
        model_set(self, job, M_DEAD);
    else
        wait_again(self, job);
}

/* --- unasked ------------------------------------------------------------------------------ */

/* A job that was promised to a worker is sent to it, even if it has asked for fewer since, or
 * has said BYE: it then says BUSY or DRAINING. */
static uint32_t
limit_of(const struct model_peer *worker)
{
    uint32_t limit =
        worker->credit > worker->next_credit ? worker->credit : worker->next_credit;

    return worker->crossing > 0 && worker->former_credit > limit ? worker->former_credit
                                                                 : limit;
}

static void
check_job(struct model *self, int peer, const struct model_job *job, const tm_msg_t *msg)
{
    const struct model_peer *worker = &self->peers[peer];
    uint32_t limit = limit_of(worker);

    if (peer < PRODUCERS || !job)
        model_wrong(self, "peer %d was sent a job that it cannot have", peer);
    if (worker->has_left && worker->crossing == 0)
        model_wrong(self, "worker %d has left, and was sent a job", peer);
    if (job->state >= M_DONE || (job->state == M_RUNS && !job->is_ending && !job->is_doubted))
        model_wrong(self, "a job that is %s was sent again", model_state_name(job->state));
    if (msg->job.attempt != job->attempt + 1 &&
        !(job->may_skip && msg->job.attempt == job->attempt + 2))
        model_wrong(self, "attempt %u is followed by %u", job->attempt,
                    (unsigned)msg->job.attempt);
    if (worker->held_count + 1 > limit)
        model_wrong(self, "worker %d holds %zu jobs, and its credit is %u", peer,
                    worker->held_count + 1, limit);
}

/* What comes before WELCOME left before the HELLO was heard. */
static void
on_job(struct model *self, int peer, const tm_msg_t *msg)
{
    struct model_peer *worker = &self->peers[peer];
    struct model_job *job = uuid_map_get(self->by_id, &msg->job.job);

    check_job(self, peer, job, msg);
    job->may_skip &= msg->job.attempt == job->attempt + 1;
    job->attempt = (uint32_t)msg->job.attempt;
    model_set(self, job, M_RUNS);
    job->holder = peer - PRODUCERS;
    job->is_touched = true;
    if (worker->is_replacing) { /* it was sent to the one who is no more */
        model_fail(self, job, true);
        return;
    }
    job->is_doubted = worker->is_greeting;
    worker->held[worker->held_count++] = (struct model_held){job, job->attempt};
}

/* Only what was asked to stop, or was not named, is taken back. */
static void
on_drop(struct model *self, int peer, const tm_msg_t *msg)
{
    struct model_job *job = uuid_map_get(self->by_id, &msg->drop.job);

    if (!job)
        model_wrong(self, "peer %d was told to drop a job that is not there", peer);
    self->dropped++;
    model_forget_held(&self->peers[peer], job, (uint32_t)msg->drop.attempt);
    if (job->attempt != msg->drop.attempt || job->holder != peer - PRODUCERS)
        return; /* another has it by now, or it had ended */
    if (!job->is_doubted && !job->is_stopping)
        model_wrong(self, "a job was taken back that its worker holds");
    if (!job->is_ending)
        wait_again(self, job);
}

static void
on_result(struct model *self, int peer, const tm_msg_t *msg)
{
    struct model_job *job = uuid_map_get(self->by_id, &msg->result.job);

    if (!job || job->watcher != peer)
        model_wrong(self, "peer %d was told a result that it did not want", peer);
    if (job->told)
        model_wrong(self, "a result was told twice");
    for (int state = M_DONE; state <= M_CANCELED; state++)
        if (tm_str_is(msg->result.state, model_state_name((enum model_state)state)))
            job->told = model_state_name((enum model_state)state);
    if (!job->told)
        model_wrong(self, "a result is %.*s", (int)msg->result.state.size,
                    msg->result.state.data);
}

static void
on_progress(struct model *self, int peer, const tm_msg_t *msg)
{
    const struct model_job *job = uuid_map_get(self->by_id, &msg->progress.job);

    if (!job || job->watcher != peer || msg->progress.done != 1)
        model_wrong(self, "progress was told that counts for nothing");
}

/* --- asked -------------------------------------------------------------------------------- */

static void
on_key_answer(struct model *self, const struct model_job *job, const tm_msg_t *msg)
{
    const struct model_job *owner = self->key_jobs[job->key];
    bool is_same = owner->variant == job->variant;

    if (is_same != (msg->type == TM_MSG_ACCEPTED))
        model_wrong(self, "key %d: %s for variant %u, and the first was %u", job->key,
                    tm_msg_name(msg->type), job->variant, owner->variant);
    if (is_same && !tm_uuid_is(&msg->accepted.job, &owner->id))
        model_wrong(self, "key %d has two jobs", job->key);
    if (!is_same && !tm_str_is(msg->rejected.code, "IDEMPOTENCY_KEY_REUSED"))
        model_wrong(self, "key %d was refused for another reason", job->key);
}

static void
on_state_answer(struct model *self, const struct model_job *job, const tm_msg_t *msg)
{
    tm_str_t state = msg->state.state;
    bool is_live = tm_str_is(state, "ready") || tm_str_is(state, "running") ||
                   tm_str_is(state, "scheduled");
    bool is_right =
        job->state >= M_DONE ? tm_str_is(state, model_state_name(job->state)) : is_live;

    if (!is_right && !job->is_stopping && !job->may_differ)
        model_wrong(self, "a job that is %s is said to be %.*s", model_state_name(job->state),
                    (int)state.size, state.data);
}

static void
on_cancel_answer(struct model *self, struct model_job *job, const tm_msg_t *msg)
{
    if (job->state >= M_DONE || job->is_stopping)
        on_state_answer(self, job, msg);
    else if (tm_str_is(msg->state.state, "canceled"))
        model_set(self, job, M_CANCELED);
    else if (tm_str_is(msg->state.state, "running"))
        job->is_stopping = true;
    else
        model_wrong(self, "a cancel of a job that is %s was answered with %.*s",
                    model_state_name(job->state), (int)msg->state.state.size,
                    msg->state.state.data);
}

/* The next attempt may have been heard of first: then only what counts is left to note. */
static void
on_settled(struct model *self, const struct model_answer *answer)
{
    struct model_job *job = answer->job;
    bool is_past = job->attempt != answer->attempt || job->state != M_RUNS;

    if (answer->act == ACT_DONE) {
        job->may_differ |= job->is_stopping;
        model_set(self, job, M_DONE);
    } else if (is_past) {
        job->failures += answer->act == ACT_FAIL;
    } else if (answer->act == ACT_FAIL) {
        model_fail(self, job, false);
    } else if (answer->act == ACT_GIVE_BACK) {
        wait_again(self, job);
    } else {
        job->failures++;
        model_set(self, job, job->is_stopping ? M_CANCELED : M_DEAD);
    }
}

static void
obey(struct model *self, struct model_peer *peer, const struct model_answer *answer,
     const tm_msg_t *msg)
{
    self->acts[answer->act]++;
    switch (answer->act) {
    case ACT_NOTHING:
        break;
    case ACT_NEW:
        if (msg->accepted.duplicate)
            model_wrong(self, "a new job is said to be a duplicate");
        if (answer->job->state == M_SENT)
            model_set(self, answer->job, M_WAITS);
        break;
    case ACT_KNOWN:
        if (!msg->accepted.duplicate)
            model_wrong(self, "a job was accepted as new twice");
        break;
    case ACT_KEY:
        on_key_answer(self, answer->job, msg);
        break;
    case ACT_STATE:
        on_state_answer(self, answer->job, msg);
        break;
    case ACT_CANCEL:
        on_cancel_answer(self, answer->job, msg);
        break;
    case ACT_DONE:
    case ACT_FAIL:
    case ACT_GIVE_BACK:
    case ACT_DIE:
        on_settled(self, answer);
        break;
    case ACT_CREDIT:
        peer->credit = peer->next_credit;
        peer->is_greeting = peer->is_replacing = false;
        break;
    case ACT_LEAVE:
        peer->has_left = true;
        break;
    }
}

static bool
is_of(const struct model_answer *answer, const tm_uuid_t *job, uint64_t attempt)
{
    return tm_uuid_is(job, &answer->job->id) && attempt == answer->attempt;
}

static bool
is_answered(const struct model_answer *answer, const tm_msg_t *msg)
{
    if (answer->is_taken || (msg->type != answer->type && msg->type != answer->instead))
        return false;
    if (msg->type == TM_MSG_ACCEPTED)
        return msg->accepted.ref == answer->ref;
    if (msg->type == TM_MSG_REJECTED)
        return msg->rejected.ref == answer->ref;
    if (msg->type == TM_MSG_STATE)
        return msg->state.ref == answer->ref;
    if (msg->type == TM_MSG_PONG)
        return msg->pong.seq == answer->ref;
    if (msg->type == TM_MSG_SETTLED)
        return is_of(answer, &msg->settled.job, msg->settled.attempt);
    if (msg->type == TM_MSG_DROP)
        return is_of(answer, &msg->drop.job, msg->drop.attempt);
    return msg->type == TM_MSG_WELCOME;
}

static bool
take_answer(struct model *self, struct model_peer *peer, const tm_msg_t *msg)
{
    for (size_t i = 0; i < peer->answer_count; i++) {
        if (!is_answered(&peer->answers[i], msg))
            continue;
        peer->answers[i].is_taken = true;
        peer->open--;
        obey(self, peer, &peer->answers[i], msg);
        return true;
    }
    return false;
}

void
model_hear(struct model *self, int peer, const tm_msg_t *msg)
{
    if (take_answer(self, &self->peers[peer], msg))
        return;
    if (msg->type == TM_MSG_JOB)
        on_job(self, peer, msg);
    else if (msg->type == TM_MSG_DROP)
        on_drop(self, peer, msg);
    else if (msg->type == TM_MSG_RESULT)
        on_result(self, peer, msg);
    else if (msg->type == TM_MSG_PROGRESS)
        on_progress(self, peer, msg);
    else if (msg->type != TM_MSG_CANCEL) /* which the cancel's own answer has told */
        model_wrong(self, "peer %d was sent %s unasked", peer, tm_msg_name(msg->type));
}
