/* Retention over HTTP: what is deleted when asked, the log and the status. */
#include <check.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "tests/support/patience.h"
#include "tests/support/pg_suite.h"
#include "tests/support/reads_world.h"

#define PRUNE  "/admin/retention/prune/"
#define LOGS   "/admin/retention/logs"
#define STATUS "/admin/retention/status"

static struct reads_world world;

static void
ask(const char *method, const char *path, struct reads_answer *ret)
{
    static const char *const headers[] = {"X-Admin-Token: " READS_TOKEN, NULL};

    reads_ask(&world, method, path, headers, ret);
}

/* Returns when the bridge's connection for runs is there, too. */
static void
setup(void)
{
    int64_t end_ms = clock_ms() + PATIENCE_MS;
    struct reads_answer answer;
    long status;

    reads_world_init(&world, NULL, "development");
    do {
        ask("POST", PRUNE "nothing", &answer);
        status = answer.status;
        reads_answer_fini(&answer);
        ck_assert(clock_ms() < end_ms);
    } while (status == 503);
    ck_assert_int_eq(status, 404);
}

static void
teardown(void)
{
    reads_world_fini(&world);
}

/* The JSON of a 200, the caller's. */
static json_t *
done(const char *method, const char *path)
{
    struct reads_answer answer;
    json_t *json;

    ask(method, path, &answer);
    ck_assert_msg(answer.status == 200, "%s: %ld %s", path, answer.status, answer.body);
    json = json_incref(answer.json);
    reads_answer_fini(&answer);
    return json;
}

static void
expect_refused(const char *method, const char *path, long status, const char *text)
{
    struct reads_answer answer;

    ask(method, path, &answer);
    ck_assert_msg(answer.status == status, "%s: %ld %s", path, answer.status, answer.body);
    ck_assert_msg(strstr(answer.body, text), "no %s in %s", text, answer.body);
    reads_answer_fini(&answer);
}

static void
expect_rows(const char *want, const char *sql)
{
    char *got = reads_query(&world, "%s", sql);

    ck_assert_msg(strcmp(got, want) == 0, "%s: \"%s\", not \"%s\"", sql, got, want);
    free(got);
}

static void
add_runs(int count, const char *age)
{
    reads_run(&world,
              "INSERT INTO job_runs (id, workspace_id, queue, outcome, attempt, failures,"
              "    created_at, finished_at) SELECT gen_random_uuid(), '" READS_WORKSPACE "',"
              "    'mail', 'done', 1, 0, now(), now() - interval '%s'"
              "  FROM generate_series(1, %d)",
              age, count);
}

static void
add_keys(int count)
{
    reads_run(&world,
              "INSERT INTO idempotency_keys (workspace_id, scope, key, request_hash, job_id,"
              "    expires_at) SELECT '" READS_WORKSPACE "', 's', n::text, '',"
              "    gen_random_uuid(), now() - interval '1 s' FROM generate_series(1, %d) n",
              count);
}

/* What was asked for, and how it ended; id and time are looked at and taken out. */
static void
expect_pruned(const char *path, const char *want)
{
    json_t *json = done("POST", path);
    const char *id = json_string_value(json_object_get(json, "job_log_id"));
    char *known;

    ck_assert_ptr_nonnull(id);
    known = reads_query(&world, "SELECT who FROM retention_job_log WHERE id = '%s'", id);
    ck_assert_str_eq(known, "admin");
    free(known);
    ck_assert(json_is_integer(json_object_get(json, "duration_ms")));
    json_object_del(json, "job_log_id");
    json_object_del(json, "duration_ms");
    reads_expect(json, want);
    json_decref(json);
}

START_TEST(without_a_word_a_run_is_dry)
{
    add_runs(3, "31 days");
    add_keys(2);
    expect_pruned(PRUNE "job-runs",
                  "{'job_name':'job-runs','deleted_count':3,'dry_run':true,'cutoff_days':30}");
    expect_pruned(PRUNE "job-runs?dry_run=true&cutoff_days=32",
                  "{'job_name':'job-runs','deleted_count':0,'dry_run':true,'cutoff_days':32}");
    expect_pruned(PRUNE "trade-events",
                  "{'job_name':'trade-events','deleted_count':0,'dry_run':true,"
                  "'cutoff_days':90}");
    expect_pruned(PRUNE "match-runs?cutoff_days=730",
                  "{'job_name':'match-runs','deleted_count':0,'dry_run':true,"
                  "'cutoff_days':730}");
    expect_pruned(PRUNE "idempotency-keys",
                  "{'job_name':'idempotency-keys','deleted_count':2,'dry_run':true,"
                  "'cutoff_days':null}");
    expect_rows("3|2", "SELECT (SELECT count(*) FROM job_runs),"
                       " (SELECT count(*) FROM idempotency_keys)");
    expect_rows("10000|10000|10000|10000|10000", "SELECT string_agg(batch_size::text, '|')"
                                                 " FROM retention_job_log");
}
END_TEST

