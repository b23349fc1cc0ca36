/* A match explained by a real bridge; the explain process is played, or not there. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/broker_world.h"
#include "tests/support/explain_stand_in.h"
#include "tests/support/pg_suite.h"
#include "tests/support/reads_world.h"

#define ELSEWHERE "00000000-0000-0000-0000-000000000002"
#define STRATEGY  "8fd7589a-97c6-49bf-a65e-357fb063fe33"
#define FOREIGN   "8fd7589a-97c6-49bf-a65e-357fb063fe34"
#define RUN       "0198f000-0000-7000-8000-000000000001"
#define EXPLAIN   "/admin/coverage/explain?workspace_id=" READS_WORKSPACE
#define JSON      "Content-Type: application/json"
#define TOKEN     "X-Admin-Token: " READS_TOKEN
#define DASH      "\xe2\x80\x94"
#define PAIR      "{\"run_id\":\"" RUN "\",\"strategy_id\":\"" STRATEGY "\"}"

#define TEXT_ANSWER                                                                      \
    "{\"text\":\"It fits.\",\"provider\":\"openai\",\"model\":\"m-1\",\"cause\":\"ok\"," \
    "\"cache_hit\":false,\"latency_ms\":7,\"generated_at\":\"2026-11-24T05:00:00.000Z\"}"

static struct broker_world brokers;
static struct reads_world world;
static struct explain_stand_in explainer;

static void
set_up(void)
{
    static const char admin[] = "http.admin_token=" READS_TOKEN;
    char brokers_are[300];
    const char *const settings[] = {"system.profile=development", "llm.timeout_seconds=0.5",
                                    admin, brokers_are, NULL};

    explainer = (struct explain_stand_in){.pid = 0};
    broker_world_start(&brokers, reads_fixture, 1);
    snprintf(brokers_are, sizeof(brokers_are), "broker.brokers=%s", brokers.endpoint[0]);
    reads_world_init_with(&world, brokers.url, settings);
    reads_run(&world, "INSERT INTO workspaces (id, name) VALUES ('" ELSEWHERE "', 'other')");
    reads_run(&world, "INSERT INTO strategies (id, workspace_id, name, spec) VALUES"
                      " ('" STRATEGY "', NULL, 'bb_reversal', '{\"description\":\"Buys low.\","
                      "   \"tags\":[\"mean_reversion\",\"bollinger_bands\",\"long_only\"]}'),"
                      " ('" FOREIGN "', '" ELSEWHERE "', 'theirs', '{}')");
    reads_run(
        &world,
        "INSERT INTO match_runs (id, workspace_id, intent, intent_signature, query, top_k,"
        "   best_score, num_above_threshold, weak_coverage, reason_codes,"
        "   candidate_strategy_ids, candidate_scores, priority_score)"
        " VALUES ('" RUN "', '" READS_WORKSPACE "', '{\"topics\":[\"bollinger_bands\","
        "   \"crypto\"]}', 's', 'reversion', 5, 0.9, 1, true, '{LOW_BEST_SCORE}',"
        "   '{" STRATEGY "}', '{\"" STRATEGY "\":{\"score\":0.9,\"matched_tags\":"
        "   [\"mean_reversion\",\"bollinger_bands\",\"long_only\"]}}', 0.1)");
}

static void
tear_down(void)
{
    explain_stand_in_stop(&explainer);
    reads_world_fini(&world);
    broker_world_stop(&brokers);
}

static void
start_explainer(const char *answer)
{
    explain_stand_in_start(&explainer, brokers.endpoint[0], answer);
    broker_world_await(&brokers,
                       "SELECT count(*) FROM brokers, jsonb_array_elements(workers) w"
                       " WHERE w->>'actor' = 'explain'",
                       1);
}

static void
ask(const char *path, const char *body, struct reads_answer *ret)
{
    const char *const headers[] = {TOKEN, JSON, NULL};

    reads_send(&world, "POST", path, headers, body, ret);
}

static const char *
text_of(const struct reads_answer *answer, const char *name)
{
    const char *text = json_string_value(json_object_get(answer->json, name));

    return text ? text : "";
}

static void
explain(const char *body, struct reads_answer *ret)
{
    ask(EXPLAIN, body, ret);
    ck_assert_msg(ret->status == 200, "%ld %s", ret->status, ret->body);
    ck_assert_uint_eq(json_object_size(ret->json), 14);
}

START_TEST(a_models_text_is_passed_on)
{
    struct reads_answer answer;
    json_t *question;

    start_explainer(TEXT_ANSWER);
    explain(PAIR, &answer);
    ck_assert_str_eq(text_of(&answer, "explanation"), "It fits.");
    ck_assert_str_eq(text_of(&answer, "run_id"), RUN);
    ck_assert_str_eq(text_of(&answer, "strategy_id"), STRATEGY);
    ck_assert_str_eq(text_of(&answer, "strategy_name"), "bb_reversal");
    ck_assert_str_eq(text_of(&answer, "model"), "m-1");
    ck_assert(json_is_false(json_object_get(answer.json, "degraded")));
    question = explain_stand_in_question(&explainer);
    ck_assert_str_eq(json_string_value(json_object_get(question, "kind")), "match");
    ck_assert_str_eq(json_string_value(json_object_get(question, "subject")), RUN ":" STRATEGY);
    json_decref(question);
    reads_answer_fini(&answer);
}
END_TEST

/* The cache is asked by the facts: a strategy that changed is another one. */
START_TEST(a_changed_strategy_changes_the_facts)
{
    struct reads_answer answer;
    json_t *facts[2];

    start_explainer(TEXT_ANSWER);
    for (size_t i = 0; i < 2; i++) {
        json_t *question;

        explain(PAIR, &answer);
        reads_answer_fini(&answer);
        question = explain_stand_in_question(&explainer);
        facts[i] = json_incref(json_object_get(question, "facts"));
        json_decref(question);
        reads_run(&world, "UPDATE strategies SET updated_at = now() + interval '1 s'");
    }
    ck_assert(!json_equal(facts[0], facts[1]));
    json_decref(facts[0]);
    json_decref(facts[1]);
}
END_TEST

