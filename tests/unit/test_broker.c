/* The broker as a process of its own on a real PostgreSQL, seen by bare peers that may
 * misbehave. */
#include "broker/broker.h"
#include "tests/support/peer.h"
#include "tests/support/pg_fixture.h"

#include "actors/kit/digest.h"
#include "actors/kit/log.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SOON_MS = 10000 };

static pg_fixture_t *fixture;
static char *url;
static char endpoint[128];
static pid_t broker;
static settings_t *settings;
static const tm_uuid_t workspace = {{[15] = 1}};

static void
start_broker(void)
{
    int ready[2];
    char byte;

    ck_assert_int_eq(pipe(ready), 0);
    broker = fork();
    ck_assert_int_ge(broker, 0);
    if (broker == 0) {
        close(ready[0]);
        log_init("broker", LOG_AT_ERROR);
        _exit(broker_run(settings, ready[1]) == TM_OK ? 0 : 1);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
}

static void
kill_broker(int signal_number)
{
    int status;

    kill(broker, signal_number);
    ck_assert_int_eq(waitpid(broker, &status, 0), broker);
    broker = 0;
}

static void
set(const char *assignment)
{
    char detail[256];

    ck_assert_msg(settings_set(settings, assignment, detail, sizeof(detail)) == TM_OK, "%s",
                  detail);
}

static void
set_up(void)
{
    static int number;
    char assignment[512];

    settings = settings_new();
    url = pg_fixture_database(fixture);
    snprintf(endpoint, sizeof(endpoint), "ipc:///tmp/tm-broker-%d-%d", (int)getpid(), number++);
    snprintf(assignment, sizeof(assignment), "database.url=%s", url);
    set(assignment);
    snprintf(assignment, sizeof(assignment), "broker.listen=%s", endpoint);
    set(assignment);
    set("broker.lease_ms=800");
    set("broker.takeover_ms=800");
    set("broker.retry_base_ms=20");
    set("broker.retry_max_ms=40");
    start_broker();
}

static void
tear_down(void)
{
    if (broker)
        kill_broker(SIGKILL);
    unlink(endpoint + strlen("ipc://"));
    settings_destroy(&settings);
    free(url);
}

/* --- what tests say ----------------------------------------------------------------------- */

static int
count(const char *sql)
{
    char *text = pg_fixture_query(url, sql);
    int value = (int)strtol(text, NULL, 10);

    free(text);
    return value;
}

static tm_msg_t
submit_of(const char *queue, uint64_t ref)
{
    tm_msg_t msg = {.type = TM_MSG_SUBMIT, .body = tm_str("body")};

    msg.submit.ref = ref;
    msg.submit.job = tm_uuid_new();
    msg.submit.queue = tm_str(queue);
    msg.submit.workspace = workspace;
    return msg;
}

static void
hello(peer_end_t *worker, const char *queues, uint64_t credit)
{
    tm_msg_t msg = {.type = TM_MSG_HELLO};

    msg.hello.actor = tm_str("test");
    msg.hello.worker = tm_uuid_new();
    msg.hello.queues = tm_str(queues);
    msg.hello.credit = credit;
    peer_end_send(worker, &msg);
    peer_end_expect(worker, TM_MSG_WELCOME, SOON_MS);
}

static void
finish_job(peer_end_t *worker, const struct tm_job *job, const char *result)
{
    tm_msg_t msg = {.type = TM_MSG_DONE, .body = tm_str(result)};

    msg.done.job = job->job;
    msg.done.attempt = job->attempt;
    peer_end_send(worker, &msg);
}

static void
fail_job(peer_end_t *worker, const struct tm_job *job, bool retryable)
{
    tm_msg_t msg = {.type = TM_MSG_FAIL};

    msg.fail.job = job->job;
    msg.fail.attempt = job->attempt;
    msg.fail.code = tm_str("DATA_PARSE_FAILED");
    msg.fail.detail = tm_str("line 7");
    msg.fail.has_detail = true;
    msg.fail.retryable = retryable;
    peer_end_send(worker, &msg);
}

static struct tm_job
take(peer_end_t *worker)
{
    return peer_end_expect(worker, TM_MSG_JOB, SOON_MS)->job;
}

/* --- producers ---------------------------------------------------------------------------- */

START_TEST(an_accepted_job_is_in_the_table)
{
    peer_end_t *producer = peer_end_new(endpoint);
    tm_msg_t msg = submit_of("a", 7);
    const tm_msg_t *answer;

    peer_end_send(producer, &msg);
    answer = peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS);
    ck_assert_uint_eq(answer->accepted.ref, 7);
    ck_assert(tm_uuid_is(&answer->accepted.job, &msg.submit.job));
    ck_assert(!answer->accepted.duplicate);
    ck_assert_int_eq(count("SELECT count(*) FROM jobs WHERE state = 'ready'"), 1);
    peer_end_destroy(&producer);
}
END_TEST

