/* The body of POST /match-runs: what is taken, what is refused and where, and the signature. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/coverage/match_request.h"
#include "actors/kit/util/auto.h"
#include "tests/support/suite.h"

#define JSON "application/json"

/* JSON that is written with ' for ". */
static json_t *
parsed(const char *text)
{
    tm_auto(tm_text) copy = strdup(text);
    struct problem problem = {0};
    json_t *json;

    for (char *at = copy; (at = strchr(at, '\''));)
        *at = '"';
    json = json_body_read(JSON, copy, strlen(copy), &problem);
    ck_assert_msg(json != NULL, "%s: %s", text, problem.detail);
    return json;
}

/* --- signature ---------------------------------------------------------------------------- */

static const struct {
    const char *intent, *text; /* what is hashed */
} signatures[] = {
    {"{}", "||||"},
    {"{'strategy_archetypes':[],'indicators':null}", "||||"},
    {"{'strategy_archetypes':['trend','mean_reversion'],'indicators':['rsi','ema'],"
     "'timeframe_buckets':['1d'],'topics':['stocks'],'risk_terms':['stop_loss']}",
     "mean_reversion,trend|ema,rsi|1d|stocks|stop_loss"},
    {"{'risk_terms':['stop_loss'],'topics':['stocks'],'timeframe_buckets':['1d'],"
     "'indicators':['ema','rsi'],'strategy_archetypes':['mean_reversion','trend']}",
     "mean_reversion,trend|ema,rsi|1d|stocks|stop_loss"},
    {"{'indicators':['b','a','c','a']}", "|a,a,b,c|||"},
    {"{'topics':['\\u00e9','z','Z','a b','a']}", "|||Z,a,a b,z,\xc3\xa9|"},
    {"{'strategy_archetypes':['a']}", "a||||"},
    {"{'risk_terms':['a']}", "||||a"},
    {"{'symbols':['BTC'],'timeframe_explicit':['4h'],'overall_confidence':0.5}", "||||"},
};

START_TEST(a_signature_is_of_sorted_lists)
{
    tm_auto(json) intent = parsed(signatures[_i].intent);
    uint8_t bytes[SHA256_SIZE];
    char got[SHA256_TEXT], want[SHA256_TEXT];

    digest_of(signatures[_i].text, strlen(signatures[_i].text), bytes);
    match_signature(intent, got);
    ck_assert_str_eq(got, hex_text(bytes, sizeof(bytes), want));
}
END_TEST

/* As sha256sum has it. */
START_TEST(a_signature_is_what_others_compute)
{
    tm_auto(json) none = parsed("{}");
    tm_auto(json) some =
        parsed("{'strategy_archetypes':['trend','mean_reversion'],'indicators':['rsi','ema'],"
               "'timeframe_buckets':['1d'],'topics':['stocks'],'risk_terms':['stop_loss']}");
    char text[SHA256_TEXT];

    match_signature(none, text);
    ck_assert_str_eq(text, "45ca31c3315a5978f40438aab46040d75e99c9b125c2fd01db6e10ac80bef906");
    match_signature(some, text);
    ck_assert_str_eq(text, "db73d5b49be1a19b2fa68f94bcb8fb3019962b07484d36c621db902a8bf7af3f");
}
END_TEST

/* --- taken -------------------------------------------------------------------------------- */

static void
expect_json(const json_t *got, const char *want)
{
    tm_auto(json) wanted = parsed(want);
    tm_auto(tm_text) shown = json_dumps(got, JSON_SORT_KEYS);

    ck_assert_msg(json_equal(got, wanted), "%s, not %s", shown, want);
}

static void
read_fine(json_t *body, struct match_request *ret)
{
    struct problem problem = {0};

    ck_assert_msg(match_request_read(body, ret, &problem), "%s %s", problem.errors[0].loc,
                  problem.errors[0].msg);
    ck_assert_int_eq(problem.err, TM_OK);
}

