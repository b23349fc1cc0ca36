/* explain_match - POST /admin/coverage/explain: how a strategy fits what a match run looked
 * for.
 *
 * PostgreSQL gives the facts, one JSON object: what was asked for, the strategy, the tags and
 * the score of the match, and how the workspace's best tune of the strategy did. From them come
 * the text of explain_match_text.h and the question to a language model. The strategy need not
 * be a candidate of the run: then its score is not known.
 */
#ifndef ACTORS_HTTP_EXPLAIN_MATCH_H
#define ACTORS_HTTP_EXPLAIN_MATCH_H

typedef struct request request_t;

void explain_match(request_t *request);

#endif
