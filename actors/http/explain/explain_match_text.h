/* explain_match_text - a match's facts (MATCH_FACTS of statements.def) in plain words, always
 * the same for the same facts.
 */
#ifndef ACTORS_HTTP_EXPLAIN_EXPLAIN_MATCH_TEXT_H
#define ACTORS_HTTP_EXPLAIN_EXPLAIN_MATCH_TEXT_H

#include <jansson.h>

#include "actors/http/explain/qualifier.h"
#include "actors/kit/contracts/explain_call.h"

/* The caller frees it; NULL: no memory. detailed: in paragraphs, with an empty line between. */
char *explain_match_text(const json_t *facts, enum explain_verbosity verbosity);

/* Tags are those that match; a back-test counts as validated if a completed tune of the
 * strategy in the workspace has a trial that passed its gates. */
struct qualifier explain_match_qualifier(const json_t *facts);

#endif
