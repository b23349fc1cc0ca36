/* What the bridge does not read, how it says so, and a database that goes away and comes back.
 */
#include <check.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/reads_world.h"
#include "tests/unit/http/http_reads.h"
#include "tests/support/suite.h"

#define TUNES     "/backtests/tunes"
#define TUNE(n)   "/backtests/tunes/00000000-0000-7000-8000-00000000000" #n
#define RUNS(n)   TUNE(n) "/runs"
#define ELSEWHERE "00000000-0000-0000-0000-000000000002" /* another workspace */
#define SMA       "11111111-0000-4000-8000-000000000001"

static struct reads_world world;
static PGconn *blocker; /* holds a lock that readers wait for */

static void
setup(void)
{
    reads_world_init(&world, NULL, "development");
}

static void
teardown(void)
{
    reads_world_fini(&world);
}

static void
expect_answer(const char *path, const char *want)
{
    json_t *got = reads_json(&world, path);

    reads_expect(got, want);
    json_decref(got);
}

/* ---- what is refused -------------------------------------------------------------------- */

START_TEST(limits_hold_at_their_edges)
{
    expect_answer(TUNES "?limit=1", "{'items':[],'total':0,'limit':1,'offset':0}");
    expect_answer(TUNES "?limit=200&offset=2147483647",
                  "{'items':[],'total':0,'limit':200,'offset':2147483647}");
    reads_expect_problem(&world, TUNES "?limit=0", 422, "VALIDATION_FAILED", "query.limit");
    reads_expect_problem(&world, TUNES "?limit=201", 422, "VALIDATION_FAILED", "query.limit");
    reads_expect_problem(&world, TUNES "?limit", 422, "VALIDATION_FAILED", "query.limit");
    reads_expect_problem(&world, TUNES "?limit=5%00", 422, "VALIDATION_FAILED", "query.limit");
    reads_expect_problem(&world, TUNES "?limit=5&limit=5", 422, "VALIDATION_FAILED",
                         "query.limit");
    reads_expect_problem(&world, RUNS(1) "?offset=2147483648", 422, "VALIDATION_FAILED",
                         "query.offset");
    reads_expect_problem(&world, RUNS(1) "?offset=-1", 422, "VALIDATION_FAILED",
                         "query.offset");
    reads_expect_problem(&world, "/strategies?limit=many", 422, "VALIDATION_FAILED",
                         "query.limit");
}
END_TEST

START_TEST(a_filter_that_says_nothing_known_is_refused)
{
    static const char *const wrong[] = {
        "status=done",  "status=Queued",      "objective_type=pnl",
        "oos_enabled=", "valid_only=perhaps", "strategy_entity_id=1"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char path[200], loc[80];

        snprintf(loc, sizeof(loc), "query.%.*s", (int)strcspn(wrong[i], "="), wrong[i]);
        snprintf(path, sizeof(path), TUNES "?%s", wrong[i]);
        reads_expect_problem(&world, path, 422, "VALIDATION_FAILED", loc);
        snprintf(path, sizeof(path), "/backtests/leaderboard?%s", wrong[i]);
        reads_expect_problem(&world, path, 422, "VALIDATION_FAILED", loc);
    }
    reads_expect_problem(&world, "/backtests/leaderboard?format=xml", 422, "VALIDATION_FAILED",
                         "query.format");
}
END_TEST

START_TEST(every_wrong_parameter_is_named_at_once)
{
    struct reads_answer answer;

    reads_get(&world, TUNES "?limit=0&status=x&workspace_id=y", &answer);
    ck_assert_int_eq(answer.status, 422);
    reads_expect(
        json_object_get(answer.json, "errors"),
        "[{'loc':'query.limit','msg':'\\\"0\\\" is not a whole number from 1 to 200'},"
        "{'loc':'query.status','msg':'\\\"x\\\" is not one of: queued running completed"
        " failed canceled'},{'loc':'query.workspace_id','msg':'is not a UUID'}]");
    reads_answer_fini(&answer);
}
END_TEST

