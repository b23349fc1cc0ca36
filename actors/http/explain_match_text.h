/* explain_match_text - the facts of a match (MATCH_FACTS of statements.def) in plain words,
 * always the same for the same facts. What is not known is not said.
 */
#ifndef ACTORS_HTTP_EXPLAIN_MATCH_TEXT_H
#define ACTORS_HTTP_EXPLAIN_MATCH_TEXT_H

#include <jansson.h>

#include "actors/kit/explain_call.h"

/* The caller frees it; NULL: no memory. detailed: in paragraphs, with an empty line between. */
char *explain_match_text(const json_t *facts, enum explain_verbosity verbosity);

/* How far the match can be trusted: qualifier.h. */
void explain_match_qualifier(const json_t *facts, char *text, size_t size);

#endif