START_TEST(a_submit_sent_twice_makes_one_job)
{
    peer_end_t *producer = peer_end_new(endpoint);
    tm_msg_t twice[2];

    twice[0] = twice[1] = submit_of("a", 1);
    peer_end_send_all(producer, twice, 2);
    peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS);
    ck_assert(peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS)->accepted.duplicate);
    ck_assert_int_eq(count("SELECT count(*) FROM jobs"), 1);
    peer_end_destroy(&producer);
}
END_TEST

START_TEST(a_finished_job_is_not_run_again_when_its_submit_is_sent_again)
{
    peer_end_t *producer = peer_end_new(endpoint), *worker = peer_end_new(endpoint);
    tm_msg_t msg = submit_of("a", 1);
    struct tm_job job;

    hello(worker, "a", 1);
    peer_end_send(producer, &msg);
    job = take(worker);
    finish_job(worker, &job, "x");
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS);
    peer_end_send(producer, &msg);
    ck_assert(peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS)->accepted.duplicate);
    ck_assert_int_eq(count("SELECT count(*) FROM jobs"), 0);
    ck_assert_int_eq(count("SELECT count(*) FROM job_runs"), 1);
    peer_end_destroy(&producer);
    peer_end_destroy(&worker);
}
END_TEST

static tm_msg_t
keyed(const char *key, const char *request, uint8_t hash[SHA256_SIZE], uint64_t ref)
{
    tm_msg_t msg = submit_of("a", ref);

    digest_of(request, strlen(request), hash);
    msg.submit.key = tm_str(key);
    msg.submit.has_key = true;
    msg.submit.scope = tm_str("test");
    msg.submit.has_scope = true;
    msg.submit.request_hash = (tm_str_t){(const char *)hash, SHA256_SIZE};
    msg.submit.has_request_hash = true;
    return msg;
}

START_TEST(one_key_and_request_is_one_job_at_any_concurrency)
{
    enum { PRODUCERS = 4, EACH = 100, KEYS = 10 };
    peer_end_t *producer[PRODUCERS];
    char owners[KEYS][TM_UUID_TEXT] = {{0}};
    int fresh = 0;

    for (int p = 0; p < PRODUCERS; p++) {
        tm_msg_t msgs[EACH];
        uint8_t hash[SHA256_SIZE];
        char keys[EACH][8];

        producer[p] = peer_end_new(endpoint);
        for (int i = 0; i < EACH; i++) {
            snprintf(keys[i], sizeof(keys[i]), "k%d", i % KEYS);
            msgs[i] = keyed(keys[i], "same", hash, (uint64_t)(i % KEYS));
        }
        peer_end_send_all(producer[p], msgs, EACH);
    }
    for (int i = 0; i < PRODUCERS * EACH; i++) {
        const tm_msg_t *msg = peer_end_expect(producer[i / EACH], TM_MSG_ACCEPTED, SOON_MS);
        char text[TM_UUID_TEXT];
        char *owner = owners[msg->accepted.ref];

        tm_uuid_text(&msg->accepted.job, text);
        if (!owner[0])
            memcpy(owner, text, sizeof(text));
        ck_assert_str_eq(owner, text);
        fresh += !msg->accepted.duplicate;
    }
    ck_assert_int_eq(fresh, KEYS);
    ck_assert_int_eq(count("SELECT count(*) FROM jobs"), KEYS);
    ck_assert_int_eq(count("SELECT count(*) FROM idempotency_keys"), KEYS);
    for (int p = 0; p < PRODUCERS; p++)
        peer_end_destroy(&producer[p]);
}
END_TEST

