/* A tune that was really run is shown as the database has it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/web/embedded.h"
#include "tests/support/reads_world.h"
#include "tests/support/suite.h"
#include "tests/support/tune_world.h"
#include "tests/unit/http/http_reads.h"

#define BOARD "/backtests/leaderboard"

static struct reads_world world;

static void
expect_query(const char *want, const char *sql)
{
    char *got = reads_query(&world, "%s", sql);

    ck_assert_str_eq(got, want);
    free(got);
}

/* Every member that the description names is there, and no other. */
static void
expect_members(const json_t *object, const char *schema)
{
    json_t *document = json_loadb((const char *)web_openapi.data, web_openapi.size, 0, NULL);
    json_t *components = json_object_get(document, "components"), *schemas, *members, *member;
    const char *name;

    schemas = json_object_get(components, "schemas");
    members = json_object_get(json_object_get(schemas, schema), "properties");
    ck_assert_uint_gt(json_object_size(members), 0);
    json_object_foreach(members, name, member)
        ck_assert_msg(json_object_get(object, name) != NULL, "%s without %s", schema, name);
    ck_assert_msg(json_object_size(object) == json_object_size(members),
                  "%s has more than is described", schema);
    json_decref(document);
}

static const json_t *
first(const json_t *list, const char *member)
{
    return json_array_get(json_object_get(list, member), 0);
}

static void
expect_described(const char *tune_path, const char *runs_path)
{
    json_t *tune = reads_json(&world, tune_path), *runs = reads_json(&world, runs_path);
    json_t *board = reads_json(&world, BOARD), *tunes = reads_json(&world, "/backtests/tunes");

    expect_members(tune, "TuneResponse");
    expect_members(first(tune, "leaderboard"), "Leader");
    expect_members(json_object_get(first(tune, "leaderboard"), "summary"), "Summary");
    expect_members(json_object_get(tune, "counts"), "Counts");
    expect_members(json_object_get(tune, "progress"), "Progress");
    expect_members(runs, "RunList");
    expect_members(first(runs, "items"), "Run");
    expect_members(board, "Leaderboard");
    expect_members(first(board, "items"), "Place");
    expect_members(tunes, "TuneList");
    expect_members(first(tunes, "items"), "TuneResponse");
    json_decref(tune);
    json_decref(runs);
    json_decref(board);
    json_decref(tunes);
}

static void
run_tune(struct tune_world *tune)
{
    static const char *const fields[] = {"seed", "7", "oos_ratio", "0.3", NULL};

    tune_fixture = reads_fixture;
    tune_world_init(tune);
    tune->settings->tune_gate_min_trades = 1;
    tune_world_dataset(tune, "tests/data/SYND.csv");
    tune_world_job(tune, "bb_reversal", fields);
    tune_world_run(tune);
    ck_assert_msg(tune->end.err == TM_OK, "%s", tune->end.detail);
}

/* An answer as one row of a table of text, so that PostgreSQL compares it with its own. */
static void
keep_answer(const char *name, const char *path)
{
    struct reads_answer answer;

    reads_get(&world, path, &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_null(strstr(answer.body, "$answer$"));
    reads_run(&world,
              "CREATE TABLE IF NOT EXISTS answers (name text, body jsonb);"
              "INSERT INTO answers VALUES ('%s', $answer$%s$answer$)",
              name, answer.body);
    reads_answer_fini(&answer);
}

START_TEST(a_tune_that_was_run_is_shown_as_it_was_stored)
{
    struct tune_world tune;
    char tune_path[100], runs_path[100];

    run_tune(&tune);
    reads_world_init(&world, tune.url, "development");
    snprintf(tune_path, sizeof(tune_path), "/backtests/tunes/%s", tune.id);
    snprintf(runs_path, sizeof(runs_path), "/backtests/tunes/%s/runs?limit=200", tune.id);
    expect_described(tune_path, runs_path);
    keep_answer("tune", tune_path);
    keep_answer("runs", runs_path);
    keep_answer("board", BOARD "?limit=200");
    expect_query(
        "50|0", "SELECT count(*), count(*) FILTER (WHERE item ->> 'run_id' <> run_id::text OR"
                "   item ->> 'status' <> status OR (item ->> 'rank')::int IS DISTINCT FROM rank"
                "   OR (item ->> 'score')::float8 IS DISTINCT FROM tm_number(score)"
                "   OR (item ->> 'score_is')::float8 IS DISTINCT FROM tm_number(score_is)"
                "   OR (item ->> 'score_oos')::float8 IS DISTINCT FROM tm_number(score_oos)"
                "   OR (item #>> '{params,period}')::float8 <> params[1]"
                "   OR (item #>> '{params,k}')::float8 <> params[2]"
                "   OR coalesce(item ->> 'skip_reason', item ->> 'failed_reason')"
                "      IS DISTINCT FROM reason)"
                " FROM answers, jsonb_array_elements(body -> 'items') item,"
                " backtest_tune_runs WHERE name = 'runs'"
                " AND trial_index = (item ->> 'trial_index')::int");
    expect_query("t|t|t|t|t", "SELECT (body ->> 'best_run_id')::uuid = best_run_id,"
                              " (body ->> 'best_score')::float8 = best_score,"
                              " body -> 'best_params' = best_params::jsonb,"
                              " body #>> '{leaderboard,0,run_id}' = best_run_id::text,"
                              " (body #>> '{counts,completed}')::int = count_completed"
                              " FROM answers, backtest_tunes WHERE answers.name = 'tune'");
    expect_query(
        "t|t",
        "SELECT jsonb_array_length(body -> 'items') > 0,"
        " (body ->> 'total')::int = 1 AND (body #>> '{items,0,run_id}')::uuid = best_run_id"
        " FROM answers, backtest_tunes WHERE name = 'board'");
    reads_world_fini(&world);
    tune_world_fini(&tune);
}
END_TEST

void
http_stored_add(void)
{
    suite_tests(http_reads_case("stored"), a_tune_that_was_run_is_shown_as_it_was_stored);
}
