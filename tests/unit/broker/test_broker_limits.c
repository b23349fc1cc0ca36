/* A workspace's limit: counted by a broker that is alone, and by the database beside others. */
#include "tests/unit/broker/broker_rules_help.h"

#include <signal.h>

enum { LIMIT = 3 };

static long
running(void)
{
    return broker_world_count(&world, "SELECT count(*) FROM jobs WHERE state = 'running'");
}

/* Until a submit commits as leased, in one transaction: only a broker that is alone does that
 * to a queue with a limit. */
static void
wait_until_counted_alone(peer_end_t *at)
{
    for (int tries = 0;; tries++) {
        tm_msg_t msg = submit_of("a", 1);
        struct tm_job job;

        submit_and_wait(producer, &msg);
        job = take_job(at);
        if (broker_world_count(&world, "SELECT count(*) FROM jobs WHERE state = 'running'"
                                       " AND leased_at = created_at") == 1)
            tries = -1;
        finish_job(at, &job, "");
        peer_end_expect(at, TM_MSG_SETTLED, SOON_MS);
        if (tries < 0)
            return;
        ck_assert_int_lt(tries, 1000);
    }
}

static void
submit_many(uint64_t count, uint8_t of_workspace)
{
    tm_msg_t msgs[64];

    ck_assert_uint_le(count, 64);
    for (uint64_t i = 0; i < count; i++) {
        msgs[i] = submit_of("a", i);
        msgs[i].submit.workspace.bytes[15] = of_workspace;
    }
    peer_end_send_all(producer, msgs, count);
    for (uint64_t i = 0; i < count; i++)
        peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS);
}

START_TEST(a_broker_alone_keeps_the_limit_and_starts_at_once)
{
    enum { JOBS = 20 };
    struct tm_job held[LIMIT];

    broker_world_run(&world, "SELECT queue_limit('a', NULL, 3)");
    say_hello(worker, NULL, "a", 10);
    wait_until_counted_alone(worker);
    submit_many(JOBS, 1);
    for (int i = 0; i < LIMIT; i++)
        held[i] = take_job(worker);
    for (int done = 0; done < JOBS; done++) {
        ck_assert_int_le(running(), LIMIT);
        if (done == 0) /* nor with the next looks, while credit is free */
            ck_assert_ptr_null(peer_end_poll(worker, TM_MSG_JOB, 1500));
        finish_job(worker, &held[done % LIMIT], "");
        if (done + LIMIT < JOBS)
            held[done % LIMIT] = take_job(worker);
    }
    broker_world_await(&world, "SELECT count(*) FROM jobs", 0);
}
END_TEST

START_TEST(a_workspace_at_its_limit_does_not_hold_up_another)
{
    broker_world_run(&world, "SELECT queue_limit('a', NULL, 3)");
    say_hello(worker, NULL, "a", 10);
    wait_until_counted_alone(worker);
    submit_many(20, 1);
    for (int i = 0; i < LIMIT; i++)
        take_job(worker);
    submit_many(2, 2);
    for (int i = 0; i < 2; i++)
        ck_assert_uint_eq(take_job(worker).workspace.bytes[15], 2);
    ck_assert_int_eq(running(), LIMIT + 2);
}
END_TEST

START_TEST(a_limit_that_is_raised_or_lifted_lets_the_next_start)
{
    broker_world_run(&world, "SELECT queue_limit('a', NULL, 3)");
    say_hello(worker, NULL, "a", 40);
    wait_until_counted_alone(worker);
    submit_many(20, 1);
    for (int i = 0; i < LIMIT; i++)
        take_job(worker);
    broker_world_run(&world, "SELECT queue_limit('a', NULL, 5)");
    for (int i = LIMIT; i < 5; i++)
        take_job(worker);
    ck_assert_ptr_null(peer_end_poll(worker, TM_MSG_JOB, 1500));
    broker_world_run(&world, "SELECT queue_limit('a', NULL, NULL)");
    for (int i = 5; i < 20; i++)
        take_job(worker);
}
END_TEST

/* The first broker was alone and knows nothing of the second until its next beat: what it wrote
 * as leased meanwhile must not have committed. The second is full from its first job on. */