START_TEST(a_whole_body_is_read)
{
    tm_auto(json) body =
        parsed("{'intent':{'strategy_archetypes':['a','b'],'indicators':['c'],"
               "'timeframe_buckets':['d'],'timeframe_explicit':['e'],'symbols':['f'],"
               "'topics':['g'],'risk_terms':['h'],'overall_confidence':0.75},"
               "'query':'why','top_k':3,'source_ref':'chat 17'}");
    struct match_request match;

    read_fine(body, &match);
    ck_assert(json_equal(match.intent, json_object_get(body, "intent")));
    ck_assert_str_eq(match.query, "why");
    ck_assert_int_eq(match.top_k, 3);
    ck_assert_str_eq(match.source_ref, "chat 17");
    match_request_fini(&match);
}
END_TEST

#define EMPTY                                                           \
    "{'strategy_archetypes':[],'indicators':[],'timeframe_buckets':[]," \
    "'timeframe_explicit':[],'symbols':[],'topics':[],'risk_terms':[]," \
    "'overall_confidence':null}"

START_TEST(what_is_absent_or_null_is_empty)
{
    static const char *const bodies[] = {"{'intent':{},'query':'x'}",
                                         "{'intent':" EMPTY
                                         ",'query':'x','top_k':null,'source_ref':null}",
                                         "{'intent':{'indicators':null},'query':'x'}"};

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        tm_auto(json) body = parsed(bodies[i]);
        struct match_request match;

        read_fine(body, &match);
        expect_json(match.intent, EMPTY);
        ck_assert_int_eq(match.top_k, MATCH_TOP_K);
        ck_assert_ptr_null(match.source_ref);
        match_request_fini(&match);
    }
}
END_TEST

/* A body whose text or list is of this size; sizes are counted in characters. */
static json_t *
body_of(const char *member, size_t size)
{
    json_t *body = json_pack("{s:{}, s:s}", "intent", "query", "x");
    char *text = calloc(2 * size + 1, 1);

    for (size_t i = 0; i < size; i++)
        memcpy(text + 2 * i, "\xc3\xa9", 2);
    json_object_set_new(body, member, json_string(text));
    free(text);
    return body;
}

static json_t *
body_with_terms(size_t count, size_t size)
{
    json_t *body = body_of("indicators", size);
    json_t *terms = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append(terms, json_object_get(body, "indicators"));
    json_object_del(body, "indicators");
    json_object_set_new(json_object_get(body, "intent"), "indicators", terms);
    return body;
}

static void
expect_taken(json_t *body, const char *loc)
{
    struct problem problem = {0};
    struct match_request match;
    bool is_taken = match_request_read(body, &match, &problem);

    ck_assert_msg(is_taken == (loc == NULL), "%s: %s", problem.errors[0].loc,
                  problem.errors[0].msg);
    if (loc)
        ck_assert_str_eq(problem.errors[0].loc, loc);
    if (is_taken)
        match_request_fini(&match);
    json_decref(body);
}

START_TEST(sizes_are_counted_in_characters_up_to_their_limits)
{
    expect_taken(body_of("query", MATCH_QUERY_MAX), NULL);
    expect_taken(body_of("query", MATCH_QUERY_MAX + 1), "body.query");
    expect_taken(body_of("query", 0), "body.query");
    expect_taken(body_of("source_ref", MATCH_SOURCE_MAX), NULL);
    expect_taken(body_of("source_ref", MATCH_SOURCE_MAX + 1), "body.source_ref");
    expect_taken(body_with_terms(MATCH_TERMS_MAX, MATCH_TERM_MAX), NULL);
    expect_taken(body_with_terms(MATCH_TERMS_MAX + 1, 1), "body.intent.indicators");
    expect_taken(body_with_terms(2, MATCH_TERM_MAX + 1), "body.intent.indicators[0]");
    expect_taken(body_with_terms(2, 0), "body.intent.indicators[0]");
}
END_TEST

/* --- refused ------------------------------------------------------------------------------ */

