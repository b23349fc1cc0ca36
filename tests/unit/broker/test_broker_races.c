/* What crosses on its way: a submit and the end of the same job, a cancel and a broker that did
 * not listen, words of one broker's worker about another's jobs. */
#include <check.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>

#include "tests/support/broker_world.h"
#include "tests/support/pg_suite.h"

static pg_fixture_t *fixture;
static struct broker_world world;
static peer_end_t *producer, *worker;

static void
start(void)
{
    broker_world_start(&world, fixture, 2);
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
run(PGconn *session, const char *sql)
{
    PGresult *result = PQexec(session, sql);
    ExecStatusType status = PQresultStatus(result);

    ck_assert_msg(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s: %s", sql,
                  PQerrorMessage(session));
    PQclear(result);
}

#define WAITING "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"

/* The job ends in a transaction that is open when the same submit comes by the other broker:
 * its statement sees a job that lives, and when it may go on there is none. */
START_TEST(a_submit_that_crosses_its_jobs_end_makes_no_second_job)
{
    tm_msg_t msg = submit_of("a", 1);
    peer_end_t *other = peer_end_new(world.endpoint[1]);
    PGconn *session = PQconnectdb(world.url);

    submit_and_wait(producer, &msg);
    run(session, "BEGIN");
    run(session, "WITH gone AS (DELETE FROM jobs RETURNING *) INSERT INTO job_runs (id,"
                 " workspace_id, queue, outcome, attempt, failures, created_at)"
                 " SELECT id, workspace_id, queue, 'done', 1, 0, created_at FROM gone");
    peer_end_send(other, &msg);
    broker_world_await(&world, WAITING, 1);
    run(session, "COMMIT");
    peer_end_expect(other, TM_MSG_ACCEPTED, SOON_MS);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM job_runs"), 1);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM jobs"), 0);
    PQfinish(session);
    peer_end_destroy(&other);
}
END_TEST

/* As when a broker took over the job, or its connection for such words was broken. */
START_TEST(a_cancel_nobody_was_told_of_reaches_the_worker)
{
    tm_msg_t msg = submit_of("a", 1);
    struct tm_job job;

    say_hello(worker, NULL, "a", 1);
    submit_and_wait(producer, &msg);
    job = take_job(worker);
    broker_world_run(&world, "UPDATE jobs SET cancel_at = now()");
    const tm_msg_t *cancel = peer_end_expect(worker, TM_MSG_CANCEL, SOON_MS);
    ck_assert(tm_uuid_is(&cancel->cancel.job, &job.job));
    ck_assert_uint_eq(cancel->cancel.attempt, job.attempt);
}
END_TEST

static void
fail_job(peer_end_t *peer, const struct tm_job *job, const char *code, bool retryable)
{
    tm_msg_t msg = {.type = TM_MSG_FAIL,
                    .fail = {.job = job->job,
                             .attempt = job->attempt,
                             .code = tm_str(code),
                             .retryable = retryable}};

    peer_end_send(peer, &msg);
}

static void
hold_job(peer_end_t *peer, const struct tm_job *job)
{
    tm_msg_t msg = {.type = TM_MSG_HOLDING,
                    .holding = {.job = job->job, .attempt = job->attempt}};

    peer_end_send(peer, &msg);
}

/* A broker knows only its own leases: of the others' jobs the database says whose they are. */
START_TEST(nobody_ends_the_job_of_another_brokers_worker)
{
    tm_msg_t msg = submit_of("a", 1);
    peer_end_t *stranger = peer_end_new(world.endpoint[1]);
    struct tm_job job;

    say_hello(worker, NULL, "a", 1);
    say_hello(stranger, NULL, "b", 1);
    submit_and_wait(producer, &msg);
    job = take_job(worker);
    hold_job(stranger, &job);
    peer_end_expect(stranger, TM_MSG_DROP, SOON_MS);
    finish_job(stranger, &job, "stolen");
    peer_end_expect(stranger, TM_MSG_SETTLED, SOON_MS);
    fail_job(stranger, &job, "JOB_FAILED", false);
    peer_end_expect(stranger, TM_MSG_SETTLED, SOON_MS);
    ck_assert_int_eq(
        broker_world_count(&world, "SELECT count(*) FROM jobs WHERE state = 'running'"), 1);
    finish_job(worker, &job, "ours");
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    ck_assert_int_eq(
        broker_world_count(&world, "SELECT count(*) FROM job_runs WHERE result = 'ours'"), 1);
    peer_end_destroy(&stranger);
}
END_TEST

/* And when their broker is gone, it is still theirs. */
START_TEST(nobody_takes_the_job_of_another_when_its_broker_is_gone)
{
    tm_msg_t msg = submit_of("a", 1);
    peer_end_t *stranger = peer_end_new(world.endpoint[1]);
    struct tm_job job;

    say_hello(worker, NULL, "a", 1);
    submit_and_wait(producer, &msg);
    job = take_job(worker);
    broker_world_kill(&world, 0, SIGKILL);
    broker_world_await(&world, "SELECT count(*) FROM brokers WHERE gone_at IS NOT NULL", 1);
    say_hello(stranger, NULL, "b", 1);
    hold_job(stranger, &job);
    peer_end_expect(stranger, TM_MSG_DROP, SOON_MS);
    peer_end_destroy(&stranger);
}
END_TEST

