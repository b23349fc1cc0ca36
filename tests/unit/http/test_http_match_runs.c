/* POST /match-runs on a real bridge and database: what is answered, kept and told, and what is
 * refused. How a body is checked: test_match_request.c; scores: test_coverage_score.c. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/pg_suite.h"
#include "tests/support/reads_world.h"

#define MATCH   "/match-runs"
#define OTHER   "00000000-0000-0000-0000-000000000002" /* a workspace */
#define NOBODY  "00000000-0000-0000-0000-000000000009" /* is none */
#define RSI     "11111111-0000-4000-8000-000000000001"
#define JSON_IS "Content-Type: application/json"

static struct reads_world world;

static void
add_strategy(const char *id, const char *workspace, const char *tags)
{
    reads_run(&world,
              "INSERT INTO strategies (id, workspace_id, name, spec) VALUES ('%s',"
              " nullif('%s', '')::uuid, 's ' || right('%s', 1), json_build_object('tags',"
              " to_json('{%s}'::text[])))",
              id, workspace, id, tags);
}

static void
setup(void)
{
    reads_world_init(&world, NULL, "development");
    reads_run(&world, "INSERT INTO workspaces (id, name) VALUES ('" OTHER "', 'other')");
}

static void
teardown(void)
{
    reads_world_fini(&world);
}

/* body: JSON with ' for " */
static void
send(const char *path, const char *type, const char *body, struct reads_answer *ret)
{
    const char *const headers[] = {type, NULL};
    char *text = strdup(body);

    for (char *at = text; (at = strchr(at, '\''));)
        *at = '"';
    reads_send(&world, "POST", path, headers, text, ret);
    free(text);
}

static json_t *
match(const char *path, const char *body)
{
    struct reads_answer answer;
    json_t *json;

    send(path, JSON_IS, body, &answer);
    ck_assert_msg(answer.status == 200, "%ld %s", answer.status, answer.body);
    json = json_incref(answer.json);
    reads_answer_fini(&answer);
    return json;
}

static void
expect_member(const json_t *json, const char *member, const char *want)
{
    reads_expect(json_object_get(json, member), want);
}

static void
expect_refused(const char *path, const char *body, long status, const char *code,
               const char *loc)
{
    struct reads_answer answer;
    const json_t *error;

    send(path, JSON_IS, body, &answer);
    ck_assert_msg(answer.status == status, "%ld %s", answer.status, answer.body);
    ck_assert(reads_answer_has(&answer, "Content-Type: application/problem+json"));
    ck_assert_str_eq(json_string_value(json_object_get(answer.json, "code")), code);
    error = json_array_get(json_object_get(answer.json, "errors"), 0);
    if (loc)
        ck_assert_str_eq(json_string_value(json_object_get(error, "loc")), loc);
    reads_answer_fini(&answer);
}

static void
expect_rows(const char *sql, const char *want)
{
    char *got = reads_query(&world, "%s", sql);

    ck_assert_str_eq(got, want);
    free(got);
}

#define OUTBOX                                                                      \
    "SELECT coalesce(string_agg(topic || ' ' || right(workspace_id::text, 1), ', '" \
    " ORDER BY seq), '') FROM event_outbox"
#define WEAK_BODY "{'intent':{'indicators':['rsi','macd']},'query':'zzz'}"
#define FULL_BODY "{'intent':{'indicators':['macd','rsi','rsi']},'query':'zzz'}"

/* --- matching ----------------------------------------------------------------------------- */

START_TEST(a_weak_run_is_answered_whole)
{
    json_t *run;

    add_strategy(RSI, "", "rsi,long_only");
    run = match(MATCH, "{'intent':{'indicators':['rsi','macd'],'strategy_archetypes':[],"
                       "'overall_confidence':1},'query':'zzz','top_k':3,'source_ref':'chat'}");
    ck_assert_uint_eq(strlen(json_string_value(json_object_get(run, "run_id"))), 36);
    ck_assert_uint_eq(strlen(json_string_value(json_object_get(run, "intent_signature"))), 64);
    ck_assert_uint_eq(strlen(json_string_value(json_object_get(run, "created_at"))), 24);
    json_object_del(run, "run_id");
    json_object_del(run, "created_at");
    json_object_del(run, "intent_signature");
    reads_expect(run, "{'source_ref':'chat','top_k':3,'candidates':[{'strategy_id':'" RSI "',"
                      "'name':'s 1','score':0.35,'matched_tags':['rsi']}],'best_score':0.35,"
                      "'avg_top_score':0.35,'num_above_threshold':0,'weak_coverage':true,"
                      "'reason_codes':['LOW_BEST_SCORE','NO_RESULTS_ABOVE_THRESHOLD'],"
                      "'coverage_status':'open','priority_score':0.5,'resolved_run_ids':[]}");
    json_decref(run);
    expect_rows("SELECT intent, query, source_ref, top_k FROM match_runs",
                "{\"topics\": [], \"symbols\": [], \"indicators\": [\"rsi\", \"macd\"],"
                " \"risk_terms\": [], \"timeframe_buckets\": [], \"overall_confidence\": 1,"
                " \"timeframe_explicit\": [], \"strategy_archetypes\": []}|zzz|chat|3");
}
END_TEST

