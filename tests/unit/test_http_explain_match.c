/* How a strategy fits a match run, explained by a real bridge; the explain process is played.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/broker_world.h"
#include "tests/support/explain_stand_in.h"
#include "tests/support/reads_world.h"

#define ELSEWHERE         "00000000-0000-0000-0000-000000000002"
#define RUN               "22222222-0000-4000-8000-000000000001"
#define THEIR_RUN         "22222222-0000-4000-8000-000000000002"
#define FITS              "11111111-0000-4000-8000-000000000001"
#define OTHER             "11111111-0000-4000-8000-000000000002" /* not found by the run */
#define THEIRS            "11111111-0000-4000-8000-000000000003"
#define NOBODY            "11111111-0000-4000-8000-000000000009"
#define PATH              "/admin/coverage/explain"
#define HERE              PATH "?workspace_id=" READS_WORKSPACE
#define JSON              "Content-Type: application/json"
#define TOKEN             "X-Admin-Token: " READS_TOKEN
#define OF(run, strategy) "{\"run_id\":\"" run "\",\"strategy_id\":\"" strategy "\"}"
#define DETAILED(run, strategy) \
    "{\"run_id\":\"" run "\",\"strategy_id\":\"" strategy "\",\"verbosity\":\"detailed\"}"

static struct broker_world brokers;
static struct reads_world world;
static struct explain_stand_in explainer;

static void
add_strategy(const char *id, const char *name, const char *workspace)
{
    reads_run(&world,
              "INSERT INTO strategies (id, workspace_id, name, spec) VALUES ('%s', %s, '%s',"
              " '{\"tags\": [\"mean_reversion\", \"rsi\"], \"description\": \"Buys dips.\"}')",
              id, workspace, name);
}

static void
add_run(const char *id, const char *workspace)
{
    reads_run(
        &world,
        "INSERT INTO match_runs (id, workspace_id, intent, intent_signature, query, top_k,"
        "  best_score, num_above_threshold, weak_coverage, reason_codes,"
        "  candidate_strategy_ids, candidate_scores, priority_score)"
        " VALUES ('%s', '%s', '{\"indicators\": [\"RSI\", \"vwap\"], \"symbols\":"
        "  [\"SPY\"], \"overall_confidence\": 0.9}', 's', 'buy the dip', 5, 0.4, 0, true,"
        "  '{LOW_BEST_SCORE}', '{" FITS "}', '{\"" FITS "\": {\"score\": 0.4,"
        "  \"matched_tags\": [\"rsi\"]}}', 0.3)",
        id, workspace);
}

static void
set_up(void)
{
    char brokers_are[300];
    const char *const settings[] = {"system.profile=development", "llm.timeout_seconds=0.5",
                                    "http.admin_token=" READS_TOKEN, brokers_are, NULL};

    explainer = (struct explain_stand_in){.pid = 0};
    broker_world_start(&brokers, reads_fixture, 1);
    snprintf(brokers_are, sizeof(brokers_are), "broker.brokers=%s", brokers.endpoint[0]);
    reads_world_init_with(&world, brokers.url, settings);
    reads_run(&world, "INSERT INTO workspaces (id, name) VALUES ('%s', 'elsewhere')",
              ELSEWHERE);
    add_strategy(FITS, "dips", "NULL");
    add_strategy(OTHER, "other", "'" READS_WORKSPACE "'");
    add_strategy(THEIRS, "theirs", "'" ELSEWHERE "'");
    add_run(RUN, READS_WORKSPACE);
    add_run(THEIR_RUN, ELSEWHERE);
}

static void
tear_down(void)
{
    explain_stand_in_stop(&explainer);
    reads_world_fini(&world);
    broker_world_stop(&brokers);
}

static void
explain(const char *body, struct reads_answer *ret)
{
    const char *const headers[] = {JSON, TOKEN, NULL};

    reads_send(&world, "POST", HERE, headers, body, ret);
    ck_assert_msg(ret->status == 200, "%ld %s", ret->status, ret->body);
    ck_assert_uint_eq(json_object_size(ret->json), 14);
}

static void
expect_text(const json_t *object, const char *name, const char *want)
{
    const char *got = json_string_value(json_object_get(object, name));

    ck_assert_msg(got != NULL, "no %s", name);
    ck_assert_str_eq(got, want);
}

START_TEST(a_model_is_told_what_was_asked_for_and_what_is_there)
{
    struct reads_answer answer;
    json_t *question, *facts;

    explain_stand_in_start(&explainer, brokers.endpoint[0],
                           "{\"text\":\"Both buy dips.\",\"provider\":\"openai\",\"model\":"
                           "\"m-1\",\"cause\":\"ok\",\"cache_hit\":false,\"latency_ms\":7,"
                           "\"generated_at\":\"2026-11-24T05:00:00.000Z\"}");
    broker_world_await(&brokers,
                       "SELECT count(*) FROM brokers, jsonb_array_elements(workers) w"
                       " WHERE w->>'actor' = 'explain'",
                       1);
    explain(OF(RUN, FITS), &answer);
    expect_text(answer.json, "explanation", "Both buy dips.");
    expect_text(answer.json, "run_id", RUN);
    expect_text(answer.json, "strategy_id", FITS);
    expect_text(answer.json, "strategy_name", "dips");
    expect_text(answer.json, "model", "m-1");
    ck_assert(json_is_false(json_object_get(answer.json, "degraded")));
    reads_answer_fini(&answer);
    question = explain_stand_in_question(&explainer);
    expect_text(question, "kind", "match");
    expect_text(question, "subject", RUN ":" FITS);
    facts = json_object_get(question, "facts");
    expect_text(facts, "query", "buy the dip");
    reads_expect(json_object_get(facts, "matched_tags"), "['rsi']");
    reads_expect(json_object_get(facts, "missing"), "['vwap']");
    ck_assert(json_number_value(json_object_get(facts, "score")) == 0.4);
    expect_text(json_object_get(facts, "strategy"), "description", "Buys dips.");
    json_decref(question);
}
END_TEST

