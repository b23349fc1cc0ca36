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

#include "actors/http/core/request.h"
#include "actors/kit/contracts/explain_call.h"

#define EXPLANATION_QUALIFIER 256

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
/* What PostgreSQL says; each may be NULL. */
void explanation_take(explanation_t *self, const char *strategy_name, const char *facts);
/* Answers the request, now or later. Before it question, qualifier and text are filled in:
 * facts or a text that are NULL are a want of memory, and answered so. */
void explanation_give(explanation_t *self);

/* What the body (NULL: nothing) and the query say; short if neither does. */
enum explain_verbosity explanation_verbosity(const request_t *request, const char *said,
                                             struct problem *problem);

#endif
