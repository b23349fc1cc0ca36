#include "tests/unit/http/http_explain_help.h"

#include <check.h>
#include <string.h>

struct broker_world brokers;
struct reads_world world;
struct explain_stand_in explainer;

/* Nobody explains yet; the bridge waits for half a second. */
void
set_up(void)
{
    char brokers_are[300];
    const char *const settings[] = {"system.profile=development", "llm.timeout_seconds=0.5",
                                    brokers_are, NULL};

    explainer = (struct explain_stand_in){.pid = 0};
    broker_world_start(&brokers, reads_fixture, 1);
    snprintf(brokers_are, sizeof(brokers_are), "broker.brokers=%s", brokers.endpoint[0]);
    reads_world_init_with(&world, brokers.url, settings);
}

void
tear_down(void)
{
    explain_stand_in_stop(&explainer);
    if (world.child > 0)
        reads_world_fini(&world);
    broker_world_stop(&brokers);
}

void
start_explainer(const char *answer)
{
    explain_stand_in_start(&explainer, brokers.endpoint[0], answer);
    broker_world_await(&brokers,
                       "SELECT count(*) FROM brokers, jsonb_array_elements(workers) w"
                       " WHERE w->>'actor' = 'explain'",
                       1);
}

/* 49 trials on a grid of 7 x 7, the best in the middle; score: SQL of x and y, from -3 to 3. */
void
add_tune(unsigned number, const char *score)
{
    reads_tune_row(&world, number, "completed",
                   "strategy_entity_id = '" STRATEGY "', strategy_name = 'bb_reversal',"
                   " trials_completed = 49, count_completed = 48, count_skipped = 1,"
                   " param_names = '{period,k}', metric_names = '{return_pct,trades}',"
                   " gates = '{\"evaluated_on\":\"oos\"}', oos_ratio = 0.3,"
                   " overfit = '{\"pbo\":0.25,\"deflated_sharpe\":0.75}',"
                   " best_score = 1, best_run_id = '00000000-0000-7000-8000-000000000024'");
    reads_run(&world,
              "INSERT INTO backtest_tune_runs (tune_id, trial_index, run_id, status, rank,"
              "  params, score, objective_score, score_is, score_oos, overfit_gap, metrics_is, "
              "metrics_oos)"
              " SELECT '" READS_ID "', i, ('00000000-0000-7000-8000-' ||"
              "        lpad(i::text, 12, '0'))::uuid,"
              "        CASE WHEN i = 0 THEN 'skipped' ELSE 'completed' END,"
              "        CASE WHEN i = 24 THEN 1 END, ARRAY[x * 10, y], s, s, s + 0.4, s, 0.4,"
              "        '{1,2}', '{3,4}'"
              "   FROM (SELECT i, x, y, (%s)::float8 AS s FROM (SELECT i, i / 7 - 3 AS x,"
              "     i %% 7 - 3 AS y FROM generate_series(0, 48) i) q) q",
              number, score);
}

void
ask(const char *path, const char *type, const char *body, struct reads_answer *ret)
{
    const char *const headers[] = {type, NULL};

    reads_send(&world, "POST", path, headers, body, ret);
}

const char *
text_of(const struct reads_answer *answer, const char *name)
{
    const char *text = json_string_value(json_object_get(answer->json, name));

    return text ? text : "";
}

/* 200, with the members of the contract and no other. */
void
explain(const char *path, const char *body, struct reads_answer *ret)
{
    static const char *const members[] = {
        "run_id",       "strategy_id", "strategy_name", "explanation", "confidence_qualifier",
        "model",        "provider",    "verbosity",     "latency_ms",  "cache_hit",
        "generated_at", "degraded",    "reason_code",   "error"};

    ask(path, body ? JSON : NULL, body, ret);
    ck_assert_msg(ret->status == 200, "%ld %s", ret->status, ret->body);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        ck_assert_msg(json_object_get(ret->json, members[i]) != NULL, "no %s", members[i]);
    ck_assert_uint_eq(json_object_size(ret->json), sizeof(members) / sizeof(members[0]));
    ck_assert(json_is_integer(json_object_get(ret->json, "latency_ms")));
    ck_assert_str_ne(text_of(ret, "explanation"), "");
}

/* reasons: those that it may be, separated by blanks */
void
expect_degraded(const struct reads_answer *answer, const char *reasons)
{
    ck_assert(json_is_true(json_object_get(answer->json, "degraded")));
    ck_assert_msg(strstr(reasons, text_of(answer, "reason_code")) != NULL, "%s",
                  text_of(answer, "reason_code"));
    ck_assert_str_eq(text_of(answer, "model"), "fallback");
    ck_assert_str_eq(text_of(answer, "provider"), "fallback");
    ck_assert(json_is_false(json_object_get(answer->json, "cache_hit")));
    ck_assert_ptr_nonnull(strstr(text_of(answer, "error"), "from the figures alone"));
    ck_assert_ptr_nonnull(strstr(text_of(answer, "explanation"), "Of 49 trials 48 passed"));
}
