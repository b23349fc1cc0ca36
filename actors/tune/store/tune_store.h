/* tune_store - what the tune actor reads and writes in the database. One blocking connection.
 *
 * Every function makes one try. TM_STORE_DOWN and TM_BUSY: try again later. TM_LEASE_LOST: the
 * job has a newer attempt or has ended; nothing was written.
 */
#ifndef ACTORS_TUNE_STORE_TUNE_STORE_H
#define ACTORS_TUNE_STORE_TUNE_STORE_H

#include <jansson.h>

#include "actors/kit/contracts/backtest_call.h"
#include "actors/kit/util/digest.h"
#include "actors/kit/pg/pg.h"
#include "actors/kit/runtime/settings.h"
#include "actors/tune/store/trials.h"

#define TUNE_DETAIL_BYTES 512 /* of what is wrong, for people */

typedef struct tune_store tune_store_t;

tune_store_t *tune_store_new(const settings_t *settings, meters_t *meters);
void tune_store_destroy(tune_store_t **self_p);

struct tune_started {
    double queued_ms; /* how long it waited since it was accepted */
    uint64_t seed;    /* the request's, or the one that was drawn when it was accepted */
};

/* Marks the tune as running. */
TM_CHECKED tm_err_t tune_store_start(tune_store_t *self, const tm_uuid_t *tune,
                                     uint32_t attempt, struct tune_started *ret);
TM_CHECKED tm_err_t tune_store_strategy(tune_store_t *self, const tm_uuid_t *strategy,
                                        const tm_uuid_t *workspace, json_t **ret);
/* TM_NOT_FOUND: no such dataset is complete. */
TM_CHECKED tm_err_t tune_store_dataset_size(tune_store_t *self,
                                            const uint8_t sha256[SHA256_SIZE], uint64_t *ret);
/* A piece's bytes, the caller frees them. TM_NOT_FOUND: it is missing. */
TM_CHECKED tm_err_t tune_store_piece(tune_store_t *self, const uint8_t sha256[SHA256_SIZE],
                                     uint64_t piece, unsigned char **ret, size_t *ret_size);
TM_CHECKED tm_err_t tune_store_progress(tune_store_t *self, const tm_uuid_t *tune,
                                        uint32_t attempt, uint64_t done, uint64_t total);
/* The event backtest.tune.progress, unless another attempt has the tune. */
TM_CHECKED tm_err_t tune_store_tell(tune_store_t *self, const tm_uuid_t *tune, uint32_t attempt,
                                    const char *json);

/* Why its file is refused, as JSON, before the job ends by it. */
TM_CHECKED tm_err_t tune_store_faults(tune_store_t *self, const tm_uuid_t *tune,
                                      uint32_t attempt, const char *json);

/* A trial as it was written, or a back-test of its own as it was asked for. Give it back by
 * stored_trial_fini. */
struct stored_trial {
    json_t *row;      /* as GET /backtests/tunes/{id}/runs shows it, and what its tune is */
    json_t *request;  /* the tune's, without its strategy */
    json_t *strategy; /* the spec that it was computed with; NULL: it was not kept */
};
void stored_trial_fini(struct stored_trial *self);
/* TM_RUN_NOT_FOUND: the workspace has no such tune or back-test, or the tune no such trial. */
TM_CHECKED tm_err_t tune_store_trial(tune_store_t *self, const struct backtest_call *which,
                                     struct stored_trial *ret);

/* A finished tune; JSON texts are borrowed. */
struct tune_result {
    tm_uuid_t tune;
    uint32_t attempt;
    const strategy_t *strategy;
    const tune_plan_t *plan;
    const trials_t *trials;
    const char *best_params; /* NULL: no valid trial */
    const char *gates, *overfit, *dataset, *rejections, *warnings;
    const char *strategy_spec; /* what the strategy was made from */
    const char *body;          /* the job's result */
    double queued_ms, parse_ms, search_ms;
    bool is_canceled;           /* these are the trials so far; else all of them */
    void (*on_rows)(void *arg); /* now and then while trials are written */
    void *arg;
};

/* Ends the job and writes the tune and its trials, in one transaction. TM_OK also when an
 * earlier try of the same attempt has committed without our hearing of it. */
TM_CHECKED tm_err_t tune_store_finish(tune_store_t *self, const struct tune_result *result);

/* A trial's id: the tune's, its last four bytes XORed with index + 1, big-endian. Every attempt
 * gives a trial the same id. */
tm_uuid_t tune_run_id(const tm_uuid_t *tune, uint64_t index);

#endif
