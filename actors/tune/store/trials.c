#include "actors/tune/store/trials.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_BYTES = 1 << 20,
    HEAD_BYTES = 2, /* status, length of the reason */
    PLAIN_SCORES = 2,
    SPLIT_SCORES = 5,
};

struct chunk {
    size_t used;
    uint8_t bytes[CHUNK_BYTES];
};

struct trials {
    bool is_split;
    uint64_t total, count, by_status[TRIAL_FAILED + 1];
    struct chunk **chunks;
    size_t chunk_count, chunk_capacity;
    struct leader *leaders;
    size_t leader_count, leader_limit;
    double *sharpes;
    size_t sharpe_count;
    struct metrics_blocks *samples;
    size_t sample_count, stride;
};

trials_t *
trials_new(uint64_t total, bool is_split, size_t leaders)
{
    trials_t *self = calloc(1, sizeof(*self));
    size_t samples;

    if (!self)
        return NULL;
    self->is_split = is_split;
    self->total = total;
    self->leader_limit = leaders;
    self->stride = (size_t)((total + OVERFIT_TRIALS_MAX - 1) / OVERFIT_TRIALS_MAX);
    self->stride += self->stride == 0;
    samples = (size_t)total / self->stride + 1;
    self->leaders = calloc(leaders + 1, sizeof(*self->leaders));
    self->sharpes = calloc((size_t)total + 1, sizeof(*self->sharpes));
    self->samples = calloc(samples, sizeof(*self->samples));
    if (!self->leaders || !self->sharpes || !self->samples)
        trials_destroy(&self);
    return self;
}

void
trials_destroy(trials_t **self_p)
{
    trials_t *self = *self_p;

    if (!self)
        return;
    for (size_t i = 0; i < self->chunk_count; i++)
        free(self->chunks[i]);
    free(self->chunks);
    free(self->leaders);
    free(self->sharpes);
    free(self->samples);
    free(self);
    *self_p = NULL;
}

static struct chunk *
add_chunk(trials_t *self)
{
    struct chunk *chunk;

    if (self->chunk_count == self->chunk_capacity) {
        size_t wanted = self->chunk_capacity ? self->chunk_capacity * 2 : 16;
        struct chunk **fresh = realloc(self->chunks, wanted * sizeof(struct chunk *));
        if (!fresh)
            return NULL;
        self->chunks = fresh;
        self->chunk_capacity = wanted;
    }
    chunk = malloc(sizeof(*chunk));
    if (!chunk)
        return NULL;
    chunk->used = 0;
    self->chunks[self->chunk_count++] = chunk;
    return chunk;
}

static struct chunk *
chunk_for(trials_t *self, size_t bytes)
{
    struct chunk *last = self->chunk_count ? self->chunks[self->chunk_count - 1] : NULL;

    return last && last->used + bytes <= CHUNK_BYTES ? last : add_chunk(self);
}

