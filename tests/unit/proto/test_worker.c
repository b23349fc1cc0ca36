#include <signal.h>
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "proto/client.h"
#include "tests/support/pace.h"
#include "tests/support/patience.h"
#include "tests/support/suite.h"
#include "worker_help.h"

START_TEST(a_worker_says_who_it_is)
{
    start_worker(place.endpoint[0], 3);
    tm_msg_t hello = expect(broker, TM_MSG_HELLO);
    ck_assert(tm_str_is(hello.hello.actor, "tune") &&
              tm_str_is(hello.hello.queues, "tune,wfo"));
    ck_assert_uint_eq(hello.hello.credit, 3);
    ck_assert(!tm_uuid_is_nil(&hello.hello.worker));
}
END_TEST

START_TEST(hello_is_repeated_until_welcome_comes)
{
    start_worker(place.endpoint[0], 1);
    tm_msg_t first = expect(broker, TM_MSG_HELLO);
    tm_uuid_t id = first.hello.worker;
    tm_msg_t again = expect(broker, TM_MSG_HELLO);
    ck_assert(tm_uuid_is(&id, &again.hello.worker));
}
END_TEST

START_TEST(a_worker_that_was_forgotten_says_hello_again)
{
    start_worker(place.endpoint[0], 1);
    welcome(broker);
    in_order(broker);
    tm_msg_t unknown = {.type = TM_MSG_REJECTED, .rejected.code = tm_str("NOT_FOUND")};
    fake_broker_send(broker, &unknown);
    expect(broker, TM_MSG_HELLO);
}
END_TEST

/* An idle one, too: it says nothing by which a broker could find that it does not know it. */
START_TEST(a_worker_says_hello_again_by_a_new_connection)
{
    start_worker(place.endpoint[0], 1);
    welcome(broker);
    in_order(broker);
    fake_broker_cut(broker, place.endpoint[0]);
    expect(broker, TM_MSG_HELLO);
}
END_TEST

/* A connection that is made anew is a stranger to the broker, and neither side is told of it.
 */
START_TEST(an_idle_worker_whose_connection_was_replaced_is_told_so)
{
    start_worker(place.endpoint[0], 3);
    welcome(broker);
    expect(broker, TM_MSG_PING);
    ck_assert_uint_eq(expect(broker, TM_MSG_CREDIT).credit.credit, 3);
    tm_msg_t unknown = {.type = TM_MSG_REJECTED, .rejected.code = tm_str("NOT_FOUND")};
    fake_broker_send(broker, &unknown); /* as a broker answers the CREDIT of a stranger */
    expect(broker, TM_MSG_HELLO);
}
END_TEST

START_TEST(a_job_reaches_the_caller_whole)
{
    start_worker(place.endpoint[0], 1);
    welcome(broker);
    tm_uuid_t id = send_job(broker, NULL, 7);
    tm_job_t *job = take_job();
    ck_assert(tm_uuid_is(tm_job_id(job), &id));
    ck_assert_uint_eq(tm_job_attempt(job), 7);
    ck_assert_uint_eq(tm_job_timeout_ms(job), 5000);
    ck_assert_str_eq(tm_job_queue(job), "tune");
    ck_assert_str_eq(tm_job_traceparent(job), "00-aa-bb-01");
    ck_assert(tm_str_is(tm_job_body(job), "space"));
    ck_assert(tm_uuid_is_nil(tm_job_workspace(job)) && !tm_job_is_dropped(job));
}
END_TEST

START_TEST(done_is_said_again_until_it_is_settled)
{
    start_worker(place.endpoint[0], 1);
    welcome(broker);
    tm_uuid_t id = send_job(broker, NULL, 1);
    tm_job_t *job = take_job();
    tm_worker_done(worker, &job, true, "score", 5);
    ck_assert_ptr_null(job);
    for (int i = 0; i < 2; i++) {
        tm_msg_t done = expect(broker, TM_MSG_DONE);
        ck_assert(tm_uuid_is(&done.done.job, &id) && done.done.attempt == 1);
        ck_assert(done.done.settled && tm_str_is(done.body, "score"));
    }
    settle(broker, &id, 1);
    int64_t start = zclock_mono();
    dismiss(); /* nothing is left to settle: it leaves at once */
    int64_t took = zclock_mono() - start;
    ck_assert(pace_allows(took, 2000));
    if (fake_broker_seen(broker, TM_MSG_BYE) == 0)
        expect(broker, TM_MSG_BYE);
}
END_TEST