static const struct {
    const char *body, *loc;
} wrong[] = {
    {"{'query':'x'}", "body.intent"},
    {"{'intent':null,'query':'x'}", "body.intent"},
    {"{'intent':[],'query':'x'}", "body.intent"},
    {"{'intent':'a','query':'x'}", "body.intent"},
    {"{'intent':{}}", "body.query"},
    {"{'intent':{},'query':null}", "body.query"},
    {"{'intent':{},'query':5}", "body.query"},
    {"{'intent':{},'query':['x']}", "body.query"},
    {"{'intent':{},'query':'x','top_k':0}", "body.top_k"},
    {"{'intent':{},'query':'x','top_k':51}", "body.top_k"},
    {"{'intent':{},'query':'x','top_k':-1}", "body.top_k"},
    {"{'intent':{},'query':'x','top_k':1.5}", "body.top_k"},
    {"{'intent':{},'query':'x','top_k':'3'}", "body.top_k"},
    {"{'intent':{},'query':'x','top_k':true}", "body.top_k"},
    {"{'intent':{},'query':'x','source_ref':7}", "body.source_ref"},
    {"{'intent':{},'query':'x','source_ref':{}}", "body.source_ref"},
    {"{'intent':{'strategy_archetypes':'a'},'query':'x'}", "body.intent.strategy_archetypes"},
    {"{'intent':{'indicators':{}},'query':'x'}", "body.intent.indicators"},
    {"{'intent':{'timeframe_buckets':5},'query':'x'}", "body.intent.timeframe_buckets"},
    {"{'intent':{'timeframe_explicit':true},'query':'x'}", "body.intent.timeframe_explicit"},
    {"{'intent':{'symbols':''},'query':'x'}", "body.intent.symbols"},
    {"{'intent':{'topics':['a',5]},'query':'x'}", "body.intent.topics[1]"},
    {"{'intent':{'topics':['a',null]},'query':'x'}", "body.intent.topics[1]"},
    {"{'intent':{'risk_terms':[['a']]},'query':'x'}", "body.intent.risk_terms[0]"},
    {"{'intent':{'risk_terms':['']},'query':'x'}", "body.intent.risk_terms[0]"},
    {"{'intent':{'overall_confidence':1.01},'query':'x'}", "body.intent.overall_confidence"},
    {"{'intent':{'overall_confidence':-0.1},'query':'x'}", "body.intent.overall_confidence"},
    {"{'intent':{'overall_confidence':'1'},'query':'x'}", "body.intent.overall_confidence"},
    {"{'intent':{'overall_confidence':false},'query':'x'}", "body.intent.overall_confidence"},
};

START_TEST(a_wrong_member_is_named)
{
    tm_auto(json) body = parsed(wrong[_i].body);
    struct problem problem = {0};
    struct match_request match;

    ck_assert(!match_request_read(body, &match, &problem));
    ck_assert_int_eq(problem.err, TM_VALIDATION_FAILED);
    ck_assert_uint_eq(problem.error_count, 1);
    ck_assert_str_eq(problem.errors[0].loc, wrong[_i].loc);
    ck_assert_uint_gt(strlen(problem.errors[0].msg), 5);
}
END_TEST

static const struct {
    const char *body, *loc, *says;
} unknown[] = {
    {"{'intent':{},'query':'x','topk':3}", "body.topk", "did you mean top_k?"},
    {"{'intent':{},'query':'x','colour':'red'}", "body.colour", "is not known here"},
    {"{'intent':{'indicatorss':['rsi']},'query':'x'}", "body.intent.indicatorss",
     "did you mean indicators?"},
    {"{'intnt':{},'query':'x'}", "body.intnt", "did you mean intent?"},
};

START_TEST(a_member_nobody_knows_is_refused_with_the_nearest)
{
    tm_auto(json) body = parsed(unknown[_i].body);
    struct problem problem = {0};
    struct match_request match;

    ck_assert(!match_request_read(body, &match, &problem));
    ck_assert_int_eq(problem.err, TM_UNKNOWN_FIELD);
    ck_assert_str_eq(problem.errors[0].loc, unknown[_i].loc);
    ck_assert_ptr_nonnull(strstr(problem.errors[0].msg, unknown[_i].says));
}
END_TEST