START_TEST(when_asked_it_deletes)
{
    add_runs(250, "31 days");
    add_runs(5, "20 days");
    add_keys(2);
    expect_pruned(PRUNE "job-runs?dry_run=false&batch_size=100",
                  "{'job_name':'job-runs','deleted_count':250,'dry_run':false,"
                  "'cutoff_days':30}");
    expect_pruned(PRUNE "job-runs?dry_run=0&cutoff_days=1",
                  "{'job_name':'job-runs','deleted_count':5,'dry_run':false,'cutoff_days':1}");
    expect_pruned(PRUNE "idempotency-keys?dry_run=false&cutoff_days=9",
                  "{'job_name':'idempotency-keys','deleted_count':2,'dry_run':false,"
                  "'cutoff_days':null}");
    expect_rows("0|0", "SELECT (SELECT count(*) FROM job_runs),"
                       " (SELECT count(*) FROM idempotency_keys)");
}
END_TEST

START_TEST(what_is_out_of_range_is_named)
{
    static const char *const wrong[][2] = {
        {"job-runs?cutoff_days=0", "query.cutoff_days"},
        {"job-runs?cutoff_days=366", "query.cutoff_days"},
        {"trade-events?cutoff_days=366", "query.cutoff_days"},
        {"match-runs?cutoff_days=731", "query.cutoff_days"},
        {"job-runs?cutoff_days=-1", "query.cutoff_days"},
        {"job-runs?cutoff_days=1.5", "query.cutoff_days"},
        {"job-runs?batch_size=99", "query.batch_size"},
        {"job-runs?batch_size=100001", "query.batch_size"},
        {"job-runs?dry_run=maybe", "query.dry_run"},
        {"job-runs?dry_run=", "query.dry_run"},
        {"job-runs?dry_run=false&cutof_days=300", "did you mean cutoff_days?"},
    };

    add_runs(1, "400 days");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char path[200];

        snprintf(path, sizeof(path), PRUNE "%s%sdry_run=false", wrong[i][0],
                 strchr(wrong[i][0], '?') ? "&" : "?");
        if (strstr(wrong[i][0], "dry_run"))
            snprintf(path, sizeof(path), PRUNE "%s", wrong[i][0]);
        expect_refused("POST", path, 422, wrong[i][1]);
    }
    expect_refused("POST", PRUNE "nothing", 404, "there is no such retention job");
    expect_refused("POST", PRUNE "Job_Runs", 404, "NOT_FOUND");
    expect_rows("1|0", "SELECT (SELECT count(*) FROM job_runs),"
                       " (SELECT count(*) FROM retention_job_log)");
    expect_pruned(PRUNE "job-runs?dry_run=false&cutoff_days=365",
                  "{'job_name':'job-runs','deleted_count':1,'dry_run':false,"
                  "'cutoff_days':365}"); /* and the connection serves on */
}
END_TEST

START_TEST(nobody_looks_or_deletes_without_the_token)
{
    static const char *const asked[][2] = {
        {"POST", PRUNE "job-runs?dry_run=false"}, {"GET", LOGS}, {"GET", STATUS}};
    static const char *const wrong[] = {"X-Admin-Token: other", NULL};
    struct reads_answer answer;

    add_runs(1, "400 days");
    for (size_t i = 0; i < 3; i++) {
        reads_ask(&world, asked[i][0], asked[i][1], NULL, &answer);
        ck_assert_int_eq(answer.status, 401);
        reads_answer_fini(&answer);
        reads_ask(&world, asked[i][0], asked[i][1], wrong, &answer);
        ck_assert_int_eq(answer.status, 403);
        reads_answer_fini(&answer);
    }
    expect_refused("GET", PRUNE "job-runs", 405, "METHOD_NOT_ALLOWED");
    expect_rows("1|0", "SELECT (SELECT count(*) FROM job_runs),"
                       " (SELECT count(*) FROM retention_job_log)");
}
END_TEST

