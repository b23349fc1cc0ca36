#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/tunes/csv.h"
#include "actors/http/core/problem.h"
#include "actors/http/core/query.h"
#include "actors/http/http.h"
#include "actors/kit/util/auto.h"
#include "tests/support/suite.h"

#define ID "8fd7589a-97c6-49bf-a65e-357fb063fe33"

/* --- routes ------------------------------------------------------------------------------- */

static void
check_route(const char *method, const char *path, const char *id)
{
    struct route_match match;

    ck_assert_msg(route_find(&http_routes, method, path, &match) == TM_OK, "%s %s is not found",
                  method, path);
    ck_assert_str_eq(match.route->id, id);
}

START_TEST(an_address_leads_to_its_row)
{
    check_route("POST", "/backtests/tune", "TUNE_SUBMIT");
    check_route("GET", "/backtests/tunes", "TUNES");
    check_route("GET", "/backtests/tunes/" ID, "TUNE");
    check_route("GET", "/backtests/tunes/" ID "/runs", "TUNE_RUNS");
    check_route("DELETE", "/backtests/tunes/" ID, "TUNE_DELETE");
    check_route("POST", "/backtests/tunes/" ID "/cancel", "TUNE_CANCEL");
    check_route("POST", "/backtests/tunes/" ID "/explain", "TUNE_EXPLAIN");
    check_route("GET", "/backtests/runs/" ID, "BACKTEST");
    check_route("POST", "/backtests/run", "BACKTEST_NEW");
    check_route("GET", "/backtests/compare", "COMPARE");
    check_route("HEAD", "/health", "HEALTH");
}
END_TEST

START_TEST(the_id_is_taken_from_the_path)
{
    struct route_match match;

    ck_assert_int_eq(route_find(&http_routes, "GET", "/backtests/tunes/" ID "/runs", &match),
                     TM_OK);
    ck_assert(tm_str_is(match.id, ID));
}
END_TEST

START_TEST(a_name_is_taken_from_the_path_if_it_is_one)
{
    struct route_match match;

    ck_assert_int_eq(route_find(&http_routes, "POST", "/admin/queues/a.b-c_9/pause", &match),
                     TM_OK);
    ck_assert(tm_str_is(match.name, "a.b-c_9"));
    ck_assert_uint_eq(match.id.size, 0);
    ck_assert_int_eq(route_find(&http_routes, "POST", "/admin/queues/A/pause", &match),
                     TM_NOT_FOUND);
    ck_assert_int_eq(route_find(&http_routes, "POST", "/admin/queues//pause", &match),
                     TM_NOT_FOUND);
    ck_assert_int_eq(route_find(&http_routes, "GET", "/admin/queues/a/pause", &match),
                     TM_METHOD_NOT_ALLOWED);
}
END_TEST

/* /admin/dead/{id}/retry has the same beginning as /admin/dead/retry. */
START_TEST(what_another_row_took_is_not_this_ones)
{
    struct route_match match;

    ck_assert_int_eq(route_find(&http_routes, "POST", "/admin/dead/retry", &match), TM_OK);
    ck_assert_str_eq(match.route->id, "DEAD_RETRY_MANY");
    ck_assert_uint_eq(match.id.size, 0);
    ck_assert_int_eq(route_find(&http_routes, "POST", "/admin/dead/" ID "/retry", &match),
                     TM_OK);
    ck_assert_str_eq(match.route->id, "DEAD_RETRY");
    ck_assert(tm_str_is(match.id, ID));
}
END_TEST

START_TEST(an_unknown_address_is_not_found)
{
    static const char *const paths[] = {"",
                                        "/x",
                                        "//",
                                        "/backtests",
                                        "/backtests/tunes/",
                                        "/backtests/tunes/x/y",
                                        "/healthy",
                                        "/health/",
                                        "health"};
    struct route_match match;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        ck_assert_msg(route_find(&http_routes, "GET", paths[i], &match) == TM_NOT_FOUND,
                      "%s is found", paths[i]);
}
END_TEST

START_TEST(another_method_is_told_what_is_allowed)
{
    struct route_match match;

    ck_assert_int_eq(route_find(&http_routes, "DELETE", "/health", &match),
                     TM_METHOD_NOT_ALLOWED);
    ck_assert_str_eq(match.allow, "GET, HEAD");
    ck_assert_int_eq(route_find(&http_routes, "HEAD", "/backtests/tune", &match),
                     TM_METHOD_NOT_ALLOWED);
    ck_assert_str_eq(match.allow, "POST");
    ck_assert_int_eq(route_find(&http_routes, "POST", "/admin/coverage/weak/x", &match),
                     TM_METHOD_NOT_ALLOWED);
    ck_assert_str_eq(match.allow, "PATCH");
}
END_TEST

