/* explain_tags - what Sentry is told of a question to the service "explain". */
#ifndef ACTORS_KIT_CONTRACTS_EXPLAIN_TAGS_H
#define ACTORS_KIT_CONTRACTS_EXPLAIN_TAGS_H

#include "actors/kit/contracts/explain_call.h"
#include "actors/kit/sentry/sentry_envelope.h"

/* workspace_id, and of a match strategy, kb_confidence and, while there are facts, kb_status:
 * "weak" or "covered". notes NULL: nothing is done. */
void explain_question_tag(const struct explain_question *self, struct sentry_notes *notes);

#endif