START_TEST(a_key_with_another_request_is_refused)
{
    peer_end_t *producer = peer_end_new(endpoint);
    uint8_t hash[SHA256_SIZE], other[SHA256_SIZE];
    tm_msg_t msg = keyed("k", "one", hash, 1);

    peer_end_send(producer, &msg);
    peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS);
    msg = keyed("k", "another", other, 2);
    peer_end_send(producer, &msg);
    ck_assert(tm_str_is(peer_end_expect(producer, TM_MSG_REJECTED, SOON_MS)->rejected.code,
                        "IDEMPOTENCY_KEY_REUSED"));
    peer_end_destroy(&producer);
}
END_TEST

START_TEST(an_expired_key_may_be_used_again)
{
    peer_end_t *producer = peer_end_new(endpoint);
    uint8_t hash[SHA256_SIZE];
    tm_msg_t msg = keyed("k", "one", hash, 1);

    peer_end_send(producer, &msg);
    peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS);
    free(pg_fixture_query(url,
                          "UPDATE idempotency_keys SET expires_at = now() - interval '1 s'"));
    msg = keyed("k", "another", hash, 2);
    peer_end_send(producer, &msg);
    ck_assert(!peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS)->accepted.duplicate);
    ck_assert_int_eq(count("SELECT count(*) FROM jobs"), 2);
    peer_end_destroy(&producer);
}
END_TEST

static void
check_refused(peer_end_t *producer, const tm_msg_t *msg, const char *code)
{
    const tm_msg_t *answer;

    peer_end_send(producer, msg);
    answer = peer_end_expect(producer, TM_MSG_REJECTED, SOON_MS);
    ck_assert_msg(tm_str_is(answer->rejected.code, code), "%.*s: %.*s instead of %s",
                  (int)answer->rejected.code.size, answer->rejected.code.data,
                  (int)answer->rejected.detail.size, answer->rejected.detail.data, code);
    ck_assert_uint_gt(answer->rejected.detail.size, 0);
}

START_TEST(a_wrong_submit_is_refused_with_its_reason)
{
    static char large[1200 * 1024];
    peer_end_t *producer = peer_end_new(endpoint);
    tm_msg_t msg = submit_of("No Good", 1);

    check_refused(producer, &msg, "BAD_REQUEST");
    msg = submit_of("a", 2);
    msg.submit.key = tm_str("k");
    msg.submit.has_key = true;
    check_refused(producer, &msg, "BAD_REQUEST");
    msg = submit_of("a", 3);
    msg.body = (tm_str_t){large, 1024 * 1024 + 1};
    check_refused(producer, &msg, "TOO_LARGE");
    msg = submit_of("a", 4);
    msg.submit.has_parent = true;
    check_refused(producer, &msg, "BAD_REQUEST");
    ck_assert_int_eq(count("SELECT count(*) FROM jobs"), 0);
    peer_end_destroy(&producer);
}
END_TEST

