/* report - the JSON texts of a tune: its progress, and what its row keeps of the result.
 *
 * Every text is the caller's to free.
 */
#ifndef ACTORS_TUNE_STORE_REPORT_H
#define ACTORS_TUNE_STORE_REPORT_H

#include <jansson.h>

#include "actors/kit/util/digest.h"
#include "actors/tune/data/data_report.h"
#include "actors/tune/store/trials.h"
#include "proto/message.h"

json_t *report_number(double value); /* null unless it is finite */

/* {"period": 20, "k": 2.5}, in the strategy's order */
json_t *report_params(const strategy_t *strategy, const double *params);
/* The best trial's, NULL if no trial is valid. */
json_t *report_best_params(const strategy_t *strategy, const tune_plan_t *plan,
                           const trials_t *trials);

/* {done, total, trials_per_second, eta_seconds, best_score, best_params,
 *  leaders: [{trial_index, params, score}], the best ten so far} */
char *report_progress(const strategy_t *strategy, const tune_plan_t *plan,
                      const trials_t *trials, double seconds);

/* A gate that is switched off is null. */
char *report_gates(const struct tune_options *options, bool is_split);
/* The bars that were used, and what was understood of their file. */
json_t *report_dataset(const uint8_t sha256[SHA256_SIZE], const bars_t *bars,
                       const struct data_report *report);

/* The job's result: {tune_id, status, best_score, best_params, trials} */
char *report_result(const tm_uuid_t *tune, const char *status, const strategy_t *strategy,
                    const tune_plan_t *plan, const trials_t *trials);

char *report_text(json_t **json_p); /* takes it */

#endif
