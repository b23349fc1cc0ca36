/* explain_tune_text - a tune's facts (TUNE_FACTS of statements.def) in plain words, always the
 * same for the same facts. What is not known is not said.
 */
#ifndef ACTORS_HTTP_EXPLAIN_EXPLAIN_TUNE_TEXT_H
#define ACTORS_HTTP_EXPLAIN_EXPLAIN_TUNE_TEXT_H

#include <jansson.h>

#include "actors/kit/contracts/explain_call.h"

/* The caller frees it; NULL: no memory. detailed: in paragraphs, with an empty line between. */
char *explain_tune_text(const json_t *facts, enum explain_verbosity verbosity);

/* How far the winner can be trusted, as "Confidence: High — based on ...": 0.4 * (1 - PBO) +
 * 0.3 * deflated Sharpe + 0.3 * what its neighbours keep of its lead; 0.5 for what is not
 * known. High from 0.7, Medium from 0.4; Low without a winner. */
void explain_tune_qualifier(const json_t *facts, char *text, size_t size);

#endif
