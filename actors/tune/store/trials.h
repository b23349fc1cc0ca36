/* trials - the computed trials of one tune, packed, and the best of them.
 *
 * A packed trial takes 2 bytes, 8 for each metric and score, and its skip reason: 178 to 273
 * bytes on the whole series, 362 to 457 with a split, and 8 more for its daily Sharpe ratio. A
 * million trials are at most 0.5 GB. Params are not kept: the plan gives them again. For the
 * probability of over-fitting at most OVERFIT_TRIALS_MAX evenly spaced trials keep their
 * blocks.
 */
#ifndef ACTORS_TUNE_STORE_TRIALS_H
#define ACTORS_TUNE_STORE_TRIALS_H

#include "actors/tune/engine/overfit.h"
#include "actors/tune/engine/tune.h"

typedef struct trials trials_t;

struct leader {
    uint64_t index;
    double score, objective_score;
    double score_is, score_oos, overfit_gap; /* NaN without a split */
};

/* One packed trial, unpacked. Scores and metrics are NaN where undefined. */
struct trial_row {
    uint64_t index;
    enum trial_status status;
    char reason[TUNE_REASON_BYTES];
    double score, objective_score, score_is, score_oos, overfit_gap;
    struct metrics is, oos;
};

struct trials_cursor {
    size_t chunk, offset;
    uint64_t index;
};

trials_t *trials_new(uint64_t total, bool is_split, size_t leaders);
void trials_destroy(trials_t **self_p);

/* In index order, each once. TM_NO_MEMORY. */
TM_CHECKED tm_err_t trials_add(trials_t *self, const struct trial *trial);

uint64_t trials_count(const trials_t *self);
uint64_t trials_count_of(const trials_t *self, enum trial_status status);
bool trials_is_split(const trials_t *self);

/* The completed trials of the best objective scores, best first; ties by index. */
size_t trials_leaders(const trials_t *self, const struct leader **ret);

/* From a cursor of zeros: the next trial, false behind the last. */
bool trials_next(const trials_t *self, struct trials_cursor *cursor, struct trial_row *ret);

double trials_pbo(const trials_t *self);
double trials_deflated_sharpe(const trials_t *self, const struct daily_moments *best);

#endif