/* What follows a job goes on in its trace, unless it has one of its own. */
START_TEST(jobs_that_follow_inherit_the_trace)
{
    const struct tm_job_spec jobs[] = {{.queue = "next"},
                                       {.queue = "next", .traceparent = "00-cc-dd-01"}};
    tm_job_t *job;

    start_worker(place.endpoint[0], 1);
    welcome(broker);
    send_job(broker, NULL, 1);
    job = take_job();
    tm_worker_done_with(worker, &job, &(struct tm_job_end){.jobs = jobs, .job_count = 2});
    ck_assert_uint_eq(expect(broker, TM_MSG_DONE).done.followers, 2);
    ck_assert(tm_str_is(expect(broker, TM_MSG_SUBMIT).submit.traceparent, "00-aa-bb-01"));
    ck_assert(tm_str_is(expect(broker, TM_MSG_SUBMIT).submit.traceparent, "00-cc-dd-01"));
}
END_TEST

START_TEST(pings_go_on_while_the_caller_is_busy)
{
    start_worker(place.endpoint[0], 1);
    welcome(broker);
    send_job(broker, NULL, 1);
    tm_job_t *job = take_job();
    for (int i = 0; i < 5; i++)
        expect(broker, TM_MSG_PING); /* this thread is the caller, and does not call */
    tm_worker_done(worker, &job, false, NULL, 0);
    expect(broker, TM_MSG_DONE);
}
END_TEST

/* An end waits for company while more jobs are ready; a long one among them does not keep it.
 */
START_TEST(an_end_is_told_though_the_next_job_takes_long)
{
    start_worker(place.endpoint[0], 2);
    welcome(broker);
    tm_uuid_t id = send_job(broker, NULL, 1);
    send_job(broker, NULL, 1);
    in_order(broker); /* both have come */
    tm_job_t *job = take_job();
    tm_worker_done(worker, &job, false, NULL, 0);
    job = take_job();
    tm_msg_t done = expect(broker, TM_MSG_DONE); /* and this thread does not call again */
    ck_assert(tm_uuid_is(&done.done.job, &id));
    settle(broker, &id, 1);
}
END_TEST

START_TEST(a_restarted_broker_hears_which_jobs_are_in_work)
{
    start_worker(place.endpoint[0], 2);
    welcome(broker);
    tm_uuid_t id = send_job(broker, NULL, 4);
    tm_job_t *job = take_job();
    fake_broker_destroy(&broker);
    broker = fake_broker_new(place.endpoint[0]);
    welcome(broker);
    tm_msg_t holding = expect(broker, TM_MSG_HOLDING);
    ck_assert(tm_uuid_is(&holding.holding.job, &id) && holding.holding.attempt == 4);
    tm_worker_done(worker, &job, false, "x", 1);
    tm_msg_t done = expect(broker, TM_MSG_DONE);
    ck_assert(tm_uuid_is(&done.done.job, &id));
    settle(broker, &id, 4);
}
END_TEST

START_TEST(an_outcome_lost_with_its_broker_is_said_to_the_next)
{
    start_worker(place.endpoint[0], 1);
    welcome(broker);
    tm_uuid_t id = send_job(broker, NULL, 4);
    tm_job_t *job = take_job();
    tm_worker_fail(worker, &job, TM_JOB_FAILED, "no data", false);
    expect(broker, TM_MSG_FAIL);
    fake_broker_destroy(&broker);
    broker = fake_broker_new(place.endpoint[0]);
    tm_msg_t fail = expect(broker, TM_MSG_FAIL);
    ck_assert(tm_uuid_is(&fail.fail.job, &id) && tm_str_is(fail.fail.code, "JOB_FAILED"));
    ck_assert_uint_eq(fake_broker_seen(broker, TM_MSG_HOLDING), 0); /* it is not in work */
    settle(broker, &id, 4);
}
END_TEST