START_TEST(all_wrong_members_are_named_at_once)
{
    tm_auto(json) body = parsed("{'intent':{'indicators':5,'topics':[1,'a',2]},'top_k':0}");
    static const char *const locs[] = {"body.intent.indicators", "body.intent.topics[0]",
                                       "body.intent.topics[2]", "body.query", "body.top_k"};
    struct problem problem = {0};
    struct match_request match;

    ck_assert(!match_request_read(body, &match, &problem));
    ck_assert_uint_eq(problem.error_count, sizeof(locs) / sizeof(locs[0]));
    for (size_t i = 0; i < problem.error_count; i++)
        ck_assert_str_eq(problem.errors[i].loc, locs[i]);
}
END_TEST

/* --- any JSON body ------------------------------------------------------------------------ */

static tm_err_t
refusal(const char *type, const char *text, size_t size)
{
    struct problem problem = {0};

    ck_assert_msg(!json_body_read(type, text, size, &problem), "%s was taken", text);
    ck_assert_uint_gt(strlen(problem.detail), 5);
    return problem.err;
}

START_TEST(only_json_is_taken)
{
    static const char *const others[] = {NULL,
                                         "",
                                         "text/plain",
                                         "application/jsonx",
                                         "application/x-www-form-urlencoded",
                                         "multipart/form-data; boundary=x"};
    struct problem problem = {0};
    tm_auto(json) body =
        json_body_read("Application/JSON; charset=utf-8", "{\"a\":1}", 7, &problem);

    ck_assert_ptr_nonnull(body);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_int_eq(refusal(others[i], "{}", 2), TM_UNSUPPORTED_MEDIA_TYPE);
}
END_TEST

START_TEST(what_is_no_object_is_refused)
{
    static const char *const bodies[] = {"",
                                         "{",
                                         "[]",
                                         "5",
                                         "null",
                                         "\"a\"",
                                         "{\"a\":1}x",
                                         "{\"a\":1,\"a\":2}",
                                         "{\"a\":NaN}",
                                         "{'a':1}",
                                         "{\"a\":\"\\u0000\"}",
                                         "{\"a\":\"\\ud800\"}",
                                         "{\"a\":\"\xff\"}",
                                         "{\"a\":1e999}"};
    char deep[200] = "{\"a\":";

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        ck_assert_int_eq(refusal(JSON, bodies[i], strlen(bodies[i])), TM_BAD_REQUEST);
    ck_assert_int_eq(refusal(JSON, "{}\0", 3), TM_BAD_REQUEST);
    memset(deep + 5, '[', 100);
    ck_assert_int_eq(refusal(JSON, deep, 105), TM_BAD_REQUEST);
}
END_TEST

START_TEST(a_word_is_one_of_the_list)
{
    struct problem problem = {0};
    tm_auto(json) body = parsed("{'a':'open','b':'Open','c':'','d':5,'e':'open resolved'}");

    const field_t row = {.name = "a", .kind = FIELD_CHOICE, .choices = "open resolved"};

    for (const char *name = "abcdex"; *name; name++) {
        char member[2] = {*name, '\0'};
        json_t *one = json_pack("{s:O*}", "a", json_object_get(body, member));

        problem = (struct problem){0};
        if (json_body_fields(one, &(struct fields){&row, 1}, NULL, &problem)) {
            ck_assert(*name == 'a' || *name == 'x');
        } else {
            ck_assert_int_eq(problem.err, TM_VALIDATION_FAILED);
            ck_assert_str_eq(problem.errors[0].loc, "body.a");
            ck_assert_ptr_nonnull(strstr(problem.errors[0].msg, "open resolved"));
            ck_assert(*name != 'a' && *name != 'x');
        }
        json_decref(one);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("match request");
    TCase *tcase = suite_case(suite, "match request", NULL, NULL);

    suite_rows(tcase, a_signature_is_of_sorted_lists, signatures);
    suite_tests(tcase, a_signature_is_what_others_compute, a_whole_body_is_read,
                what_is_absent_or_null_is_empty,
                sizes_are_counted_in_characters_up_to_their_limits);
    suite_rows(tcase, a_wrong_member_is_named, wrong);
    suite_tests(tcase, all_wrong_members_are_named_at_once, only_json_is_taken,
                what_is_no_object_is_refused, a_word_is_one_of_the_list);
    suite_rows(tcase, a_member_nobody_knows_is_refused_with_the_nearest, unknown);
    return suite_run(suite);
}