START_TEST(one_refused_job_does_not_take_its_batch_with_it)
{
    peer_end_t *producer = peer_end_new(endpoint);
    tm_msg_t msgs[21];

    for (uint64_t i = 0; i < 21; i++)
        msgs[i] = submit_of(i == 10 ? "tune" : "a", i); /* "body" is not a tune request */
    peer_end_send_all(producer, msgs, 21);
    const tm_msg_t *answer = peer_end_expect(producer, TM_MSG_REJECTED, SOON_MS);
    ck_assert_uint_eq(answer->rejected.ref, 10);
    ck_assert(tm_str_is(answer->rejected.code, "BAD_REQUEST"));
    while (count("SELECT count(*) FROM jobs") < 20)
        ck_assert_ptr_null(peer_end_poll(producer, TM_MSG_REJECTED, 20));
    ck_assert_int_eq(count("SELECT count(*) FROM jobs WHERE queue = 'tune'"), 0);
    peer_end_destroy(&producer);
}
END_TEST

START_TEST(garbage_is_answered_and_harms_nobody)
{
    peer_end_t *producer = peer_end_new(endpoint);
    tm_msg_t msg = submit_of("a", 1);

    peer_end_send_raw(producer, "\xdd\x03\xff\xff\xff\x01", 6, true);
    ck_assert(tm_str_is(peer_end_expect(producer, TM_MSG_REJECTED, SOON_MS)->rejected.code,
                        "BAD_MESSAGE"));
    peer_end_send_raw(producer, "", 0, false);
    peer_end_expect(producer, TM_MSG_REJECTED, SOON_MS);
    peer_end_send_raw(producer, "\x82\x00\x09\x01\x32", 5, true);
    ck_assert(tm_str_is(peer_end_expect(producer, TM_MSG_REJECTED, SOON_MS)->rejected.code,
                        "BAD_VERSION"));
    peer_end_send(producer, &msg);
    peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS);
    peer_end_destroy(&producer);
}
END_TEST

START_TEST(a_dataset_is_complete_when_all_pieces_have_its_hash)
{
    enum { PIECE = 1 << 20, SIZE = PIECE + 1000 };
    static char data[SIZE];
    uint8_t sha256[SHA256_SIZE];
    peer_end_t *producer = peer_end_new(endpoint);
    tm_msg_t put = {.type = TM_MSG_PUT};

    memset(data, 'x', sizeof(data));
    digest_of(data, sizeof(data), sha256);
    put.put = (struct tm_put){
        .ref = 1, .sha256 = {(const char *)sha256, SHA256_SIZE}, .size = SIZE, .offset = PIECE};
    put.body = (tm_str_t){data + PIECE, 1000};
    peer_end_send(producer, &put);
    ck_assert(!peer_end_expect(producer, TM_MSG_STORED, SOON_MS)->stored.complete);
    put.put.offset = 0;
    put.body = (tm_str_t){data, PIECE};
    peer_end_send(producer, &put);
    ck_assert(peer_end_expect(producer, TM_MSG_STORED, SOON_MS)->stored.complete);
    put.put.query = put.put.has_query = true;
    put.body = tm_str("");
    peer_end_send(producer, &put);
    ck_assert(peer_end_expect(producer, TM_MSG_STORED, SOON_MS)->stored.complete);

    put = (tm_msg_t){.type = TM_MSG_PUT, .body = {data, 500}};
    put.put =
        (struct tm_put){.ref = 2, .sha256 = {(const char *)sha256, SHA256_SIZE}, .size = 500};
    sha256[0] ^= 1;
    check_refused(producer, &put, "DATASET_MISMATCH");
    put.put.offset = 17;
    check_refused(producer, &put, "BAD_REQUEST");
    put.put.offset = 0;
    put.put.size = (uint64_t)1 << 31;
    put.body.size = PIECE;
    check_refused(producer, &put, "FILE_TOO_LARGE");
    peer_end_destroy(&producer);
}
END_TEST

/* --- workers ------------------------------------------------------------------------------ */

