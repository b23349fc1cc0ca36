/* bench_submit - how long a small tune takes from its submit until its result is told, as JSON
 * lines: microseconds, and their ratio to the floor.
 *
 *   bench_submit [tunes of each kind, 300]
 *
 * A whole system is started, with one tune worker; one tune is in flight at a time. The floor,
 * measured in turn with the tunes, is what nobody can go below: two commits on the same cluster
 * (the job is durable, the result is durable), one round trip without, and what the engine
 * computes for the tune (trials, probability of over-fitting). The tunes' kinds:
 *
 *   zeromq   libtunemill: from tm_client_submit to the watched job's RESULT
 *   http     POST /backtests/tune with Prefer: wait, on one connection, to the answer's end
 *
 * It is a Check program only so that what its support asserts is told. Run it on a quiet
 * machine.
 */
#include <check.h>
#include <curl/curl.h>
#include <libpq-fe.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actors/kit/util/digest.h"
#include "actors/kit/contracts/tune_request.h"
#include "actors/tune/engine/engine.h"
#include "ops/supervisor/status.h"
#include "proto/client.h"
#include "tests/support/pg_fixture.h"
#include "tests/support/system.h"
#include "tests/support/tune_world.h"

#define DATA      "tests/data/SYND.csv"
#define WORKSPACE "00000000-0000-0000-0000-000000000001"
#define SPACE     "{\"period\":[10,20],\"k\":[1.5,2]}" /* four trials */
#define WARM_UP   20

static const char *const fields[][2] = {
    {"workspace_id", WORKSPACE},
    {"strategy_entity_id", "8fd7589a-97c6-49bf-a65e-357fb063fe33"},
    {"search_type", "grid"},
    {"param_space", SPACE},
};

enum kind { ROUND_TRIP, COMMIT, ENGINE, ZEROMQ, HTTP, KINDS };

static size_t tunes = 300;
static double *samples[KINDS]; /* microseconds */
static struct system_up up;
static char *csv; /* what is in DATA */
static size_t csv_size;

static double
now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

/* ---- the floor -------------------------------------------------------------------------- */

static PGconn *database;