START_TEST(a_second_broker_may_come_at_any_time)
{
    enum { JOBS = 60 };
    peer_end_t *other;
    int done = 0;

    broker_world_kill(&world, 1, SIGTERM);
    peer_end_destroy(&worker);
    worker = peer_end_new(world.endpoint[0]);
    broker_world_run(&world, "SELECT queue_limit('a', NULL, 3)");
    say_hello(worker, NULL, "a", 10);
    wait_until_counted_alone(worker);
    broker_world_launch(&world, 1);
    other = peer_end_new(world.endpoint[1]);
    say_hello(other, NULL, "a", 10);
    submit_many(JOBS, 1);
    while (done < JOBS) {
        peer_end_t *ends[] = {worker, other};
        for (int i = 0; i < 2; i++) {
            const tm_msg_t *job = peer_end_poll(ends[i], TM_MSG_JOB, 20);
            if (!job)
                continue;
            struct tm_job taken = job->job;
            ck_assert_int_le(running(), LIMIT);
            finish_job(ends[i], &taken, "");
            done++;
        }
    }
    broker_world_await(&world, "SELECT count(*) FROM jobs", 0);
    peer_end_destroy(&other);
}
END_TEST

/* One that this broker has not heard of: it came and leased within a beat. */
START_TEST(what_was_written_without_knowing_of_another_does_not_commit)
{
    broker_world_run(&world, "SELECT queue_limit('a', NULL, 3)");
    say_hello(worker, NULL, "a", 10);
    wait_until_counted_alone(worker);
    broker_world_run(
        &world,
        "WITH b AS (INSERT INTO brokers (id, endpoint, seen_at) VALUES"
        " (gen_random_uuid(), 'ipc://another', now() + interval '1 hour') RETURNING id)"
        " INSERT INTO jobs (id, workspace_id, queue, state, max_attempts, body, attempt,"
        "                   lease_broker, lease_worker)"
        " SELECT gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 'a',"
        "        'running', 5, '', 1, id, gen_random_uuid()"
        "   FROM b, generate_series(1, 3)");
    submit_many(20, 1);
    ck_assert_ptr_null(peer_end_poll(worker, TM_MSG_JOB, 1500));
    ck_assert_int_eq(running(), LIMIT);
}
END_TEST

/* Its leases are of the table, not of the memory of the one that stays. */
START_TEST(what_a_dead_broker_had_running_counts_until_it_is_over)
{
    peer_end_t *other, *first;
    tm_uuid_t id = tm_uuid_new();

    rules_begin_anew("SELECT queue_limit('a', NULL, 3)");
    other = peer_end_new(world.endpoint[1]);
    say_hello(other, &id, "a", 10);
    submit_many(20, 1);
    for (int i = 0; i < LIMIT; i++)
        take_job(other);
    first = peer_end_new(world.endpoint[0]);
    say_hello(first, NULL, "a", 10);
    broker_world_kill(&world, 1, SIGKILL);
    do { /* until what the dead one had leased is given out again, and no more than that */
        ck_assert_int_le(running(), LIMIT);
    } while (!peer_end_poll(first, TM_MSG_JOB, 5));
    for (int i = 1; i < LIMIT; i++)
        take_job(first);
    ck_assert_ptr_null(peer_end_poll(first, TM_MSG_JOB, 1500));
    ck_assert_int_eq(running(), LIMIT);
    peer_end_destroy(&first);
    peer_end_destroy(&other);
}
END_TEST

void
broker_limits(Suite *suite)
{
    suite_tests(rules_case(suite, "limits, one broker", rules_start_one),
                a_broker_alone_keeps_the_limit_and_starts_at_once,
                a_workspace_at_its_limit_does_not_hold_up_another,
                a_limit_that_is_raised_or_lifted_lets_the_next_start,
                what_was_written_without_knowing_of_another_does_not_commit);
    suite_tests(rules_case(suite, "limits, two brokers", rules_start_two),
                a_second_broker_may_come_at_any_time,
                what_a_dead_broker_had_running_counts_until_it_is_over);
}