START_TEST(a_job_is_pushed_done_and_its_result_told)
{
    peer_end_t *producer = peer_end_new(endpoint), *worker = peer_end_new(endpoint);
    tm_msg_t msg = submit_of("a", 1);
    const tm_msg_t *result;
    struct tm_job job;

    hello(worker, "b,a", 1);
    msg.submit.watch = msg.submit.has_watch = true;
    peer_end_send(producer, &msg);
    job = take(worker);
    ck_assert(tm_uuid_is(&job.job, &msg.submit.job));
    ck_assert_uint_eq(job.attempt, 1);
    ck_assert_int_eq(count("SELECT count(*) FROM jobs WHERE state = 'running'"), 1);
    finish_job(worker, &job, "the result");
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    result = peer_end_expect(producer, TM_MSG_RESULT, SOON_MS);
    ck_assert(tm_str_is(result->result.state, "done"));
    ck_assert(tm_str_is(result->body, "the result"));
    ck_assert_int_eq(
        count("SELECT count(*) FROM job_runs WHERE outcome = 'done' AND attempt = 1"), 1);
    ck_assert_int_eq(count("SELECT count(*) FROM jobs"), 0);
    peer_end_destroy(&producer);
    peer_end_destroy(&worker);
}
END_TEST

START_TEST(a_worker_gets_no_more_than_its_credit_and_all_work_is_done)
{
    enum { JOBS = 20, CREDIT = 3 };
    peer_end_t *producer = peer_end_new(endpoint), *worker = peer_end_new(endpoint);
    tm_msg_t msgs[JOBS];

    for (uint64_t i = 0; i < JOBS; i++)
        msgs[i] = submit_of("a", i);
    peer_end_send_all(producer, msgs, JOBS);
    for (int i = 0; i < JOBS; i++)
        peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS);
    hello(worker, "a", CREDIT);
    for (int done = 0; done < JOBS;) {
        struct tm_job held[CREDIT];
        int n = 0;

        while (n < CREDIT && done + n < JOBS)
            held[n++] = take(worker);
        ck_assert_ptr_null(peer_end_poll(worker, TM_MSG_JOB, 50)); /* not one more */
        for (int i = 0; i < n; i++)
            finish_job(worker, &held[i], "");
        done += n;
    }
    for (int i = 0; i < 100 && count("SELECT count(*) FROM jobs") > 0; i++)
        ck_assert_ptr_null(peer_end_poll(worker, TM_MSG_JOB, 50));
    ck_assert_int_eq(count("SELECT count(*) FROM job_runs"), JOBS);
    peer_end_destroy(&producer);
    peer_end_destroy(&worker);
}
END_TEST

START_TEST(a_retryable_failure_is_tried_again_until_dead)
{
    peer_end_t *producer = peer_end_new(endpoint), *worker = peer_end_new(endpoint);
    tm_msg_t msg = submit_of("a", 1);
    const tm_msg_t *result;

    hello(worker, "a", 1);
    msg.submit.watch = msg.submit.has_watch = true;
    msg.submit.max_attempts = 3;
    msg.submit.has_max_attempts = true;
    peer_end_send(producer, &msg);
    for (uint64_t attempt = 1; attempt <= 3; attempt++) {
        struct tm_job job = take(worker);
        ck_assert_uint_eq(job.attempt, attempt);
        fail_job(worker, &job, true);
        peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    }
    result = peer_end_expect(producer, TM_MSG_RESULT, SOON_MS);
    ck_assert(tm_str_is(result->result.state, "dead"));
    ck_assert(tm_str_is(result->result.code, "DATA_PARSE_FAILED"));
    ck_assert(tm_str_is(result->result.detail, "line 7"));
    ck_assert_int_eq(count("SELECT failures FROM dead_jobs"), 3);
    peer_end_destroy(&producer);
    peer_end_destroy(&worker);
}
END_TEST

