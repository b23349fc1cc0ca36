/* A DONE with jobs behind it: followers, and children with their join. */
#include <check.h>

#include "tests/support/broker_world.h"
#include "tests/support/pg_suite.h"

static pg_fixture_t *fixture;
static struct broker_world world;
static peer_end_t *producer, *worker;

static void
start(void)
{
    broker_world_start(&world, fixture, 1);
    producer = peer_end_new(world.endpoint[0]);
    worker = peer_end_new(world.endpoint[0]);
}

static void
stop(void)
{
    peer_end_destroy(&producer);
    peer_end_destroy(&worker);
    broker_world_stop(&world);
}

static void
expect_result(const char *state, const char *code)
{
    const tm_msg_t *result = peer_end_expect(producer, TM_MSG_RESULT, SOON_MS);

    ck_assert(tm_str_is(result->result.state, state));
    ck_assert(tm_str_is(result->result.code, code));
}

static void
done_with(const struct tm_job *job, uint64_t followers, bool join, tm_msg_t *jobs, size_t sent)
{
    tm_msg_t msgs[8] = {{.type = TM_MSG_DONE, .body = tm_str("result")}};

    msgs[0].done = (struct tm_done){.job = job->job,
                                    .attempt = job->attempt,
                                    .followers = followers,
                                    .has_followers = true,
                                    .join = join,
                                    .has_join = join};
    for (size_t i = 0; i < sent; i++)
        msgs[i + 1] = jobs[i];
    peer_end_send_all(worker, msgs, sent + 1);
}

START_TEST(what_follows_commits_with_the_job_that_ends)
{
    tm_msg_t first = submit_of("a", 1), after[2] = {submit_of("a", 0), submit_of("b", 0)};
    struct tm_job job, next;

    say_hello(worker, NULL, "a", 1);
    submit_and_wait(producer, &first);
    job = take_job(worker);
    done_with(&job, 2, false, after, 2);
    next = take_job(worker);
    ck_assert(tm_uuid_is(&next.job, &after[0].submit.job));
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM job_runs"), 1);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM jobs"), 2);
    done_with(&job, 2, false, after, 2); /* said again: nothing is done again */
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM jobs"), 2);
}
END_TEST

START_TEST(a_late_worker_starts_nothing_that_follows)
{
    tm_msg_t first = submit_of("a", 1), after = submit_of("a", 0);
    struct tm_job job;

    say_hello(worker, NULL, "a", 1);
    submit_and_wait(producer, &first);
    job = take_job(worker);
    job.attempt = 7;
    done_with(&job, 1, false, &after, 1);
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM jobs"), 1);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM job_runs"), 0);
}
END_TEST

START_TEST(a_parent_runs_again_when_its_children_have_ended)
{
    enum { CHILDREN = 3 };
    tm_msg_t first = submit_of("a", 1), children[CHILDREN], fail = {.type = TM_MSG_FAIL};
    struct tm_job job, child;

    first.submit.watch = first.submit.has_watch = true;
    say_hello(worker, NULL, "a,child", 1);
    submit_and_wait(producer, &first);
    job = take_job(worker);
    ck_assert(!job.join);
    for (int i = 0; i < CHILDREN; i++)
        children[i] = submit_of("child", 0);
    done_with(&job, CHILDREN, true, children, CHILDREN);
    for (int i = 0; i < CHILDREN; i++) { /* the last of them dies: ended is ended */
        child = take_job(worker);
        ck_assert(tm_str_is(child.queue, "child"));
        ck_assert_int_eq(
            broker_world_count(&world, "SELECT count(*) FROM jobs WHERE state = 'waiting'"), 1);
        fail.fail = (struct tm_fail){
            .job = child.job, .attempt = child.attempt, .code = tm_str("JOB_FAILED")};
        if (i < CHILDREN - 1)
            finish_job(worker, &child, "part");
        else
            peer_end_send(worker, &fail);
    }
    child = take_job(worker);
    ck_assert(tm_uuid_is(&child.job, &job.job) && child.join);
    ck_assert_uint_eq(child.attempt, 2);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM job_runs r JOIN jobs p ON"
                                                " p.id = r.parent_id WHERE r.outcome = 'done'"),
                     CHILDREN - 1);
    finish_job(worker, &child, "whole");
    expect_result("done", "");
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM jobs"), 0);
}
END_TEST

START_TEST(a_canceled_parent_takes_its_children_with_it)
{
    tm_msg_t first = submit_of("a", 1), children[2] = {submit_of("c", 0), submit_of("c", 0)};
    tm_msg_t cancel;
    struct tm_job job;

    say_hello(worker, NULL, "a", 1);
    submit_and_wait(producer, &first);
    job = take_job(worker);
    done_with(&job, 2, true, children, 2);
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    cancel = (tm_msg_t){.type = TM_MSG_CANCEL, .cancel = {.ref = 7, .job = job.job}};
    peer_end_send(producer, &cancel);
    ck_assert(
        tm_str_is(peer_end_expect(producer, TM_MSG_STATE, SOON_MS)->state.state, "canceled"));
    ck_assert_int_eq(
        broker_world_count(&world, "SELECT count(*) FROM job_runs WHERE outcome = 'canceled'"),
        3);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM jobs"), 0);
}
END_TEST

START_TEST(what_follows_wrongly_ends_the_job_with_its_reason)
{
    tm_msg_t first = submit_of("a", 1), after[2] = {submit_of("a", 0), submit_of("No Good", 0)};
    struct tm_job job;

    first.submit.watch = first.submit.has_watch = true;
    say_hello(worker, NULL, "a", 1);
    submit_and_wait(producer, &first);
    job = take_job(worker);
    done_with(&job, 3, false, after, 2); /* one is missing: the message is refused */
    ck_assert(tm_str_is(peer_end_expect(worker, TM_MSG_REJECTED, SOON_MS)->rejected.code,
                        "BAD_MESSAGE"));
    done_with(&job, 2, false, after, 2);
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    expect_result("dead", "BAD_REQUEST");
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM jobs"), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("broker_spawns");
    TCase *tcase = suite_case(suite, "spawns", start, stop);

    suite_tests(tcase, what_follows_commits_with_the_job_that_ends,
                a_late_worker_starts_nothing_that_follows,
                a_parent_runs_again_when_its_children_have_ended,
                a_canceled_parent_takes_its_children_with_it,
                what_follows_wrongly_ends_the_job_with_its_reason);
    return pg_suite_run(suite, &fixture);
}