START_TEST(a_silent_brokers_jobs_are_told_to_another)
{
    second = fake_broker_new(place.endpoint[1]);
    start_worker(place.both, 2);
    welcome(broker);
    welcome(second);
    tm_uuid_t id = send_job(broker, NULL, 2);
    tm_job_t *job = take_job();
    tm_msg_t holding = expect(second, TM_MSG_HOLDING); /* the first is not read any more */
    ck_assert(tm_uuid_is(&holding.holding.job, &id));
    tm_worker_done(worker, &job, false, NULL, 0);
    tm_msg_t done = expect(second, TM_MSG_DONE);
    ck_assert(tm_uuid_is(&done.done.job, &id));
    settle(second, &id, 2);
}
END_TEST

/* Credit is said again and again: what counts is that it becomes this. */
static void
expect_credit(fake_broker_t *at, uint64_t credit)
{
    while (expect(at, TM_MSG_CREDIT).credit.credit != credit)
        continue;
}

START_TEST(brokers_share_the_credit)
{
    second = fake_broker_new(place.endpoint[1]);
    start_worker(place.both, 1);
    welcome(broker);
    welcome(second);
    send_job(broker, NULL, 1);
    tm_job_t *job = take_job();
    expect_credit(second, 0);
    tm_worker_done(worker, &job, false, NULL, 0);
    expect_credit(second, 1);
    tm_msg_t done = expect(broker, TM_MSG_DONE);
    settle(broker, &done.done.job, 1);
}
END_TEST

START_TEST(a_job_without_room_is_refused_as_busy)
{
    start_worker(place.endpoint[0], 1);
    welcome(broker);
    send_job(broker, NULL, 1);
    tm_uuid_t over = send_job(broker, NULL, 1);
    tm_msg_t fail = expect(broker, TM_MSG_FAIL);
    ck_assert(tm_uuid_is(&fail.fail.job, &over));
    ck_assert(tm_str_is(fail.fail.code, "BUSY") && fail.fail.retryable);
    settle(broker, &over, 1);
    tm_job_t *job = take_job();
    ck_assert(!tm_uuid_is(tm_job_id(job), &over));
}
END_TEST

START_TEST(a_job_that_is_wrong_is_rejected_and_one_that_fails_is_not)
{
    start_worker(place.endpoint[0], 1);
    welcome(broker);
    send_job(broker, NULL, 1);
    tm_job_t *job = take_job();
    tm_worker_reject(worker, &job, TM_DATA_PARSE_FAILED, "line 7");
    tm_msg_t fail = expect(broker, TM_MSG_FAIL);
    ck_assert(fail.fail.rejected && !fail.fail.retryable);
    ck_assert(tm_str_is(fail.fail.code, "DATA_PARSE_FAILED"));
    ck_assert(tm_str_is(fail.fail.detail, "line 7"));
    settle(broker, &fail.fail.job, 1);
    send_job(broker, NULL, 1);
    job = take_job();
    tm_worker_fail(worker, &job, TM_JOB_FAILED, "so", false);
    ck_assert(!expect(broker, TM_MSG_FAIL).fail.has_rejected);
}
END_TEST

START_TEST(a_canceled_job_that_keeps_what_it_found_says_so)
{
    tm_msg_t cancel = {.type = TM_MSG_CANCEL}, said;

    start_worker(place.endpoint[0], 1);
    welcome(broker);
    cancel.cancel.job = send_job(broker, NULL, 1);
    cancel.cancel.attempt = 1;
    cancel.cancel.has_attempt = true;
    tm_job_t *job = take_job();
    tm_worker_progress(worker, job, 1, 9, NULL, 0);
    ck_assert(!expect(broker, TM_MSG_PROGRESS).progress.has_stopped);
    fake_broker_send(broker, &cancel);
    while (!tm_job_is_canceled(job))
        in_order(broker);
    tm_worker_stopped(worker, job, 2, 9, "so far", 6);
    said = expect(broker, TM_MSG_PROGRESS);
    ck_assert(said.progress.stopped && said.progress.done == 2 && said.progress.total == 9);
    ck_assert(tm_str_is(said.body, "so far"));
    tm_worker_canceled(worker, &job);
    said = expect(broker, TM_MSG_FAIL);
    ck_assert(said.fail.settled && tm_str_is(said.fail.code, "CANCELED"));
    ck_assert(!said.fail.retryable && !said.fail.has_rejected);
}
END_TEST

