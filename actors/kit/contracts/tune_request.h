/* tune_request - what a tune asks for: the fields of tune_request.def, checked, in one
 * canonical JSON text that is the body of a job on the queue "tune".
 *
 * The bridge and the command line build one from text fields; the tune actor reads it back. The
 * request hash is SHA-256 over the canonical JSON of every field that shapes the outcome, the
 * file's own SHA-256 included, floats normalised to 10 decimals, keys sorted; the strategy's
 * spec and the file's name are not in it.
 *
 * Body, as JSON: every field of the table under its name (defaults filled in, absent optional
 * ones left out) and `dataset_sha256` (hex), `dataset_size`, `filename` (optional), `strategy`
 * (the spec, so that a tune's meaning does not change when the strategy is edited later).
 */
#ifndef ACTORS_KIT_CONTRACTS_TUNE_REQUEST_H
#define ACTORS_KIT_CONTRACTS_TUNE_REQUEST_H

#include <jansson.h>

#include "actors/kit/contracts/tune_error.h"
#include "actors/kit/contracts/tune_spec.h"
#include "actors/kit/runtime/settings.h"
#include "proto/message.h"

#define TUNE_QUEUE "tune"
#define TUNE_SCOPE "POST /backtests/tune" /* of its idempotency keys */

typedef struct tune_request tune_request_t;

/* limits come from settings (tune.max_trials, tune.default_trials) */
tune_request_t *tune_request_new(const settings_t *settings);
/* The same for one back-test, which takes fewer fields; the others have their defaults. */
tune_request_t *tune_request_new_backtest(const settings_t *settings);
void tune_request_destroy(tune_request_t **self_p);

/* Sets a field from text, as a form sends it. TM_UNKNOWN_FIELD: the form has none of that name.
 * What others read of the form (file, workspace_id, params) is left to them. A later value
 * replaces an earlier; an empty one removes it, as forms send what was left empty. */
TM_CHECKED tm_err_t tune_request_set(tune_request_t *self, const char *name, const char *value,
                                     size_t size, struct tune_request_error *ret_error);
void tune_request_set_dataset(tune_request_t *self, const uint8_t sha256[32], uint64_t size,
                              const char *filename);
/* Takes the spec; checks param_space's names and ranges against it as far as that is possible
 * without the engine (names exist, ranges are sane, NO_TUNABLE_PARAMS). */
TM_CHECKED tm_err_t tune_request_set_strategy(tune_request_t *self, json_t **spec_p,
                                              struct tune_request_error *ret_error);
/* Fills defaults and checks what depends on several fields (required ones, dates in order). A
 * grid without n_trials has that of its points; one with more than may be tried is
 * TM_GRID_TOO_LARGE. */
TM_CHECKED tm_err_t tune_request_finish(tune_request_t *self,
                                        struct tune_request_error *ret_error);

char *tune_request_body(const tune_request_t *self); /* canonical JSON, the caller frees it */
void tune_request_hash(const tune_request_t *self, uint8_t out[32]);
const char *tune_request_strategy_id(const tune_request_t *self); /* NULL if not set */

/* settings: of the process that will run it; NULL: what was once accepted stays so. A member
 * that is in no table is left alone: a later version may have written it. */
TM_CHECKED tm_err_t tune_spec_parse(const char *body, size_t size, const settings_t *settings,
                                    struct tune_spec *ret,
                                    struct tune_request_error *ret_error);
void tune_spec_fini(struct tune_spec *self);

#endif