static void
open_database(void)
{
    PGresult *result;

    database = PQconnectdb(up.database);
    ck_assert_msg(PQstatus(database) == CONNECTION_OK, "%s", PQerrorMessage(database));
    result = PQexec(database, "CREATE TABLE bench_floor (id bigserial PRIMARY KEY, body text)");
    ck_assert_int_eq(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    PQclear(
        PQprepare(database, "commit", "INSERT INTO bench_floor (body) VALUES ('x')", 0, NULL));
    PQclear(PQprepare(database, "ask", "SELECT 1", 0, NULL));
}

static double
execute(const char *statement, ExecStatusType wanted)
{
    double start = now_us(), took;
    PGresult *result = PQexecPrepared(database, statement, 0, NULL, NULL, NULL, 0);

    took = now_us() - start;
    ck_assert_msg(PQresultStatus(result) == wanted, "%s", PQerrorMessage(database));
    PQclear(result);
    return took;
}

static double
round_trip(void)
{
    return execute("ask", PGRES_TUPLES_OK);
}

static double
commit(void)
{
    return execute("commit", PGRES_COMMAND_OK) + execute("commit", PGRES_COMMAND_OK);
}

/* ---- the engine ------------------------------------------------------------------------- */

static bars_t *bars;
static strategy_t *strategy;
static json_t *space;

static void
open_engine(void)
{
    json_t *spec = tune_world_strategy("bb_reversal");
    char *text = json_dumps(spec, 0), detail[256] = "";
    const struct data_options reading = DATA_OPTIONS_DEFAULT;
    struct data_report report;

    ck_assert_msg(data_read(csv, csv_size, &reading, &report, &bars) == TM_OK, "%s",
                  report.error);
    ck_assert_msg(strategy_parse(text, strlen(text), &strategy, detail, sizeof detail) == TM_OK,
                  "%s", detail);
    space = json_loads(SPACE, 0, NULL);
    free(text);
    json_decref(spec);
}

static double
engine(void)
{
    struct tune_options options = TUNE_OPTIONS_DEFAULT;
    const struct metrics_blocks *blocks[4];
    tune_plan_t *plan = NULL;
    struct trial trials[4];
    char detail[256] = "";
    double start = now_us(), took;

    options.param_space = space;
    ck_assert_msg(tune_plan_new(bars, strategy, &options, &plan, detail, sizeof detail) ==
                      TM_OK,
                  "%s", detail);
    ck_assert_uint_eq(tune_plan_trials(plan), 4);
    ck_assert_int_eq(tune_run_range(plan, 0, 4, trials, NULL), TM_OK);
    for (size_t i = 0; i < 4; i++)
        blocks[i] = &trials[i].blocks;
    ck_assert(!isnan(overfit_pbo(blocks, 4)));
    took = now_us() - start;
    tune_plan_destroy(&plan);
    return took;
}

/* ---- ZeroMQ ----------------------------------------------------------------------------- */

static tm_client_t *client;
static char *body;
static tm_uuid_t workspace;
static bool is_over;

static void
on_result(void *arg, const struct tm_result *result, tm_str_t text)
{
    (void)arg;
    (void)text;
    ck_assert(tm_str_is(result->state, "done"));
    is_over = true;
}

static void
on_answer(void *arg, const struct tm_answer *answer)
{
    (void)arg;
    ck_assert_msg(answer->err == TM_OK, "%s", answer->detail);
}

static void
make_body(void)
{
    settings_t *settings = settings_new();
    tune_request_t *request = tune_request_new(settings);
    json_t *spec = tune_world_strategy("bb_reversal");
    struct tune_request_error error = {.err = TM_OK};
    uint8_t sha256[32];

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        ck_assert_int_eq(
            tune_request_set(request, fields[i][0], fields[i][1], strlen(fields[i][1]), &error),
            TM_OK);
    ck_assert_int_eq(tune_request_set_strategy(request, &spec, &error), TM_OK);
    digest_of(csv, csv_size, sha256);
    tune_request_set_dataset(request, sha256, csv_size, DATA);
    ck_assert_int_eq(tune_request_finish(request, &error), TM_OK);
    body = tune_request_body(request);
    ck_assert_int_eq(tm_uuid_parse(WORKSPACE, strlen(WORKSPACE), &workspace), TM_OK);
    tune_request_destroy(&request);
    settings_destroy(&settings);
}

static void
open_zeromq(void)
{
    json_t *status = status_read(up.data_dir);
    struct tm_client_options options = {
        .brokers = json_string_value(json_object_get(status, "broker")), .give_up_ms = 10000};

    client = tm_client_new(&options);
    ck_assert_ptr_nonnull(client);
    tm_client_on_watch(client, NULL, on_result, NULL);
    make_body();
    json_decref(status);
}

static double
zeromq(void)
{
    struct tm_job_spec spec = {.queue = TUNE_QUEUE,
                               .workspace = workspace,
                               .watch = true,
                               .body = body,
                               .body_size = strlen(body)};
    double start = now_us();

    is_over = false;
    ck_assert_int_eq(tm_client_submit(client, &spec, on_answer, NULL), TM_OK);
    while (!is_over) {
        tm_err_t err = tm_client_wait(client, 1000);
        ck_assert(err == TM_OK || err == TM_TIMEOUT);
    }
    return now_us() - start;
}

/* ---- HTTP ------------------------------------------------------------------------------- */

static CURL *curl;
static curl_mime *form;
static struct curl_slist *headers;
static struct {
    char text[65536];
    size_t size;
} answer;
static bool is_connected;

static size_t
on_body(char *data, size_t one, size_t size, void *arg)
{
    (void)arg;
    if (size * one >= sizeof answer.text - answer.size)
        return 0;
    memcpy(answer.text + answer.size, data, size * one);
    answer.size += size * one;
    answer.text[answer.size] = '\0';
    return size * one;
}

static void
open_http(void)
{
    curl_mimepart *part;
    char url[300];

    curl = curl_easy_init();
    form = curl_mime_init(curl);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        part = curl_mime_addpart(form);
        curl_mime_name(part, fields[i][0]);
        curl_mime_data(part, fields[i][1], CURL_ZERO_TERMINATED);
    }
    part = curl_mime_addpart(form);
    curl_mime_name(part, "file");
    curl_mime_filename(part, DATA);
    curl_mime_data(part, csv, csv_size);
    headers = curl_slist_append(curl_slist_append(NULL, "Expect:"), "Prefer: wait=10");
    snprintf(url, sizeof url, "%s/backtests/tune", up.http);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_MIMEPOST, form);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
}

static double
http(void)
{
    double start = now_us(), took;
    CURLcode code;
    json_t *json;
    const char *status;
    long connects;

    answer.size = 0;
    code = curl_easy_perform(curl);
    took = now_us() - start;
    ck_assert_msg(code == CURLE_OK, "%s", curl_easy_strerror(code));
    json = json_loads(answer.text, 0, NULL);
    status = json_string_value(json_object_get(json, "status"));
    ck_assert_msg(status && strcmp(status, "completed") == 0, "%s", answer.text);
    curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connects);
    ck_assert_int_eq(connects, is_connected ? 0 : 1); /* it is kept alive */
    is_connected = true;
    json_decref(json);
    return took;
}

/* ---- figures ---------------------------------------------------------------------------- */

static int
by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

