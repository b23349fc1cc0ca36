/* Jobs that are canceled: while they wait, while they run, and whoever asks. And those that
 * their worker rejects. */
#include "tests/unit/broker/broker_rules_help.h"

#include <signal.h>

static tm_msg_t
cancel_of(const tm_uuid_t *job)
{
    return (tm_msg_t){.type = TM_MSG_CANCEL, .cancel = {.ref = 77, .job = *job}};
}

static void
expect_state(const tm_uuid_t *job, const char *state)
{
    const tm_msg_t *answer = peer_end_expect(producer, TM_MSG_STATE, SOON_MS);

    ck_assert_uint_eq(answer->state.ref, 77);
    ck_assert(tm_uuid_is(&answer->state.job, job));
    ck_assert_msg(tm_str_is(answer->state.state, state), "%.*s instead of %s",
                  (int)answer->state.state.size, answer->state.state.data, state);
}

static void
expect_result(const char *state, const char *code)
{
    const tm_msg_t *result = peer_end_expect(producer, TM_MSG_RESULT, SOON_MS);

    ck_assert(tm_str_is(result->result.state, state));
    ck_assert(tm_str_is(result->result.code, code));
}

START_TEST(what_waits_is_canceled_at_once)
{
    tm_msg_t msg = submit_of("a", 1), cancel;

    msg.submit.watch = msg.submit.has_watch = true;
    submit_and_wait(producer, &msg);
    cancel = cancel_of(&msg.submit.job);
    peer_end_send(producer, &cancel);
    expect_state(&msg.submit.job, "canceled");
    expect_result("canceled", "CANCELED");
    ck_assert_int_eq(
        broker_world_count(&world, "SELECT count(*) FROM job_runs WHERE outcome = 'canceled'"),
        1);
    peer_end_send(producer, &cancel);
    expect_state(&msg.submit.job, "canceled");
    cancel.cancel.job = tm_uuid_new();
    peer_end_send(producer, &cancel);
    expect_state(&cancel.cancel.job, "unknown");
}
END_TEST

START_TEST(what_runs_is_asked_to_stop)
{
    tm_msg_t msg = submit_of("a", 1), cancel, fail = {.type = TM_MSG_FAIL};
    struct tm_job job;
    const tm_msg_t *asked;

    say_hello(worker, NULL, "a", 1);
    msg.submit.watch = msg.submit.has_watch = true;
    peer_end_send(producer, &msg);
    job = take_job(worker);
    cancel = cancel_of(&job.job);
    peer_end_send(producer, &cancel);
    asked = peer_end_expect(worker, TM_MSG_CANCEL, SOON_MS);
    ck_assert(tm_uuid_is(&asked->cancel.job, &job.job) && asked->cancel.attempt == 1);
    fail.fail.job = job.job;
    fail.fail.attempt = 1;
    fail.fail.code = tm_str("CANCELED");
    peer_end_send(worker, &fail);
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    expect_result("canceled", "CANCELED");
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM dead_jobs"), 0);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM jobs"), 0);
}
END_TEST

START_TEST(what_does_not_stop_loses_its_lease)
{
    tm_msg_t msg = submit_of("a", 1), cancel;
    struct tm_job job;

    say_hello(worker, NULL, "a", 1);
    msg.submit.watch = msg.submit.has_watch = true;
    peer_end_send(producer, &msg);
    job = take_job(worker);
    cancel = cancel_of(&job.job);
    peer_end_send(producer, &cancel);
    ck_assert(tm_str_is(peer_end_expect(worker, TM_MSG_DROP, SOON_MS)->drop.code, "CANCELED"));
    expect_result("canceled", "CANCELED");
    finish_job(worker, &job, "late");
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    ck_assert_int_eq(
        broker_world_count(&world, "SELECT count(*) FROM job_runs WHERE outcome = 'done'"), 0);
}
END_TEST

START_TEST(a_canceled_job_whose_worker_dies_is_not_tried_again)
{
    tm_msg_t msg = submit_of("a", 1);

    say_hello(worker, NULL, "a", 1);
    peer_end_send(producer, &msg);
    take_job(worker);
    broker_world_kill(&world, 0, SIGKILL); /* nobody is there to tell the worker */
    peer_end_destroy(&worker);
    broker_world_run(&world, "SELECT job_cancel(id) FROM jobs");
    broker_world_launch(&world, 0);
    broker_world_await(&world, "SELECT count(*) FROM job_runs WHERE outcome = 'canceled'", 1);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM jobs"), 0);
}
END_TEST

