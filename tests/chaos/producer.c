/* A producer keeps a window of jobs that are unanswered or unended. Before a job is submitted
 * it is written down, and so is each answer. Started again after a kill it reads what it had
 * written, submits again what was unanswered, with the same ids, and asks for what was unended.
 */
#include <stdio.h>
#include <string.h>

#include "proto/client.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/journal.h"
#include "tests/chaos/kinds.h"

enum { WINDOW = 96, STORM_KEYS = 24, BODY_MAX = 4000, WAIT_MS = 20 };

struct producer;
struct slot {
    struct producer *producer;
    bool is_used, is_acknowledged;
    const struct kind *kind;
    tm_uuid_t job, owner;
    char key[32];
    unsigned variant;   /* of the request under the key */
    char early_end[16]; /* heard before the acknowledgement, which was lost on its way */
};

struct producer {
    struct chaos_shared *shared;
    tm_client_t *client;
    int journal;
    unsigned index;
    uint64_t random;
    struct slot slots[WINDOW];
};

static void
note(const struct slot *slot, char event, const char *detail, size_t size)
{
    struct entry entry = {.event = event,
                          .job = slot->job,
                          .kind = slot->kind->name,
                          .key = slot->key[0] ? slot->key : NULL,
                          .variant = slot->variant,
                          .owner = slot->owner};

    snprintf(entry.detail, sizeof(entry.detail), "%.*s", (int)size, detail);
    journal_write(slot->producer->journal, &entry);
}

/* A question about a job may be answered after its slot has been used again: it has a copy. */
static struct slot *
question_of(const struct slot *slot)
{
    struct slot *copy = malloc(sizeof(*copy));

    if (!copy)
        abort();
    *copy = *slot;
    return copy;
}

static void
note_answer(struct slot *question, char event, tm_err_t err, const struct tm_state *state)
{
    const char *name = tm_err_name(err);

    if (err)
        note(question, event, name, strlen(name));
    else
        note(question, event, state->state.data, state->state.size);
    free(question);
}

static void
on_canceled(void *arg, tm_err_t err, const struct tm_state *state, tm_str_t body)
{
    (void)body;
    note_answer(arg, 'C', err, state);
}

static void
on_status(void *arg, tm_err_t err, const struct tm_state *state, tm_str_t body)
{
    (void)body;
    note_answer(arg, 'Q', err, state);
}

static void
release(struct slot *slot)
{
    *slot = (struct slot){.producer = slot->producer};
}

static void
ask_more(const struct slot *slot)
{
    tm_client_t *client = slot->producer->client;
    tm_err_t err = TM_OK;

    if (slot->kind->action == DO_CANCEL)
        err = tm_client_cancel(client, &slot->owner, on_canceled, question_of(slot));
    else if (slot->kind->action == DO_FAIL)
        err = tm_client_status(client, &slot->owner, on_status, question_of(slot));
    if (err)
        abort(); /* the library's window is larger than ours */
}

static void
end(struct slot *slot, const char *state, size_t size)
{
    note(slot, 'E', state, size);
    atomic_fetch_add(&slot->producer->shared->ended, 1);
    release(slot);
}

static void
on_answer(void *arg, const struct tm_answer *answer)
{
    struct slot *slot = arg;
    const char *code = tm_err_name(answer->err);

    if (answer->err) {
        note(slot, 'R', code, strlen(code));
        release(slot);
        return;
    }
    slot->owner = answer->job;
    slot->is_acknowledged = true;
    note(slot, 'A', answer->duplicate ? "duplicate" : "", answer->duplicate ? 9 : 0);
    atomic_fetch_add(&slot->producer->shared->acknowledged, 1);
    ask_more(slot);
    if (slot->early_end[0])
        end(slot, slot->early_end, strlen(slot->early_end));
}

static void
on_result(void *arg, const struct tm_result *result, tm_str_t body)
{
    struct producer *self = arg;

    (void)body;
    for (size_t i = 0; i < WINDOW; i++) {
        struct slot *slot = &self->slots[i];
        if (!slot->is_used)
            continue;
        if (slot->is_acknowledged && tm_uuid_is(&slot->owner, &result->job))
            end(slot, result->state.data, result->state.size);
        else if (!slot->is_acknowledged && tm_uuid_is(&slot->job, &result->job))
            snprintf(slot->early_end, sizeof(slot->early_end), "%.*s", (int)result->state.size,
                     result->state.data);
    }
}

/* Two producers share a row of keys, so that each is used about twice; in a storm all share a
 * handful. One request in eight is another one under the same key. */
static void
choose_key(struct slot *slot)
{
    struct producer *self = slot->producer;
    unsigned storm = atomic_load(&self->shared->storm);
    unsigned pair = self->index / 2;

    if (storm)
        snprintf(slot->key, sizeof(slot->key), "storm%u-%u", storm,
                 chaos_below(&self->random, STORM_KEYS));
    else
        snprintf(slot->key, sizeof(slot->key), "pair%u-%u", pair,
                 atomic_fetch_add(&self->shared->pairs[pair], 1) / 2);
    slot->variant = chaos_below(&self->random, 8) == 0;
}

static size_t
make_body(const struct slot *slot, char body[BODY_MAX])
{
    size_t size = 32 + slot->job.bytes[15] * (slot->job.bytes[14] % 15u);

    memset(body, 'x', size);
    body[snprintf(body, 32, "%s", slot->kind->name)] = ' ';
    return size;
}

