/* The queue's rules, kept by one broker and by several: order, turns, limits, pauses, and jobs
 * that come from SQL. */
#include "tests/unit/broker/broker_rules_help.h"

#include <signal.h>

#include "tests/support/pg_suite.h"

static tm_msg_t
submit_with(uint64_t ref, uint64_t priority, uint8_t workspace)
{
    tm_msg_t msg = submit_of("a", ref);

    msg.submit.priority = priority;
    msg.submit.has_priority = true;
    msg.submit.workspace.bytes[15] = workspace;
    return msg;
}

/* --- order -------------------------------------------------------------------------------- */

START_TEST(priorities_go_first_and_waiting_is_worth_a_step_a_minute)
{
    tm_msg_t low = submit_with(1, 9, 1), middle = submit_with(2, 5, 1),
             high = submit_with(3, 0, 1);
    const tm_msg_t *order[] = {&high, &middle, &low};
    struct tm_job job;

    submit_and_wait(producer, &low);
    submit_and_wait(producer, &middle);
    submit_and_wait(producer, &high);
    broker_world_run(&world, "SELECT jobs_enqueue('a', 'aged', p_priority => 9,"
                             " p_run_at => now() - interval '10 minutes')");
    say_hello(worker, NULL, "a", 1);
    job = take_job(worker);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM jobs"
                                                " WHERE body = 'aged' AND state = 'running'"),
                     1);
    finish_job(worker, &job, "");
    for (size_t i = 0; i < 3; i++) {
        job = take_job(worker);
        ck_assert_msg(tm_uuid_is(&job.job, &order[i]->submit.job), "place %zu", i);
        finish_job(worker, &job, "");
    }
}
END_TEST

START_TEST(workspaces_take_turns_however_long_their_lines_are)
{
    enum { LONG = 200, WORKSPACES = 5 };
    tm_msg_t msgs[LONG];
    int seen[WORKSPACES + 2] = {0};

    for (uint64_t i = 0; i < LONG; i++)
        msgs[i] = submit_with(i, 5, 1);
    peer_end_send_all(producer, msgs, LONG);
    for (int i = 0; i < LONG; i++)
        peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS);
    for (int w = 2; w < WORKSPACES + 2; w++) {
        msgs[0] = submit_with((uint64_t)w, 5, (uint8_t)w);
        submit_and_wait(producer, &msgs[0]);
    }
    say_hello(worker, NULL, "a", 1);
    for (int i = 0; i < 2 * (WORKSPACES + 1); i++) { /* everybody's turn came by then */
        struct tm_job job = take_job(worker);
        seen[job.workspace.bytes[15]]++;
        finish_job(worker, &job, "");
    }
    for (int w = 2; w < WORKSPACES + 2; w++)
        ck_assert_msg(seen[w] == 1, "workspace %d had %d turns", w, seen[w]);
}
END_TEST

/* --- pauses and limits -------------------------------------------------------------------- */

START_TEST(a_paused_queue_starts_nothing_until_it_is_resumed)
{
    tm_msg_t msg = submit_of("a", 1);

    say_hello(worker, NULL, "a", 4);
    broker_world_run(&world, "SELECT queue_pause('a')");
    broker_world_await(&world, "SELECT count(*) FROM queues WHERE paused_at IS NOT NULL", 1);
    do { /* what was submitted before the broker had heard of it is done */
        msg = submit_of("a", 1);
        submit_and_wait(producer, &msg);
        const tm_msg_t *job = peer_end_poll(worker, TM_MSG_JOB, 300);
        if (!job)
            break;
        finish_job(worker, &job->job, "");
    } while (true);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM jobs"), 1);
    ck_assert_ptr_null(peer_end_poll(worker, TM_MSG_JOB, 1500)); /* nor at the next look */
    broker_world_run(&world, "SELECT queue_resume('a')");
    struct tm_job resumed = take_job(worker);
    ck_assert(tm_uuid_is(&resumed.job, &msg.submit.job));
}
END_TEST

START_TEST(a_full_queue_refuses_and_says_when_to_come_back)
{
    tm_msg_t msg = submit_of("a", 1);
    const tm_msg_t *answer;

    broker_world_run(&world, "SELECT queue_limit('a', 3, NULL)");
    for (int tries = 0;; tries++) { /* the limit is known within a second */
        msg = submit_of("a", 1);
        peer_end_send(producer, &msg);
        answer = peer_end_poll(producer, TM_MSG_REJECTED, 200);
        if (answer)
            break;
        ck_assert_int_lt(tries, 50);
    }
    ck_assert(tm_str_is(answer->rejected.code, "QUEUE_FULL"));
    ck_assert_uint_gt(answer->rejected.retry_after_ms, 0);
    ck_assert_int_ge(broker_world_count(&world, "SELECT count(*) FROM jobs"), 3);
}
END_TEST

