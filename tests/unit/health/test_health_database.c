/* What the database is asked, well and not. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/clock.h"
#include "tests/unit/health/health_help.h"
#include "tests/unit/health/test_health.h"
#include "tests/support/suite.h"

#define WORKSPACE "'00000000-0000-0000-0000-000000000001'"

static void
setup(void)
{
    health_set_up();
    health_database();
}

START_TEST(a_database_that_answers_is_ok)
{
    health_begin(NULL);
    health_await(COMPONENT_DATABASE, HEALTH_OK, NULL);
    ck_assert_int_ge(health_view(COMPONENT_DATABASE).latency_us, 1);
    ck_assert_int_eq(json_integer_value(health_member(COMPONENT_DATABASE, "pool_size")), 1);
    ck_assert(json_is_real(health_member(COMPONENT_DATABASE, "query_latency_ms")));
    ck_assert_int_eq(HEALTH_GAUGE(DB_UP, NULL), 1);
}
END_TEST

START_TEST(one_that_is_not_there_cannot_be_reached)
{
    health_set("database.url=host=/nowhere dbname=none");
    health_begin(NULL);
    health_await(COMPONENT_DATABASE, HEALTH_ERROR, "cannot be reached");
    health_await(COMPONENT_TUNES, HEALTH_UNKNOWN, "cannot be reached");
    health_await(COMPONENT_IDEMPOTENCY, HEALTH_UNKNOWN, "cannot be reached");
    ck_assert_int_eq(HEALTH_GAUGE(DB_UP, NULL), 0);
}
END_TEST

/* Stopped processes keep their connections and say nothing; the loop turns all the while, or
 * this would not end. */
static bool
knows_the_queues(void *arg)
{
    (void)arg;
    return json_is_object(json_object_get(health_view(COMPONENT_BROKER).details, "queues"));
}

START_TEST(one_that_hangs_is_an_error_after_the_deadline)
{
    health_begin(NULL);
    health_until(knows_the_queues, NULL, "the queues");
    health_await(COMPONENT_DATABASE, HEALTH_OK, NULL);
    health_await(COMPONENT_TUNES, HEALTH_OK, NULL);
    pg_fixture_signal(health_fixture, SIGSTOP);
    health_await(COMPONENT_DATABASE, HEALTH_ERROR, "has not answered for");
    health_await(COMPONENT_TUNES, HEALTH_UNKNOWN, "has not answered for");
    ck_assert_int_ge(health_view(COMPONENT_TUNES).age_ms, 0);
    ck_assert(json_is_integer(health_member(COMPONENT_TUNES, "active_tunes")));
    health_await(COMPONENT_BROKER, HEALTH_DEGRADED, "does not say how the queues are");
    pg_fixture_signal(health_fixture, SIGCONT);
    health_await(COMPONENT_DATABASE, HEALTH_OK, NULL);
    health_await(COMPONENT_TUNES, HEALTH_OK, NULL);
    health_await(COMPONENT_BROKER, HEALTH_OK, NULL);
}
END_TEST

START_TEST(one_that_dies_and_comes_back_is_seen_to)
{
    health_begin(NULL);
    health_await(COMPONENT_DATABASE, HEALTH_OK, NULL);
    pg_fixture_kill(health_fixture);
    health_await(COMPONENT_DATABASE, HEALTH_ERROR, "cannot be reached");
    pg_fixture_start(health_fixture);
    health_await(COMPONENT_DATABASE, HEALTH_OK, NULL);
}
END_TEST

START_TEST(a_schema_that_does_not_fit_is_an_error)
{
    health_run_sql("DROP TABLE backtest_tunes CASCADE");
    health_begin(NULL);
    health_await(COMPONENT_DATABASE, HEALTH_ERROR, "cannot be reached");
}
END_TEST

/* --- queues ------------------------------------------------------------------------------- */

static void
add_job(const char *queue, const char *ago)
{
    char sql[400];

    snprintf(sql, sizeof(sql),
             "INSERT INTO jobs (id, workspace_id, queue, state, run_at, max_attempts, body)"
             " VALUES (gen_random_uuid(), " WORKSPACE ", '%s', 'ready', now() - interval '%s',"
             "         5, '')",
             queue, ago);
    health_run_sql(sql);
}

