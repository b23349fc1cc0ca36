/* What people who run it see and do: queues, workers, brokers, dead jobs; and a tune's points
 * for charts. Against what is in the database. */
#include <check.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/pg_suite.h"
#include "tests/support/reads_world.h"
#include "tests/unit/http/http_queues.h"

#define SEEN "/admin/queues.json"
#define JOB  "00000000-0000-7000-8000-0000000000"

static struct reads_world world;

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

/* --- asking with the token ---------------------------------------------------------------- */

static void
ask(const char *method, const char *path, struct reads_answer *ret)
{
    static const char *const headers[] = {"X-Admin-Token: " READS_TOKEN, NULL};

    reads_ask(&world, method, path, headers, ret);
}

static json_t *
seen(const char *path)
{
    struct reads_answer answer;
    json_t *json;

    ask("GET", path, &answer);
    ck_assert_msg(answer.status == 200, "%s: %ld %s", path, answer.status, answer.body);
    json = json_incref(answer.json);
    reads_answer_fini(&answer);
    return json;
}

static void
expect_done(const char *path, const char *want)
{
    struct reads_answer answer;

    ask("POST", path, &answer);
    ck_assert_msg(answer.status == 200, "%s: %ld %s", path, answer.status, answer.body);
    reads_expect(answer.json, want);
    reads_answer_fini(&answer);
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
expect_rows(const char *sql, const char *want)
{
    char *got = reads_query(&world, "%s", sql);

    ck_assert_str_eq(got, want);
    free(got);
}

/* The member of the first of an array whose `key` has this value. */
static json_t *
one_of(const json_t *list, const char *key, const char *value)
{
    size_t index;
    json_t *item;

    json_array_foreach(list, index, item)
    {
        if (strcmp(json_string_value(json_object_get(item, key)), value) == 0)
            return item;
    }
    ck_abort_msg("no %s", value);
    return NULL;
}

/* --- looking ------------------------------------------------------------------------------ */

static void
add_rejected(unsigned number, const char *queue)
{
    reads_run(&world,
              "INSERT INTO job_runs (id, workspace_id, queue, outcome, attempt, failures,"
              "  created_at, code, detail) VALUES ('" JOB "%02u', '" READS_WORKSPACE "', '%s',"
              "  'rejected', 1, 0, now(), 'DATA_PARSE_FAILED', 'line 7')",
              number, queue);
}

static void
add_dead(unsigned number, const char *queue, const char *code)
{
    reads_run(&world,
              "INSERT INTO dead_jobs (id, workspace_id, queue, priority, attempt, failures,"
              "  crashes, max_attempts, timeout_ms, code, detail, created_at, died_at, body)"
              " VALUES ('" JOB "%02u', '" READS_WORKSPACE "', '%s', 5, 3, 2, 1, 5, 0, '%s',"
              "  'why <b>', '2024-01-01Z', timestamptz '2024-01-02Z' + %u * interval '1 s',"
              "  'body')",
              number, queue, code, number);
}

static void
add_job(unsigned number, const char *queue, const char *state)
{
    reads_run(&world,
              "INSERT INTO jobs (id, workspace_id, queue, state, max_attempts, run_at, body)"
              " VALUES ('" JOB "%02u', '" READS_WORKSPACE "', '%s', '%s', 5,"
              "  now() - interval '90 s', '')",
              number, queue, state);
}

START_TEST(an_empty_system_shows_empty_lists)
{
    json_t *all = seen(SEEN);

    ck_assert(json_is_string(json_object_get(all, "at")));
    json_object_del(all, "at");
    reads_expect(all, "{'queues':[],'workers':[],'brokers':[],"
                      "'dead':{'items':[],'total':0,'limit':20,'offset':0}}");
    json_decref(all);
}
END_TEST

START_TEST(a_queue_shows_what_it_holds)
{
    json_t *all, *queue;
    double oldest;

    add_job(1, "mail", "ready");
    add_job(2, "mail", "ready");
    add_job(3, "mail", "running");
    add_job(4, "mail", "scheduled");
    add_job(5, "other", "waiting");
    add_dead(6, "mail", "JOB_FAILED");
    add_rejected(7, "mail");
    reads_run(&world, "SELECT queue_limit('mail', 1000, 3), queue_pause('mail')");
    all = seen(SEEN);
    ck_assert_uint_eq(json_array_size(json_object_get(all, "queues")), 2);
    queue = one_of(json_object_get(all, "queues"), "queue", "mail");
    oldest = json_number_value(json_object_get(queue, "oldest_ready_seconds"));
    ck_assert_msg(oldest >= 90 && oldest < 150, "%g", oldest);
    ck_assert(json_is_string(json_object_get(queue, "paused_at")));
    json_object_del(queue, "oldest_ready_seconds");
    json_object_del(queue, "paused_at");
    reads_expect(queue,
                 "{'queue':'mail','ready':2,'scheduled':1,'running':1,'waiting':0,"
                 "'dead':1,'done_minute':0,'done_hour':0,'rejected_hour':1,'paused':true,"
                 "'max_depth':1000,'workspace_limit':3}");
    queue = one_of(json_object_get(all, "queues"), "queue", "other");
    reads_expect(json_object_get(queue, "waiting"), "1");
    reads_expect(json_object_get(queue, "paused"), "false");
    json_decref(all);
}
END_TEST

START_TEST(workers_are_those_of_brokers_that_live)
{
    json_t *all;

    reads_run(&world,
              "INSERT INTO brokers (id, endpoint, seen_at, gone_at, workers) VALUES"
              " ('" JOB "01', 'ipc://a', now(), NULL, '[{\"worker\":\"w1\",\"actor\":\"tune\","
              "   \"queues\":\"tune,mail\",\"credit\":4,\"used\":1,\"software\":\"9\"}]'),"
              " ('" JOB "02', 'ipc://b', now() - interval '1 hour', NULL,"
              "   '[{\"worker\":\"w2\"}]'),"
              " ('" JOB "03', 'ipc://c', now(), now(), '[]')");
    all = seen(SEEN);
    reads_expect(json_object_get(all, "workers"),
                 "[{'worker':'w1','actor':'tune','software':'9','queues':['tune','mail'],"
                 "'credit':4,'used':1,'leaving':false,'brokers':['ipc://a']}]");
    reads_expect(json_object_get(one_of(json_object_get(all, "brokers"), "endpoint", "ipc://b"),
                                 "state"),
                 "'silent'");
    reads_expect(json_object_get(one_of(json_object_get(all, "brokers"), "endpoint", "ipc://c"),
                                 "state"),
                 "'gone'");
    json_decref(all);
}
END_TEST

static void
expect_dead(const char *query, const char *jobs, json_int_t total)
{
    char path[200], got[2000] = "";
    size_t index;
    json_t *all, *dead, *item;

    snprintf(path, sizeof(path), SEEN "%s", query);
    all = seen(path);
    dead = json_object_get(all, "dead");
    json_array_foreach(json_object_get(dead, "items"), index, item)
    {
        const char *id = json_string_value(json_object_get(item, "job"));

        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", index ? " " : "",
                 id + strlen(id) - 2);
    }
    ck_assert_str_eq(got, jobs);
    ck_assert_int_eq(json_integer_value(json_object_get(dead, "total")), total);
    json_decref(all);
}