static uint8_t *
put(uint8_t *at, const void *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

static size_t
score_bytes(const trials_t *self)
{
    return sizeof(double) * (self->is_split ? SPLIT_SCORES : PLAIN_SCORES);
}

static bool
pack(trials_t *self, const struct trial *trial)
{
    const double scores[SPLIT_SCORES] = {trial->score, trial->objective_score, trial->score_is,
                                         trial->score_oos, trial->overfit_gap};
    size_t reason = strnlen(trial->skip_reason, TUNE_REASON_BYTES - 1);
    size_t windows = self->is_split ? 2 : 1;
    size_t bytes = HEAD_BYTES + score_bytes(self) + windows * sizeof(struct metrics) + reason;
    struct chunk *chunk = chunk_for(self, bytes);
    uint8_t *at;

    if (!chunk)
        return false;
    at = chunk->bytes + chunk->used;
    *at++ = (uint8_t)trial->status;
    *at++ = (uint8_t)reason;
    at = put(at, scores, score_bytes(self));
    at = put(at, &trial->is, sizeof(trial->is));
    if (self->is_split)
        at = put(at, &trial->oos, sizeof(trial->oos));
    put(at, trial->skip_reason, reason);
    chunk->used += bytes;
    return true;
}

static void
rank(trials_t *self, const struct trial *trial)
{
    size_t at = self->leader_count;

    if (trial->status != TRIAL_COMPLETED || isnan(trial->objective_score))
        return;
    while (at > 0 && self->leaders[at - 1].objective_score < trial->objective_score)
        at--;
    if (at >= self->leader_limit)
        return;
    if (self->leader_count < self->leader_limit)
        self->leader_count++;
    memmove(&self->leaders[at + 1], &self->leaders[at],
            (self->leader_count - 1 - at) * sizeof(*self->leaders));
    self->leaders[at] = (struct leader){.index = trial->index,
                                        .score = trial->score,
                                        .objective_score = trial->objective_score,
                                        .score_is = trial->score_is,
                                        .score_oos = trial->score_oos,
                                        .overfit_gap = trial->overfit_gap};
}

static void
sample(trials_t *self, const struct trial *trial)
{
    double sharpe = overfit_daily_sharpe(&trial->blocks);

    if (trial->status == TRIAL_FAILED)
        return;
    if (isfinite(sharpe))
        self->sharpes[self->sharpe_count++] = sharpe;
    if (trial->index % self->stride == 0)
        self->samples[self->sample_count++] = trial->blocks;
}

tm_err_t
trials_add(trials_t *self, const struct trial *trial)
{
    assert(trial->index == self->count && self->count < self->total);
    if (!pack(self, trial))
        return TM_NO_MEMORY;
    self->count++;
    self->by_status[trial->status]++;
    rank(self, trial);
    sample(self, trial);
    return TM_OK;
}

uint64_t
trials_count(const trials_t *self)
{
    return self->count;
}

uint64_t
trials_count_of(const trials_t *self, enum trial_status status)
{
    return self->by_status[status];
}

bool
trials_is_split(const trials_t *self)
{
    return self->is_split;
}

size_t
trials_leaders(const trials_t *self, const struct leader **ret)
{
    *ret = self->leaders;
    return self->leader_count;
}

static const uint8_t *
get(const uint8_t *at, void *data, size_t size)
{
    memcpy(data, at, size);
    return at + size;
}

static size_t
unpack(const trials_t *self, const uint8_t *from, struct trial_row *row)
{
    double scores[SPLIT_SCORES] = {(double)NAN, (double)NAN, (double)NAN, (double)NAN,
                                   (double)NAN};
    size_t reason = from[1];
    const uint8_t *at = get(from + HEAD_BYTES, scores, score_bytes(self));

    row->status = (enum trial_status)from[0];
    row->score = scores[0];
    row->objective_score = scores[1];
    row->score_is = scores[2];
    row->score_oos = scores[3];
    row->overfit_gap = scores[4];
    at = get(at, &row->is, sizeof(row->is));
    if (self->is_split)
        at = get(at, &row->oos, sizeof(row->oos));
    else
        metrics_clear(&row->oos);
    at = get(at, row->reason, reason);
    row->reason[reason] = '\0';
    return (size_t)(at - from);
}

bool
trials_next(const trials_t *self, struct trials_cursor *cursor, struct trial_row *ret)
{
    const struct chunk *chunk;

    if (cursor->index >= self->count)
        return false;
    if (cursor->offset == self->chunks[cursor->chunk]->used) {
        cursor->chunk++;
        cursor->offset = 0;
    }
    chunk = self->chunks[cursor->chunk];
    ret->index = cursor->index++;
    cursor->offset += unpack(self, chunk->bytes + cursor->offset, ret);
    return true;
}

double
trials_pbo(const trials_t *self)
{
    const struct metrics_blocks **blocks = calloc(self->sample_count + 1, sizeof(void *));
    double pbo = (double)NAN;

    for (size_t i = 0; blocks && i < self->sample_count; i++)
        blocks[i] = &self->samples[i];
    if (blocks)
        pbo = overfit_pbo(blocks, self->sample_count);
    free(blocks);
    return pbo;
}

double
trials_deflated_sharpe(const trials_t *self, const struct daily_moments *best)
{
    return overfit_deflated_sharpe(best, self->sharpes, self->sharpe_count);
}