static void
add_worker(const char *actor, const char *queue)
{
    char sql[500];

    snprintf(sql, sizeof(sql),
             "INSERT INTO brokers (id, endpoint, workers) VALUES (gen_random_uuid(), 'ipc://x',"
             " '[{\"worker\": \"w\", \"actor\": \"%s\", \"queues\": [\"%s\"], \"credit\": 1,"
             "    \"used\": 1, \"software\": \"1\", \"leaving\": false}]')",
             actor, queue);
    health_run_sql(sql);
}

START_TEST(queues_are_told_with_their_workers)
{
    json_t *queue;

    add_job("mail", "5 seconds");
    add_worker("tune", "mail");
    health_begin(NULL);
    health_await(COMPONENT_WORKERS, HEALTH_OK, NULL);
    health_await(COMPONENT_BROKER, HEALTH_OK, NULL);
    queue = json_object_get(health_member(COMPONENT_BROKER, "queues"), "mail");
    ck_assert_int_eq(json_integer_value(json_object_get(queue, "ready")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(queue, "workers")), 1);
    ck_assert(json_number_value(json_object_get(queue, "oldest_ready_age_s")) >= 5);
    ck_assert_int_eq(HEALTH_GAUGE(QUEUE_JOBS, "mail" METRICS_AND "ready"), 1);
    ck_assert_int_eq(HEALTH_GAUGE(ACTOR_WORKERS, "tune" METRICS_AND "busy"), 1);
}
END_TEST

START_TEST(a_queue_that_nobody_serves_is_told)
{
    add_job("mail", "40 seconds");
    add_worker("tune", "tune");
    health_begin(NULL);
    health_await(COMPONENT_BROKER, HEALTH_DEGRADED,
                 "nobody serves the queue mail, where 1 jobs");
}
END_TEST

START_TEST(a_job_that_waits_long_is_told_unless_its_queue_is_paused)
{
    add_job("mail", "20 minutes");
    add_worker("tune", "mail");
    health_begin(NULL);
    health_await(COMPONENT_BROKER, HEALTH_DEGRADED,
                 "in the queue mail a job has waited for 20");
    health_run_sql("SELECT queue_pause('mail')");
    health_await(COMPONENT_BROKER, HEALTH_OK, NULL);
    ck_assert_int_eq(HEALTH_GAUGE(QUEUE_PAUSED, "mail"), 1);
}
END_TEST

static bool
has_no_gauge(void *arg)
{
    return HEALTH_GAUGE(QUEUE_JOBS, arg) == 0;
}

START_TEST(a_queue_that_is_gone_has_gauges_of_zero)
{
    char label[] = "mail" METRICS_AND "ready";

    add_job("mail", "1 second");
    health_begin(NULL);
    health_await(COMPONENT_BROKER, HEALTH_OK, NULL);
    ck_assert_int_eq(HEALTH_GAUGE(QUEUE_JOBS, label), 1);
    health_run_sql("DELETE FROM jobs");
    health_until(has_no_gauge, label, "the gauge is 0");
}
END_TEST

START_TEST(without_a_worker_no_tune_runs)
{
    health_begin(NULL);
    health_await(COMPONENT_WORKERS, HEALTH_ERROR, "no worker of the kind tune lives");
}
END_TEST

START_TEST(a_kind_that_has_gone_stays_with_when_it_was_seen)
{
    json_t *kind;

    add_worker("tune", "tune");
    health_begin(NULL);
    health_await(COMPONENT_WORKERS, HEALTH_OK, NULL);
    health_run_sql("UPDATE brokers SET workers = '[]'");
    health_await(COMPONENT_WORKERS, HEALTH_ERROR, "no worker of the kind tune lives");
    kind = json_object_get(health_member(COMPONENT_WORKERS, "by_actor"), "tune");
    ck_assert_int_eq(json_integer_value(json_object_get(kind, "alive")), 0);
    ck_assert(json_is_string(json_object_get(kind, "last_seen")));
}
END_TEST

/* --- ingestion, tunes, keys, retention ------------------------------------------------------
 */

static bool
has_source(void *arg)
{
    (void)arg;
    return json_object_get(
               json_object_get(health_view(COMPONENT_INGESTION).details, "by_source"), "rss") !=
           NULL;
}