START_TEST(dead_jobs_come_newest_first_in_pages_and_by_filter)
{
    json_t *all;

    for (unsigned i = 1; i <= 9; i++)
        add_dead(i, i % 2 ? "mail" : "tune", i % 3 ? "JOB_FAILED" : "POISONED");
    expect_dead("", "09 08 07 06 05 04 03 02 01", 9);
    expect_dead("?limit=4", "09 08 07 06", 9);
    expect_dead("?limit=4&offset=8", "01", 9);
    expect_dead("?offset=9", "", 9);
    expect_dead("?queue=mail", "09 07 05 03 01", 5);
    expect_dead("?queue=mail&code=POISONED&limit=1", "09", 2);
    expect_dead("?queue=nobody", "", 0);
    all = seen(SEEN "?limit=1");
    reads_expect(json_array_get(json_object_get(json_object_get(all, "dead"), "items"), 0),
                 "{'job':'" JOB "09','queue':'mail','workspace':'" READS_WORKSPACE "',"
                 "'code':'POISONED','detail':'why <b>','attempts':3,'failures':2,'crashes':1,"
                 "'created_at':'2024-01-01T00:00:00.000Z',"
                 "'died_at':'2024-01-02T00:00:09.000Z','worker':null}");
    json_decref(all);
}
END_TEST

