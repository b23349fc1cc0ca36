/* Canary RetentionDryRun: on a whole running system a dry run says exactly what a run then
 * deletes, and neither touches what must stay; then the process makes up what its clock has
 * missed. */
#include "tests/support/pg_fixture.h"
#include "tests/support/patience.h"
#include "tests/support/suite.h"
#include "tests/support/system.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/clock.h"

#define WORKSPACE "'00000000-0000-0000-0000-000000000001'"

static struct system_up up;

static void
set_up(void)
{
    unsetenv("ADMIN_TOKEN");
    setenv("ALLOW_LOCALHOST_ADMIN", "true", 1);
    system_start(&up, "1");
}

static void
tear_down(void)
{
    system_stop(&up);
}

static void
expect(const char *want, const char *sql)
{
    char *got = pg_fixture_query(up.database, sql);

    ck_assert_msg(strcmp(got, want) == 0, "%s: %s, not %s", sql, got, want);
    free(got);
}

/* Asks until it is so. */
static void
wait_for(const char *want, const char *sql)
{
    int64_t end_ms = clock_ms() + PATIENCE_MS;

    for (;;) {
        char *got = pg_fixture_query(up.database, sql);
        bool is_so = strcmp(got, want) == 0;

        ck_assert_msg(is_so || clock_ms() < end_ms, "%s: %s, not %s", sql, got, want);
        free(got);
        if (is_so)
            return;
        poll(NULL, 0, 50);
    }
}

static json_t *
ask(const char *method, const char *path)
{
    long status;
    char *body = system_ask(&up, method, path, &status);
    json_t *json = body ? json_loads(body, 0, NULL) : NULL;

    ck_assert_msg(status == 200 && json, "%s: %ld %s", path, status, body ? body : "");
    free(body);
    return json;
}

/* What goes of each, by the ages of API.md, and beside it what does not. */
#define GOING   "7|3|2|11"
#define STAYING "5|8|6|4"
#define COUNTS                                                                     \
    "SELECT (SELECT count(*) FROM trade_events), (SELECT count(*) FROM job_runs)," \
    " (SELECT count(*) FROM match_runs), (SELECT count(*) FROM idempotency_keys)"

static void
fill(void)
{
    expect(
        "",
        "INSERT INTO trade_events (workspace_id, event_type, pinned, created_at)"
        " SELECT " WORKSPACE ", t, p, now() - a::interval FROM (VALUES"
        " ('RUN_COMPLETED', false, '91 days', 7), ('RUN_COMPLETED', true, '91 days', 1),"
        " ('ORDER_FILLED', false, '400 days', 3), ('RUN_STARTED', false, '89 days', 1))"
        " v (t, p, a, n), generate_series(1, n);"
        "INSERT INTO job_runs (id, workspace_id, queue, outcome, attempt, failures,"
        "    created_at, finished_at) SELECT gen_random_uuid(), " WORKSPACE ", 'mail', 'done',"
        "    1, 0, now(), now() - a::interval FROM (VALUES ('31 days', 3), ('29 days', 8))"
        " v (a, n), generate_series(1, n);"
        "INSERT INTO match_runs (id, workspace_id, created_at, intent, intent_signature,"
        "    query, top_k, num_above_threshold, weak_coverage, reason_codes,"
        "    candidate_strategy_ids, candidate_scores, coverage_status, priority_score)"
        " SELECT gen_random_uuid(), " WORKSPACE ", now() - a::interval, '{}', 's', 'q', 5, 0,"
        "    true, '{}', '{}', '{}', s, 0.5 FROM (VALUES ('resolved', '181 days', 2),"
        "    ('open', '900 days', 1), ('acknowledged', '900 days', 2),"
        "    ('resolved', '179 days', 3)) v (s, a, n), generate_series(1, n);"
        "INSERT INTO idempotency_keys (workspace_id, scope, key, request_hash, job_id,"
        "    expires_at) SELECT " WORKSPACE ", 's', a || g, '', gen_random_uuid(),"
        "    now() + a::interval FROM (VALUES ('-1 s', 11), ('1 day', 4))"
        " v (a, n), generate_series(1, n) g");
    expect("12|11|8|15", COUNTS);
}

/* The deleted_count of each of the four, as COUNTS has them. */
static void
prune_all(const char *query, const char *want)
{
    static const char *const jobs[] = {"trade-events", "job-runs", "match-runs",
                                       "idempotency-keys"};
    char path[200], got[200] = "";

    for (size_t i = 0; i < 4; i++) {
        json_t *pruned;

        snprintf(path, sizeof(path), "/admin/retention/prune/%s%s", jobs[i], query);
        pruned = ask("POST", path);
        ck_assert_int_eq(json_is_true(json_object_get(pruned, "dry_run")), !*query);
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%lld", i ? "|" : "",
                 (long long)json_integer_value(json_object_get(pruned, "deleted_count")));
        json_decref(pruned);
    }
    ck_assert_str_eq(got, want);
}

START_TEST(retention_dry_run)
{
    json_t *logs;

    fill();
    prune_all("", GOING);
    expect("12|11|8|15", COUNTS);
    prune_all("?dry_run=false", GOING);
    expect(STAYING, COUNTS);
    prune_all("", "0|0|0|0");
    expect("ORDER_FILLED|3\nRUN_COMPLETED|1\nRUN_STARTED|1",
           "SELECT event_type, count(*) FROM trade_events GROUP BY 1 ORDER BY 1");
    logs = ask("GET", "/admin/retention/logs?limit=200");
    ck_assert_int_eq(json_integer_value(json_object_get(logs, "total")), 12);
    json_decref(logs);
    expect("4|8", "SELECT count(*) FILTER (WHERE NOT dry_run AND ok),"
                  " count(*) FILTER (WHERE dry_run AND ok) FROM retention_job_log");
}
END_TEST

/* The process counts what it does, and any bridge shows it. */
START_TEST(the_process_makes_up_what_was_missed_and_the_metrics_show_it)
{
    static const char series[] = "tunemill_retention_deleted_rows_total{";
    int64_t end_ms = clock_ms() + PATIENCE_MS;
    char *text = NULL;
    const char *at = NULL;
    long status;

    fill();
    expect("", "UPDATE retention_policies SET created_at = now() - interval '3 days'");
    while (!at) {
        free(text);
        ck_assert(clock_ms() < end_ms);
        poll(NULL, 0, 200);
        text = system_get(&up, "/metrics", &status);
        for (at = text; at && (at = strstr(at, series)); at++)
            if (strstr(at, "job_name=\"job-runs\"") && strstr(at, "actor=\"retention\""))
                break;
    }
    free(text);
    wait_for("8", "SELECT count(*) FROM retention_job_log WHERE who = 'actor' AND ok");
    expect(STAYING, COUNTS);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("retention canary");
    TCase *tcase = suite_case(suite, "system", set_up, tear_down);

    suite_tests(tcase, retention_dry_run,
                the_process_makes_up_what_was_missed_and_the_metrics_show_it);
    return suite_run(suite);
}
