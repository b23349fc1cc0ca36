#include "actors/http/coverage/match_request.h"

#include <stdlib.h>
#include <string.h>

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

#define TERMS(name_)                                                         \
    {                                                                        \
        .name = #name_, .kind = FIELD_LIST, .min = 1, .max = MATCH_TERM_MAX, \
        .most = MATCH_TERMS_MAX                                              \
    }

static const field_t intent_rows[] = {
    TERMS(strategy_archetypes),
    TERMS(indicators),
    TERMS(timeframe_buckets),
    TERMS(timeframe_explicit),
    TERMS(symbols),
    TERMS(topics),
    TERMS(risk_terms),
    {FIELD_IS_NUMBER("overall_confidence", 0, 1)},
};
static const struct fields intent_fields = FIELDS_OF(intent_rows);

static const field_t rows[] = {
    {FIELD_IS("intent", OBJECT), .flags = FIELD_REQUIRED, .members = &intent_fields},
    {FIELD_IS_TEXT("query", 1, MATCH_QUERY_MAX), .flags = FIELD_CHARACTERS | FIELD_REQUIRED,
     FIELD_AT(struct match_request, query)},
    {FIELD_IS_INT("top_k", 1, MATCH_TOP_K_MAX), FIELD_AT(struct match_request, top_k)},
    {FIELD_IS_TEXT("source_ref", 0, MATCH_SOURCE_MAX), .flags = FIELD_CHARACTERS,
     FIELD_AT(struct match_request, source_ref)},
};
static const struct fields table = FIELDS_OF(rows);

/* Every list is there, and the confidence. */
static json_t *
whole_intent(const json_t *given)
{
    json_t *intent = json_object();

    for (size_t i = 0; i < intent_fields.count; i++) {
        const field_t *row = &intent_rows[i];
        json_t *value = json_object_get(given, row->name);

        if (value && !json_is_null(value))
            json_object_set(intent, row->name, value);
        else
            json_object_set_new(intent, row->name,
                                row->kind == FIELD_LIST ? json_array() : json_null());
    }
    return intent;
}

bool
match_request_read(json_t *body, struct match_request *ret, struct problem *problem)
{
    struct match_request self = {.top_k = MATCH_TOP_K};

    if (!json_body_fields(body, &table, &self, problem))
        return false;
    self.intent = whole_intent(json_object_get(body, "intent"));
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