START_TEST(a_final_failure_is_dead_at_once)
{
    peer_end_t *producer = peer_end_new(endpoint), *worker = peer_end_new(endpoint);
    tm_msg_t msg = submit_of("a", 1);
    struct tm_job job;

    hello(worker, "a", 1);
    peer_end_send(producer, &msg);
    job = take(worker);
    fail_job(worker, &job, false);
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    ck_assert_int_eq(count("SELECT count(*) FROM dead_jobs WHERE attempt = 1"), 1);
    msg = (tm_msg_t){.type = TM_MSG_STATUS, .status = {.ref = 9, .job = job.job}};
    peer_end_send(producer, &msg);
    ck_assert(tm_str_is(peer_end_expect(producer, TM_MSG_STATE, SOON_MS)->state.state, "dead"));
    peer_end_destroy(&producer);
    peer_end_destroy(&worker);
}
END_TEST

START_TEST(a_silent_worker_loses_its_job_and_its_late_result_changes_nothing)
{
    peer_end_t *producer = peer_end_new(endpoint), *silent = peer_end_new(endpoint);
    peer_end_t *other = peer_end_new(endpoint);
    tm_msg_t msg = submit_of("a", 1);
    struct tm_job first, second;

    peer_end_set_pings(silent, false);
    hello(silent, "a", 1);
    peer_end_send(producer, &msg);
    first = take(silent);
    hello(other, "a", 1);
    second = take(other);
    ck_assert(tm_uuid_is(&first.job, &second.job));
    ck_assert_uint_eq(second.attempt, 2);
    hello(silent, "c", 1);
    finish_job(silent, &first, "late");
    peer_end_expect(silent, TM_MSG_SETTLED, SOON_MS);
    ck_assert_int_eq(count("SELECT count(*) FROM job_runs"), 0);
    finish_job(other, &second, "in time");
    peer_end_expect(other, TM_MSG_SETTLED, SOON_MS);
    ck_assert_int_eq(
        count("SELECT count(*) FROM job_runs WHERE convert_from(result, 'UTF8') = 'in time'"),
        1);
    peer_end_destroy(&producer);
    peer_end_destroy(&silent);
    peer_end_destroy(&other);
}
END_TEST

START_TEST(a_job_that_takes_three_workers_with_it_is_parked)
{
    peer_end_t *producer = peer_end_new(endpoint);
    tm_msg_t msg = submit_of("a", 1);

    msg.submit.watch = msg.submit.has_watch = true;
    peer_end_send(producer, &msg);
    for (uint64_t attempt = 1; attempt <= 3; attempt++) {
        peer_end_t *worker = peer_end_new(endpoint);
        hello(worker, "a", 1);
        ck_assert_uint_eq(take(worker).attempt, attempt);
        peer_end_destroy(&worker);
    }
    ck_assert(
        tm_str_is(peer_end_expect(producer, TM_MSG_RESULT, SOON_MS)->result.code, "POISONED"));
    ck_assert_int_eq(count("SELECT crashes FROM dead_jobs"), 3);
    peer_end_destroy(&producer);
}
END_TEST

START_TEST(an_attempt_that_takes_too_long_is_dropped_and_tried_again)
{
    peer_end_t *producer = peer_end_new(endpoint), *worker = peer_end_new(endpoint);
    tm_msg_t msg = submit_of("a", 1);

    hello(worker, "a", 1);
    msg.submit.timeout_ms = 200;
    msg.submit.has_timeout_ms = true;
    peer_end_send(producer, &msg);
    take(worker);
    ck_assert(
        tm_str_is(peer_end_expect(worker, TM_MSG_DROP, SOON_MS)->drop.code, "JOB_TIMEOUT"));
    ck_assert_uint_eq(take(worker).attempt, 2);
    peer_end_destroy(&producer);
    peer_end_destroy(&worker);
}
END_TEST

