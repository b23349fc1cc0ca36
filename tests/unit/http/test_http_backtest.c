/* POST /backtests/run: a back-test of its own, computed, kept and shown again. */
#include <curl/curl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/http/http_runs_help.h"
#include "tests/support/suite.h"

#define STRATEGY "8fd7589a-97c6-49bf-a65e-357fb063fe33"

struct text {
    char *data;
    size_t size;
};

static size_t
on_text(char *data, size_t one, size_t size, void *arg)
{
    struct text *self = arg;

    self->data = realloc(self->data, self->size + size * one + 1);
    ck_assert_ptr_nonnull(self->data);
    memcpy(self->data + self->size, data, size * one);
    self->size += size * one;
    self->data[self->size] = '\0';
    return size * one;
}

static void
add_strategy(void)
{
    json_t *spec = tune_world_strategy("bb_reversal");
    char *text = json_dumps(spec, JSON_COMPACT);

    reads_run(&world,
              "INSERT INTO strategies (id, name, spec) VALUES ('" STRATEGY
              "', 'bb_reversal', $q$%s$q$)"
              " ON CONFLICT DO NOTHING",
              text);
    free(text);
    json_decref(spec);
}

static void
add_part(curl_mime *form, const char *name, const char *value)
{
    curl_mimepart *part = curl_mime_addpart(form);

    curl_mime_name(part, name);
    curl_mime_data(part, value, CURL_ZERO_TERMINATED);
    if (strcmp(name, "file") == 0)
        curl_mime_filename(part, "data.csv");
}

/* fields: name, value, ..., NULL; file NULL: none. The caller frees the body. */
static char *
post(const char *query, const char *file, const char *const *fields, long *ret_status)
{
    CURL *curl = curl_easy_init();
    curl_mime *form = curl_mime_init(curl);
    struct text answer = {NULL, 0};
    char url[300];

    snprintf(url, sizeof(url), "http://%s/backtests/run%s", world.address, query);
    if (file)
        add_part(form, "file", file);
    for (; *fields; fields += 2)
        add_part(form, fields[0], fields[1]);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_MIMEPOST, form);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_text);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    ck_assert_int_eq(curl_easy_perform(curl), CURLE_OK);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
    curl_easy_cleanup(curl);
    curl_mime_free(form);
    return answer.data;
}

static char *
prices(void)
{
    size_t size;

    return tune_world_read("tests/data/SYND.csv", &size);
}

static void
expect_refused(const char *file, const char *const *fields, long status, const char *code)
{
    char *body, *kept;
    long got;
    json_t *problem;

    body = post("", file, fields, &got);
    problem = json_loads(body, 0, NULL);
    ck_assert_msg(got == status, "%ld: %.500s", got, body);
    ck_assert_str_eq(json_string_value(json_object_get(problem, "code")), code);
    kept = reads_query(&world, "SELECT count(*) FROM backtest_runs");
    ck_assert_str_eq(kept, "0");
    json_decref(problem);
    free(kept);
    free(body);
}

START_TEST(a_back_test_is_computed_and_shown_again)
{
    const char *const fields[] = {"strategy_entity_id", STRATEGY, "params",
                                  "{\"period\": 20, \"k\": 1.5}", NULL};
    char *file = prices(), *body;
    struct reads_answer again;
    json_t *answer;
    long status;

    add_strategy();
    body = post("?points=100", file, fields, &status);
    ck_assert_msg(status == 200, "%.500s", body);
    answer = json_loads(body, 0, NULL);
    reads_expect(json_object_get(answer, "params"), "{'period':20,'k':1.5}");
    ck_assert_str_eq(json_string_value(json_object_get(answer, "status")), "completed");
    ck_assert(json_is_null(json_object_get(answer, "tune_id")));
    ck_assert_uint_eq(json_array_size(json_object_get(answer, "warnings")), 1);
    ck_assert_uint_gt(json_array_size(json_object_get(answer, "trades")), 0);
    ask("GET", RUNS, json_string_value(json_object_get(answer, "run_id")), "?points=100",
        &again);
    ck_assert_msg(again.status == 200, "%.500s", again.body);
    ck_assert_str_eq(again.body, body);
    reads_answer_fini(&again);
    json_decref(answer);
    free(body);
    free(file);
}
END_TEST

/* The summary of a trial with these params. */
static json_t *
summary_of_trial(const char *oos_ratio)
{
    const char *const fields[] = {
        "search_type", "grid",    "param_space", "{\"period\":[20],\"k\":[1.5]}",
        "oos_ratio",   oos_ratio, "date_from",   "2019-03-01",
        "select_on",   "oos",     NULL};
    char *tune = completed(fields), *run = run_of(tune, 0);
    struct reads_answer answer;
    json_t *summary;

    ask("GET", RUNS, run, "", &answer);
    ck_assert_int_eq(answer.status, 200);
    summary = json_incref(json_object_get(answer.json, "summary"));
    reads_answer_fini(&answer);
    free(run);
    free(tune);
    return summary;
}

static void
expect_as_trial(const char *oos_ratio)
{
    const char *const fields[] = {"strategy_entity_id",
                                  STRATEGY,
                                  "params",
                                  "{\"period\":20,\"k\":1.5}",
                                  "oos_ratio",
                                  oos_ratio,
                                  "date_from",
                                  "2019-03-01",
                                  NULL};
    char *file = prices(), *body;
    json_t *want, *answer;
    long status;

    add_strategy();
    want = summary_of_trial(oos_ratio);
    body = post("", file, fields, &status);
    ck_assert_msg(status == 200, "%.500s", body);
    answer = json_loads(body, 0, NULL);
    ck_assert(json_equal(want, json_object_get(answer, "summary")));
    json_decref(answer);
    json_decref(want);
    free(body);
    free(file);
}