/* One for each set of parameters, and for routes that take none. */
START_TEST(a_parameter_that_a_route_does_not_take_is_refused)
{
    static const char *const strange[][2] = {
        {TUNES "?limt=5", "query.limt"},
        {TUNES "?format=csv", "query.format"},
        {TUNES "/00000000-0000-7000-8000-000000000001?limit=1", "query.limit"},
        {TUNES "/00000000-0000-7000-8000-000000000001/runs?statis=x", "query.statis"},
        {"/backtests/leaderboard?fromat=csv", "query.fromat"},
        {"/backtests/compare?tune_ids=1", "query.tune_ids"},
        {"/strategies?drop=table", "query.drop"},
        {"/health?verbose=1", "query.verbose"},
        {"/health?workspace_id=" READS_WORKSPACE, "query.workspace_id"},
        {"/openapi.json?%6c=1", "query.l"},
    };

    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++)
        reads_expect_problem(&world, strange[i][0], 422, "UNKNOWN_FIELD", strange[i][1]);
}
END_TEST

START_TEST(an_id_that_is_no_uuid_is_refused)
{
    static const char *const paths[] = {TUNES "/x",
                                        TUNES "/00000000-0000-7000-8000-00000000000",
                                        TUNES "/00000000-0000-7000-8000-0000000000011",
                                        TUNES "/00000000_0000-7000-8000-000000000001",
                                        TUNES "/g0000000-0000-7000-8000-000000000001",
                                        TUNES "/%27%3BDROP%20TABLE/runs",
                                        "/strategies/1"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        reads_expect_problem(&world, paths[i], 422, "VALIDATION_FAILED", "path.id");
    reads_expect_problem(&world, TUNES "/", 404, "NOT_FOUND", NULL);
    reads_expect_problem(&world, TUNES "/x/y/z", 404, "NOT_FOUND", NULL);
}
END_TEST

START_TEST(nobody_reads_another_workspace)
{
    reads_tune_row(&world, 1, "completed", "");
    reads_run_row(&world, 1, 0, "1", "objective_score = 1");
    reads_run(&world, "INSERT INTO workspaces (id, name) VALUES ('" ELSEWHERE "', 'other')");
    reads_run(&world, "INSERT INTO strategies (id, workspace_id, name, spec) VALUES"
                      " ('" SMA "', '" READS_WORKSPACE "', 'sma', '{\"a\":1}')");
    expect_answer(TUNES "?workspace_id=" ELSEWHERE,
                  "{'items':[],'total':0,'limit':20,'offset':0}");
    expect_answer("/backtests/leaderboard?workspace_id=" ELSEWHERE,
                  "{'items':[],'total':0,'limit':20,'offset':0}");
    expect_answer("/strategies?workspace_id=" ELSEWHERE,
                  "{'items':[],'total':0,'limit':20,'offset':0}");
    reads_expect_problem(&world, TUNE(1) "?workspace_id=" ELSEWHERE, 404, "TUNE_NOT_FOUND",
                         NULL);
    reads_expect_problem(&world, RUNS(1) "?workspace_id=" ELSEWHERE, 404, "TUNE_NOT_FOUND",
                         NULL);
    reads_expect_problem(&world, "/strategies/" SMA "?workspace_id=" ELSEWHERE, 404,
                         "STRATEGY_NOT_FOUND", NULL);
    reads_until(&world, TUNE(1) "?workspace_id=" READS_WORKSPACE, 200);
    reads_until(&world, "/strategies/" SMA, 200);
}
END_TEST

static void
expect_said(const char *path, const char *const *headers, long status, const char *code)
{
    struct reads_answer answer;
    const char *got;

    reads_ask(&world, "GET", path, headers, &answer);
    got = json_string_value(json_object_get(answer.json, "code"));
    ck_assert_msg(answer.status == status, "%s: %ld %s", path, answer.status, answer.body);
    ck_assert_str_eq(got ? got : "", code);
    reads_answer_fini(&answer);
}

START_TEST(all_who_name_the_workspace_agree)
{
    static const char *const here[] = {"X-Workspace-Id: " READS_WORKSPACE, NULL};
    static const char *const nowhere[] = {"X-Workspace-Id: " ELSEWHERE, NULL};
    static const char *const wrong[] = {"X-Workspace-Id: 1", NULL};
    static const char *const both[] = {"X-Workspace-Id: " READS_WORKSPACE,
                                       "x-workspace-id: " ELSEWHERE, NULL};

    expect_said(TUNES, here, 200, "");
    expect_said(TUNES "?workspace_id=" READS_WORKSPACE, here, 200, "");
    expect_said(TUNES "?workspace_id=" ELSEWHERE, here, 400, "WORKSPACE_MISMATCH");
    expect_said(TUNES "?workspace_id=" ELSEWHERE "&workspace_id=" READS_WORKSPACE, NULL, 400,
                "WORKSPACE_MISMATCH");
    expect_said(TUNES, both, 400, "WORKSPACE_MISMATCH");
    expect_said(TUNES, nowhere, 404, "WORKSPACE_NOT_FOUND");
    expect_said(TUNE(1), nowhere, 404, "WORKSPACE_NOT_FOUND");
    expect_said("/backtests/leaderboard?format=csv", nowhere, 404, "WORKSPACE_NOT_FOUND");
    expect_said(TUNES, wrong, 422, "VALIDATION_FAILED");
}
END_TEST

START_TEST(production_wants_to_know_the_workspace)
{
    struct reads_world production;

    reads_world_init(&production, NULL, "production");
    reads_expect_problem(&production, TUNES, 422, "VALIDATION_FAILED", "header.X-Workspace-Id");
    reads_expect_problem(&production, TUNE(1), 422, "VALIDATION_FAILED",
                         "header.X-Workspace-Id");
    reads_world_fini(&production);
}
END_TEST

/* ---- methods ---------------------------------------------------------------------------- */

/* Of a header's line, its value; the caller's. */
static char *
header_of(const struct reads_answer *answer, const char *name)
{
    const char *at = strstr(answer->head, name);

    ck_assert_msg(at != NULL, "no %s in %s", name, answer->head);
    at += strlen(name);
    return strndup(at, strcspn(at, "\r"));
}

START_TEST(head_says_what_get_would)
{
    static const char *const paths[] = {TUNES, TUNE(1), RUNS(1), "/backtests/leaderboard",
                                        "/backtests/leaderboard?format=csv"};

    reads_tune_row(&world, 1, "completed", "");
    reads_run_row(&world, 1, 0, "1", "objective_score = 1");
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct reads_answer got, head;
        char *size, *type;

        reads_get(&world, paths[i], &got);
        reads_ask(&world, "HEAD", paths[i], NULL, &head);
        size = header_of(&head, "\r\nContent-Length: ");
        type = header_of(&head, "\r\nContent-Type: ");
        ck_assert_int_eq(head.status, 200);
        ck_assert_uint_eq(head.body_size, 0);
        ck_assert_uint_eq(strtoul(size, NULL, 10), got.body_size);
        ck_assert(strstr(got.head, type) != NULL);
        ck_assert(reads_answer_has(&got, "Cache-Control: no-store"));
        free(size);
        free(type);
        reads_answer_fini(&got);
        reads_answer_fini(&head);
    }
}
END_TEST

