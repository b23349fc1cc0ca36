/* Any bytes are the body of a match run: refused with words, or read as it would be written. */
#include <stdlib.h>
#include <string.h>

#include "actors/http/coverage/match_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is kept of it, as a body, says the same. */
static void
check(const struct match_request *match)
{
    json_t *body =
        json_pack("{s:O, s:s, s:I, s:s*}", "intent", match->intent, "query", match->query,
                  "top_k", (json_int_t)match->top_k, "source_ref", match->source_ref);
    struct problem problem = {0};
    struct match_request again;

    if (!match_request_read(body, &again, &problem) ||
        !json_equal(match->intent, again.intent) || strcmp(match->query, again.query) != 0 ||
        strcmp(match->signature, again.signature) != 0 || match->top_k != again.top_k ||
        strlen(match->signature) != SHA256_TEXT - 1)
        abort();
    match_request_fini(&again);
    json_decref(body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct problem problem = {0};
    struct match_request match;
    json_t *body = json_body_read("application/json", (const char *)data, size, &problem);

    if (!body || !match_request_read(body, &match, &problem)) {
        if (!problem.err || (!problem.detail[0] && !problem.error_count))
            abort();
    } else {
        check(&match);
        match_request_fini(&match);
    }
    json_decref(body);
    return 0;
}