/* Of sorted samples, the one that so many percent do not exceed. */
static double
percentile(const double *sorted, size_t percent)
{
    return sorted[(tunes * percent + 99) / 100 - 1];
}

static void
print(const char *name, const double *sorted)
{
    printf("{\"bench\":\"%s\",\"n\":%zu,\"p50_us\":%.0f,\"p99_us\":%.0f}\n", name, tunes,
           percentile(sorted, 50), percentile(sorted, 99));
}

static void
print_tunes(const char *name, const double *sorted, const double *floors)
{
    double p50 = percentile(sorted, 50), p99 = percentile(sorted, 99);

    printf("{\"bench\":\"%s\",\"n\":%zu,\"bars\":%zu,\"trials\":4,\"p50_us\":%.0f,"
           "\"p99_us\":%.0f,\"p50_to_floor\":%.2f,\"p99_to_floor\":%.2f}\n",
           name, tunes, bars->count, p50, p99, p50 / percentile(floors, 50),
           p99 / percentile(floors, 99));
}

static void
print_all(void)
{
    double *floors = calloc(tunes, sizeof *floors);

    ck_assert_ptr_nonnull(floors);
    for (size_t i = 0; i < tunes; i++)
        floors[i] = samples[ROUND_TRIP][i] + samples[COMMIT][i] + samples[ENGINE][i];
    qsort(floors, tunes, sizeof *floors, by_value);
    for (size_t kind = 0; kind < KINDS; kind++)
        qsort(samples[kind], tunes, sizeof **samples, by_value);
    print("submit_floor_round_trip", samples[ROUND_TRIP]);
    print("submit_floor_two_commits", samples[COMMIT]);
    print("submit_floor_engine", samples[ENGINE]);
    print("submit_floor", floors);
    print_tunes("submit_zeromq", samples[ZEROMQ], floors);
    print_tunes("submit_http", samples[HTTP], floors);
    free(floors);
}

/* ---- the run ---------------------------------------------------------------------------- */

/* One after the other, so that all see the same machine. */
static void
measure(void)
{
    static double (*const kinds[KINDS])(void) = {round_trip, commit, engine, zeromq, http};

    for (size_t i = 0; i < tunes + WARM_UP; i++)
        for (size_t kind = 0; kind < KINDS; kind++)
            samples[kind][i < WARM_UP ? 0 : i - WARM_UP] = kinds[kind]();
}

static void
expect_all_completed(void)
{
    char *count = pg_fixture_query(
        up.database, "SELECT count(*) FROM backtest_tunes WHERE status = 'completed'"
                     " AND trials_completed = 4");

    ck_assert_uint_eq(strtoul(count, NULL, 10), 2 * (tunes + WARM_UP) + 1);
    free(count);
}

static void
close_all(void)
{
    curl_easy_cleanup(curl);
    curl_mime_free(form);
    curl_slist_free_all(headers);
    tm_client_destroy(&client);
    PQfinish(database);
    bars_destroy(&bars);
    strategy_destroy(&strategy);
    json_decref(space);
    free(body);
    free(csv);
    for (size_t kind = 0; kind < KINDS; kind++)
        free(samples[kind]);
}

START_TEST(bench_submit)
{
    for (size_t kind = 0; kind < KINDS; kind++)
        samples[kind] = calloc(tunes, sizeof **samples);
    csv = tune_world_read(DATA, &csv_size);
    system_start(&up, "1");
    open_database();
    open_engine();
    open_http();
    http(); /* stores the data, which the other kind takes to be there */
    open_zeromq();
    measure();
    expect_all_completed();
    print_all();
    close_all();
    system_stop(&up);
}
END_TEST

static void
print_failures(SRunner *runner)
{
    TestResult **failures = srunner_failures(runner);

    for (int i = 0; i < srunner_ntests_failed(runner); i++)
        fprintf(stderr, "bench_submit: %s:%d: %s\n", tr_lfile(failures[i]), tr_lno(failures[i]),
                tr_msg(failures[i]));
    free(failures);
}

int
main(int argc, char **argv)
{
    Suite *suite = suite_create("bench");
    TCase *tcase = tcase_create("submit");
    SRunner *runner = srunner_create(suite);
    int failed;

    if (argc > 1)
        tunes = strtoul(argv[1], NULL, 10);
    if (argc > 2 || tunes < 1 || tunes > 100000) {
        fprintf(stderr, "usage: bench_submit [1..100000 tunes]\n");
        return 2;
    }
    setenv("TMPDIR", "/tmp", false); /* the figures are of a disk, not of memory */
    tcase_set_timeout(tcase, 3600);
    tcase_add_test(tcase, bench_submit);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_SILENT);
    failed = srunner_ntests_failed(runner);
    print_failures(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