START_TEST(other_methods_are_told_what_is_taken)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        struct reads_answer answer;

        reads_ask(&world, methods[i], TUNES, NULL, &answer);
        ck_assert_int_eq(answer.status, 405);
        ck_assert(reads_answer_has(&answer, "Allow: GET, HEAD"));
        reads_answer_fini(&answer);
    }
}
END_TEST

/* ---- a database that goes away ---------------------------------------------------------- */

START_TEST(without_the_database_reads_are_unavailable_until_it_is_back)
{
    static const char *const paths[] = {TUNES,
                                        TUNE(1),
                                        RUNS(1),
                                        "/backtests/leaderboard",
                                        "/backtests/leaderboard?format=csv",
                                        "/strategies",
                                        ("/strategies/" SMA)};
    struct reads_answer before, after;

    reads_tune_row(&world, 1, "completed", "started_at = created_at, finished_at = created_at");
    reads_get(&world, TUNE(1), &before);
    pg_fixture_kill(reads_fixture);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        reads_expect_problem(&world, paths[i], 503, "STORE_DOWN", NULL);
    reads_expect_problem(&world, TUNES "?limit=0", 422, "VALIDATION_FAILED", "query.limit");
    reads_until(&world, "/health", 200);
    pg_fixture_start(reads_fixture);
    reads_until(&world, TUNE(1), 200);
    reads_get(&world, TUNE(1), &after);
    ck_assert_int_eq(before.status, 200);
    ck_assert_str_eq(after.body, before.body);
    reads_answer_fini(&before);
    reads_answer_fini(&after);
}
END_TEST

