/* explain_match - POST /admin/coverage/explain: how a strategy fits what a match run looked
 * for.
 *
 * PostgreSQL gives the facts, one JSON object: what was asked for, the strategy as it is now,
 * its score and the tags that match, and its back-tests in the workspace. From them come the
 * text of explain_match_text.h, the qualifier of qualifier.h, and the question to a language
 * model. A strategy that the run did not find is explained too: its score is not known.
 */
#ifndef ACTORS_HTTP_EXPLAIN_EXPLAIN_MATCH_H
#define ACTORS_HTTP_EXPLAIN_EXPLAIN_MATCH_H

typedef struct request request_t;

void explain_match(request_t *request);

#endif