/* --- query -------------------------------------------------------------------------------- */

START_TEST(absent_parameters_have_their_defaults)
{
    struct query query;

    query_init(&query);
    ck_assert_int_eq(query.limit, 20);
    ck_assert_int_eq(query.offset, 0);
    ck_assert(!query.has_limit && !query.has_status);
}
END_TEST

START_TEST(parameters_are_read)
{
    struct problem problem = {0};
    struct query query;
    unsigned sets = QUERY_PAGE | QUERY_TUNES;

    query_init(&query);
    query_set(&query, sets, "limit", "200", &problem);
    query_set(&query, sets, "status", "running", &problem);
    query_set(&query, sets, "oos_enabled", "false", &problem);
    query_set(&query, sets, "strategy_entity_id", ID, &problem);
    ck_assert_int_eq(problem.err, TM_OK);
    ck_assert_int_eq(query.limit, 200);
    ck_assert_str_eq(query.status.text, "running");
    ck_assert(query.has_oos_enabled && !query.oos_enabled);
    ck_assert(query.has_strategy_entity_id);
}
END_TEST

START_TEST(a_wrong_parameter_is_named)
{
    static const char *const wrong[][2] = {
        {"limit", "0"},
        {"limit", "201"},
        {"limit", "-1"},
        {"limit", ""},
        {"limit", "1e2"},
        {"offset", "x"},
        {"offset", "9999999999999999999999"},
        {"status", ""},
        {"status", "runn"},
        {"status", "queued running"},
        {"status", " "},
        {"valid_only", "perhaps"},
        {"strategy_entity_id", "x"},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct problem problem = {0};
        struct query query;
        char loc[80];

        query_init(&query);
        query_set(&query, QUERY_PAGE | QUERY_TUNES, wrong[i][0], wrong[i][1], &problem);
        snprintf(loc, sizeof(loc), "query.%s", wrong[i][0]);
        ck_assert_msg(problem.err == TM_VALIDATION_FAILED, "%s=%s", wrong[i][0], wrong[i][1]);
        ck_assert_str_eq(problem.errors[0].loc, loc);
    }
}
END_TEST

START_TEST(a_parameter_given_twice_is_refused)
{
    struct problem problem = {0};
    struct query query;

    query_init(&query);
    query_set(&query, QUERY_PAGE, "limit", "1", &problem);
    query_set(&query, QUERY_PAGE, "limit", "2", &problem);
    ck_assert_int_eq(problem.err, TM_VALIDATION_FAILED);
}
END_TEST

/* `count` different ids, then it ends: is it refused? */
static bool
is_refused(size_t count)
{
    struct problem problem = {0};
    struct query query;

    query_init(&query);
    for (size_t i = 0; i < count; i++) {
        tm_uuid_t id = {{[15] = (uint8_t)i}};
        char text[TM_UUID_TEXT];

        query_set(&query, QUERY_COMPARE, "tune_id", tm_uuid_text(&id, text), &problem);
    }
    query_end(&query, QUERY_COMPARE, &problem);
    ck_assert(problem.err || query.tune_id.count == count);
    return problem.err == TM_VALIDATION_FAILED;
}

START_TEST(a_list_has_as_many_values_as_its_row_says)
{
    for (size_t count = 0; count < 13; count++)
        ck_assert_int_eq(is_refused(count), count < 2 || count > 10);
}
END_TEST

START_TEST(a_list_has_no_value_twice)
{
    struct problem problem = {0};
    struct query query;

    query_init(&query);
    query_set(&query, QUERY_COMPARE, "tune_id", ID, &problem);
    ck_assert_int_eq(problem.err, TM_OK);
    query_set(&query, QUERY_COMPARE, "tune_id", "8FD7589A-97C6-49BF-A65E-357FB063FE33",
              &problem);
    ck_assert_int_eq(problem.err, TM_VALIDATION_FAILED);
    query_end(&query, QUERY_COMPARE, &problem);
    ck_assert_uint_eq(problem.error_count, 1);
}
END_TEST