START_TEST(a_filter_that_is_none_is_named)
{
    static const char *const wrong[][2] = {
        {"queue=", "query.queue"},
        {"queue=A", "query.queue"},
        {"queue=a%20b", "query.queue"},
        {"queue=a&queue=b", "query.queue"},
        {"code=job", "query.code"},
        {"code=JOB-FAILED", "query.code"},
        {"code=A%00", "query.code"},
        {"limit=0", "query.limit"},
        {"offset=x", "query.offset"},
        {"queue=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "query.queue"},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char path[200];

        snprintf(path, sizeof(path), SEEN "?%s", wrong[i][0]);
        expect_refused("GET", path, 422, wrong[i][1]);
    }
}
END_TEST

START_TEST(nobody_looks_or_acts_without_the_token)
{
    static const char *const paths[] = {
        "/admin/queues/tune/pause",     "/admin/queues/tune/resume",
        "/admin/dead/" JOB "01/retry",  "/admin/dead/" JOB "01/drop",
        "/admin/dead/retry?queue=mail", "/admin/dead/drop?queue=mail"};
    struct reads_answer answer;

    add_dead(1, "mail", "JOB_FAILED");
    reads_get(&world, SEEN, &answer);
    ck_assert_int_eq(answer.status, 401);
    reads_answer_fini(&answer);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        reads_ask(&world, "POST", paths[i], NULL, &answer);
        ck_assert_int_eq(answer.status, 401);
        reads_answer_fini(&answer);
        expect_refused("GET", paths[i], 405, "METHOD_NOT_ALLOWED");
    }
    expect_rows("SELECT (SELECT count(*) FROM dead_jobs), (SELECT count(*) FROM queues)",
                "1|0");
}
END_TEST

/* --- acting ------------------------------------------------------------------------------- */

START_TEST(a_queue_is_paused_and_resumed)
{
    expect_done("/admin/queues/mail/pause",
                "{'queue':'mail','paused':true,'was_paused':false}");
    expect_done("/admin/queues/mail/pause", "{'queue':'mail','paused':true,'was_paused':true}");
    expect_rows("SELECT name, paused_at IS NOT NULL FROM queues", "mail|t");
    expect_done("/admin/queues/mail/resume",
                "{'queue':'mail','paused':false,'was_paused':true}");
    expect_rows("SELECT name, paused_at IS NOT NULL FROM queues", "mail|f");
    expect_done("/admin/queues/other/resume",
                "{'queue':'other','paused':false,'was_paused':false}");
}
END_TEST

START_TEST(a_queue_has_a_name_that_is_one)
{
    static const char *const names[] = {
        "A",     "",       "a%2Fb",
        "a%27b", "%C3%A9", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    char path[200];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "/admin/queues/%s/pause", names[i]);
        expect_refused("POST", path, 404, "NOT_FOUND");
    }
    expect_rows("SELECT count(*) FROM queues", "0");
}
END_TEST

START_TEST(a_dead_job_is_retried_once)
{
    add_dead(1, "mail", "JOB_FAILED");
    add_dead(2, "mail", "JOB_FAILED");
    expect_done("/admin/dead/" JOB "01/retry", "{'count':1}");
    expect_rows("SELECT id, queue, state, failures FROM jobs", JOB "01|mail|ready|0");
    expect_rows("SELECT id FROM dead_jobs", JOB "02");
    expect_refused("POST", "/admin/dead/" JOB "01/retry", 404, "no dead job has this id");
    expect_refused("POST", "/admin/dead/" JOB "01/drop", 404, "no dead job has this id");
    expect_refused("POST", "/admin/dead/x/retry", 422, "path.id");
}
END_TEST

