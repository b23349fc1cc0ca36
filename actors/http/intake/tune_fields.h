/* tune_fields - what the fields of a form and the headers say about a tune. Pure.
 */
#ifndef ACTORS_HTTP_INTAKE_TUNE_FIELDS_H
#define ACTORS_HTTP_INTAKE_TUNE_FIELDS_H

#include "actors/http/core/form.h"
#include "actors/http/core/headers.h"
#include "actors/http/core/workspace.h"
#include "actors/kit/contracts/tune_request.h"

/* Every field into the tune request; everything that is wrong into the problem. The workspace
 * holds what header and query said, and is settled here. form_end was called. */
void tune_fields_read(const form_t *form, tune_request_t *tune, struct workspace *workspace,
                      const settings_t *settings, struct problem *problem);

/* The same of a form whose file alone counts: the fields are checked, and none is needed. */
void tune_fields_read_data(const form_t *form, tune_request_t *tune,
                           struct workspace *workspace, const settings_t *settings,
                           struct problem *problem);

/* The strategy's spec, as the database has it; then all that depends on several fields. */
void tune_fields_strategy(tune_request_t *tune, const char *spec, struct problem *problem);

/* The idempotency key of all headers that may carry it, noted one by one. */
struct tune_key {
    char text[IDEMPOTENCY_KEY_MAX + 1]; /* empty: none */
    struct problem problem;
};
void tune_key_say(struct tune_key *self, const char *header, const char *value);

#endif