static void
expect_text(const char *body, const char *text, const char *qualifier)
{
    struct reads_answer answer;

    explain(body, &answer);
    ck_assert(json_is_true(json_object_get(answer.json, "degraded")));
    ck_assert_str_eq(text_of(&answer, "reason_code"), "llm_error");
    ck_assert_str_eq(text_of(&answer, "explanation"), text);
    ck_assert_str_eq(text_of(&answer, "confidence_qualifier"), qualifier);
    reads_answer_fini(&answer);
}

START_TEST(without_a_model_there_is_a_text_and_a_qualifier)
{
    expect_text(PAIR,
                "bb_reversal fits what was asked for with a score of 0.90, rank 1 of 1 found. "
                "Its matching tags are mean_reversion, bollinger_bands, long_only. It was not "
                "back-tested in this workspace yet.",
                "Confidence: High " DASH " based on 3 matching tags, no backtest.");
    reads_tune_row(&world, 1, "completed", "strategy_entity_id = '" STRATEGY "'");
    expect_text(PAIR,
                "bb_reversal fits what was asked for with a score of 0.90, rank 1 of 1 found. "
                "Its matching tags are mean_reversion, bollinger_bands, long_only. It was "
                "back-tested in this workspace, and nothing of that passed the gates.",
                "Confidence: High " DASH " based on 3 matching tags, has backtest.");
    reads_run(&world, "UPDATE backtest_tunes SET best_run_id = gen_random_uuid()");
    expect_text(
        "{\"run_id\":\"" RUN "\",\"strategy_id\":\"" STRATEGY "\",\"verbosity\":\"detailed\"}",
        "bb_reversal fits what was asked for with a score of 0.90, rank 1 of 1 found. "
        "Its matching tags are mean_reversion, bollinger_bands, long_only. A tune of it "
        "in this workspace has a trial that passed the gates.\n\nBuys low.\n\nAsked for, "
        "and not among its tags: crypto.\n\nThe run found too little that fits "
        "(LOW_BEST_SCORE).",
        "Confidence: High " DASH " based on 3 matching tags, validated backtest.");
}
END_TEST

