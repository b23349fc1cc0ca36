#include "actors/http/coverage/match_request.h"

#include <stdlib.h>
#include <string.h>

#define CONFIDENCE "overall_confidence"

/* --- signature ---------------------------------------------------------------------------- */

static int
by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
add_sorted(digest_t *digest, const json_t *list)
{
    const char *terms[MATCH_TERMS_MAX];
    size_t count = json_array_size(list);

    assert(count <= MATCH_TERMS_MAX);
    for (size_t i = 0; i < count; i++)
        terms[i] = json_string_value(json_array_get(list, i));
    qsort(terms, count, sizeof(terms[0]), by_bytes);
    for (size_t i = 0; i < count; i++) {
        digest_add(digest, ",", i ? 1 : 0);
        digest_add(digest, terms[i], strlen(terms[i]));
    }
}

void
match_signature(const json_t *intent, char ret[SHA256_TEXT])
{
    static const char *const groups[] = {"strategy_archetypes", "indicators",
                                         "timeframe_buckets", "topics", "risk_terms"};
    digest_t *digest = digest_new();
    uint8_t bytes[SHA256_SIZE];

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        digest_add(digest, "|", i ? 1 : 0);
        add_sorted(digest, json_object_get(intent, groups[i]));
    }
    digest_end(digest, bytes);
    digest_destroy(&digest);
    hex_text(bytes, sizeof(bytes), ret);
}

/* --- reading ------------------------------------------------------------------------------ */

static void
read_list(const json_t *from, const char *name, json_t *intent, struct problem *problem)
{
    const json_t *list = json_object_get(from, name);
    json_t *kept = json_array();
    char loc[80];

    json_object_set_new(intent, name, kept);
    if (!list || json_is_null(list))
        return;
    snprintf(loc, sizeof(loc), "body.intent.%s", name);
    if (!json_is_array(list) || json_array_size(list) > MATCH_TERMS_MAX) {
        problem_add(problem, TM_VALIDATION_FAILED, loc, "must be a list of at most %d texts",
                    MATCH_TERMS_MAX);
        return;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *term;

        snprintf(loc, sizeof(loc), "body.intent.%s[%zu]", name, i);
        term = json_body_text(json_array_get(list, i), loc, 1, MATCH_TERM_MAX, problem);
        if (term)
            json_array_append(kept, json_array_get(list, i));
    }
}

static void
read_confidence(const json_t *from, json_t *intent, struct problem *problem)
{
    json_t *value = json_object_get(from, CONFIDENCE);

    if (!value || json_is_null(value)) {
        json_object_set_new(intent, CONFIDENCE, json_null());
        return;
    }
    if (!json_is_number(value) || json_number_value(value) < 0 || json_number_value(value) > 1)
        problem_add(problem, TM_VALIDATION_FAILED, "body.intent." CONFIDENCE,
                    "must be a number from 0 to 1");
    json_object_set(intent, CONFIDENCE, value);
}

static json_t *
read_intent(const json_t *from, struct problem *problem)
{
    static const char *const lists[] = {
        "strategy_archetypes", "indicators", "timeframe_buckets",
        "timeframe_explicit",  "symbols",    "topics",
        "risk_terms"};
    json_t *intent = json_object();

    if (!json_is_object(from)) {
        problem_add(problem, TM_VALIDATION_FAILED, "body.intent", "%s",
                    from ? "must be an object" : "is missing");
        return intent;
    }
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        read_list(from, lists[i], intent, problem);
    read_confidence(from, intent, problem);
    return intent;
}

static int64_t
read_top_k(const json_t *value, struct problem *problem)
{
    if (!value || json_is_null(value))
        return MATCH_TOP_K;
    if (!json_is_integer(value) || json_integer_value(value) < 1 ||
        json_integer_value(value) > MATCH_TOP_K_MAX)
        problem_add(problem, TM_VALIDATION_FAILED, "body.top_k",
                    "must be a whole number from 1 to %d", MATCH_TOP_K_MAX);
    return json_integer_value(value);
}

bool
match_request_read(const json_t *body, struct match_request *ret, struct problem *problem)
{
    struct match_request self = {.top_k = 0};

    self.intent = read_intent(json_object_get(body, "intent"), problem);
    self.query = json_body_text(json_object_get(body, "query"), "body.query", 1,
                                MATCH_QUERY_MAX, problem);
    self.top_k = read_top_k(json_object_get(body, "top_k"), problem);
    self.source_ref = json_body_text(json_object_get(body, "source_ref"), "body.source_ref", 0,
                                     MATCH_SOURCE_MAX, problem);
    if (problem->err) {
        match_request_fini(&self);
        return false;
    }
    match_signature(self.intent, self.signature);
    *ret = self;
    return true;
}

void
match_request_fini(struct match_request *self)
{
    json_decref(self->intent);
    self->intent = NULL;
}