START_TEST(a_dead_job_is_dropped)
{
    add_dead(1, "mail", "JOB_FAILED");
    add_dead(2, "mail", "JOB_FAILED");
    expect_done("/admin/dead/" JOB "02/drop", "{'count':1}");
    expect_rows("SELECT id FROM dead_jobs", JOB "01");
    expect_rows("SELECT count(*) FROM jobs", "0");
}
END_TEST

START_TEST(many_are_retried_or_dropped_as_far_as_they_were_seen)
{
    for (unsigned i = 1; i <= 6; i++)
        add_dead(i, i <= 4 ? "mail" : "tune", i % 2 ? "JOB_FAILED" : "POISONED");
    expect_done("/admin/dead/drop?queue=mail&before=2024-01-02T00:00:02Z", "{'count':1}");
    expect_done("/admin/dead/drop?queue=mail&code=POISONED&before=2024-01-02T00:00:03.999Z",
                "{'count':1}");
    expect_done("/admin/dead/retry?queue=mail", "{'count':2}");
    expect_done("/admin/dead/retry?queue=mail", "{'count':0}");
    expect_rows("SELECT string_agg(right(id::text, 2), ' ' ORDER BY id) FROM jobs", "03 04");
    expect_rows("SELECT string_agg(right(id::text, 2), ' ' ORDER BY id) FROM dead_jobs",
                "05 06");
}
END_TEST

START_TEST(many_are_of_a_queue_and_of_a_time_that_is_one)
{
    static const char *const wrong[] = {"2024-02-30T00:00:00Z",
                                        "2024-01-02",
                                        "2024-01-02T00:00:00",
                                        "2024-01-02T00:00:00+01:00",
                                        "2024-01-02T24:00:00Z",
                                        "2024-01-02T00:00:60Z",
                                        "1969-01-02T00:00:00Z",
                                        "2024-01-02T00:00:00.Z",
                                        "infinity",
                                        ""};
    char path[200];

    add_dead(1, "mail", "JOB_FAILED");
    expect_refused("POST", "/admin/dead/drop", 422, "query.queue");
    expect_refused("POST", "/admin/dead/drop?queue=mail&befor=2026-03-01T00:00:00Z", 422,
                   "did you mean before?");
    expect_refused("POST", "/admin/queues/mail/pause?for=60", 422, "UNKNOWN_FIELD");
    expect_refused("POST", "/admin/dead/retry?code=JOB_FAILED", 422, "query.queue");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(path, sizeof(path), "/admin/dead/drop?queue=mail&before=%s", wrong[i]);
        expect_refused("POST", path, 422, "query.before");
    }
    expect_rows("SELECT count(*) FROM dead_jobs", "1");
}
END_TEST

static void
add_looking(TCase *tcase)
{
    suite_tests(tcase, an_empty_system_shows_empty_lists, a_queue_shows_what_it_holds,
                workers_are_those_of_brokers_that_live,
                dead_jobs_come_newest_first_in_pages_and_by_filter,
                a_filter_that_is_none_is_named, nobody_looks_or_acts_without_the_token);
}

static void
add_acting(TCase *tcase)
{
    suite_tests(tcase, a_queue_is_paused_and_resumed, a_queue_has_a_name_that_is_one,
                a_dead_job_is_retried_once, a_dead_job_is_dropped,
                many_are_retried_or_dropped_as_far_as_they_were_seen,
                many_are_of_a_queue_and_of_a_time_that_is_one);
}

static TCase *
add_case(Suite *suite, const char *name)
{
    TCase *tcase = suite_case(suite, name, setup, teardown);

    return tcase;
}

int
main(void)
{
    Suite *suite = suite_create("http queues");

    add_looking(add_case(suite, "looking"));
    add_acting(add_case(suite, "acting"));
    http_points_add(suite);
    return pg_suite_run(suite, &reads_fixture);
}