START_TEST(a_strategy_that_was_not_found_is_explained_too)
{
    reads_run(&world, "UPDATE match_runs SET candidate_strategy_ids = '{}',"
                      " candidate_scores = '{}', best_score = NULL");
    expect_text(
        PAIR,
        "bb_reversal was not among what this run found, so its score is not known. None "
        "of its tags was asked for. It was not back-tested in this workspace yet.",
        "Confidence: Low " DASH " based on 0 matching tags, no backtest.");
}
END_TEST

static const struct {
    const char *path, *body;
    long status;
    const char *code, *says;
} refusals[] = {
    {EXPLAIN, "{\"run_id\":\"" STRATEGY "\",\"strategy_id\":\"" STRATEGY "\"}", 404,
     "MATCH_RUN_NOT_FOUND", ""},
    {EXPLAIN, "{\"run_id\":\"" RUN "\",\"strategy_id\":\"" RUN "\"}", 404, "STRATEGY_NOT_FOUND",
     ""},
    {EXPLAIN, "{\"run_id\":\"" RUN "\",\"strategy_id\":\"" FOREIGN "\"}", 404,
     "STRATEGY_NOT_FOUND", ""},
    {"/admin/coverage/explain?workspace_id=" ELSEWHERE, PAIR, 404, "MATCH_RUN_NOT_FOUND", ""},
    {"/admin/coverage/explain?workspace_id=00000000-0000-0000-0000-000000000003", PAIR, 404,
     "WORKSPACE_NOT_FOUND", ""},
    {"/admin/coverage/explain?workspace_id=x", PAIR, 422, "VALIDATION_FAILED",
     "query.workspace_id"},
    {EXPLAIN, "{}", 422, "VALIDATION_FAILED", "body.run_id"},
    {EXPLAIN, "{\"run_id\":1,\"strategy_id\":\"" STRATEGY "\"}", 422, "VALIDATION_FAILED",
     "body.run_id"},
    {EXPLAIN, "{\"run_id\":\"" RUN "\",\"strategy_id\":\"x\"}", 422, "VALIDATION_FAILED",
     "body.strategy_id"},
    {EXPLAIN, "{\"run_id\":\"" RUN "\",\"strategy_id\":\"" STRATEGY "\",\"verbosity\":\"x\"}",
     422, "VALIDATION_FAILED", "body.verbosity"},
    {EXPLAIN,
     "{\"run_id\":\"" RUN "\",\"strategy_id\":\"" STRATEGY "\",\"verbosty\":\"short\"}", 422,
     "UNKNOWN_FIELD", "did you mean verbosity?"},
    {EXPLAIN, "[]", 400, "BAD_REQUEST", "JSON object"},
    {EXPLAIN, "", 400, "BAD_REQUEST", "JSON"},
};

START_TEST(what_cannot_be_explained_is_told_why)
{
    struct reads_answer answer;

    ask(refusals[_i].path, refusals[_i].body, &answer);
    ck_assert_msg(answer.status == refusals[_i].status, "%ld %s", answer.status, answer.body);
    ck_assert_str_eq(text_of(&answer, "code"), refusals[_i].code);
    ck_assert_msg(strstr(answer.body, refusals[_i].says) != NULL, "%s", answer.body);
    reads_answer_fini(&answer);
}
END_TEST

START_TEST(it_is_for_those_who_have_the_token)
{
    const char *const headers[] = {JSON, NULL}, *const plain[] = {TOKEN, NULL};
    struct reads_answer answer;

    reads_send(&world, "POST", EXPLAIN, headers, PAIR, &answer);
    ck_assert_int_eq(answer.status, 401);
    reads_answer_fini(&answer);
    reads_send(&world, "POST", EXPLAIN, plain, PAIR, &answer);
    ck_assert_int_eq(answer.status, 415);
    reads_answer_fini(&answer);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("http explain match");
    TCase *tcase = suite_case(suite, "match", set_up, tear_down);

    suite_tests(tcase, a_models_text_is_passed_on, a_changed_strategy_changes_the_facts,
                without_a_model_there_is_a_text_and_a_qualifier,
                a_strategy_that_was_not_found_is_explained_too);
    suite_rows(tcase, what_cannot_be_explained_is_told_why, refusals);
    suite_tests(tcase, it_is_for_those_who_have_the_token);
    return pg_suite_run(suite, &reads_fixture);
}
