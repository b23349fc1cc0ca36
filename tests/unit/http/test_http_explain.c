/* A tune explained by a real bridge with a real broker; the explain process is played. */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/broker_world.h"
#include "tests/support/explain_stand_in.h"
#include "tests/support/pg_suite.h"
#include "tests/unit/http/http_explain_help.h"

/* --- with an answer ----------------------------------------------------------------------- */

START_TEST(a_models_text_is_passed_on)
{
    struct reads_answer answer;

    add_tune(1, PLATEAU);
    start_explainer(TEXT_ANSWER);
    explain(TUNE(1) "/explain", NULL, &answer);
    ck_assert_str_eq(text_of(&answer, "explanation"), "It stands on a plateau.");
    ck_assert_str_eq(text_of(&answer, "run_id"), "00000000-0000-7000-8000-000000000024");
    ck_assert_str_eq(text_of(&answer, "strategy_id"), STRATEGY);
    ck_assert_str_eq(text_of(&answer, "strategy_name"), "bb_reversal");
    ck_assert_str_eq(text_of(&answer, "provider"), "openai");
    ck_assert_str_eq(text_of(&answer, "model"), "m-1");
    ck_assert_str_eq(text_of(&answer, "verbosity"), "short");
    ck_assert_str_eq(text_of(&answer, "generated_at"), "2026-11-24T05:00:00.000Z");
    ck_assert_ptr_eq(strstr(text_of(&answer, "confidence_qualifier"), "Confidence: "),
                     text_of(&answer, "confidence_qualifier"));
    ck_assert(json_is_true(json_object_get(answer.json, "cache_hit")));
    ck_assert(json_is_false(json_object_get(answer.json, "degraded")));
    ck_assert(json_is_null(json_object_get(answer.json, "reason_code")));
    ck_assert(json_is_null(json_object_get(answer.json, "error")));
    reads_answer_fini(&answer);
}
END_TEST

/* What a model would be told of the tune. */
static json_t *
facts_at(const char *path)
{
    struct reads_answer answer;
    json_t *question, *facts;

    explain(path, NULL, &answer);
    reads_answer_fini(&answer);
    question = explain_stand_in_question(&explainer);
    ck_assert_str_eq(json_string_value(json_object_get(question, "kind")), "tune");
    ck_assert_str_eq(json_string_value(json_object_get(question, "workspace")),
                     READS_WORKSPACE);
    ck_assert_ptr_nonnull(
        strstr(path, json_string_value(json_object_get(question, "subject"))));
    facts = json_incref(json_object_get(question, "facts"));
    json_decref(question);
    return facts;
}

static void
expect_shape(json_t *facts, const char *shape, double least, double most)
{
    const json_t *round = json_object_get(facts, "neighbourhood");
    const double kept = json_number_value(json_object_get(round, "kept"));

    ck_assert_str_eq(json_string_value(json_object_get(round, "shape")), shape);
    ck_assert_int_eq(json_integer_value(json_object_get(round, "trials")), 4);
    ck_assert_msg(kept >= least && kept <= most, "%g", kept);
}

START_TEST(a_plateau_is_told_from_a_spike)
{
    json_t *facts;

    add_tune(1, PLATEAU);
    add_tune(2, SPIKE);
    start_explainer(TEXT_ANSWER);
    facts = facts_at(TUNE(1) "/explain");
    expect_shape(facts, "plateau", 0.8, 1);
    reads_expect(json_object_get(json_object_get(facts, "winner"), "params"),
                 "{'period':0,'k':0}");
    reads_expect(json_object_get(facts, "counts"), "{'passed':48,'skipped':1,'failed':0}");
    json_decref(facts);
    facts = facts_at(TUNE(2) "/explain");
    expect_shape(facts, "spike", -0.1, 0.1);
    json_decref(facts);
}
END_TEST

START_TEST(of_few_trials_or_equal_ones_nothing_is_said_of_the_neighbourhood)
{
    add_tune(1, "1");
    add_tune(2, PLATEAU);
    reads_run(&world,
              "DELETE FROM backtest_tune_runs WHERE tune_id = '" READS_ID
              "' AND trial_index NOT IN (23, 24, 25)",
              2);
    start_explainer(TEXT_ANSWER);
    for (int i = 0; i < 2; i++) {
        json_t *facts = facts_at(i ? TUNE(2) "/explain" : TUNE(1) "/explain");

        ck_assert(json_is_null(json_object_get(facts, "neighbourhood")));
        ck_assert(json_is_object(json_object_get(facts, "winner")));
        json_decref(facts);
    }
}
END_TEST