START_TEST(a_route_without_a_list_needs_none)
{
    struct problem problem = {0};
    struct query query;

    query_init(&query);
    query_end(&query, QUERY_PAGE, &problem);
    ck_assert_int_eq(problem.err, TM_OK);
}
END_TEST

START_TEST(a_route_takes_only_its_own_parameters)
{
    struct problem problem = {0};
    struct query query;

    query_init(&query);
    query_set(&query, QUERY_PAGE, "status", "queued", &problem);
    ck_assert_int_eq(problem.err, TM_UNKNOWN_FIELD);
    ck_assert_str_eq(problem.errors[0].loc, "query.status");
    ck_assert_str_eq(problem.errors[0].msg, "is not known here; known: limit, offset");
    ck_assert(!query.has_status);
}
END_TEST

static const struct {
    unsigned sets;
    const char *name, *says;
} strange[] = {
    {QUERY_PAGE | QUERY_TUNES, "limt", "did you mean limit?"},
    {QUERY_PAGE | QUERY_TUNES, "Status", "did you mean status?"},
    {QUERY_PAGE | QUERY_TUNES, "", "is not known here"},
    {QUERY_PRUNE, "dryrun", "did you mean dry_run?"},
    {QUERY_PRUNE, "cutoff_day", "did you mean cutoff_days?"},
    {QUERY_COMPARE, "tune_ids", "did you mean tune_id?"},
    {QUERY_NONE, "limit", "nothing is taken"},
};

START_TEST(a_parameter_nobody_knows_is_refused_with_the_nearest)
{
    struct problem problem = {0};
    struct query query;

    query_init(&query);
    query_set(&query, strange[_i].sets, strange[_i].name, "1", &problem);
    ck_assert_int_eq(problem.err, TM_UNKNOWN_FIELD);
    ck_assert_msg(strstr(problem.errors[0].msg, strange[_i].says) != NULL, "%s: %s",
                  strange[_i].name, problem.errors[0].msg);
    problem = (struct problem){0};
    query_set(&query, QUERY_ANY, strange[_i].name, "1", &problem);
    ck_assert_int_eq(problem.err, TM_OK); /* a page's own */
}
END_TEST

START_TEST(a_name_may_mean_something_else_elsewhere)
{
    struct problem problem = {0};
    struct query query;

    query_init(&query);
    query_set(&query, QUERY_WEAK, "status", "acknowledged", &problem);
    ck_assert_int_eq(problem.err, TM_OK);
    ck_assert(query.has_coverage_status && !query.has_status);
    ck_assert_str_eq(query.coverage_status.text, "acknowledged");
    query_set(&query, QUERY_TUNES, "status", "queued", &problem);
    ck_assert_int_eq(problem.err, TM_OK);
    ck_assert_str_eq(query.status.text, "queued");
    query_init(&query);
    query_set(&query, QUERY_WEAK, "status", "queued", &problem);
    ck_assert_int_eq(problem.err, TM_VALIDATION_FAILED);
    ck_assert_str_eq(problem.errors[0].loc, "query.status");
}
END_TEST

START_TEST(an_encoded_nul_ends_no_text)
{
    static const char *const texts[][2] = {
        {"a%20b%2Fc%2f", "a b/c/"},
        {"x%00y", "x%00y"},
        {"%", "%"},
        {"%4", "%4"},
        {"%zz%41", "%zzA"},
        {"", ""},
        {"%%41", "%A"},
        {"%ff", "\xff"},
        {"%0", "%0"},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char text[32];

        strcpy(text, texts[i][0]);
        ck_assert_uint_eq(query_unescape(text), strlen(texts[i][1]));
        ck_assert_str_eq(text, texts[i][1]);
    }
}
END_TEST

/* --- problems ----------------------------------------------------------------------------- */

START_TEST(a_problem_says_what_its_row_says)
{
    struct problem problem;
    tm_auto(tm_text) text = NULL;
    tm_auto(json) root = NULL;

    problem_init(&problem, TM_QUEUE_FULL, "%s", "");
    text = problem_render(&problem, NULL);
    root = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(root);
    ck_assert_int_eq(json_integer_value(json_object_get(root, "status")), 429);
    ck_assert_str_eq(json_string_value(json_object_get(root, "code")), "QUEUE_FULL");
    ck_assert_str_eq(json_string_value(json_object_get(root, "detail")),
                     tm_err_text(TM_QUEUE_FULL));
    ck_assert_int_eq(json_integer_value(json_object_get(root, "retry_after_seconds")), 1);
    ck_assert_ptr_null(json_object_get(root, "errors"));
}
END_TEST

