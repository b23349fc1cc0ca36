/* explain_tune - POST /backtests/tunes/{id}/explain: the winner of a tune in words.
 *
 * PostgreSQL gives the facts, one JSON object: the winner with its params and figures in and
 * out of sample, what buying and holding had given, how the trials next to it did, and what is
 * known of luck. From them come the text of explain_tune_text.h and the question to a language
 * model.
 */
#ifndef ACTORS_HTTP_EXPLAIN_EXPLAIN_TUNE_H
#define ACTORS_HTTP_EXPLAIN_EXPLAIN_TUNE_H

typedef struct request request_t;

void explain_tune(request_t *request);

#endif