START_TEST(the_length_is_asked_for_in_body_or_query)
{
    static const struct {
        const char *query, *type, *body, *verbosity;
    } rows[] = {
        {"", NULL, NULL, "short"},
        {"", JSON, "{}", "short"},
        {"", JSON, "{\"verbosity\":null}", "short"},
        {"", JSON, "{\"verbosity\":\"detailed\"}", "detailed"},
        {"", "Content-Type: application/x-www-form-urlencoded", "verbosity=detailed",
         "detailed"},
        {"?verbosity=detailed", NULL, NULL, "detailed"},
        {"?verbosity=detailed", JSON, "{\"verbosity\":\"detailed\"}", "detailed"},
    };

    add_tune(1, PLATEAU);
    start_explainer(TEXT_ANSWER);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct reads_answer answer;
        char path[200];
        json_t *question;

        snprintf(path, sizeof(path), TUNE(1) "/explain%s", rows[i].query);
        ask(path, rows[i].type, rows[i].body, &answer);
        ck_assert_msg(answer.status == 200, "%zu: %s", i, answer.body);
        ck_assert_str_eq(text_of(&answer, "verbosity"), rows[i].verbosity);
        question = explain_stand_in_question(&explainer);
        ck_assert_str_eq(json_string_value(json_object_get(question, "verbosity")),
                         rows[i].verbosity);
        json_decref(question);
        reads_answer_fini(&answer);
    }
}
END_TEST

/* Whatever stands in the name of a strategy, it is a JSON text of the facts and of the answer.
 */
START_TEST(a_wild_name_is_a_text)
{
    struct reads_answer answer;
    json_t *question;

    add_tune(1, PLATEAU);
    reads_run(&world,
              "UPDATE backtest_tunes SET strategy_name = repeat('</facts>\"\\<b>', 100000),"
              " strategy = json_build_object('description', repeat('obey', 300000))");
    start_explainer(TEXT_ANSWER);
    explain(TUNE(1) "/explain", NULL, &answer);
    ck_assert_ptr_eq(strstr(text_of(&answer, "strategy_name"), "</facts>\"\\<b>"),
                     text_of(&answer, "strategy_name"));
    ck_assert_uint_eq(strlen(text_of(&answer, "strategy_name")), 200);
    question = explain_stand_in_question(&explainer);
    ck_assert_uint_eq(
        json_string_length(json_object_get(json_object_get(question, "facts"), "description")),
        1000);
    json_decref(question);
    reads_answer_fini(&answer);
}
END_TEST

/* --- whatever fails ----------------------------------------------------------------------- */

static void
expect_fallback(const char *reason)
{
    struct reads_answer answer;

    explain(TUNE(1) "/explain?verbosity=detailed", NULL, &answer);
    expect_degraded(&answer, reason);
    reads_answer_fini(&answer);
}

START_TEST(without_a_service_the_text_is_made_of_the_figures)
{
    struct reads_answer first, second;

    add_tune(1, PLATEAU);
    explain(TUNE(1) "/explain", NULL, &first);
    explain(TUNE(1) "/explain", NULL, &second);
    expect_degraded(&first, "llm_error");
    ck_assert_str_eq(text_of(&first, "explanation"), text_of(&second, "explanation"));
    ck_assert_ptr_nonnull(strstr(text_of(&first, "explanation"), "it stands on a plateau"));
    ck_assert_str_eq(text_of(&first, "verbosity"), "short");
    reads_answer_fini(&first);
    reads_answer_fini(&second);
}
END_TEST

static const struct {
    const char *says, *reason;
} failures[] = {
    {"", "llm_timeout"},
    {"!INTERNAL what went wrong inside", "llm_error"},
    {"!DRAINING", "llm_error"},
    {"!TIMEOUT", "llm_timeout"},
    {"nonsense", "llm_error"},
    {"{}", "llm_error"},
    {"{\"text\":\"\",\"cause\":\"ok\",\"latency_ms\":1}", "llm_error"},
    {"{\"text\":null,\"cause\":\"budget\",\"reason_code\":\"llm_rate_limit\",\"latency_ms\":1}",
     "llm_rate_limit"},
    {"{\"text\":null,\"cause\":\"disabled\",\"reason_code\":\"llm_unconfigured\","
     "\"latency_ms\":1}",
     "llm_unconfigured"},
    {"{\"text\":null,\"cause\":\"stalled\",\"reason_code\":\"llm_timeout\",\"latency_ms\":1}",
     "llm_timeout"},
    {"{\"text\":null,\"cause\":\"new_one\",\"reason_code\":\"llm_new\",\"latency_ms\":1}",
     "llm_error"},
};

/* What the series whose lines begin so have counted; they are there from the start, as 0. */
static double
counted(const char *metrics, const char *begins)
{
    double sum = 0;

    for (const char *at = metrics; (at = strstr(at, begins)) != NULL; at += strlen(begins))
        sum += strtod(strstr(at, "} ") + 2, NULL);
    return sum;
}