START_TEST(without_a_model_the_facts_are_told)
{
    struct reads_answer answer;

    explain(DETAILED(RUN, FITS), &answer);
    expect_text(answer.json, "explanation",
                "The strategy dips has 1 tag of what was asked for: rsi. It fits by 0.40 (1 is "
                "everything), and is all that was found. No back-test of it is there yet.\n\n"
                "Asked for, and not among its tags: vwap.\n\n"
                "Of the run as a whole: even the best strategy fits poorly.");
    expect_text(answer.json, "confidence_qualifier",
                "Confidence: Low \xe2\x80\x94 based on 1 matching tag, no backtest.");
    expect_text(answer.json, "provider", "fallback");
    expect_text(answer.json, "reason_code", "llm_error");
    ck_assert(json_is_true(json_object_get(answer.json, "degraded")));
    reads_answer_fini(&answer);
}
END_TEST

START_TEST(a_strategy_that_was_not_found_is_explained_too)
{
    struct reads_answer answer;

    reads_tune_row(&world, 1, "completed",
                   "strategy_entity_id = '" OTHER "', metric_names = '{max_drawdown_pct}',"
                   " param_names = '{}'");
    reads_run(&world,
              "INSERT INTO backtest_tune_runs (tune_id, trial_index, run_id, status, rank,"
              "  params, score, score_oos, metrics_oos)"
              " VALUES ('" READS_ID "', 0, gen_random_uuid(), 'completed', 1, '{}', 1.25, 1.25,"
              "  '{-12.5}')",
              1);
    explain(OF(RUN, OTHER), &answer);
    expect_text(answer.json, "explanation",
                "The strategy other has no tag of what was asked for. It is not among what the "
                "run found, so how well it fits is not known. Its best tune scores 1.25 on "
                "bars that the search had not seen; it fell by at most 12.5 %.");
    expect_text(answer.json, "confidence_qualifier",
                "Confidence: Low \xe2\x80\x94 based on 0 matching tags, validated backtest.");
    reads_answer_fini(&answer);
}
END_TEST

static const struct {
    const char *path, *type, *token, *body;
    long status;
    const char *says;
} refusals[] = {
    {HERE, JSON, TOKEN, OF(NOBODY, FITS), 404, "MATCH_RUN_NOT_FOUND"},
    {HERE, JSON, TOKEN, OF(THEIR_RUN, FITS), 404, "MATCH_RUN_NOT_FOUND"},
    {HERE, JSON, TOKEN, OF(RUN, NOBODY), 404, "STRATEGY_NOT_FOUND"},
    {HERE, JSON, TOKEN, OF(RUN, THEIRS), 404, "STRATEGY_NOT_FOUND"},
    {PATH "?workspace_id=" NOBODY, JSON, TOKEN, OF(RUN, FITS), 404, "WORKSPACE_NOT_FOUND"},
    {HERE, JSON, TOKEN, "{\"strategy_id\":\"" FITS "\"}", 422, "body.run_id"},
    {HERE, JSON, TOKEN, OF(RUN, "x"), 422, "body.strategy_id"},
    {HERE, JSON, TOKEN, "{\"run_id\":7,\"strategy_id\":null}", 422, "body.strategy_id"},
    {HERE "&verbosity=short", JSON, TOKEN, DETAILED(RUN, FITS), 422, "body.verbosity"},
    {HERE "&verbosity=long", JSON, TOKEN, OF(RUN, FITS), 422, "query.verbosity"},
    {HERE, JSON, TOKEN, "[]", 400, "BAD_REQUEST"},
    {HERE, JSON, TOKEN, "{", 400, "BAD_REQUEST"},
    {HERE, "Content-Type: text/plain", TOKEN, OF(RUN, FITS), 415, "UNSUPPORTED_MEDIA_TYPE"},
    {HERE, JSON, "X-Nothing: 1", OF(RUN, FITS), 401, "UNAUTHORIZED"},
};

START_TEST(what_cannot_be_explained_is_told_why)
{
    const char *const headers[] = {refusals[_i].type, refusals[_i].token, NULL};
    struct reads_answer answer;

    reads_send(&world, "POST", refusals[_i].path, headers, refusals[_i].body, &answer);
    ck_assert_msg(answer.status == refusals[_i].status &&
                      strstr(answer.body, refusals[_i].says),
                  "%d: %ld %s", _i, answer.status, answer.body);
    reads_answer_fini(&answer);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("http explain match");
    TCase *tcase = tcase_create("match");
    SRunner *runner;
    int failed;

    reads_fixture = pg_fixture_new();
    if (!reads_fixture)
        return PG_FIXTURE_SKIP;
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, a_model_is_told_what_was_asked_for_and_what_is_there);
    tcase_add_test(tcase, without_a_model_the_facts_are_told);
    tcase_add_test(tcase, a_strategy_that_was_not_found_is_explained_too);
    tcase_add_loop_test(tcase, what_cannot_be_explained_is_told_why, 0,
                        (int)(sizeof(refusals) / sizeof(refusals[0])));
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    pg_fixture_destroy(&reads_fixture);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