START_TEST(ingestion_is_told_by_source)
{
    const json_t *source;

    add_job("ingest.rss", "1 second");
    health_run_sql("INSERT INTO job_runs (id, workspace_id, queue, outcome, attempt, failures,"
                   " created_at) VALUES (gen_random_uuid(), " WORKSPACE
                   ", 'ingest.rss', 'done', 1, 0, now())");
    health_begin(NULL);
    health_until(has_source, NULL, "the source rss is told");
    source = json_object_get(health_member(COMPONENT_INGESTION, "by_source"), "rss");
    ck_assert(json_is_string(json_object_get(source, "last_success")));
    ck_assert(json_is_null(json_object_get(source, "last_failure")));
    ck_assert_int_eq(json_integer_value(health_member(COMPONENT_INGESTION, "pending_jobs")), 1);
    ck_assert_int_gt(HEALTH_GAUGE(INGESTION_SUCCESS, "rss"), 0);
}
END_TEST

START_TEST(without_ingestion_nothing_is_pending)
{
    health_begin(NULL);
    health_await(COMPONENT_INGESTION, HEALTH_OK, NULL);
    ck_assert_uint_eq(json_object_size(health_member(COMPONENT_INGESTION, "by_source")), 0);
    ck_assert_int_eq(json_integer_value(health_member(COMPONENT_INGESTION, "pending_jobs")), 0);
}
END_TEST

START_TEST(tunes_that_fail_more_often_than_not_are_told)
{
    health_run_sql("INSERT INTO backtest_tunes (id, workspace_id, status, search_type,"
                   " objective_type, n_trials, request, started_at, finished_at)"
                   " SELECT gen_random_uuid(), " WORKSPACE
                   ", CASE WHEN i < 5 THEN 'failed' ELSE 'completed' END, 'grid', 'sharpe', 1,"
                   " '{}', now() - interval '3 seconds', now() FROM generate_series(0, 6) i");
    health_begin(NULL);
    health_await(COMPONENT_TUNES, HEALTH_DEGRADED, "5 failed and 2 did not");
    ck_assert_int_eq(json_integer_value(health_member(COMPONENT_TUNES, "completed_24h")), 2);
    ck_assert_double_eq_tol(
        json_number_value(health_member(COMPONENT_TUNES, "avg_duration_ms")), 3000, 1);
    ck_assert_int_eq(HEALTH_GAUGE(TUNES_24H, "failed"), 5);
}
END_TEST

START_TEST(tunes_that_were_rejected_are_no_failures)
{
    health_run_sql("INSERT INTO backtest_tunes (id, workspace_id, status, is_rejected,"
                   " search_type, objective_type, n_trials, request, finished_at)"
                   " SELECT gen_random_uuid(), " WORKSPACE
                   ", 'failed', i < 9, 'grid', 'sharpe',"
                   " 1, '{}', now() FROM generate_series(0, 9) i");
    health_begin(NULL);
    health_await(COMPONENT_TUNES, HEALTH_OK, NULL);
    ck_assert_int_eq(json_integer_value(health_member(COMPONENT_TUNES, "failed_24h")), 1);
    ck_assert_int_eq(json_integer_value(health_member(COMPONENT_TUNES, "rejected_24h")), 9);
    ck_assert_int_eq(HEALTH_GAUGE(TUNES_24H, "failed"), 1);
    ck_assert_int_eq(HEALTH_GAUGE(TUNES_24H, "rejected"), 9);
}
END_TEST

#define KEY(key, job, created, expires)                                                     \
    "INSERT INTO idempotency_keys (workspace_id, scope, key, request_hash, job_id,"         \
    " created_at, expires_at) VALUES (" WORKSPACE ", 's', '" key "', '', " job ", now() - " \
    "interval '" created "', now() + interval '" expires "')"

START_TEST(keys_that_should_be_gone_are_told)
{
    health_run_sql(KEY("a", "gen_random_uuid()", "9 days", "-30 hours"));
    health_begin(NULL);
    health_await(COMPONENT_IDEMPOTENCY, HEALTH_DEGRADED,
                 "1 keys have expired and are still there");
    ck_assert_int_eq(
        json_integer_value(health_member(COMPONENT_IDEMPOTENCY, "expired_pending")), 1);
    ck_assert_double_eq_tol(
        json_number_value(health_member(COMPONENT_IDEMPOTENCY, "oldest_expired_age_hours")), 30,
        0.1);
}
END_TEST

static bool
has_three_keys(void *arg)
{
    (void)arg;
    return json_integer_value(health_member(COMPONENT_IDEMPOTENCY, "total_keys")) == 3;
}