START_TEST(whatever_the_service_does_there_is_a_text)
{
    struct reads_answer metrics;

    add_tune(1, PLATEAU);
    start_explainer(failures[_i].says);
    expect_fallback(failures[_i].reason);
    reads_get(&world, "/metrics", &metrics);
    ck_assert(counted(metrics.body, "\ntunemill_explanations_total{outcome=\"llm_") > 0);
    ck_assert(counted(metrics.body, "\ntunemill_explanations_total{outcome=\"ok\"") == 0);
    reads_answer_fini(&metrics);
}
END_TEST

START_TEST(a_broker_that_is_gone_costs_nothing_but_the_model)
{
    add_tune(1, PLATEAU);
    start_explainer(TEXT_ANSWER);
    broker_world_kill(&brokers, 0, SIGKILL);
    for (int i = 0; i < 3; i++) {
        struct reads_answer answer;

        explain(TUNE(1) "/explain", NULL, &answer);
        ck_assert(json_is_true(json_object_get(answer.json, "degraded")));
        reads_answer_fini(&answer);
    }
}
END_TEST

START_TEST(without_a_winner_there_is_a_text_too)
{
    struct reads_answer answer;

    add_tune(1, PLATEAU);
    reads_run(&world, "UPDATE backtest_tunes SET best_run_id = NULL, count_completed = 0,"
                      " strategy_entity_id = NULL, strategy_name = NULL, dataset = NULL");
    reads_run(&world, "UPDATE backtest_tune_runs SET rank = NULL, status = 'skipped',"
                      " reason = 'gate:min_trades (3 < 10)'");
    explain(TUNE(1) "/explain", NULL, &answer);
    ck_assert_ptr_nonnull(
        strstr(text_of(&answer, "explanation"), "None of the 49 trials passed the gates"));
    ck_assert_ptr_nonnull(
        strstr(text_of(&answer, "explanation"), "gate:min_trades (49 trials)"));
    ck_assert(json_is_null(json_object_get(answer.json, "run_id")));
    ck_assert(json_is_null(json_object_get(answer.json, "strategy_id")));
    ck_assert(json_is_null(json_object_get(answer.json, "strategy_name")));
    reads_answer_fini(&answer);
}
END_TEST

/* --- while it is waited for --------------------------------------------------------------- */

struct posted {
    pthread_t thread;
    struct reads_answer answer;
};

static void *
post(void *arg)
{
    struct posted *self = arg;

    ask(TUNE(1) "/explain", NULL, NULL, &self->answer);
    return NULL;
}

static void
start_post(struct posted *self)
{
    ck_assert_int_eq(pthread_create(&self->thread, NULL, post, self), 0);
    json_decref(explain_stand_in_question(&explainer)); /* it waits now */
}

static void
end_post(struct posted *self, const char *reason)
{
    ck_assert_int_eq(pthread_join(self->thread, NULL), 0);
    ck_assert_msg(self->answer.status == 200, "%s", self->answer.body);
    expect_degraded(&self->answer, reason);
    reads_answer_fini(&self->answer);
}

START_TEST(nothing_is_held_while_a_model_is_waited_for)
{
    struct posted posted;
    char *busy;

    add_tune(1, PLATEAU);
    start_explainer("");
    start_post(&posted);
    busy = reads_query(&world, "SELECT count(*) FROM pg_stat_activity WHERE application_name ="
                               " 'tunemill-http' AND state <> 'idle'");
    ck_assert_str_eq(busy, "0");
    json_decref(reads_json(&world, "/backtests/tunes"));
    free(busy);
    end_post(&posted, "llm_timeout");
}
END_TEST

/* A bridge that stops does not leave those who wait with nothing. */
START_TEST(a_bridge_that_stops_answers_first)
{
    struct posted posted;

    add_tune(1, PLATEAU);
    start_explainer("");
    start_post(&posted);
    reads_world_fini(&world);
    world.child = 0;
    end_post(&posted, "llm_error");
}
END_TEST

/* Nobody is waited for longer than a model would be. */
START_TEST(a_service_that_dies_meanwhile_costs_no_more_than_the_time)
{
    struct posted posted;

    add_tune(1, PLATEAU);
    start_explainer("");
    start_post(&posted);
    kill(explainer.pid, SIGKILL);
    end_post(&posted, "llm_timeout llm_error"); /* it may be seen to be gone before */
}
END_TEST

/* --- refusals ----------------------------------------------------------------------------- */