START_TEST(a_run_that_fails_says_why_and_one_beside_another_that_it_is_busy)
{
    PGconn *holder = PQconnectdb(world.url);
    json_t *logs;

    add_runs(1, "400 days");
    PQclear(PQexec(holder, "BEGIN"));
    PQclear(PQexec(holder, "LOCK TABLE job_runs IN SHARE MODE"));
    expect_refused("POST", PRUNE "job-runs?dry_run=false", 500,
                   "the table was locked by somebody else for more than 2 s");
    PQclear(PQexec(holder, "ROLLBACK"));
    PQclear(PQexec(holder, "SELECT pg_advisory_lock(54, retention_key('job-runs'))"));
    expect_refused("POST", PRUNE "job-runs?dry_run=false", 503, "another run of this job");
    PQfinish(holder);
    logs = done("GET", LOGS);
    reads_expect(json_object_get(logs, "total"), "2");
    reads_expect(json_object_get(json_array_get(json_object_get(logs, "items"), 0), "ok"),
                 "null");
    reads_expect(json_object_get(json_array_get(json_object_get(logs, "items"), 1), "ok"),
                 "false");
    json_decref(logs);
}
END_TEST

START_TEST(the_log_comes_newest_first_in_pages_and_by_job)
{
    json_t *logs;

    reads_run(&world, "INSERT INTO retention_job_log (job_name, started_at, finished_at,"
                      "    dry_run, cutoff, batch_size, deleted_count, ok, duration_ms, who)"
                      " SELECT CASE n %% 2 WHEN 0 THEN 'job-runs' ELSE 'match-runs' END,"
                      "    timestamptz '2024-01-01Z' + n * interval '1 h',"
                      "    timestamptz '2024-01-01Z' + n * interval '1 h', false, '30 days',"
                      "    100, n, true, 7, 'cron' FROM generate_series(1, 25) n");
    logs = done("GET", LOGS);
    ck_assert_uint_eq(json_array_size(json_object_get(logs, "items")), 20);
    reads_expect(json_object_get(logs, "total"), "25");
    json_decref(logs);
    logs = done("GET", LOGS "?job_name=job-runs&limit=1&offset=2");
    json_object_del(json_array_get(json_object_get(logs, "items"), 0), "job_log_id");
    reads_expect(logs, "{'items':[{'job_name':'job-runs',"
                       "'started_at':'2024-01-01T20:00:00.000Z',"
                       "'finished_at':'2024-01-01T20:00:00.000Z','dry_run':false,"
                       "'cutoff_days':30,'batch_size':100,'deleted_count':20,'ok':true,"
                       "'error':null,'duration_ms':7,'who':'cron'}],"
                       "'total':12,'limit':1,'offset':2}");
    json_decref(logs);
    logs = done("GET", LOGS "?job_name=nothing");
    reads_expect(logs, "{'items':[],'total':0,'limit':20,'offset':0}");
    json_decref(logs);
    expect_refused("GET", LOGS "?job_name=A", 422, "query.job_name");
    expect_refused("GET", LOGS "?limit=201", 422, "query.limit");
    expect_refused("GET", LOGS "?offset=-1", 422, "query.offset");
}
END_TEST

START_TEST(the_status_shows_schedule_last_runs_and_tables)
{
    json_t *status, *job;
    const char *next;

    add_runs(2, "40 days");
    expect_pruned(PRUNE "match-runs", /* a dry run is no last run */
                  "{'job_name':'match-runs','deleted_count':0,'dry_run':true,"
                  "'cutoff_days':180}");
    json_decref(done("POST", PRUNE "job-runs?dry_run=false"));
    status = done("GET", STATUS);
    reads_expect(json_object_get(status, "pg_cron_available"), "false");
    ck_assert_uint_eq(json_object_size(json_object_get(status, "last_runs")), 1);
    reads_expect(
        json_object_get(json_object_get(json_object_get(status, "last_runs"), "job-runs"),
                        "deleted_count"),
        "2");
    ck_assert(json_is_integer(json_object_get(
        json_object_get(json_object_get(status, "table_estimates"), "job_runs"), "bytes")));
    job = json_array_get(json_object_get(status, "scheduled_jobs"), 1);
    next = json_string_value(json_object_get(job, "next_run_at"));
    ck_assert_msg(next && strstr(next, "T03:20:00.000Z"), "%s", next);
    json_object_del(job, "next_run_at");
    reads_expect(job, "{'job_name':'job-runs','table':'job_runs','schedule':'20 3 * * *',"
                      "'scheduled_by':'actor','enabled':true,'running':false,"
                      "'cutoff_days':30,'batch_size':10000,'consecutive_failures':0}");
    json_decref(status);
}
END_TEST

/* --- while it runs ------------------------------------------------------------------------ */