/* Two brokers, a worker at each with credit to spare: never more than two run at once. */
START_TEST(a_workspaces_limit_holds_across_brokers)
{
    enum { JOBS = 24 };
    peer_end_t *other, *ends[2];
    tm_msg_t msgs[JOBS];
    int done = 0;

    rules_begin_anew("SELECT queue_limit('a', NULL, 2)");
    ends[0] = worker;
    ends[1] = other = peer_end_new(world.endpoint[0]);
    for (uint64_t i = 0; i < JOBS; i++)
        msgs[i] = submit_with(i, 5, 1);
    peer_end_send_all(producer, msgs, JOBS);
    say_hello(worker, NULL, "a", 8);
    say_hello(other, NULL, "a", 8);
    while (done < JOBS) {
        for (int i = 0; i < 2; i++) {
            const tm_msg_t *job = peer_end_poll(ends[i], TM_MSG_JOB, 20);
            if (!job)
                continue;
            struct tm_job taken = job->job;
            ck_assert_int_le(
                broker_world_count(&world, "SELECT count(*) FROM jobs WHERE state = 'running'"),
                2);
            finish_job(ends[i], &taken, "");
            done++;
        }
    }
    broker_world_await(&world, "SELECT count(*) FROM job_runs", JOBS);
    peer_end_destroy(&other);
}
END_TEST

/* What the worker says meanwhile waits to be read. It is the broker that was away. */
START_TEST(a_broker_that_was_stopped_takes_no_job_from_those_who_went_on)
{
    const int away_ms = 4 * (int)world.settings->broker_lease_ms;
    tm_msg_t msg = submit_of("a", 1);
    struct tm_job job;

    say_hello(worker, NULL, "a", 1);
    submit_and_wait(producer, &msg);
    job = take_job(worker);
    ck_assert_int_eq(kill(world.pid[0], SIGSTOP), 0);
    ck_assert_ptr_null(peer_end_poll(worker, TM_MSG_DROP, away_ms)); /* it pings */
    ck_assert_int_eq(kill(world.pid[0], SIGCONT), 0);
    peer_end_expect(worker, TM_MSG_PONG, SOON_MS);
    finish_job(worker, &job, "");
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM job_runs WHERE"
                                                " attempt = 1 AND failures = 0"),
                     1);
}
END_TEST

/* --- several brokers ---------------------------------------------------------------------- */

START_TEST(a_job_finds_a_worker_at_another_broker)
{
    enum { JOBS = 50 };
    tm_msg_t msgs[JOBS];

    say_hello(worker, NULL, "a", 4);
    for (uint64_t i = 0; i < JOBS; i++)
        msgs[i] = submit_of("a", i);
    peer_end_send_all(producer, msgs, JOBS);
    for (int i = 0; i < JOBS; i++) {
        struct tm_job job = take_job(worker);
        finish_job(worker, &job, "");
    }
    broker_world_await(&world, "SELECT count(*) FROM job_runs", JOBS);
}
END_TEST

START_TEST(jobs_of_a_dead_broker_go_on_at_the_other)
{
    tm_msg_t msg = submit_of("a", 1);
    peer_end_t *first = peer_end_new(world.endpoint[0]);
    struct tm_job job;

    say_hello(first, NULL, "a", 1);
    submit_and_wait(producer, &msg);
    take_job(first);
    broker_world_kill(&world, 0, SIGKILL);
    peer_end_destroy(&first); /* and its worker with it */
    say_hello(worker, NULL, "a", 1);
    job = take_job(worker);
    ck_assert(tm_uuid_is(&job.job, &msg.submit.job));
    ck_assert_uint_eq(job.attempt, 2);
    finish_job(worker, &job, "");
    broker_world_await(&world, "SELECT count(*) FROM job_runs", 1);
}
END_TEST

START_TEST(a_worker_that_outlives_its_broker_keeps_its_job)
{
    tm_msg_t msg = submit_of("a", 1);
    tm_msg_t pair[2] = {{.type = TM_MSG_HELLO}, {.type = TM_MSG_HOLDING}};
    peer_end_t *first = peer_end_new(world.endpoint[0]);
    tm_uuid_t id = tm_uuid_new();
    struct tm_job job;

    say_hello(first, &id, "a", 1);
    submit_and_wait(producer, &msg);
    job = take_job(first);
    broker_world_kill(&world, 0, SIGKILL);
    pair[0].hello = (struct tm_hello){
        .actor = tm_str("test"), .worker = id, .queues = tm_str("a"), .credit = 1};
    pair[1].holding = (struct tm_holding){.job = job.job, .attempt = job.attempt};
    while (broker_world_count(&world, "SELECT count(*) FROM brokers WHERE gone_at IS NULL") > 1)
        peer_end_poll(worker, TM_MSG_JOB, 50);
    peer_end_send_all(worker, pair, 2);
    peer_end_expect(worker, TM_MSG_WELCOME, SOON_MS);
    finish_job(worker, &job, "kept");
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    ck_assert_int_eq(broker_world_count(&world, "SELECT attempt FROM job_runs"), 1);
    peer_end_destroy(&first);
}
END_TEST