/* The one who asks and the one who runs are at different brokers. */
START_TEST(a_job_is_canceled_through_any_broker)
{
    tm_msg_t msg = submit_of("a", 1), cancel;
    struct tm_job job;

    say_hello(worker, NULL, "a", 1);
    submit_and_wait(producer, &msg);
    job = take_job(worker); /* at the second broker: the first has told of it */
    ck_assert(tm_uuid_is(&job.job, &msg.submit.job));
    cancel = cancel_of(&job.job);
    peer_end_send(producer, &cancel);
    expect_state(&job.job, "running");
    peer_end_expect(worker, TM_MSG_CANCEL, SOON_MS);
}
END_TEST

/* --- canceled, with what it found --------------------------------------------------------- */

static struct tm_job
take_and_cancel(void)
{
    tm_msg_t msg = submit_of("a", 1), cancel;
    struct tm_job job;

    say_hello(worker, NULL, "a", 1);
    msg.submit.watch = msg.submit.has_watch = true;
    submit_and_wait(producer, &msg);
    job = take_job(worker);
    cancel = cancel_of(&job.job);
    peer_end_send(producer, &cancel);
    expect_state(&job.job, "running");
    peer_end_expect(worker, TM_MSG_CANCEL, SOON_MS);
    return job;
}

static void
say_stopped(const struct tm_job *job)
{
    tm_msg_t msg = {.type = TM_MSG_PROGRESS,
                    .progress = {.job = job->job,
                                 .attempt = job->attempt,
                                 .done = 7,
                                 .total = 10,
                                 .stopped = true,
                                 .has_stopped = true}};

    peer_end_send(worker, &msg);
}

/* A worker that stores what it found has more than the second that others have. */
START_TEST(a_worker_that_has_stopped_may_take_longer_to_store)
{
    const struct tm_job job = take_and_cancel();
    tm_msg_t msg = {.type = TM_MSG_FAIL,
                    .fail = {.job = job.job,
                             .attempt = job.attempt,
                             .code = tm_str("CANCELED"),
                             .settled = true,
                             .has_settled = true}};
    const tm_msg_t *result;
    char sql[200], id[TM_UUID_TEXT];

    say_stopped(&job);
    ck_assert_ptr_null(peer_end_poll(worker, TM_MSG_DROP, 2500));
    snprintf(sql, sizeof(sql), "SELECT job_finish('%s', %u, 'found', 'canceled')",
             tm_uuid_text(&job.job, id), (unsigned)job.attempt);
    broker_world_run(&world, sql);
    peer_end_send(worker, &msg);
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    result = peer_end_expect(producer, TM_MSG_RESULT, SOON_MS);
    ck_assert(tm_str_is(result->result.state, "canceled"));
    ck_assert(tm_str_is(result->result.code, "CANCELED"));
    ck_assert(tm_str_is(result->body, "found"));
}
END_TEST

/* It is not asked for its word only: nobody has canceled this one. */
START_TEST(a_job_that_nobody_canceled_is_not_taken_for_stopped)
{
    tm_msg_t msg = submit_of("a", 1), cancel;
    struct tm_job job;

    say_hello(worker, NULL, "a", 1);
    msg.submit.watch = msg.submit.has_watch = true;
    submit_and_wait(producer, &msg);
    job = take_job(worker);
    say_stopped(&job);
    ck_assert_uint_eq(peer_end_expect(producer, TM_MSG_PROGRESS, SOON_MS)->progress.done, 7);
    cancel = cancel_of(&job.job);
    peer_end_send(producer, &cancel);
    expect_state(&job.job, "running");
    peer_end_expect(worker, TM_MSG_CANCEL, SOON_MS);
    ck_assert(tm_str_is(peer_end_expect(worker, TM_MSG_DROP, SOON_MS)->drop.code, "CANCELED"));
}
END_TEST

/* Its word that it has ended the job is not believed: the table says what became of it. */
START_TEST(a_job_that_was_not_ended_is_not_told_as_ended)
{
    const struct tm_job job = take_and_cancel();
    tm_msg_t msg = {.type = TM_MSG_FAIL,
                    .fail = {.job = job.job,
                             .attempt = job.attempt + 1,
                             .code = tm_str("CANCELED"),
                             .settled = true,
                             .has_settled = true}};

    say_stopped(&job);
    peer_end_send(worker, &msg); /* of another attempt */
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    ck_assert_ptr_null(peer_end_poll(producer, TM_MSG_RESULT, 300));
    broker_world_await(&world, "SELECT count(*) FROM jobs WHERE state = 'running'", 1);
}
END_TEST

/* --- rejected ----------------------------------------------------------------------------- */

