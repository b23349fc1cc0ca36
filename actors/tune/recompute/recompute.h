/* replay - computes a trial once more, now with its equity curve and its trades, and writes
 * what GET /backtests/runs/{id} answers. A back-test of its own is one whose figures were never
 * stored.
 *
 * The params are those of the stored row, whatever search made them; the strategy, the data and
 * the costs are those of the tune. So the figures have the bits of the stored ones; where they
 * have not, because the strategy was not kept or the engine has changed since, a warning says
 * so.
 *
 * Owns a database connection and a small cache of parsed data sets. One thread.
 */
#ifndef ACTORS_TUNE_RECOMPUTE_RECOMPUTE_H
#define ACTORS_TUNE_RECOMPUTE_RECOMPUTE_H

#include "actors/kit/runtime/metrics.h"
#include "actors/tune/store/tune_setup.h"

typedef struct recompute recompute_t;

recompute_t *recompute_new(const settings_t *settings, meters_t *meters); /* borrows both */
void recompute_destroy(recompute_t **self_p);

struct recompute_answer {
    char *text; /* JSON of at most broker.max_body_kb, the caller's to free */
    /* It stays right for as long as its rows stay as they are. Else it depends on what the
     * strategy is now. */
    bool is_lasting;
};

/* call: a run, which is then a back-test of its own, or a tune and a trial. ret is written with
 * TM_OK only. An error's reason is in detail (TUNE_DETAIL_BYTES), "" for its own text.
 * TM_RUN_NOT_FOUND; TM_DATASET_MISMATCH and its kin: it cannot be computed any more;
 * TM_STORE_DOWN, TM_BUSY, TM_NO_MEMORY: try again. */
TM_CHECKED tm_err_t recompute_answer(recompute_t *self, const struct backtest_call *call,
                                     struct recompute_answer *ret, char *detail);

#endif