START_TEST(a_problem_quotes_anything_and_stays_json)
{
    struct problem problem = {0};
    tm_auto(tm_text) text = NULL;
    tm_auto(json) root = NULL;

    problem_add(&problem, TM_VALIDATION_FAILED, "body.\xff", "%s",
                "\xff\xfe \"quoted\" \n\x01");
    text = problem_render(&problem, NULL);
    root = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(root);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "errors")), 1);
}
END_TEST

START_TEST(a_problem_holds_a_bounded_number_of_errors)
{
    struct problem problem = {0};

    for (int i = 0; i < PROBLEM_ERRORS * 2; i++)
        problem_add(&problem, TM_VALIDATION_FAILED, "x", "%d", i);
    ck_assert_uint_eq(problem.error_count, PROBLEM_ERRORS);
}
END_TEST

/* --- CSV and OpenAPI ---------------------------------------------------------------------- */

START_TEST(a_cell_is_never_a_formula)
{
    tm_auto(csv) csv = csv_new();
    tm_auto(tm_text) text = NULL;
    size_t size;

    csv_text(csv, "=1+1");
    csv_text(csv, "@x");
    csv_text(csv, "a,\"b\"\n");
    csv_number(csv, -0.1);
    csv_text(csv, "plain");
    csv_end_row(csv);
    text = csv_take(csv, &size);
    ck_assert_str_eq(text, "\"'=1+1\",\"'@x\",\"a,\"\"b\"\"\n\",-0.1,plain\r\n");
    ck_assert_uint_eq(size, strlen(text));
}
END_TEST

START_TEST(a_leaderboard_becomes_rows)
{
    tm_auto(tm_text) text = NULL;
    size_t size;

    text =
        csv_leaderboard("{\"items\":[{\"rank\":1,\"strategy_name\":\"-x\",\"score\":0.25,"
                        "\"summary\":{\"sharpe\":null,\"trades\":12},\"params\":{\"k\":2}}]}",
                        &size);
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(
        strstr(text, "\r\n1,,,,\"'-x\",,,0.25,,,,,,,,12,,,,\"{\"\"k\"\":2}\",,,,,\r\n"));
    ck_assert_ptr_null(csv_leaderboard("[]", &size));
    ck_assert_ptr_null(csv_leaderboard("{", &size));
}
END_TEST

START_TEST(a_text_parameter_has_a_length)
{
    char longest[1100] = "";
    struct problem problem = {0};
    struct query query;

    query_init(&query);
    ck_assert_ptr_null(query.next);
    query_set(&query, QUERY_NEXT, "next", "/a", &problem);
    ck_assert_int_eq(problem.err, TM_OK);
    ck_assert_str_eq(query.next, "/a");
    memset(longest, 'a', sizeof(longest) - 1);
    query_init(&query);
    query_set(&query, QUERY_NEXT, "next", longest, &problem);
    ck_assert_int_eq(problem.err, TM_VALIDATION_FAILED);
    ck_assert_str_eq(problem.errors[0].loc, "query.next");
    ck_assert_ptr_null(query.next);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("http tables");
    TCase *tables = suite_case(suite, "tables", NULL, NULL);

    suite_tests(
        tables, an_address_leads_to_its_row, the_id_is_taken_from_the_path,
        a_name_is_taken_from_the_path_if_it_is_one, what_another_row_took_is_not_this_ones,
        an_unknown_address_is_not_found, another_method_is_told_what_is_allowed,
        absent_parameters_have_their_defaults, parameters_are_read, a_wrong_parameter_is_named,
        a_parameter_given_twice_is_refused, a_list_has_as_many_values_as_its_row_says,
        a_list_has_no_value_twice, a_route_without_a_list_needs_none,
        a_route_takes_only_its_own_parameters, a_name_may_mean_something_else_elsewhere,
        an_encoded_nul_ends_no_text, a_problem_says_what_its_row_says,
        a_problem_quotes_anything_and_stays_json, a_problem_holds_a_bounded_number_of_errors,
        a_cell_is_never_a_formula, a_leaderboard_becomes_rows, a_text_parameter_has_a_length);
    suite_rows(tables, a_parameter_nobody_knows_is_refused_with_the_nearest, strange);
    return suite_run(suite);
}
