/* The broker as a process of its own on a real PostgreSQL, seen by bare peers that may
 * misbehave. */
#include "tests/unit/broker/broker_help.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/kit/util/digest.h"
#include "tests/support/pg_suite.h"

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

/* A duplicate of a job that nobody knows would be waited for in vain. */
START_TEST(a_key_whose_job_was_dropped_makes_a_new_job)
{
    peer_end_t *producer = peer_end_new(endpoint), *worker = peer_end_new(endpoint);
    uint8_t hash[SHA256_SIZE];
    tm_msg_t msg = keyed("k", "one", hash, 1);

    hello(worker, "a", 1);
    peer_end_send(producer, &msg);
    peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS);
    struct tm_job job = take(worker);
    fail_job(worker, &job, false);
    msg = keyed("k", "one", hash, 2);
    peer_end_send(producer, &msg);
    ck_assert(peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS)->accepted.duplicate);
    free(pg_fixture_query(url, "SELECT dead_drop(NULL, NULL, NULL, NULL)"));
    msg = keyed("k", "one", hash, 3);
    peer_end_send(producer, &msg);
    ck_assert(!peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS)->accepted.duplicate);
    ck_assert_int_eq(count("SELECT count(*) FROM jobs"), 1);
    ck_assert_int_eq(count("SELECT count(*) FROM idempotency_keys"), 1);
    peer_end_destroy(&producer);
    peer_end_destroy(&worker);
}
END_TEST

START_TEST(one_key_on_two_queues_is_refused)
{
    peer_end_t *producer = peer_end_new(endpoint);
    uint8_t hash[SHA256_SIZE];
    tm_msg_t msg = keyed("k", "one", hash, 1);

    peer_end_send(producer, &msg);
    peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS);
    msg = keyed("k", "one", hash, 2);
    msg.submit.queue = tm_str("another");
    peer_end_send(producer, &msg);
    ck_assert(tm_str_is(peer_end_expect(producer, TM_MSG_REJECTED, SOON_MS)->rejected.code,
                        "IDEMPOTENCY_KEY_REUSED"));
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

/* --- what breaks -------------------------------------------------------------------------- */

START_TEST(a_restarted_broker_adopts_the_jobs_its_workers_hold)
{
    peer_end_t *producer = peer_end_new(endpoint), *worker = peer_end_new(endpoint);
    tm_msg_t msg = submit_of("a", 1),
             pair[2] = {{.type = TM_MSG_HELLO}, {.type = TM_MSG_HOLDING}};
    tm_uuid_t id = tm_uuid_new();
    struct tm_job job;

    hello_as(worker, &id, "a", 1);
    peer_end_send(producer, &msg);
    job = take(worker);
    kill_broker(SIGKILL);
    start_broker();
    pair[0].hello.actor = tm_str("test");
    pair[0].hello.worker = id;
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
            pg_fixture_kill(broker_fixture);
    }
    pg_fixture_start(broker_fixture);
    while (answered < JOBS) {
        peer_end_expect(producer, TM_MSG_ACCEPTED, 3 * SOON_MS);
        answered++;
    }
    ck_assert_int_eq(count("SELECT count(*) FROM jobs"), JOBS);
    peer_end_destroy(&producer);
    kill_broker(SIGKILL);
    pg_fixture_kill(broker_fixture); /* started by this process, it would die with it */
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
    TCase *tcase = case_new("producers", NULL, NULL);

    suite_tests(tcase, an_accepted_job_is_in_the_table, a_submit_sent_twice_makes_one_job,
                a_finished_job_is_not_run_again_when_its_submit_is_sent_again,
                one_key_and_request_is_one_job_at_any_concurrency,
                a_key_with_another_request_is_refused, an_expired_key_may_be_used_again,
                a_key_whose_job_was_dropped_makes_a_new_job, one_key_on_two_queues_is_refused,
                a_wrong_submit_is_refused_with_its_reason,
                one_refused_job_does_not_take_its_batch_with_it,
                garbage_is_answered_and_harms_nobody,
                a_dataset_is_complete_when_all_pieces_have_its_hash);
    return tcase;
}

static TCase *
faults(void)
{
    TCase *tcase = case_new("faults", NULL, NULL);

    suite_tests(tcase, a_restarted_broker_adopts_the_jobs_its_workers_hold,
                jobs_of_a_dead_broker_and_worker_are_taken_over,
                every_submit_is_answered_and_kept_when_the_database_dies,
                a_drained_broker_has_written_all_it_was_given);
    return tcase;
}

int
main(void)
{
    Suite *suite = suite_create("broker");
    TCase *tcases[] = {producers(), broker_workers(), faults()};

    for (size_t i = 0; i < sizeof(tcases) / sizeof(tcases[0]); i++) {
        tcase_add_checked_fixture(tcases[i], broker_set_up, broker_tear_down);
        suite_add_tcase(suite, tcases[i]);
    }
    return pg_suite_run(suite, &broker_fixture);
}
