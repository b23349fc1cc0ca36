/* explanation - the answer to POST .../explain: facts in words, whatever fails.
 *
 * Whoever handles the request has read the facts and has made a text of them. Then the service
 * "explain" (actors/kit/contracts/explain_call.h) is asked for a better one, and waited for as
 * long as llm.timeout_seconds and no longer. Without it the answer is 200 all the same: with
 * the text that was made, degraded, and the reason. Nothing but memory is held while it is
 * waited for.
 */
#ifndef ACTORS_HTTP_EXPLAIN_EXPLANATION_H
#define ACTORS_HTTP_EXPLAIN_EXPLANATION_H

#include "actors/http/core/problem.h"
#include "actors/kit/contracts/explain_call.h"

typedef struct request request_t;

#define EXPLANATION_QUALIFIER 256
#define EXPLANATION_ANSWER    "StrategyExplanation" /* in routes.def */

/* The state of a request that is to be explained something. */
typedef struct {
    request_t *request;               /* which owns this */
    struct explain_question question; /* with the facts */
    tm_uuid_t run, strategy;          /* nil: null */
    char *strategy_name;              /* NULL: null */
    char qualifier[EXPLANATION_QUALIFIER];
    char *text; /* made of the facts alone */
    int64_t started_us;
    bool is_asked;
} explanation_t;

/* The workspace is the request's. */
explanation_t *explanation_start(request_t *request, enum explain_kind kind,
                                 enum explain_verbosity verbosity);
/* Answers the request, now or later. Before it question, qualifier and text are filled in:
 * facts or a text that are NULL are a want of memory, and answered so. */
void explanation_give(explanation_t *self);

/* The process is about to end: if this is such a request and it waits, it waits no more. */
void explanation_hurry(request_t *request);

/* What the body (NULL: nothing) and the query say; short if neither does. */
enum explain_verbosity explanation_verbosity(const request_t *request, const char *said,
                                             struct problem *problem);

#endif