static void
say_exclusive(peer_end_t *peer, uint64_t credit)
{
    tm_msg_t msg = {.type = TM_MSG_HELLO};

    msg.hello = (struct tm_hello){.actor = tm_str("test"),
                                  .worker = tm_uuid_new(),
                                  .queues = tm_str("a"),
                                  .credit = credit,
                                  .exclusive = true,
                                  .has_exclusive = true};
    peer_end_send(peer, &msg);
    peer_end_expect(peer, TM_MSG_WELCOME, SOON_MS);
}

/* Order matters: of two workers at two brokers one gets every job, and when it and its broker
 * are killed the other goes on where it stopped. */
START_TEST(an_exclusive_queue_has_one_worker_at_a_time)
{
    enum { JOBS = 10 };
    peer_end_t *first = peer_end_new(world.endpoint[0]);
    tm_msg_t msgs[JOBS];

    say_exclusive(first, 1);
    broker_world_await(&world, "SELECT count(*) FROM queue_owners", 1);
    say_exclusive(worker, 1);
    peer_end_destroy(&producer);
    producer = peer_end_new(world.endpoint[1]);
    for (uint64_t i = 0; i < JOBS; i++) {
        msgs[i] = submit_of("a", i);
        submit_and_wait(producer, &msgs[i]);
    }
    for (int i = 0; i < JOBS / 2; i++) {
        struct tm_job job = take_job(first);
        ck_assert_msg(tm_uuid_is(&job.job, &msgs[i].submit.job), "place %d", i);
        ck_assert_ptr_null(peer_end_poll(worker, TM_MSG_JOB, 0));
        finish_job(first, &job, "");
    }
    broker_world_await(&world, "SELECT count(*) FROM job_runs", JOBS / 2);
    broker_world_kill(&world, 0, SIGKILL);
    peer_end_destroy(&first);
    say_exclusive(worker, 1); /* it has not pinged for a while */
    for (int i = JOBS / 2; i < JOBS; i++) {
        struct tm_job job = take_job(worker);
        ck_assert_msg(tm_uuid_is(&job.job, &msgs[i].submit.job), "place %d", i);
        finish_job(worker, &job, "");
    }
    broker_world_await(&world, "SELECT count(*) FROM job_runs", JOBS);
}
END_TEST

START_TEST(an_exclusive_worker_that_leaves_is_followed_by_the_next)
{
    peer_end_t *first = peer_end_new(world.endpoint[0]);
    tm_msg_t msg = submit_of("a", 1), bye = {.type = TM_MSG_BYE};
    struct tm_job job;

    say_exclusive(first, 1);
    broker_world_await(&world, "SELECT count(*) FROM queue_owners", 1);
    say_exclusive(worker, 1);
    submit_and_wait(producer, &msg);
    job = take_job(first);
    peer_end_send(first, &bye);
    msg = submit_of("a", 2);
    submit_and_wait(producer, &msg);
    ck_assert_ptr_null(peer_end_poll(worker, TM_MSG_JOB, 600)); /* the first is not done yet */
    finish_job(first, &job, "");
    job = take_job(worker);
    ck_assert(tm_uuid_is(&job.job, &msg.submit.job));
    peer_end_destroy(&first);
}
END_TEST

/* --- connections and versions ------------------------------------------------------------- */

/* The worker's connection breaks after the JOB was sent and before it came: nobody works on it.
 */
START_TEST(a_job_that_never_arrived_is_given_again)
{
    tm_msg_t msg = submit_of("a", 1);
    tm_uuid_t id = tm_uuid_new();
    peer_end_t *again;
    struct tm_job job;

    say_hello(worker, &id, "a", 1);
    submit_and_wait(producer, &msg);
    take_job(worker);
    again = peer_end_new(world.endpoint[0]);
    say_hello(again, &id, "a", 1); /* with no HOLDING */
    job = take_job(again);
    ck_assert(tm_uuid_is(&job.job, &msg.submit.job));
    ck_assert_uint_eq(job.attempt, 2);
    ck_assert_int_eq(broker_world_count(&world, "SELECT failures + crashes FROM jobs"), 0);
    peer_end_destroy(&again);
}
END_TEST