START_TEST(a_delayed_job_waits_and_an_expired_one_dies)
{
    peer_end_t *producer = peer_end_new(endpoint), *worker = peer_end_new(endpoint);
    tm_msg_t late = submit_of("a", 1), lost = submit_of("nobody", 2);
    struct tm_job job;

    hello(worker, "a", 1);
    late.submit.delay_ms = 400;
    late.submit.has_delay_ms = true;
    peer_end_send(producer, &late);
    peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS);
    ck_assert_int_eq(count("SELECT count(*) FROM jobs WHERE state = 'scheduled'"), 1);
    ck_assert_ptr_null(peer_end_poll(worker, TM_MSG_JOB, 100));
    job = take(worker);
    ck_assert(tm_uuid_is(&job.job, &late.submit.job));
    lost.submit.expires_ms = 50;
    lost.submit.has_expires_ms = true;
    lost.submit.watch = lost.submit.has_watch = true;
    peer_end_send(producer, &lost);
    ck_assert(
        tm_str_is(peer_end_expect(producer, TM_MSG_RESULT, SOON_MS)->result.code, "EXPIRED"));
    peer_end_destroy(&producer);
    peer_end_destroy(&worker);
}
END_TEST

/* --- what breaks -------------------------------------------------------------------------- */

START_TEST(a_restarted_broker_adopts_the_jobs_its_workers_hold)
{
    peer_end_t *producer = peer_end_new(endpoint), *worker = peer_end_new(endpoint);
    tm_msg_t msg = submit_of("a", 1),
             pair[2] = {{.type = TM_MSG_HELLO}, {.type = TM_MSG_HOLDING}};
    struct tm_job job;

    hello(worker, "a", 1);
    peer_end_send(producer, &msg);
    job = take(worker);
    kill_broker(SIGKILL);
    start_broker();
    pair[0].hello.actor = tm_str("test");
    pair[0].hello.worker = tm_uuid_new();
    pair[0].hello.queues = tm_str("a");
    pair[0].hello.credit = 1;
    pair[1].holding.job = job.job;
    pair[1].holding.attempt = job.attempt;
    peer_end_send_all(worker, pair, 2);
    peer_end_expect(worker, TM_MSG_WELCOME, SOON_MS);
    ck_assert_ptr_null(
        peer_end_poll(worker, TM_MSG_JOB, 2500)); /* two takeovers: not given again */
    ck_assert_ptr_null(peer_end_poll(worker, TM_MSG_DROP, 0));
    finish_job(worker, &job, "x");
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    ck_assert_int_eq(count("SELECT attempt FROM job_runs"), 1);
    peer_end_destroy(&producer);
    peer_end_destroy(&worker);
}
END_TEST

START_TEST(jobs_of_a_dead_broker_and_worker_are_taken_over)
{
    peer_end_t *producer = peer_end_new(endpoint), *worker = peer_end_new(endpoint);
    tm_msg_t msg = submit_of("a", 1);
    struct tm_job job;

    hello(worker, "a", 1);
    peer_end_send(producer, &msg);
    take(worker);
    peer_end_destroy(&worker);
    kill_broker(SIGKILL);
    start_broker();
    worker = peer_end_new(endpoint);
    hello(worker, "a", 1);
    job = take(worker);
    ck_assert_uint_eq(job.attempt, 2);
    finish_job(worker, &job, "x");
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    ck_assert_int_eq(count("SELECT count(*) FROM job_runs"), 1);
    peer_end_destroy(&producer);
    peer_end_destroy(&worker);
}
END_TEST

START_TEST(every_submit_is_answered_and_kept_when_the_database_dies)
{
    enum { JOBS = 300 };
    peer_end_t *producer = peer_end_new(endpoint);
    int answered = 0;

    for (uint64_t i = 0; i < JOBS; i++) {
        tm_msg_t msg = submit_of("a", i);
        peer_end_send(producer, &msg);
        if (i == JOBS / 2)
            pg_fixture_kill(fixture);
    }
    pg_fixture_start(fixture);
    while (answered < JOBS) {
        peer_end_expect(producer, TM_MSG_ACCEPTED, 3 * SOON_MS);
        answered++;
    }
    ck_assert_int_eq(count("SELECT count(*) FROM jobs"), JOBS);
    peer_end_destroy(&producer);
    kill_broker(SIGKILL);
    pg_fixture_kill(fixture); /* started by this process, it would die with it */
}
END_TEST