static bool
is_locked_out(const struct reads_world *self)
{
    char *waiting = reads_query(self, "SELECT count(*) FROM pg_stat_activity WHERE"
                                      " datname = current_database() AND"
                                      " application_name = 'tunemill-http' AND"
                                      " wait_event_type = 'Lock'");
    bool is = strcmp(waiting, "0") != 0;

    free(waiting);
    return is;
}

static void
block(void)
{
    PGresult *result;

    blocker = PQconnectdb(world.url);
    result = PQexec(blocker, "BEGIN; LOCK TABLE backtest_tune_runs IN ACCESS EXCLUSIVE MODE");
    ck_assert_int_eq(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
}

static void
kill_database(const struct reads_world *self)
{
    (void)self;
    pg_fixture_kill(reads_fixture);
}

static void
unblock(const struct reads_world *self)
{
    reads_until(self, "/strategies", 200); /* which needs no such lock */
    PQfinish(blocker);
}

START_TEST(a_read_under_way_is_unavailable_when_the_database_dies)
{
    struct reads_answer answer;

    reads_tune_row(&world, 1, "completed", "");
    block();
    reads_while(&world, RUNS(1), is_locked_out, kill_database, &answer);
    PQfinish(blocker);
    ck_assert_int_eq(answer.status, 503);
    ck_assert_str_eq(json_string_value(json_object_get(answer.json, "code")), "STORE_DOWN");
    ck_assert(reads_answer_has(&answer, "Retry-After: 1"));
    reads_answer_fini(&answer);
    pg_fixture_start(reads_fixture);
    reads_until(&world, RUNS(1), 200);
}
END_TEST

START_TEST(a_slow_read_holds_up_nobody_and_is_answered)
{
    struct reads_answer answer;

    reads_tune_row(&world, 1, "completed", "");
    block();
    reads_while(&world, RUNS(1), is_locked_out, unblock, &answer);
    ck_assert_int_eq(answer.status, 200);
    reads_expect(answer.json, "{'items':[],'total':0,'limit':20,'offset':0}");
    reads_answer_fini(&answer);
}
END_TEST

static void
add_tests(TCase *refusals)
{
    suite_tests(refusals, limits_hold_at_their_edges,
                a_filter_that_says_nothing_known_is_refused,
                every_wrong_parameter_is_named_at_once,
                a_parameter_that_a_route_does_not_take_is_refused,
                an_id_that_is_no_uuid_is_refused, nobody_reads_another_workspace,
                all_who_name_the_workspace_agree, production_wants_to_know_the_workspace,
                head_says_what_get_would, other_methods_are_told_what_is_taken,
                without_the_database_reads_are_unavailable_until_it_is_back,
                a_read_under_way_is_unavailable_when_the_database_dies,
                a_slow_read_holds_up_nobody_and_is_answered);
}

void
http_refusals_add(void)
{
    TCase *refusals = http_reads_case("refusals");

    tcase_add_checked_fixture(refusals, setup, teardown);
    add_tests(refusals);
}