START_TEST(a_job_that_is_named_stays_with_its_worker)
{
    tm_msg_t msg = submit_of("a", 1);
    tm_msg_t pair[2] = {{.type = TM_MSG_HELLO}, {.type = TM_MSG_HOLDING}};
    tm_uuid_t id = tm_uuid_new();
    peer_end_t *again = peer_end_new(world.endpoint[0]);
    struct tm_job job;

    say_hello(worker, &id, "a", 1);
    submit_and_wait(producer, &msg);
    job = take_job(worker);
    pair[0].hello = (struct tm_hello){
        .actor = tm_str("test"), .worker = id, .queues = tm_str("a"), .credit = 1};
    pair[1].holding = (struct tm_holding){.job = job.job, .attempt = job.attempt};
    peer_end_send_all(again, pair, 2);
    peer_end_expect(again, TM_MSG_WELCOME, SOON_MS);
    peer_end_destroy(&worker); /* the old connection ends */
    ck_assert_ptr_null(
        peer_end_poll(again, TM_MSG_JOB, (int)(world.settings->broker_lease_ms * 5 / 2)));
    finish_job(again, &job, "");
    peer_end_expect(again, TM_MSG_SETTLED, SOON_MS);
    ck_assert_int_eq(broker_world_count(&world, "SELECT attempt FROM job_runs"), 1);
    peer_end_destroy(&again);
}
END_TEST

START_TEST(what_a_newer_peer_says_beside_is_skipped)
{
    static const uint8_t unknown[] = {0x82, 0x00, 0x01, 0x01, 0x3e}; /* number 62 */
    uint8_t header[TM_HEADER_MAX];
    tm_msg_t msg = submit_of("a", 5);
    size_t size = tm_msg_encode(&msg, header);

    peer_end_send_frames(producer,
                         (const tm_str_t[]){{(const char *)unknown, sizeof(unknown)},
                                            tm_str(""),
                                            {(const char *)header, size},
                                            tm_str("body")},
                         4);
    ck_assert(tm_str_is(peer_end_expect(producer, TM_MSG_REJECTED, SOON_MS)->rejected.code,
                        "UNKNOWN_MESSAGE"));
    ck_assert_uint_eq(peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS)->accepted.ref, 5);
}
END_TEST

/* --- from SQL ----------------------------------------------------------------------------- */

START_TEST(a_job_enqueued_in_sql_is_pushed)
{
    struct tm_job job;

    say_hello(worker, NULL, "a", 1);
    broker_world_run(&world, "SELECT jobs_enqueue('a', 'from sql', p_priority => 0)");
    job = take_job(worker);
    ck_assert(tm_uuid_is(&job.workspace, &broker_world_workspace));
    finish_job(worker, &job, "");
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
}
END_TEST

START_TEST(a_dead_job_is_run_again_by_hand)
{
    tm_msg_t msg = submit_of("a", 1), fail = {.type = TM_MSG_FAIL};
    struct tm_job job;

    say_hello(worker, NULL, "a", 1);
    submit_and_wait(producer, &msg);
    job = take_job(worker);
    fail.fail = (struct tm_fail){.job = job.job, .attempt = 1, .code = tm_str("JOB_FAILED")};
    peer_end_send(worker, &fail);
    broker_world_await(&world, "SELECT count(*) FROM dead_jobs", 1);
    ck_assert_int_eq(
        broker_world_count(&world, "SELECT dead_retry(NULL, 'a', 'JOB_FAILED', NULL)"), 1);
    job = take_job(worker);
    ck_assert_uint_eq(job.attempt, 2);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("broker_rules");

    suite_tests(rules_case(suite, "one broker", rules_start_one),
                priorities_go_first_and_waiting_is_worth_a_step_a_minute,
                workspaces_take_turns_however_long_their_lines_are,
                a_paused_queue_starts_nothing_until_it_is_resumed,
                a_full_queue_refuses_and_says_when_to_come_back,
                a_job_that_never_arrived_is_given_again,
                a_job_that_is_named_stays_with_its_worker,
                a_broker_that_was_stopped_takes_no_job_from_those_who_went_on,
                what_a_newer_peer_says_beside_is_skipped, a_job_enqueued_in_sql_is_pushed,
                a_dead_job_is_run_again_by_hand);
    suite_tests(rules_case(suite, "two brokers", rules_start_two),
                a_workspaces_limit_holds_across_brokers, a_job_finds_a_worker_at_another_broker,
                jobs_of_a_dead_broker_go_on_at_the_other,
                a_worker_that_outlives_its_broker_keeps_its_job,
                an_exclusive_queue_has_one_worker_at_a_time,
                an_exclusive_worker_that_leaves_is_followed_by_the_next);
    broker_cancels(suite);
    broker_limits(suite);
    return pg_suite_run(suite, &rules_fixture);
}