/* HOLDING says what it has: a job that it does not name has not reached it, or is given up. */
START_TEST(a_job_that_a_hello_does_not_name_is_given_again)
{
    tm_msg_t msg = submit_of("a", 1);
    tm_uuid_t id = tm_uuid_new();
    struct tm_job job;

    say_hello(worker, &id, "a", 1);
    submit_and_wait(producer, &msg);
    take_job(worker);
    say_hello(worker, &id, "a", 1);
    job = take_job(worker);
    ck_assert(tm_uuid_is(&job.job, &msg.submit.job));
    ck_assert_uint_eq(job.attempt, 2);
}
END_TEST

/* It is not the job's fault that its worker leaves. */
START_TEST(a_job_handed_back_by_a_leaving_worker_has_not_failed)
{
    tm_msg_t msg = submit_of("a", 1);
    struct tm_job job;

    msg.submit.max_attempts = 1;
    msg.submit.has_max_attempts = true;
    say_hello(worker, NULL, "a", 1);
    submit_and_wait(producer, &msg);
    job = take_job(worker);
    fail_job(worker, &job, "DRAINING", true);
    job = take_job(worker);
    ck_assert_uint_eq(job.attempt, 2);
    ck_assert_int_eq(broker_world_count(&world, "SELECT failures FROM jobs"), 0);
}
END_TEST

/* Its answer was lost: the worker says it again, and that counts. */
START_TEST(a_spawn_that_the_database_did_not_answer_is_taken_when_it_comes_again)
{
    tm_msg_t msg = submit_of("a", 1);
    tm_msg_t pair[2] = {{.type = TM_MSG_DONE}, submit_of("b", 0)};
    PGconn *session = PQconnectdb(world.url);
    struct tm_job job;

    say_hello(worker, NULL, "a", 1);
    submit_and_wait(producer, &msg);
    job = take_job(worker);
    pair[0].done = (struct tm_done){
        .job = job.job, .attempt = job.attempt, .followers = 1, .has_followers = true};
    run(session, "BEGIN");
    /* the row: for the table the broker's timers would wait, too, and the end behind them */
    run(session, "SELECT id FROM jobs FOR UPDATE");
    peer_end_send_all(worker, pair, 2);
    broker_world_await(&world, WAITING " AND query LIKE '%DELETE FROM jobs WHERE id = $13%'",
                       1);
    run(session, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                 " WHERE application_name = 'tunemill broker'");
    run(session, "ROLLBACK");
    for (int tries = 0; !peer_end_poll(worker, TM_MSG_SETTLED, 200); tries++) {
        ck_assert_int_lt(tries, SOON_MS / 200);
        peer_end_send_all(worker, pair, 2);
    }
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM job_runs"), 1);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM jobs"), 1);
    PQfinish(session);
}
END_TEST

/* Its worker is not known here: none of the message counts, the jobs behind it no more than it.
 */
START_TEST(what_follows_a_done_that_counts_for_nothing_is_no_job)
{
    tm_msg_t msg = submit_of("a", 1), ping = {.type = TM_MSG_PING, .ping.seq = 4711};
    tm_msg_t pair[2] = {{.type = TM_MSG_DONE}, submit_of("b", 0)};
    peer_end_t *unknown = peer_end_new(world.endpoint[0]);
    struct tm_job job;

    say_hello(worker, NULL, "a", 1);
    submit_and_wait(producer, &msg);
    job = take_job(worker);
    pair[0].done = (struct tm_done){.job = job.job,
                                    .attempt = job.attempt,
                                    .followers = 1,
                                    .has_followers = true,
                                    .join = true,
                                    .has_join = true};
    peer_end_send_all(unknown, pair, 2);
    ck_assert(tm_str_is(peer_end_expect(unknown, TM_MSG_REJECTED, SOON_MS)->rejected.code,
                        "NOT_FOUND"));
    say_hello(unknown, NULL, "c", 1);
    peer_end_send_all(unknown, pair, 2);
    peer_end_expect(unknown, TM_MSG_DROP, SOON_MS);
    peer_end_set_pings(unknown, false);
    peer_end_send(unknown, &ping);
    while (peer_end_expect(unknown, TM_MSG_PONG, SOON_MS)->pong.seq != 4711)
        continue;
    submit_and_wait(producer, &(tm_msg_t){.type = TM_MSG_SUBMIT,
                                          .submit = {.ref = 2,
                                                     .job = tm_uuid_new(),
                                                     .queue = tm_str("c"),
                                                     .workspace = broker_world_workspace}});
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM jobs WHERE queue = 'b'"),
                     0);
    peer_end_send_all(worker, pair, 2);
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    ck_assert_int_eq(broker_world_count(&world, "SELECT children_left FROM jobs WHERE state ="
                                                " 'waiting'"),
                     1);
    peer_end_destroy(&unknown);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("broker_races");
    TCase *tcase = suite_case(suite, "races", start, stop);

    suite_tests(tcase, a_submit_that_crosses_its_jobs_end_makes_no_second_job,
                a_cancel_nobody_was_told_of_reaches_the_worker,
                nobody_ends_the_job_of_another_brokers_worker,
                nobody_takes_the_job_of_another_when_its_broker_is_gone,
                a_job_that_a_hello_does_not_name_is_given_again,
                a_job_handed_back_by_a_leaving_worker_has_not_failed,
                a_spawn_that_the_database_did_not_answer_is_taken_when_it_comes_again,
                what_follows_a_done_that_counts_for_nothing_is_no_job);
    return pg_suite_run(suite, &fixture);
}
