/* match_request - the body of POST /match-runs, checked.
 *
 *     {"intent": {"strategy_archetypes": ["mean_reversion"], "indicators": ["rsi"],
 *                 "timeframe_buckets": [], "timeframe_explicit": [], "symbols": [],
 *                 "topics": [], "risk_terms": [], "overall_confidence": 0.8},
 *      "query": "buy when RSI is oversold", "top_k": 10, "source_ref": "chat 17"}
 *
 * intent and query must be there. A list that is absent is empty; a confidence that is absent
 * is not judged. Members of other names are refused.
 */
#ifndef ACTORS_HTTP_COVERAGE_MATCH_REQUEST_H
#define ACTORS_HTTP_COVERAGE_MATCH_REQUEST_H

#include "actors/http/core/json_body.h"
#include "actors/kit/util/digest.h"

enum {
    MATCH_TERMS_MAX = 32,   /* of one list */
    MATCH_TERM_MAX = 100,   /* characters */
    MATCH_QUERY_MAX = 2000, /* characters */
    MATCH_SOURCE_MAX = 200, /* characters */
    MATCH_TOP_K = 10,       /* if nobody says */
    MATCH_TOP_K_MAX = 50,
};

struct match_request {
    json_t *intent;                 /* every list, and the confidence or null */
    const char *query, *source_ref; /* of the body, and as long there as it is; source_ref may
                                       be NULL */
    int64_t top_k;
    char signature[SHA256_TEXT];
};

/* False: the problem says what is wrong, and there is nothing to free. */
bool match_request_read(json_t *body, struct match_request *ret, struct problem *problem);
void match_request_fini(struct match_request *self);

/* What an intent is known by: SHA-256, in hexadecimal, of
 *     strategy_archetypes|indicators|timeframe_buckets|topics|risk_terms
 * each list sorted by bytes and joined with commas. The intent is one that was read. */
void match_signature(const json_t *intent, char ret[SHA256_TEXT]);

#endif