START_TEST(a_drained_broker_has_written_all_it_was_given)
{
    peer_end_t *producer = peer_end_new(endpoint);
    int status;

    for (uint64_t i = 0; i < 100; i++) {
        tm_msg_t msg = submit_of("a", i);
        peer_end_send(producer, &msg);
    }
    peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS);
    kill(broker, SIGTERM);
    ck_assert_int_eq(waitpid(broker, &status, 0), broker);
    broker = 0;
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    int accepted = 1;
    while (peer_end_poll(producer, TM_MSG_ACCEPTED, 200))
        accepted++;
    ck_assert_int_eq(count("SELECT count(*) FROM jobs"), accepted);
    ck_assert_int_eq(count("SELECT count(*) FROM brokers WHERE gone_at IS NULL"), 0);
    peer_end_destroy(&producer);
}
END_TEST

static TCase *
producers(void)
{
    TCase *tcase = tcase_create("producers");

    tcase_add_test(tcase, an_accepted_job_is_in_the_table);
    tcase_add_test(tcase, a_submit_sent_twice_makes_one_job);
    tcase_add_test(tcase, a_finished_job_is_not_run_again_when_its_submit_is_sent_again);
    tcase_add_test(tcase, one_key_and_request_is_one_job_at_any_concurrency);
    tcase_add_test(tcase, a_key_with_another_request_is_refused);
    tcase_add_test(tcase, an_expired_key_may_be_used_again);
    tcase_add_test(tcase, a_wrong_submit_is_refused_with_its_reason);
    tcase_add_test(tcase, one_refused_job_does_not_take_its_batch_with_it);
    tcase_add_test(tcase, garbage_is_answered_and_harms_nobody);
    tcase_add_test(tcase, a_dataset_is_complete_when_all_pieces_have_its_hash);
    return tcase;
}

static TCase *
workers(void)
{
    TCase *tcase = tcase_create("workers");

    tcase_add_test(tcase, a_job_is_pushed_done_and_its_result_told);
    tcase_add_test(tcase, a_worker_gets_no_more_than_its_credit_and_all_work_is_done);
    tcase_add_test(tcase, a_retryable_failure_is_tried_again_until_dead);
    tcase_add_test(tcase, a_final_failure_is_dead_at_once);
    tcase_add_test(tcase, a_silent_worker_loses_its_job_and_its_late_result_changes_nothing);
    tcase_add_test(tcase, a_job_that_takes_three_workers_with_it_is_parked);
    tcase_add_test(tcase, an_attempt_that_takes_too_long_is_dropped_and_tried_again);
    tcase_add_test(tcase, a_delayed_job_waits_and_an_expired_one_dies);
    return tcase;
}

static TCase *
faults(void)
{
    TCase *tcase = tcase_create("faults");

    tcase_add_test(tcase, a_restarted_broker_adopts_the_jobs_its_workers_hold);
    tcase_add_test(tcase, jobs_of_a_dead_broker_and_worker_are_taken_over);
    tcase_add_test(tcase, every_submit_is_answered_and_kept_when_the_database_dies);
    tcase_add_test(tcase, a_drained_broker_has_written_all_it_was_given);
    return tcase;
}

int
main(void)
{
    Suite *suite = suite_create("broker");
    TCase *tcases[] = {producers(), workers(), faults()};
    SRunner *runner;
    int failed;

    fixture = pg_fixture_new();
    if (!fixture)
        return 77; /* PostgreSQL is not installed: skipped, as ctest is told */
    for (size_t i = 0; i < sizeof(tcases) / sizeof(tcases[0]); i++) {
        tcase_add_checked_fixture(tcases[i], set_up, tear_down);
        tcase_set_timeout(tcases[i], 90);
        suite_add_tcase(suite, tcases[i]);
    }
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    pg_fixture_destroy(&fixture);
    return failed == 0 ? 0 : 1;
}