/* Nothing has analyzed the table. */
START_TEST(few_keys_are_counted)
{
    for (int i = 0; i < 3; i++) {
        static const char *const keys[] = {KEY("a", "gen_random_uuid()", "1 day", "1 day"),
                                           KEY("b", "gen_random_uuid()", "1 day", "1 day"),
                                           KEY("c", "gen_random_uuid()", "1 day", "1 day")};
        health_run_sql(keys[i]);
    }
    health_begin(NULL);
    health_await(COMPONENT_IDEMPOTENCY, HEALTH_OK, NULL);
    health_until(has_three_keys, NULL, "three keys are told");
}
END_TEST

static bool
says(void *arg)
{
    const char *const *sql_and_answer = arg;
    char *said = pg_fixture_query(health_url, sql_and_answer[0]);
    const bool is_so = strcmp(said, sql_and_answer[1]) == 0;

    free(said);
    return is_so;
}

static bool
tells_of_forty(void *arg)
{
    (void)arg;
    return json_integer_value(health_member(COMPONENT_SSE, "events_published_1h")) == 40;
}

START_TEST(what_was_counted_of_the_last_hour_is_known_after_a_restart)
{
    const char *kept[] = {"SELECT sum(n) FROM health_counts WHERE name = 'published'", "40"};

    fake_federation_set(&health_fleet, METRIC_EVENTS_PUBLISHED, NULL, 1000);
    health_begin(NULL);
    health_await(COMPONENT_SSE, HEALTH_OK, NULL);
    fake_federation_set(&health_fleet, METRIC_EVENTS_PUBLISHED, NULL, 1040);
    health_until(says, kept, "forty events are kept");
    ck_assert(tells_of_forty(NULL));
    probes_destroy(&health_probes);
    components_destroy(&health_board);
    health_board = components_new(clock_ms());
    health_run_sql(
        "INSERT INTO health_counts VALUES ('published', now() - interval '2 hours', 9)");
    health_begin(NULL);
    health_await(COMPONENT_SSE, HEALTH_OK, NULL);
    health_until(tells_of_forty, NULL, "forty events are told again");
}
END_TEST

START_TEST(a_request_that_stays_pending_is_told)
{
    add_job("mail", "1 second");
    health_run_sql(KEY("a", "(SELECT id FROM jobs)", "90 minutes", "7 days"));
    health_begin(NULL);
    health_await(COMPONENT_IDEMPOTENCY, HEALTH_DEGRADED,
                 "a request has been pending for 90 min");
    ck_assert_int_eq(HEALTH_GAUGE(IDEMPOTENCY_PENDING, NULL), 1);
}
END_TEST

#define RETENTION_LOG                                                                     \
    "DROP TABLE IF EXISTS retention_job_log CASCADE;"                                     \
    "CREATE TABLE retention_job_log (job_name text, started_at timestamptz,"              \
    " finished_at timestamptz, dry_run boolean, deleted_count bigint, ok boolean, error " \
    "text);"
#define RETENTION_RUN(job, ago, dry, deleted, ok)                                         \
    "INSERT INTO retention_job_log VALUES ('" job "', now() - interval '" ago "', now() " \
    "- interval '" ago "', " dry ", " deleted ", " ok ", NULL);"

START_TEST(without_retention_jobs_it_is_not_configured)
{
    health_run_sql("DROP TABLE IF EXISTS retention_job_log CASCADE");
    health_begin(NULL);
    health_await(COMPONENT_RETENTION, HEALTH_UNKNOWN, "not configured");
    ck_assert(health_view(COMPONENT_RETENTION).is_absent);
}
END_TEST

START_TEST(retention_says_how_its_last_run_went)
{
    health_run_sql(RETENTION_LOG RETENTION_RUN("events", "5 hours", "false", "10", "true")
                       RETENTION_RUN("jobs", "4 hours", "false", "42", "true")
                           RETENTION_RUN("jobs", "1 hour", "true", "7", "true"));
    health_begin(NULL);
    health_await(COMPONENT_RETENTION, HEALTH_OK, NULL);
    ck_assert_str_eq(json_string_value(health_member(COMPONENT_RETENTION, "last_run_job")),
                     "jobs");
    ck_assert_int_eq(
        json_integer_value(health_member(COMPONENT_RETENTION, "rows_deleted_last")), 42);
    ck_assert_int_eq(HEALTH_GAUGE(RETENTION_LAST_DELETED, "events"), 10);
    ck_assert_int_gt(HEALTH_GAUGE(RETENTION_LAST_SUCCESS, "jobs"), 0);
}
END_TEST

