/* What workers may do and say, and what becomes of the jobs of those who misbehave. */
#include "tests/unit/broker/broker_help.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/suite.h"

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

/* It has started in time, and waits for its next attempt. */
START_TEST(a_job_that_has_run_does_not_expire)
{
    peer_end_t *producer = peer_end_new(endpoint), *worker = peer_end_new(endpoint);
    tm_msg_t msg = submit_of("a", 1), other = submit_of("nobody", 2);
    tm_msg_t credit = {.type = TM_MSG_CREDIT};
    struct tm_job job;

    hello(worker, "a", 1);
    msg.submit.expires_ms = 60000;
    msg.submit.has_expires_ms = true;
    peer_end_send(producer, &msg);
    job = take(worker);
    ck_assert_int_eq(count("WITH late AS (UPDATE jobs SET expires_at = now() RETURNING id)"
                           " SELECT count(*) FROM late"),
                     1);
    peer_end_send(worker, &credit);
    fail_job(worker, &job, true);
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    other.submit.expires_ms = 1;
    other.submit.has_expires_ms = true;
    other.submit.watch = other.submit.has_watch = true;
    peer_end_send(producer, &other);
    ck_assert(/* those that are late have been looked for */
              tm_str_is(peer_end_expect(producer, TM_MSG_RESULT, SOON_MS)->result.code,
                        "EXPIRED"));
    hello(worker, "a", 1); /* it was silent for long */
    ck_assert_uint_eq(take(worker).attempt, 2);
    peer_end_destroy(&producer);
    peer_end_destroy(&worker);
}
END_TEST

/* --- workers that say what is not so ------------------------------------------------------ */

static const tm_uuid_t us = {{[15] = 7}};

START_TEST(a_worker_that_connects_anew_keeps_its_jobs)
{
    peer_end_t *producer = peer_end_new(endpoint), *before = peer_end_new(endpoint), *after;
    tm_msg_t msg = submit_of("a", 1);
    struct tm_job job;

    hello_as(before, &us, "a", 1);
    peer_end_send(producer, &msg);
    job = take(before);
    peer_end_destroy(&before);
    after = peer_end_new(endpoint);
    hello_as(after, &us, "a", 1);
    /* the lease of the old connection runs out meanwhile */
    ck_assert_ptr_null(peer_end_poll(after, TM_MSG_JOB, 2000));
    finish_job(after, &job, "");
    peer_end_expect(after, TM_MSG_SETTLED, SOON_MS);
    ck_assert_int_eq(count("SELECT count(*) FROM job_runs WHERE attempt = 1 AND failures = 0"),
                     1);
    peer_end_destroy(&after);
    peer_end_destroy(&producer);
}
END_TEST

START_TEST(a_peer_is_only_the_worker_it_said_it_was_last)
{
    peer_end_t *producer = peer_end_new(endpoint), *worker = peer_end_new(endpoint);
    peer_end_t *other = peer_end_new(endpoint);
    tm_msg_t msg = submit_of("a", 1);
    struct tm_job job;

    hello_as(worker, &us, "a", 1);
    hello(worker, "b", 0);
    peer_end_send(producer, &msg);
    peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS);
    ck_assert_ptr_null(peer_end_poll(worker, TM_MSG_JOB, 500));
    hello(other, "a", 1);
    job = take(other);
    finish_job(other, &job, "");
    peer_end_expect(other, TM_MSG_SETTLED, SOON_MS);
    peer_end_destroy(&other);
    peer_end_destroy(&worker);
    peer_end_destroy(&producer);
}
END_TEST

/* What a worker says of a job that another has. */
static const tm_msg_t claims[] = {
    {.type = TM_MSG_DONE, .done = {.settled = true, .has_settled = true}},
    {.type = TM_MSG_DONE, .body = {"a lie", 5}},
    {.type = TM_MSG_FAIL, .fail = {.code = {"INTERNAL", 8}}},
};

START_TEST(a_stranger_ends_no_job)
{
    peer_end_t *producer = peer_end_new(endpoint), *worker = peer_end_new(endpoint);
    peer_end_t *stranger = peer_end_new(endpoint);
    tm_msg_t msg = submit_of("a", 1), claim = claims[_i];
    struct tm_job job;

    hello(worker, "a", 1);
    hello(stranger, "b", 1);
    msg.submit.watch = msg.submit.has_watch = true;
    peer_end_send(producer, &msg);
    job = take(worker);
    if (claim.type == TM_MSG_DONE) {
        claim.done.job = job.job;
        claim.done.attempt = job.attempt;
    } else {
        claim.fail.job = job.job;
        claim.fail.attempt = job.attempt;
    }
    peer_end_send(stranger, &claim);
    ck_assert(
        tm_str_is(peer_end_expect(stranger, TM_MSG_DROP, SOON_MS)->drop.code, "LEASE_LOST"));
    finish_job(worker, &job, "the truth");
    ck_assert(tm_str_is(peer_end_expect(producer, TM_MSG_RESULT, SOON_MS)->body, "the truth"));
    ck_assert_int_eq(count("SELECT count(*) FROM job_runs"), 1);
    peer_end_destroy(&stranger);
    peer_end_destroy(&worker);
    peer_end_destroy(&producer);
}
END_TEST

/* The end of a job is in the table or it is not, whatever a worker without a lease says. */
START_TEST(watchers_are_told_what_the_table_says)
{
    peer_end_t *producer = peer_end_new(endpoint), *stranger = peer_end_new(endpoint);
    tm_msg_t msg = submit_of("a", 1), claim = claims[0];

    hello(stranger, "b", 1);
    msg.submit.watch = msg.submit.has_watch = true;
    peer_end_send(producer, &msg);
    peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS);
    claim.done.job = msg.submit.job;
    claim.done.attempt = 1;
    peer_end_send(stranger, &claim);
    peer_end_expect(stranger, TM_MSG_SETTLED, SOON_MS);
    ck_assert_ptr_null(peer_end_poll(producer, TM_MSG_RESULT, 300));
    peer_end_destroy(&stranger);
    peer_end_destroy(&producer);
}
END_TEST

TCase *
broker_workers(void)
{
    TCase *tcase = case_new("workers", NULL, NULL);

    suite_tests(tcase, a_job_is_pushed_done_and_its_result_told,
                a_worker_gets_no_more_than_its_credit_and_all_work_is_done,
                a_retryable_failure_is_tried_again_until_dead, a_final_failure_is_dead_at_once,
                a_silent_worker_loses_its_job_and_its_late_result_changes_nothing,
                a_job_that_takes_three_workers_with_it_is_parked,
                an_attempt_that_takes_too_long_is_dropped_and_tried_again,
                a_delayed_job_waits_and_an_expired_one_dies, a_job_that_has_run_does_not_expire,
                a_worker_that_connects_anew_keeps_its_jobs,
                a_peer_is_only_the_worker_it_said_it_was_last);
    suite_rows(tcase, a_stranger_ends_no_job, claims);
    suite_tests(tcase, watchers_are_told_what_the_table_says);
    return tcase;
}