START_TEST(a_back_test_has_the_figures_of_a_trial)
{
    expect_as_trial("");
}
END_TEST

START_TEST(a_split_back_test_has_the_figures_of_a_trial)
{
    expect_as_trial("0.3");
}
END_TEST

START_TEST(params_that_are_not_named_have_their_default)
{
    const char *const fields[] = {"strategy_entity_id", STRATEGY, NULL};
    char *file = prices(), *body;
    json_t *answer;
    long status;

    add_strategy();
    body = post("", file, fields, &status);
    ck_assert_msg(status == 200, "%.500s", body);
    answer = json_loads(body, 0, NULL);
    ck_assert_uint_eq(json_object_size(json_object_get(answer, "params")), 2);
    json_decref(answer);
    free(body);
    free(file);
}
END_TEST

START_TEST(params_that_are_none_are_refused)
{
    static const char *const wrong[] = {"[]",
                                        "20",
                                        "{\"period\":",
                                        "{\"period\":\"20\"}",
                                        "{\"period\":[20]}",
                                        "{\"period\":{}}",
                                        "{\"nobody\":20}",
                                        "{\"period\":0}",
                                        "{\"period\":20.5}",
                                        "{\"period\":1e99}",
                                        "{\"period\":20,\"period\":21}"};
    char *file = prices();

    add_strategy();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *const fields[] = {"strategy_entity_id", STRATEGY, "params", wrong[i], NULL};

        expect_refused(file, fields, 422, "INVALID_PARAM_SPACE");
    }
    free(file);
}
END_TEST

START_TEST(what_is_missing_or_wrong_is_refused)
{
    const char *const good[] = {"strategy_entity_id", STRATEGY, NULL};
    const char *const bare[] = {"params", "{}", NULL};
    const char *const cash[] = {"strategy_entity_id", STRATEGY, "initial_cash", "1", NULL};
    const char *const slip[] = {"strategy_entity_id", STRATEGY, "comission_bps", "0", NULL};
    const char *const tune[] = {"strategy_entity_id", STRATEGY, "n_trials", "5", NULL};
    const char *const other[] = {"strategy_entity_id", ELSEWHERE, NULL};
    const char *const nowhere[] = {"strategy_entity_id", STRATEGY, "workspace_id", ELSEWHERE,
                                   NULL};
    const char *const late[] = {"strategy_entity_id", STRATEGY, "date_from", "2099-01-01",
                                NULL};
    char *file = prices();

    add_strategy();
    expect_refused(NULL, good, 422, "VALIDATION_FAILED");
    expect_refused("", good, 422, "VALIDATION_FAILED");
    expect_refused(file, bare, 422, "VALIDATION_FAILED");
    expect_refused(file, cash, 422, "VALIDATION_FAILED");
    expect_refused(file, slip, 422, "UNKNOWN_FIELD");
    expect_refused(file, tune, 422, "UNKNOWN_FIELD"); /* a tune's */
    expect_refused(file, other, 404, "STRATEGY_NOT_FOUND");
    expect_refused(file, nowhere, 404, "WORKSPACE_NOT_FOUND");
    expect_refused(file, late, 422, "INSUFFICIENT_DATA");
    expect_refused("date,open\n1,2\n", good, 422, "DATA_PARSE_FAILED");
    expect("POST", "/backtests/run", "", "", 415, "UNSUPPORTED_MEDIA_TYPE");
    free(file);
}
END_TEST

START_TEST(nobody_sees_the_back_test_of_another_workspace)
{
    const char *const fields[] = {"strategy_entity_id", STRATEGY, NULL};
    char *file = prices(), *body, *id;
    long status;

    add_strategy();
    body = post("", file, fields, &status);
    ck_assert_int_eq(status, 200);
    id = reads_query(&world, "SELECT id FROM backtest_runs");
    reads_run(&world, "INSERT INTO workspaces (id, name) VALUES ('" ELSEWHERE "', 'other')");
    expect("GET", RUNS, id, "?workspace_id=" ELSEWHERE, 404, "RUN_NOT_FOUND");
    expect("GET", RUNS, id, "", 200, "");
    free(id);
    free(body);
    free(file);
}
END_TEST

START_TEST(without_a_tuner_nothing_is_computed_or_kept)
{
    const char *const fields[] = {"strategy_entity_id", STRATEGY, NULL};
    char *file = prices();

    add_strategy();
    end_tuner(SIGTERM);
    expect_refused(file, fields, 503, "SERVICE_NOT_FOUND");
    free(file);
}
END_TEST

TCase *
http_backtest_case(void)
{
    TCase *tcase = case_new("backtest", NULL, NULL);

    suite_tests(
        tcase, a_back_test_is_computed_and_shown_again, a_back_test_has_the_figures_of_a_trial,
        a_split_back_test_has_the_figures_of_a_trial,
        params_that_are_not_named_have_their_default, params_that_are_none_are_refused,
        what_is_missing_or_wrong_is_refused, nobody_sees_the_back_test_of_another_workspace,
        without_a_tuner_nothing_is_computed_or_kept);
    return tcase;
}