/* The same words whenever it is called: a job that is submitted again is the same job. */
static void
submit(struct slot *slot)
{
    const struct kind *kind = slot->kind;
    char body[BODY_MAX];
    uint8_t hash[32];
    struct tm_job_spec spec = {.job = slot->job,
                               .queue = kind->queue,
                               .workspace = {{[15] = (uint8_t)(1 + slot->job.bytes[13] % 3)}},
                               .key = slot->key[0] ? slot->key : NULL,
                               .scope = "chaos",
                               .request_hash = hash,
                               .delay_ms = kind->delay_ms,
                               .timeout_ms = kind->timeout_ms,
                               .expires_ms = kind->expires_ms,
                               .max_attempts = kind->max_attempts,
                               .watch = true,
                               .body = body,
                               .body_size = make_body(slot, body)};

    if (spec.key)
        spec.workspace = (tm_uuid_t){{[15] = 1}}; /* a key is one workspace's */
    memset(hash, (int)slot->variant, sizeof(hash));
    if (tm_client_submit(slot->producer->client, &spec, on_answer, slot) != TM_OK)
        abort();
}

static void
begin(struct producer *self, struct slot *slot, const struct kind *kind)
{
    *slot =
        (struct slot){.producer = self, .is_used = true, .kind = kind, .job = tm_uuid_new()};
    if (kind->is_keyed)
        choose_key(slot);
    note(slot, 'S', "", 0);
    atomic_fetch_add(&self->shared->submitted, 1);
    submit(slot);
}

static bool
take_poison(struct chaos_shared *shared)
{
    unsigned left = atomic_load(&shared->poison);

    return left > 0 && atomic_compare_exchange_strong(&shared->poison, &left, left - 1);
}

static void
fill_window(struct producer *self)
{
    bool has_storm = atomic_load(&self->shared->storm) != 0;

    for (size_t i = 0; i < WINDOW; i++) {
        bool is_keyed = has_storm && chaos_below(&self->random, 2) == 0;
        if (self->slots[i].is_used)
            continue;
        if (take_poison(self->shared))
            begin(self, &self->slots[i], kind_poison());
        else
            begin(self, &self->slots[i],
                  is_keyed ? kind_find("keyed", 5) : kind_pick(&self->random));
    }
}

/* --- after a kill ------------------------------------------------------------------------- */

static struct slot *
find(struct producer *self, const tm_uuid_t *job)
{
    for (size_t i = 0; i < WINDOW; i++)
        if (self->slots[i].is_used && tm_uuid_is(&self->slots[i].job, job))
            return &self->slots[i];
    return NULL;
}

static void
recall_begin(struct producer *self, const struct entry *entry)
{
    size_t at = 0;

    while (at < WINDOW && self->slots[at].is_used)
        at++;
    if (at == WINDOW)
        abort(); /* more open jobs than there can be */
    self->slots[at] = (struct slot){.producer = self,
                                    .is_used = true,
                                    .kind = kind_find(entry->kind, strlen(entry->kind)),
                                    .job = entry->job,
                                    .variant = entry->variant};
    if (entry->key)
        snprintf(self->slots[at].key, sizeof(self->slots[at].key), "%s", entry->key);
}

static void
recall(void *arg, const struct entry *entry)
{
    struct producer *self = arg;
    struct slot *slot = find(self, &entry->job);

    if (entry->event == 'S')
        recall_begin(self, entry);
    else if (slot && entry->event == 'A') {
        slot->is_acknowledged = true;
        slot->owner = entry->owner;
    } else if (slot && (entry->event == 'R' || entry->event == 'E'))
        release(slot);
}

static void
go_on(struct producer *self)
{
    for (size_t i = 0; i < WINDOW; i++) {
        struct slot *slot = &self->slots[i];
        if (!slot->is_used)
            continue;
        if (!slot->is_acknowledged)
            submit(slot);
        else if (tm_client_subscribe(self->client, &slot->owner, on_status,
                                     question_of(slot)) != TM_OK)
            abort();
        if (slot->is_acknowledged && slot->kind->action == DO_CANCEL)
            ask_more(slot);
    }
}

static bool
is_idle(const struct producer *self)
{
    for (size_t i = 0; i < WINDOW; i++)
        if (self->slots[i].is_used)
            return false;
    return tm_client_pending(self->client) == 0;
}

int
producer_main(const char *directory, unsigned index)
{
    static struct producer self;
    struct tm_client_options options = {.window = 4 * WINDOW, .resend_ms = 700};
    bool is_over;

    self.shared = chaos_shared(directory);
    self.index = index;
    self.random = self.shared->seed ^ (uint64_t)tm_uuid_new().bytes[15] << 32 ^ index;
    options.brokers = self.shared->producer_endpoints;
    for (size_t i = 0; i < WINDOW; i++)
        self.slots[i].producer = &self;
    self.journal = journal_open(directory, "producer", index);
    journal_read(self.journal, recall, &self);
    self.client = tm_client_new(&options);
    if (!self.client)
        return 1;
    tm_client_on_watch(self.client, NULL, on_result, &self);
    go_on(&self);
    while (atomic_load(&self.shared->phase) == PHASE_LOAD || !is_idle(&self)) {
        if (atomic_load(&self.shared->phase) == PHASE_LOAD)
            fill_window(&self);
        if (tm_client_wait(self.client, WAIT_MS) == TM_DRAINING)
            break;
    }
    is_over = is_idle(&self);
    tm_client_destroy(&self.client);
    return is_over ? 0 : 1;
}