START_TEST(a_job_sent_twice_is_worked_on_once)
{
    tm_job_t *job, *none = NULL;

    start_worker(place.endpoint[0], 2);
    welcome(broker);
    tm_uuid_t id = send_job(broker, NULL, 2);
    send_job(broker, &id, 2);
    send_job(broker, &id, 1);
    in_order(broker);
    job = take_job();
    ck_assert_uint_eq(tm_job_attempt(job), 2);
    ck_assert_int_eq(tm_worker_next(worker, 0, &none), TM_TIMEOUT);
}
END_TEST

START_TEST(a_dropped_job_is_flagged_and_its_result_is_not_sent)
{
    start_worker(place.endpoint[0], 2);
    welcome(broker);
    tm_uuid_t id = send_job(broker, NULL, 2);
    tm_job_t *job = take_job();
    send_drop(broker, &id, 1); /* of another lease */
    in_order(broker);
    ck_assert(!tm_job_is_dropped(job));
    send_drop(broker, &id, 2);
    in_order(broker);
    ck_assert(tm_job_is_dropped(job));
    tm_worker_done(worker, &job, false, "late", 4);
    /* What the worker says next, it says after it has dealt with the late result. */
    tm_uuid_t next = send_job(broker, NULL, 1);
    job = take_job();
    tm_worker_done(worker, &job, false, "due", 3);
    tm_msg_t done = expect(broker, TM_MSG_DONE);
    ck_assert(tm_uuid_is(&done.done.job, &next) && tm_str_is(done.body, "due"));
    settle(broker, &next, 1);
}
END_TEST

START_TEST(a_newer_attempt_replaces_the_older)
{
    start_worker(place.endpoint[0], 2);
    welcome(broker);
    tm_uuid_t id = send_job(broker, NULL, 1);
    tm_job_t *old = take_job();
    send_job(broker, &id, 2);
    tm_job_t *new = take_job();
    ck_assert(tm_job_is_dropped(old) && !tm_job_is_dropped(new));
    tm_worker_done(worker, &old, false, "old", 3);
    tm_worker_done(worker, &new, false, "new", 3);
    tm_msg_t done = expect(broker, TM_MSG_DONE);
    ck_assert(done.done.attempt == 2 && tm_str_is(done.body, "new"));
    settle(broker, &id, 2);
}
END_TEST

START_TEST(progress_and_wild_words_reach_the_broker)
{
    start_worker(place.endpoint[0], 1);
    welcome(broker);
    tm_uuid_t id = send_job(broker, NULL, 3);
    tm_job_t *job = take_job();
    tm_worker_progress(worker, job, 5, 9, "best", 4);
    tm_msg_t progress = expect(broker, TM_MSG_PROGRESS);
    ck_assert(progress.progress.done == 5 && progress.progress.total == 9);
    ck_assert(tm_uuid_is(&progress.progress.job, &id) && tm_str_is(progress.body, "best"));
    char *wild = malloc(9001);
    memset(wild, 0xff, 9000);
    wild[9000] = '\0';
    tm_worker_fail(worker, &job, TM_INTERNAL, wild, true);
    free(wild);
    tm_msg_t fail = expect(broker, TM_MSG_FAIL);
    ck_assert(fail.fail.detail.size == TM_DETAIL_MAX && fail.fail.detail.data[0] == '?');
    settle(broker, &id, 3);
}
END_TEST

START_TEST(a_result_too_large_fails_the_job)
{
    char *large = calloc(1, TM_BODY_MAX + 1);

    start_worker(place.endpoint[0], 1);
    welcome(broker);
    send_job(broker, NULL, 1);
    tm_job_t *job = take_job();
    tm_worker_done(worker, &job, false, large, TM_BODY_MAX + 1);
    free(large);
    tm_msg_t fail = expect(broker, TM_MSG_FAIL);
    ck_assert(tm_str_is(fail.fail.code, "TOO_LARGE") && !fail.fail.retryable);
    settle(broker, &fail.fail.job, 1);
}
END_TEST