static void
reject_job(const struct tm_job *job)
{
    tm_msg_t msg = {.type = TM_MSG_FAIL,
                    .fail = {.job = job->job,
                             .attempt = job->attempt,
                             .code = tm_str("DATA_PARSE_FAILED"),
                             .detail = tm_str("line 7"),
                             .has_detail = true,
                             .rejected = true,
                             .has_rejected = true}};

    peer_end_send(worker, &msg);
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
}

static void
expect_status(const tm_uuid_t *job, const char *state)
{
    tm_msg_t ask = {.type = TM_MSG_STATUS, .status = {.ref = 77, .job = *job}};

    peer_end_send(producer, &ask);
    expect_state(job, state);
}

/* What the table says stays what it is when the broker starts again. */
START_TEST(a_rejected_job_is_kept_as_such_and_is_no_dead_letter)
{
    tm_msg_t msg = submit_of("a", 1);
    const tm_msg_t *state;
    struct tm_job job;

    say_hello(worker, NULL, "a", 1);
    msg.submit.watch = msg.submit.has_watch = true;
    peer_end_send(producer, &msg);
    job = take_job(worker);
    reject_job(&job);
    expect_result("rejected", "DATA_PARSE_FAILED");
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM dead_jobs"), 0);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM jobs"), 0);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM job_runs WHERE outcome = "
                                                "'rejected' AND code = 'DATA_PARSE_FAILED' AND "
                                                "detail = 'line 7' AND attempt = 1"),
                     1);
    broker_world_kill(&world, 0, SIGKILL);
    broker_world_launch(&world, 0);
    msg = (tm_msg_t){.type = TM_MSG_STATUS, .status = {.ref = 77, .job = job.job}};
    peer_end_send(producer, &msg);
    state = peer_end_expect(producer, TM_MSG_STATE, SOON_MS);
    ck_assert(tm_str_is(state->state.state, "rejected"));
    ck_assert(tm_str_is(state->state.code, "DATA_PARSE_FAILED"));
    ck_assert(tm_str_is(state->state.detail, "line 7"));
}
END_TEST

START_TEST(a_job_that_was_canceled_is_not_rejected)
{
    tm_msg_t msg = submit_of("a", 1), cancel;
    struct tm_job job;

    say_hello(worker, NULL, "a", 1);
    peer_end_send(producer, &msg);
    job = take_job(worker);
    cancel = cancel_of(&job.job);
    peer_end_send(producer, &cancel);
    peer_end_expect(worker, TM_MSG_CANCEL, SOON_MS);
    expect_state(&job.job, "running");
    reject_job(&job);
    expect_status(&job.job, "canceled");
}
END_TEST

START_TEST(an_attempt_that_is_over_rejects_nothing)
{
    tm_msg_t msg = submit_of("a", 1);
    struct tm_job job;

    say_hello(worker, NULL, "a", 1);
    peer_end_send(producer, &msg);
    job = take_job(worker);
    job.attempt++;
    reject_job(&job);
    expect_status(&job.job, "running");
    job.attempt--;
    finish_job(worker, &job, "done");
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    expect_status(&job.job, "done");
}
END_TEST

/* The one who watches and the one who runs are at different brokers. */
START_TEST(a_rejection_is_told_through_any_broker)
{
    tm_msg_t msg = submit_of("a", 1);
    struct tm_job job;

    say_hello(worker, NULL, "a", 1);
    msg.submit.watch = msg.submit.has_watch = true;
    submit_and_wait(producer, &msg);
    job = take_job(worker);
    reject_job(&job);
    expect_result("rejected", "DATA_PARSE_FAILED");
    expect_status(&job.job, "rejected");
}
END_TEST

void
broker_cancels(Suite *suite)
{
    suite_tests(rules_case(suite, "cancel", rules_start_one), what_waits_is_canceled_at_once,
                what_runs_is_asked_to_stop, what_does_not_stop_loses_its_lease,
                a_canceled_job_whose_worker_dies_is_not_tried_again,
                a_worker_that_has_stopped_may_take_longer_to_store,
                a_job_that_nobody_canceled_is_not_taken_for_stopped,
                a_job_that_was_not_ended_is_not_told_as_ended,
                a_rejected_job_is_kept_as_such_and_is_no_dead_letter,
                a_job_that_was_canceled_is_not_rejected,
                an_attempt_that_is_over_rejects_nothing);
    suite_tests(rules_case(suite, "cancel elsewhere", rules_start_two),
                a_job_is_canceled_through_any_broker, a_rejection_is_told_through_any_broker,
                a_worker_that_has_stopped_may_take_longer_to_store);
}
