/* tuner_inner - one job under way: what the steps hand on to each other. Private to tuner*.c.
 */
#ifndef ACTORS_TUNE_SEARCH_TUNER_INNER_H
#define ACTORS_TUNE_SEARCH_TUNER_INNER_H

#include "actors/tune/search/tuner.h"

struct tuner {
    const settings_t *settings;
    meters_t *meters;
    tune_store_t *store;
    lru_t *datasets;
};

struct tuner_run {
    tuner_t *tuner;
    const struct tuner_job *job;
    const struct tuner_port *port;
    char *detail; /* of the end; TUNE_DETAIL_BYTES */
    struct tune_spec spec;
    const dataset_t *dataset;
    bars_t bars; /* a view of the dataset's */
    strategy_t *strategy;
    json_t *strategy_spec; /* what it was made from */
    struct tune_options options;
    tune_plan_t *plan;
    trials_t *trials;
    uint64_t out_of_bars, test_out_of_bars, unaffordable; /* trials of which it is noted */
    json_t *warnings, *faults; /* faults: why the file is refused; NULL: it is not */
    char *best_params, *gates, *overfit, *dataset_text, *rejections, *warnings_text, *spec_text,
        *body;
    double queued_ms, parse_ms, search_ms;
    bool is_canceled; /* the search has stopped, and what it found is to be kept */
    bool has_said_stopped;
};

/* Makes tries while they end with TM_STORE_DOWN or TM_BUSY, with a back-off between them;
 * TM_LEASE_LOST when the job is dropped meanwhile, or canceled before there is anything to
 * keep. */
typedef tm_err_t tuner_try_fn(struct tuner_run *self);
TM_CHECKED tm_err_t retry_until_dropped(struct tuner_run *self, tuner_try_fn *attempt);

/* Until the job is canceled or all trials have been run, with progress. */
TM_CHECKED tm_err_t tuner_search(struct tuner_run *self);
void tuner_say_stopped(struct tuner_run *self); /* canceled: what was found is written now */
TM_CHECKED tm_err_t tuner_judge(struct tuner_run *self); /* the texts of the result */

#endif