START_TEST(a_draining_worker_takes_no_more)
{
    tm_job_t *job = NULL;

    start_worker(place.endpoint[0], 2);
    welcome(broker);
    send_job(broker, NULL, 1);
    in_order(broker);
    tm_worker_drain(worker);
    expect(broker, TM_MSG_BYE);
    tm_uuid_t late = send_job(broker, NULL, 1);
    tm_msg_t fail = expect(broker, TM_MSG_FAIL);
    ck_assert(tm_uuid_is(&fail.fail.job, &late) && tm_str_is(fail.fail.code, "DRAINING"));
    settle(broker, &late, 1);
    ck_assert_int_eq(tm_worker_next(worker, -1, &job), TM_OK); /* it came before */
    tm_worker_done(worker, &job, false, NULL, 0);
    tm_msg_t done = expect(broker, TM_MSG_DONE);
    settle(broker, &done.done.job, 1);
    ck_assert_int_eq(tm_worker_next(worker, -1, &job), TM_DRAINING);
}
END_TEST

/* It came while the caller was busy, so no poll was interrupted by it. */
START_TEST(a_signal_is_told_once_whenever_it_came)
{
    tm_job_t *job = NULL;

    start_worker(place.endpoint[0], 2);
    welcome(broker);
    send_job(broker, NULL, 1);
    in_order(broker);
    raise(SIGTERM);
    ck_assert_int_eq(tm_worker_next(worker, -1, &job), TM_DRAINING);
    ck_assert_int_eq(tm_worker_next(worker, -1, &job), TM_OK);
    tm_worker_done(worker, &job, false, NULL, 0);
    tm_msg_t done = expect(broker, TM_MSG_DONE);
    settle(broker, &done.done.job, 1);
    ck_assert_int_eq(tm_worker_next(worker, 1, &job), TM_TIMEOUT);
}
END_TEST

START_TEST(jobs_not_ended_go_back_when_the_worker_leaves)
{
    start_worker(place.endpoint[0], 2);
    welcome(broker);
    send_job(broker, NULL, 1);
    send_job(broker, NULL, 1);
    take_job(); /* the other one waits */
    in_order(broker);
    dismiss();
    ck_assert_uint_eq(fake_broker_seen(broker, TM_MSG_FAIL), 2);
}
END_TEST

START_TEST(wrong_options_make_no_worker)
{
    static const struct tm_worker_options wrong[] = {
        {.brokers = "", .actor = "a", .queues = "q"},
        {.brokers = "what://x", .actor = "a", .queues = "q"},
        {.brokers = "tcp://127.0.0.1:9", .actor = "\xff", .queues = "q"},
        {.brokers = "tcp://127.0.0.1:9", .actor = "a", .queues = "q", .credit = 10001},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_ptr_null(tm_worker_new(&wrong[i]));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("worker");
    TCase *tests = suite_case(suite, "worker", setup, teardown);

    suite_tests(
        tests, a_worker_says_who_it_is, a_signal_is_told_once_whenever_it_came,
        hello_is_repeated_until_welcome_comes, a_worker_that_was_forgotten_says_hello_again,
        a_worker_says_hello_again_by_a_new_connection,
        an_idle_worker_whose_connection_was_replaced_is_told_so, a_job_reaches_the_caller_whole,
        done_is_said_again_until_it_is_settled, jobs_that_follow_inherit_the_trace,
        pings_go_on_while_the_caller_is_busy, an_end_is_told_though_the_next_job_takes_long,
        a_restarted_broker_hears_which_jobs_are_in_work,
        an_outcome_lost_with_its_broker_is_said_to_the_next,
        a_silent_brokers_jobs_are_told_to_another, brokers_share_the_credit,
        a_job_that_is_wrong_is_rejected_and_one_that_fails_is_not,
        a_canceled_job_that_keeps_what_it_found_says_so, a_job_without_room_is_refused_as_busy,
        a_job_sent_twice_is_worked_on_once, a_dropped_job_is_flagged_and_its_result_is_not_sent,
        a_newer_attempt_replaces_the_older, progress_and_wild_words_reach_the_broker,
        a_result_too_large_fails_the_job, a_draining_worker_takes_no_more,
        jobs_not_ended_go_back_when_the_worker_leaves, wrong_options_make_no_worker);
    return suite_run(suite);
}