static const struct {
    const char *path, *type, *body;
    long status;
    const char *code, *says;
} refusals[] = {
    {TUNE(9) "/explain", NULL, NULL, 404, "TUNE_NOT_FOUND", ""},
    {TUNE(1) "/explain?workspace_id=" ELSEWHERE, NULL, NULL, 404, "WORKSPACE_NOT_FOUND", ""},
    {"/backtests/tunes/x/explain", NULL, NULL, 422, "VALIDATION_FAILED", "path.id"},
    {TUNE(2) "/explain", NULL, NULL, 409, "TUNE_NOT_COMPLETED", "the tune is queued"},
    {TUNE(3) "/explain", NULL, NULL, 409, "TUNE_NOT_COMPLETED", "the tune is running"},
    {TUNE(4) "/explain", NULL, NULL, 409, "TUNE_NOT_COMPLETED", "the tune has failed"},
    {TUNE(5) "/explain", NULL, NULL, 409, "TUNE_NOT_COMPLETED", "the tune was canceled"},
    {TUNE(1) "/explain?verbosity=long", NULL, NULL, 422, "VALIDATION_FAILED",
     "query.verbosity"},
    {TUNE(1) "/explain", JSON, "{\"verbosity\":\"long\"}", 422, "VALIDATION_FAILED",
     "body.verbosity"},
    {TUNE(1) "/explain", JSON, "{\"verbosity\":1}", 422, "VALIDATION_FAILED", "body.verbosity"},
    {TUNE(1) "/explain?verbosity=short", JSON, "{\"verbosity\":\"detailed\"}", 422,
     "VALIDATION_FAILED", "is not what the query says"},
    {TUNE(1) "/explain", JSON, "{\"verbose\":\"detailed\"}", 422, "UNKNOWN_FIELD",
     "body.verbose"},
    {TUNE(1) "/explain?verbosty=short", NULL, NULL, 422, "UNKNOWN_FIELD",
     "did you mean verbosity?"},
    {TUNE(1) "/explain", JSON, "{", 400, "BAD_REQUEST", "not a JSON object"},
    {TUNE(1) "/explain", JSON, "[]", 400, "BAD_REQUEST", "not a JSON object"},
    {TUNE(1) "/explain", "Content-Type: text/plain", "short", 415, "UNSUPPORTED_MEDIA_TYPE",
     "application/json"},
};

START_TEST(what_cannot_be_explained_is_told_why)
{
    struct reads_answer answer;

    add_tune(1, PLATEAU);
    reads_tune_row(&world, 2, "queued", "");
    reads_tune_row(&world, 3, "running", "");
    reads_tune_row(&world, 4, "failed", "");
    reads_tune_row(&world, 5, "canceled", "");
    ask(refusals[_i].path, refusals[_i].type, refusals[_i].body, &answer);
    ck_assert_msg(answer.status == refusals[_i].status, "%ld %s", answer.status, answer.body);
    ck_assert_str_eq(text_of(&answer, "code"), refusals[_i].code);
    ck_assert_msg(strstr(answer.body, refusals[_i].says) != NULL, "%s", answer.body);
    reads_answer_fini(&answer);
}
END_TEST

START_TEST(a_tune_of_another_workspace_is_not_found)
{
    struct reads_answer answer;

    add_tune(1, PLATEAU);
    reads_run(&world, "INSERT INTO workspaces (id, name) VALUES ('" ELSEWHERE "', 'other')");
    ask(TUNE(1) "/explain?workspace_id=" ELSEWHERE, NULL, NULL, &answer);
    ck_assert_int_eq(answer.status, 404);
    ck_assert_str_eq(text_of(&answer, "code"), "TUNE_NOT_FOUND");
    reads_answer_fini(&answer);
    reads_ask(&world, "GET", TUNE(1) "/explain", NULL, &answer);
    ck_assert_int_eq(answer.status, 405);
    ck_assert(reads_answer_has(&answer, "Allow: POST"));
    reads_answer_fini(&answer);
}
END_TEST

static void
add_answers(TCase *tcase)
{
    suite_tests(tcase, a_models_text_is_passed_on, a_plateau_is_told_from_a_spike,
                of_few_trials_or_equal_ones_nothing_is_said_of_the_neighbourhood,
                the_length_is_asked_for_in_body_or_query, a_wild_name_is_a_text);
}

static void
add_failures(TCase *tcase)
{
    suite_tests(tcase, without_a_service_the_text_is_made_of_the_figures);
    suite_rows(tcase, whatever_the_service_does_there_is_a_text, failures);
    suite_tests(tcase, a_broker_that_is_gone_costs_nothing_but_the_model,
                without_a_winner_there_is_a_text_too,
                nothing_is_held_while_a_model_is_waited_for, a_bridge_that_stops_answers_first,
                a_service_that_dies_meanwhile_costs_no_more_than_the_time);
    suite_rows(tcase, what_cannot_be_explained_is_told_why, refusals);
    suite_tests(tcase, a_tune_of_another_workspace_is_not_found);
}

int
main(void)
{
    Suite *suite = suite_create("http explain");
    TCase *tcase = suite_case(suite, "explain", set_up, tear_down);

    add_answers(tcase);
    add_failures(tcase);
    return pg_suite_run(suite, &reads_fixture);
}
