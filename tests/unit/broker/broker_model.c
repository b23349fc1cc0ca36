#include "tests/unit/broker/broker_model.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/pairs.h"

void
model_init(struct model *self, struct broker_world *world, uint64_t seed)
{
    *self = (struct model){.world = world, .seed = seed, .random = seed};
    self->by_id = uuid_map_new(offsetof(struct model_job, id));
    for (int i = 0; i < PEERS; i++) {
        struct model_peer *peer = &self->peers[i];
        peer->socket = zsock_new_dealer(world->endpoint[0]);
        peer->id = tm_uuid_new();
        peer->next_credit = CREDIT_MOST / 2;
        zsock_set_linger(peer->socket, 0);
    }
}

void
model_fini(struct model *self)
{
    for (int i = 0; i < PEERS; i++) {
        zsock_destroy(&self->peers[i].socket);
        zmsg_destroy(&self->peers[i].out);
        free(self->peers[i].answers);
    }
    for (size_t i = 0; i < self->job_count; i++)
        free(self->jobs[i]);
    free(self->jobs);
    uuid_map_destroy(&self->by_id);
}

unsigned
model_below(struct model *self, unsigned limit)
{
    uint64_t z = (self->random += 0x9e3779b97f4a7c15); /* splitmix64 */

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (unsigned)((z ^ (z >> 31)) % limit);
}

struct model_peer *
model_worker(struct model *self, int index)
{
    return &self->peers[PRODUCERS + index];
}

struct model_job *
model_add(struct model *self)
{
    struct model_job *job = zmalloc(sizeof(*job));

    if (self->job_count == self->job_limit) {
        self->job_limit = self->job_limit ? 2 * self->job_limit : 1024;
        self->jobs = realloc(self->jobs, self->job_limit * sizeof(void *));
        ck_assert_ptr_nonnull(self->jobs);
    }
    job->id = tm_uuid_new();
    job->holder = job->watcher = NOBODY;
    job->is_touched = true;
    self->jobs[self->job_count++] = job;
    return job;
}

void
model_know(struct model *self, struct model_job *job)
{
    uuid_map_put(self->by_id, job);
    self->live++;
}

const char *
model_state_name(enum model_state state)
{
    static const char *const names[] = {"sent", "waiting", "running",
                                        "done", "dead",    "canceled"};

    return names[state];
}

void
model_wrong(struct model *self, const char *format, ...)
{
    unsigned long first = self->steps > HISTORY ? self->steps - HISTORY : 0;
    va_list args;
    char text[500];

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    printf("model: seed %llu, step %lu: %s\n", (unsigned long long)self->seed, self->steps,
           text);
    for (unsigned long i = first; i < self->steps; i++)
        printf("model:     %lu %s\n", i + 1, self->history[i % HISTORY]);
    fflush(stdout);
    ck_abort_msg("seed %llu, step %lu: %s", (unsigned long long)self->seed, self->steps, text);
}

void
model_note(struct model *self, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(self->history[self->steps % HISTORY], sizeof(self->history[0]), format, args);
    va_end(args);
    self->steps++;
}

void
model_lose_messages(struct model *self)
{
    self->losing = CROSSING;
    for (size_t i = self->first_live; i < self->job_count; i++)
        self->jobs[i]->may_skip |= self->jobs[i]->state <= M_WAITS;
}

void
model_forget_held(struct model_peer *worker, const struct model_job *job, uint32_t attempt)
{
    for (size_t i = 0; i < worker->held_count; i++)
        if (worker->held[i].job == job && worker->held[i].attempt == attempt) {
            worker->held[i] = worker->held[--worker->held_count];
            return;
        }
}

/* --- rounds ------------------------------------------------------------------------------- */

void
model_say(struct model *self, int peer, const tm_msg_t *msg)
{
    if (!self->peers[peer].out)
        self->peers[peer].out = zmsg_new();
    ck_assert_int_eq(tm_msg_append(self->peers[peer].out, msg), TM_OK);
}

void
model_expect(struct model *self, int peer, const struct model_answer *answer)
{
    struct model_peer *to = &self->peers[peer];

    if (to->answer_count == to->answer_limit) {
        to->answer_limit = to->answer_limit ? 2 * to->answer_limit : 64;
        to->answers = realloc(to->answers, to->answer_limit * sizeof(to->answers[0]));
        ck_assert_ptr_nonnull(to->answers);
    }
    to->answers[to->answer_count++] = *answer;
    to->open++;
}

static void
read_peer(struct model *self, int index)
{
    zmsg_t *zmsg;

    while ((zsock_events(self->peers[index].socket) & ZMQ_POLLIN) &&
           (zmsg = zmsg_recv(self->peers[index].socket))) {
        tm_pairs_t pairs = tm_pairs(zmsg);
        tm_msg_t msg;
        while (tm_pairs_next(&pairs, &msg))
            model_hear(self, index, &msg);
        zmsg_destroy(&zmsg);
    }
}

void
model_listen(struct model *self, int wait_ms)
{
    zmq_pollitem_t items[PEERS];

    for (int i = 0; i < PEERS; i++)
        items[i] = (zmq_pollitem_t){zsock_resolve(self->peers[i].socket), 0, ZMQ_POLLIN, 0};
    zmq_poll(items, PEERS, wait_ms);
    for (int i = 0; i < PEERS; i++)
        read_peer(self, i);
}

void
model_begin_round(struct model *self)
{
    size_t recent = self->job_count > RECENT ? self->job_count - RECENT : 0;

    for (size_t i = recent < self->first_live ? recent : self->first_live; i < self->job_count;
         i++)
        self->jobs[i]->is_touched = false;
    self->losing -= self->losing > 0;
    for (int i = 0; i < PEERS; i++) {
        self->peers[i].answer_count = 0;
        self->peers[i].is_touched = false;
        self->peers[i].crossing -= self->peers[i].crossing > 0;
    }
}

static size_t
open_answers(const struct model *self)
{
    size_t open = 0;

    for (int i = 0; i < PEERS; i++)
        open += self->peers[i].open;
    return open;
}

static void
name_missing(struct model *self)
{
    for (int i = 0; i < PEERS; i++)
        for (size_t k = 0; k < self->peers[i].answer_count; k++)
            if (!self->peers[i].answers[k].is_taken)
                model_wrong(self, "peer %d waits for %s (act %d) in vain", i,
                            tm_msg_name(self->peers[i].answers[k].type),
                            (int)self->peers[i].answers[k].act);
}

void
model_end_round(struct model *self)
{
    int64_t end_ms = zclock_mono() + SOON_MS;

    for (int i = 0; i < PEERS; i++)
        if (self->peers[i].out)
            ck_assert_int_eq(zmsg_send(&self->peers[i].out, self->peers[i].socket), 0);
    while (open_answers(self) > 0) {
        model_listen(self, 10);
        if (zclock_mono() > end_ms)
            name_missing(self);
    }
}