START_TEST(without_any_strategy_there_is_no_result)
{
    json_t *run = match(MATCH, WEAK_BODY);

    expect_member(run, "candidates", "[]");
    expect_member(run, "best_score", "null");
    expect_member(run, "avg_top_score", "null");
    expect_member(run, "weak_coverage", "true");
    expect_member(run, "reason_codes", "['NO_RESULTS']");
    expect_member(run, "priority_score", "0.9");
    json_decref(run);
}
END_TEST

START_TEST(a_run_that_fits_resolves_and_says_so)
{
    json_t *weak = match(MATCH, WEAK_BODY), *run;
    char want[100];

    add_strategy(RSI, "", "rsi,macd");
    run = match(MATCH, FULL_BODY);
    expect_member(run, "weak_coverage", "false");
    expect_member(run, "reason_codes", "[]");
    expect_member(run, "best_score", "0.7");
    expect_member(run, "num_above_threshold", "1");
    expect_member(run, "coverage_status", "'resolved'");
    expect_member(run, "priority_score", "null");
    /* the same terms, but one is there twice: that is another intent */
    expect_member(run, "resolved_run_ids", "[]");
    json_decref(run);
    run = match(MATCH, "{'intent':{'indicators':['macd','rsi'],'symbols':['X']},'query':'y'}");
    snprintf(want, sizeof(want), "['%s']", json_string_value(json_object_get(weak, "run_id")));
    expect_member(run, "resolved_run_ids", want);
    json_decref(run);
    json_decref(weak);
    expect_rows(OUTBOX, "coverage.weak_run.created 1, coverage.weak_run.updated 1");
}
END_TEST

START_TEST(a_vague_question_is_not_weak)
{
    json_t *run =
        match(MATCH, "{'intent':{'indicators':['rsi'],'overall_confidence':0.34},'query':'x'}");

    expect_member(run, "weak_coverage", "false");
    expect_member(run, "reason_codes", "['LOW_SIGNAL_INPUT']");
    json_decref(run);
    expect_rows(OUTBOX, "");
}
END_TEST

START_TEST(as_many_candidates_come_as_were_asked_for)
{
    json_t *run;

    for (unsigned i = 1; i <= 9; i++) {
        char id[40];

        snprintf(id, sizeof(id), "11111111-0000-4000-8000-00000000000%u", i);
        add_strategy(id, "", "rsi");
    }
    run = match(MATCH, "{'intent':{'indicators':['rsi']},'query':'zzz','top_k':2}");
    ck_assert_uint_eq(json_array_size(json_object_get(run, "candidates")), 2);
    expect_member(run, "num_above_threshold", "2");
    json_decref(run);
    run = match(MATCH, "{'intent':{'indicators':['rsi']},'query':'zzz'}");
    ck_assert_uint_eq(json_array_size(json_object_get(run, "candidates")), 9);
    json_decref(run);
}
END_TEST

static long
counted(const char *text, const char *coverage)
{
    char series[80];
    const char *at;

    snprintf(series, sizeof(series), "\ntunemill_match_runs_total{coverage=\"%s\",", coverage);
    at = strstr(text, series);
    ck_assert_ptr_nonnull(at);
    return strtol(strstr(at, "} ") + 2, NULL, 10);
}

START_TEST(runs_are_counted_by_what_they_found)
{
    struct reads_answer answer;

    json_decref(match(MATCH, WEAK_BODY));
    json_decref(match(MATCH, WEAK_BODY));
    json_decref(match(MATCH, "{'intent':{'overall_confidence':0},'query':'x'}"));
    add_strategy(RSI, "", "rsi,macd");
    json_decref(match(MATCH, WEAK_BODY));
    reads_get(&world, "/metrics", &answer);
    ck_assert_int_eq(counted(answer.body, "weak"), 2);
    ck_assert_int_eq(counted(answer.body, "covered"), 1);
    ck_assert_int_eq(counted(answer.body, "low_signal"), 1);
    reads_answer_fini(&answer);
}
END_TEST

/* --- whose it is -------------------------------------------------------------------------- */

START_TEST(each_workspace_has_its_own_strategies_runs_and_events)
{
    json_t *run;

    add_strategy(RSI, OTHER, "rsi,macd");
    run = match(MATCH, WEAK_BODY);
    expect_member(run, "candidates", "[]");
    json_decref(run);
    run = match(MATCH "?workspace_id=" OTHER, WEAK_BODY); /* fits, and resolves nothing here */
    expect_member(run, "num_above_threshold", "1");
    expect_member(run, "resolved_run_ids", "[]");
    json_decref(run);
    expect_rows(OUTBOX, "coverage.weak_run.created 1");
    expect_rows("SELECT right(workspace_id::text, 1), coverage_status FROM match_runs"
                " ORDER BY 1",
                "1|open\n2|resolved");
    reads_run(&world, "DELETE FROM strategies");
    json_decref(match(MATCH "?workspace_id=" OTHER, WEAK_BODY));
    expect_rows(OUTBOX, "coverage.weak_run.created 1, coverage.weak_run.created 2");
}
END_TEST