START_TEST(retention_that_fails_is_told_and_worse_after_three_times)
{
    health_run_sql(RETENTION_LOG RETENTION_RUN("events", "2 hours", "false", "0", "true")
                       RETENTION_RUN("jobs", "5 hours", "false", "0", "true")
                           RETENTION_RUN("jobs", "4 hours", "false", "0", "false"));
    health_begin(NULL);
    health_await(COMPONENT_RETENTION, HEALTH_DEGRADED,
                 "the job jobs has failed 1 times in a row");
    health_run_sql(RETENTION_RUN("jobs", "3 hours", "false", "0", "false")
                       RETENTION_RUN("jobs", "2 hours", "false", "0", "false"));
    health_await(COMPONENT_RETENTION, HEALTH_ERROR, "the job jobs has failed 3 times in a row");
    health_run_sql(RETENTION_RUN("jobs", "1 hour", "false", "0", "true"));
    health_await(COMPONENT_RETENTION, HEALTH_OK, NULL);
}
END_TEST

START_TEST(retention_that_nobody_runs_is_told)
{
    health_run_sql(RETENTION_LOG RETENTION_RUN("events", "2 hours", "false", "0", "true"));
    fake_federation_run(&health_fleet, "retention", 0);
    health_begin(NULL);
    health_await(COMPONENT_RETENTION, HEALTH_DEGRADED, "neither pg_cron nor");
    fake_federation_run(&health_fleet, "retention", 1);
    health_run_sql("UPDATE retention_job_log SET finished_at = now() - interval '30 hours'");
    health_await(COMPONENT_RETENTION, HEALTH_DEGRADED,
                 "the job events last ended well 30 h ago");
}
END_TEST

/* --- whose duty it is -----------------------------------------------------------------------
 */

static bool
has_no_duty(void *arg)
{
    return !probes_has_duty(arg);
}

static bool
has_duty(void *arg)
{
    return probes_has_duty(arg);
}

START_TEST(one_process_at_a_time_has_the_duty)
{
    struct probing_world world;
    components_t *board = components_new(0);
    probes_t *other;

    health_begin(NULL);
    health_await(COMPONENT_DATABASE, HEALTH_OK, NULL);
    ck_assert(probes_has_duty(health_probes));
    world = health_probes->world;
    world.board = board;
    other = probes_new(&world, NULL);
    health_until(has_no_duty, other, "the second has no duty");
    ck_assert(probes_has_duty(health_probes));
    probes_destroy(&health_probes);
    health_until(has_duty, other, "the second has it now");
    probes_destroy(&other);
    components_destroy(&board);
}
END_TEST

static void
add_tests(TCase *tcase)
{
    suite_tests(
        tcase, queues_are_told_with_their_workers, a_queue_that_nobody_serves_is_told,
        a_job_that_waits_long_is_told_unless_its_queue_is_paused,
        a_queue_that_is_gone_has_gauges_of_zero, without_a_worker_no_tune_runs,
        a_kind_that_has_gone_stays_with_when_it_was_seen, ingestion_is_told_by_source,
        without_ingestion_nothing_is_pending, tunes_that_were_rejected_are_no_failures,
        tunes_that_fail_more_often_than_not_are_told, keys_that_should_be_gone_are_told,
        few_keys_are_counted, what_was_counted_of_the_last_hour_is_known_after_a_restart,
        a_request_that_stays_pending_is_told, without_retention_jobs_it_is_not_configured,
        retention_says_how_its_last_run_went,
        retention_that_fails_is_told_and_worse_after_three_times,
        retention_that_nobody_runs_is_told, one_process_at_a_time_has_the_duty);
}

TCase *
health_database_cases(void)
{
    TCase *tcase = case_new("database", setup, health_tear_down);

    suite_tests(tcase, a_database_that_answers_is_ok, one_that_is_not_there_cannot_be_reached,
                one_that_hangs_is_an_error_after_the_deadline,
                one_that_dies_and_comes_back_is_seen_to,
                a_schema_that_does_not_fit_is_an_error);
    add_tests(tcase);
    return tcase;
}