static void
make_slow(void)
{
    add_runs(400, "40 days");
    reads_run(&world, "CREATE FUNCTION hinder() RETURNS trigger LANGUAGE plpgsql AS $$"
                      " BEGIN PERFORM pg_sleep(0.005); RETURN OLD; END $$;"
                      "CREATE TRIGGER hinders BEFORE DELETE ON job_runs"
                      " FOR EACH ROW EXECUTE FUNCTION hinder()");
}

static void
wait_for(const char *want, const char *sql)
{
    int64_t end_ms = clock_ms() + PATIENCE_MS;

    for (;;) {
        char *got = reads_query(&world, "%s", sql);
        bool is_so = strcmp(got, want) == 0;

        ck_assert_msg(is_so || clock_ms() < end_ms, "%s: %s", sql, got);
        free(got);
        if (is_so)
            return;
        poll(NULL, 0, 10);
    }
}

/* A connection on which a run was asked for, once its first batch is done. */
static int
begin_run(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    static const char request[] = "POST " PRUNE "job-runs?dry_run=false&batch_size=100"
                                  " HTTP/1.1\r\nHost: x\r\nX-Admin-Token: " READS_TOKEN
                                  "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_port = htons((uint16_t)strtol(strrchr(world.address, ':') + 1, NULL, 10));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(write(fd, request, sizeof(request) - 1), sizeof(request) - 1);
    wait_for("100", "SELECT max(deleted_count) FROM retention_job_log");
    return fd;
}

START_TEST(other_requests_do_not_wait_for_a_run)
{
    char answer[4000] = "";
    size_t size = 0;
    ssize_t got;
    int fd;

    make_slow();
    fd = begin_run();
    json_decref(reads_json(&world, "/strategies?workspace_id=" READS_WORKSPACE));
    json_decref(done("GET", STATUS));
    expect_rows("t", "SELECT finished_at IS NULL FROM retention_job_log");
    while ((got = read(fd, answer + size, sizeof(answer) - 1 - size)) > 0)
        size += (size_t)got;
    close(fd);
    ck_assert_msg(strstr(answer, " 200 OK") && strstr(answer, "\"deleted_count\":400"), "%s",
                  answer);
}
END_TEST

START_TEST(a_client_that_goes_away_does_not_stop_its_run)
{
    make_slow();
    close(begin_run());
    expect_rows("t", "SELECT finished_at IS NULL FROM retention_job_log");
    wait_for("t", "SELECT ok FROM retention_job_log");
    expect_rows("400|0", "SELECT deleted_count, (SELECT count(*) FROM job_runs)"
                         " FROM retention_job_log");
}
END_TEST

/* What the end of a bridge cuts off is gone on with later. */
START_TEST(a_bridge_that_ends_leaves_a_run_that_can_be_gone_on_with)
{
    int fd;

    make_slow();
    fd = begin_run();
    kill(world.child, SIGKILL);
    ck_assert_int_eq(waitpid(world.child, NULL, 0), world.child);
    wait_for("0", "SELECT count(*) FROM pg_stat_activity"
                  " WHERE application_name = 'tunemill-http-long'");
    close(fd);
    expect_rows("t|f", "SELECT finished_at IS NULL, retention_is_running('job-runs')"
                       " FROM retention_job_log");
    reads_run(&world, "DROP TRIGGER hinders ON job_runs");
    reads_run(&world, "CALL retention_run('job-runs', 'cli')");
    expect_rows("400|0", "SELECT sum(deleted_count), (SELECT count(*) FROM job_runs)"
                         " FROM retention_job_log");
    ck_assert_int_eq(rmdir(world.root), 0);
    free(world.url);
    close(world.log_fd);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("http retention");
    TCase *tcase = suite_case(suite, "retention", setup, teardown);

    log_init("test", LOG_AT_ERROR);
    suite_tests(tcase, without_a_word_a_run_is_dry, when_asked_it_deletes,
                what_is_out_of_range_is_named, nobody_looks_or_deletes_without_the_token,
                a_run_that_fails_says_why_and_one_beside_another_that_it_is_busy,
                the_log_comes_newest_first_in_pages_and_by_job,
                the_status_shows_schedule_last_runs_and_tables,
                other_requests_do_not_wait_for_a_run,
                a_client_that_goes_away_does_not_stop_its_run);
    tcase = suite_case(suite, "killed", NULL, NULL);
    tcase_add_checked_fixture(tcase, setup, NULL); /* its process is dead by then */
    suite_tests(tcase, a_bridge_that_ends_leaves_a_run_that_can_be_gone_on_with);
    return pg_suite_run(suite, &reads_fixture);
}