START_TEST(a_workspace_must_be_one)
{
    const char *const headers[] = {JSON_IS, "X-Workspace-Id: " READS_WORKSPACE, NULL};
    struct reads_answer answer;

    expect_refused(MATCH "?workspace_id=" NOBODY, WEAK_BODY, 404, "WORKSPACE_NOT_FOUND", NULL);
    expect_refused(MATCH "?workspace_id=x", WEAK_BODY, 422, "VALIDATION_FAILED",
                   "query.workspace_id");
    reads_send(&world, "POST", MATCH "?workspace_id=" OTHER, headers, "{}", &answer);
    ck_assert_int_eq(answer.status, 400);
    ck_assert_ptr_nonnull(strstr(answer.body, "WORKSPACE_MISMATCH"));
    reads_answer_fini(&answer);
    expect_rows("SELECT count(*) FROM match_runs", "0");
}
END_TEST

/* --- refusing ----------------------------------------------------------------------------- */

START_TEST(a_wrong_body_is_refused_with_its_place)
{
    expect_refused(MATCH, "{'query':'x'}", 422, "VALIDATION_FAILED", "body.intent");
    expect_refused(MATCH, "{'intent':{}}", 422, "VALIDATION_FAILED", "body.query");
    expect_refused(MATCH, "{'intent':{'topics':[3]},'query':'x'}", 422, "VALIDATION_FAILED",
                   "body.intent.topics[0]");
    expect_refused(MATCH, "{'intent':{},'query':'x','top_k':51}", 422, "VALIDATION_FAILED",
                   "body.top_k");
    expect_refused(MATCH, "{'intent':{'indicator':['rsi']},'query':'x'}", 422, "UNKNOWN_FIELD",
                   "body.intent.indicator");
    expect_refused(MATCH, "{'intent':{},'query':'x','top':3}", 422, "UNKNOWN_FIELD",
                   "body.top");
    expect_refused(MATCH, "[]", 400, "BAD_REQUEST", NULL);
    expect_refused(MATCH, "", 400, "BAD_REQUEST", NULL);
    expect_refused(MATCH, "{'intent':", 400, "BAD_REQUEST", NULL);
    expect_rows("SELECT count(*) FROM match_runs", "0");
}
END_TEST

START_TEST(a_body_of_another_kind_or_size_is_refused)
{
    struct reads_answer answer;
    char *large = malloc(70001);

    send(MATCH, "Content-Type: application/x-www-form-urlencoded", "intent=x", &answer);
    ck_assert_int_eq(answer.status, 415);
    reads_answer_fini(&answer);
    send(MATCH, "Content-Type;", "{}", &answer);
    ck_assert_int_eq(answer.status, 415);
    reads_answer_fini(&answer);
    memset(large, ' ', 70000);
    large[70000] = '\0';
    expect_refused(MATCH, large, 413, "TOO_LARGE", NULL);
    free(large);
    expect_rows("SELECT count(*) FROM match_runs", "0");
}
END_TEST

START_TEST(another_method_is_told_what_is_taken)
{
    static const char *const methods[] = {"GET", "PUT", "PATCH", "DELETE"};
    struct reads_answer answer;

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        reads_ask(&world, methods[i], MATCH, NULL, &answer);
        ck_assert_int_eq(answer.status, 405);
        ck_assert(reads_answer_has(&answer, "Allow: POST"));
        reads_answer_fini(&answer);
    }
}
END_TEST

START_TEST(without_the_database_nothing_is_matched_until_it_is_back)
{
    pg_fixture_kill(reads_fixture);
    expect_refused(MATCH, WEAK_BODY, 503, "STORE_DOWN", NULL);
    expect_refused(MATCH, "{}", 422, "VALIDATION_FAILED", "body.intent");
    pg_fixture_start(reads_fixture);
    reads_until(&world, "/backtests/tunes", 200);
    json_decref(match(MATCH, WEAK_BODY));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("http match runs");
    TCase *tcase = suite_case(suite, "match runs", setup, teardown);

    suite_tests(tcase, a_weak_run_is_answered_whole, without_any_strategy_there_is_no_result,
                a_run_that_fits_resolves_and_says_so, a_vague_question_is_not_weak,
                as_many_candidates_come_as_were_asked_for, runs_are_counted_by_what_they_found,
                each_workspace_has_its_own_strategies_runs_and_events, a_workspace_must_be_one,
                a_wrong_body_is_refused_with_its_place,
                a_body_of_another_kind_or_size_is_refused, another_method_is_told_what_is_taken,
                without_the_database_nothing_is_matched_until_it_is_back);
    return pg_suite_run(suite, &reads_fixture);
}
