/* What producers and workers can do to a broker's memory, and to each other through it.
 * TM_MEMORY_JOBS says how many ready jobs wait in a queue that nobody serves.
 *
 * A sanitizer's memory is not the program's: with one the figures are not judged, and fewer
 * jobs wait; what the peers are told is checked all the same. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/client.h"
#include "proto/worker.h"
#include "tests/support/pg_suite.h"
#include "tests/unit/broker/broker_memory_help.h"

pg_fixture_t *fixture;
/* --- jobs that wait ----------------------------------------------------------------------- */

START_TEST(ready_jobs_wait_in_the_database_and_not_in_the_broker)
{
    const char *asked = getenv("TM_MEMORY_JOBS");
    unsigned long jobs = asked ? strtoul(asked, NULL, 10) : JOBS;
    int64_t begin_ms = zclock_mono();
    long quarter_kb;

    submit_unserved(jobs / 4);
    quarter_kb = broker_kb();
    submit_unserved(jobs - jobs / 4);
    printf("{\"jobs\":%lu,\"broker_mb\":%.1f,\"seconds\":%.1f}\n", jobs,
           (double)broker_kb() / 1024, (double)(zclock_mono() - begin_ms) / 1000);
    check_growth(quarter_kb, WAITING_MAX_KB);
    ck_assert_int_eq(
        broker_world_count(&world, "SELECT count(*) FROM jobs WHERE state = 'ready'"),
        (long)jobs);
}
END_TEST

/* --- peers that neither read nor answer --------------------------------------------------- */

static peer_end_t *
deaf_peer(void)
{
    zsock_t *socket = zsock_new(ZMQ_DEALER);

    zsock_set_rcvhwm(socket, 1);
    ck_assert_int_eq(zsock_connect(socket, "%s", world.endpoint[0]), 0);
    return peer_end_over(&socket);
}

/* More answers than ZeroMQ keeps for a peer, each by a turn of its own: the broker has another
 * peer's question to answer between two of them.
 *
 * One that reads nothing does not answer ZeroMQ's own pings either. If it says nothing for six
 * seconds, its connection is closed, and it does not even see that: then another comes. */
static void
leave_unread(peer_end_t **deaf_p, int count)
{
    const tm_msg_t ping = {.type = TM_MSG_PING, .ping = {.seq = 1}};

    for (int i = 0; i < count; i++) {
        if (!peer_end_offer_all(*deaf_p, &ping, 1)) {
            peer_end_destroy(deaf_p);
            *deaf_p = deaf_peer();
        }
        peer_end_send(producer, &ping);
        peer_end_expect(producer, TM_MSG_PONG, SOON_MS);
    }
}

static void
work_beside(peer_end_t *deaf, long *runs)
{
    enum { BLOCKS = 40 };

    say_hello(worker, NULL, "served", CREDIT);
    send_jobs(deaf, "served", UNREAD, true);
    for (int i = 0; i < BLOCKS; i++)
        work();
    await_runs(*runs += UNREAD + BLOCKS * BLOCK);
}

START_TEST(a_producer_that_reads_no_answer_holds_up_nobody)
{
    enum { PINGS = 20000 };
    peer_end_t *deaf = deaf_peer();
    long before_kb, runs = BLOCK;

    say_hello(worker, NULL, "served", CREDIT);
    work();
    before_kb = broker_kb();
    work_beside(deaf, &runs);
    leave_unread(&deaf, PINGS);
    work_beside(deaf, &runs);
    check_growth(before_kb, GROWTH_MAX_KB);
    peer_end_destroy(&deaf);
}
END_TEST

/* One that pings has its job as long as it likes, one that does not loses it: either way it is
 * one job of one worker. */
START_TEST(a_worker_that_answers_nothing_holds_up_no_job_but_its_own)
{
    enum { BLOCKS = 40, PINGS = 0 };
    const bool pings = _i == PINGS;
    peer_end_t *stuck = peer_end_new(world.endpoint[0]);
    tm_msg_t msg = submit_of("served", 1);
    struct tm_job job;
    int64_t begin_ms = zclock_mono();
    long before_kb;

    say_hello(stuck, NULL, "served", 1);
    submit_and_wait(producer, &msg);
    job = take_job(stuck);
    ck_assert(tm_uuid_is(&job.job, &msg.submit.job));
    pinging = pings ? stuck : NULL;
    say_hello(worker, NULL, "served", CREDIT);
    work();
    before_kb = broker_kb();
    /* for longer than a lease */
    for (int i = 0;
         i < BLOCKS || zclock_mono() - begin_ms < 2 * world.settings->broker_lease_ms; i++)
        work();
    check_growth(before_kb, GROWTH_MAX_KB);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM jobs"
                                                " WHERE state = 'running' AND attempt = 1"),
                     pings ? 1 : 0);
    ck_assert_int_eq(
        broker_world_count(&world, "SELECT count(*) FROM job_runs WHERE attempt = 2"),
        pings ? 0 : 1);
    peer_end_destroy(&stuck);
}
END_TEST

/* --- bodies that are too large ------------------------------------------------------------ */

/* A body of zeros, of which only the size matters. */
static tm_msg_t
large_of(char **bytes_p, size_t size)
{
    tm_msg_t msg = submit_of("unserved", 7);

    *bytes_p = calloc(1, size);
    ck_assert_ptr_nonnull(*bytes_p);
    msg.body = (tm_str_t){*bytes_p, size};
    return msg;
}

START_TEST(a_body_beyond_the_limit_is_refused_by_its_ref)
{
    static const size_t sizes[] = {LARGEST + 1, LARGEST + TM_HEADER_MAX, TM_BODY_MAX};
    char *bytes;
    tm_msg_t msg = large_of(&bytes, LARGEST);

    submit_and_wait(producer, &msg);
    free(bytes);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const tm_msg_t *answer;
        msg = large_of(&bytes, sizes[i]);
        peer_end_send(producer, &msg);
        free(bytes);
        answer = peer_end_expect(producer, TM_MSG_REJECTED, SOON_MS);
        ck_assert(tm_str_is(answer->rejected.code, "TOO_LARGE"));
        ck_assert_uint_eq(answer->rejected.ref, 7);
    }
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM jobs"), 1);
}
END_TEST

static zactor_t *
watch_for_the_end(zsock_t *socket)
{
    zactor_t *monitor = zactor_new(zmonitor, socket);

    zstr_sendx(monitor, "LISTEN", "DISCONNECTED", NULL);
    zstr_send(monitor, "START");
    zsock_wait(monitor);
    zsock_set_rcvtimeo(monitor, SOON_MS);
    return monitor;
}

static void
expect_the_end(zactor_t *monitor)
{
    zmsg_t *event = zmsg_recv(monitor);

    ck_assert_msg(event != NULL, "the connection is not closed");
    zmsg_destroy(&event);
}

/* The rest is not even read, so that no peer makes the broker take the memory for it. */
START_TEST(a_frame_far_beyond_the_limit_ends_its_connection_and_nothing_else)
{
    static const size_t sizes[] = {TM_BODY_MAX + TM_HEADER_MAX + 1, ((size_t)64 << 20) + 1};
    zsock_t *socket = zsock_new_dealer(world.endpoint[0]);
    zactor_t *monitor = watch_for_the_end(socket);
    peer_end_t *greedy = peer_end_over(&socket);
    tm_msg_t small = submit_of("unserved", 8);
    long before_kb;

    say_hello(worker, NULL, "served", CREDIT);
    submit_and_wait(greedy, &small);
    work();
    before_kb = broker_kb();
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *bytes;
        tm_msg_t msg = large_of(&bytes, sizes[i]);
        peer_end_send(greedy, &msg);
        free(bytes);
        work();
        expect_the_end(monitor);
        small = submit_of("unserved", 8);
        submit_and_wait(greedy, &small); /* by a connection made anew */
        work();
    }
    check_growth(before_kb, GROWTH_MAX_KB);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM jobs"), 3);
    zactor_destroy(&monitor);
    peer_end_destroy(&greedy);
}
END_TEST

/* --- bytes, and not only messages --------------------------------------------------------- */

/* It reads at last, and says so each time it is asked. */
static void
read_all(peer_end_t *deaf)
{
    const tm_msg_t *ping;
    int asked = 0;

    for (; (ping = peer_end_poll(deaf, TM_MSG_PING, asked < 2 ? SOON_MS : 500)); asked++) {
        tm_msg_t pong = {.type = TM_MSG_PONG, .pong.seq = ping->ping.seq};
        peer_end_send(deaf, &pong);
    }
    ck_assert_int_gt(asked, 1);
}

/* A question is a few bytes, its answer a whole result: what ZeroMQ keeps for a peer that does
 * not read is so many messages, whatever they hold. */
START_TEST(answers_that_nobody_reads_are_bounded_in_bytes)
{
    enum { RESULT_BYTES = 64 << 10, QUESTIONS = MEMORY_IS_JUDGED ? 16384 : 500, BLOCKS = 40 };
    peer_end_t *deaf = deaf_peer();
    char *result = calloc(1, RESULT_BYTES + 1);
    tm_msg_t msg = submit_of("served", 1), status = {.type = TM_MSG_STATUS};
    struct tm_job job;
    long before_kb;

    ck_assert_ptr_nonnull(result);
    memset(result, 'r', RESULT_BYTES);
    say_hello(worker, NULL, "served", CREDIT);
    submit_and_wait(producer, &msg);
    job = take_job(worker);
    finish_job(worker, &job, result);
    free(result);
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
    before_kb = broker_kb();
    status.status = (struct tm_status){.ref = 1, .job = job.job};
    for (int i = 0; i < QUESTIONS; i++)
        peer_end_send(deaf, &status);
    pinging = deaf; /* else its connection is closed, which is not what is tested */
    for (int i = 0; i < BLOCKS; i++)
        work();
    pinging = NULL;
    check_growth(before_kb, 4L * GROWTH_MAX_KB);
    read_all(deaf);
    status.status.ref = 2;
    peer_end_send(deaf, &status);
    while (peer_end_expect(deaf, TM_MSG_STATE, SOON_MS)->state.ref != 2)
        continue;
    peer_end_destroy(&deaf);
}
END_TEST

/* broker.max_pending is a number of submits, whatever they hold. */
START_TEST(submits_that_wait_for_their_commit_are_bounded_in_bytes)
{
    enum { LARGE = MEMORY_IS_JUDGED ? 400 : 40 };
    const tm_msg_t ping = {.type = TM_MSG_PING, .ping = {.seq = 1}};
    long before_kb = broker_kb();
    char *bytes;
    tm_msg_t msg = large_of(&bytes, LARGEST);

    for (int i = 0; i < LARGE; i++) {
        msg.submit.job = tm_uuid_new();
        peer_end_send(producer, &msg);
        if (i % 16 > 0)
            continue;
        peer_end_send(producer,
                      &ping); /* what was sent has been read, and waits in the broker */
        peer_end_expect(producer, TM_MSG_PONG, SOON_MS);
    }
    free(bytes);
    peer_end_send(producer, &ping);
    peer_end_expect(producer, TM_MSG_PONG, SOON_MS);
    check_growth(before_kb, 4L * GROWTH_MAX_KB);
    /* some may be refused as BUSY: that, too, would bound it */
    broker_world_await(&world, "SELECT least(count(*), 1) FROM jobs", 1);
}
END_TEST

/* A broker that has just started knows nothing of what waits; the worker would take it all. */
START_TEST(large_jobs_that_wait_are_claimed_few_at_a_time)
{
    enum { LARGE = MEMORY_IS_JUDGED ? 200 : 20 };
    long before_kb;
    char *bytes;
    tm_msg_t msg = large_of(&bytes, LARGEST);

    msg.submit.queue = tm_str("served");
    for (int i = 0; i < LARGE; i++) {
        msg.submit.job = tm_uuid_new();
        submit_and_wait(producer, &msg);
    }
    free(bytes);
    broker_world_kill(&world, 0, SIGKILL);
    broker_world_launch(&world, 0);
    before_kb = broker_kb();
    say_hello(worker, NULL, "served", 10UL * LARGE);
    for (int i = 0; i < LARGE; i++)
        peer_end_expect(worker, TM_MSG_JOB, SOON_MS);
    check_growth(before_kb, 3L * GROWTH_MAX_KB);
}
END_TEST

/* --- the libraries, and bodies that are too large ----------------------------------------- */

/* Were the connection closed on it, it would be sent again by the next, without end. */
START_TEST(a_result_larger_than_the_broker_takes_does_not_stop_its_worker)
{
    struct tm_worker_options options = {
        .brokers = world.endpoint[0], .actor = "test", .queues = "served"};
    tm_msg_t first = submit_of("served", 1), second = submit_of("served", 2);
    tm_worker_t *library = tm_worker_new(&options);
    char *bytes = calloc(2, LARGEST);
    tm_job_t *job = NULL;

    ck_assert(library && bytes);
    submit_and_wait(producer, &first);
    ck_assert_int_eq(tm_worker_next(library, SOON_MS, &job), TM_OK);
    tm_worker_done(library, &job, false, bytes, (size_t)2 * LARGEST);
    free(bytes);
    submit_and_wait(producer, &second);
    ck_assert_int_eq(tm_worker_next(library, SOON_MS, &job), TM_OK);
    broker_world_await(&world, "SELECT count(*) FROM dead_jobs WHERE code = 'TOO_LARGE'", 1);
    tm_worker_destroy(&library);
}
END_TEST

static void
keep_err(void *arg, const struct tm_answer *answer)
{
    *(tm_err_t *)arg = answer->err;
}

START_TEST(a_submit_larger_than_the_broker_takes_is_told_so)
{
    struct tm_client_options options = {.brokers = world.endpoint[0]};
    struct tm_job_spec spec = {.queue = "unserved", .workspace = broker_world_workspace};
    tm_client_t *library = tm_client_new(&options);
    tm_err_t err = TM_OK;
    char *bytes;

    ck_assert_ptr_nonnull(library);
    spec.body_size = (size_t)2 * LARGEST;
    spec.body = bytes = calloc(1, spec.body_size);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_int_eq(tm_client_submit(library, &spec, keep_err, &err), TM_OK);
    free(bytes);
    ck_assert_int_eq(tm_client_wait(library, SOON_MS), TM_OK);
    ck_assert_int_eq(err, TM_TOO_LARGE);
    tm_client_destroy(&library);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("broker_memory");
    TCase *tcase = suite_case(suite, "memory", start, stop);
    TCase *silence = suite_case(suite, "silence", start_with_short_leases, stop);

    tcase_set_timeout(tcase, 0); /* ctest's holds, and TM_MEMORY_JOBS may be many */
    tcase_add_loop_test(silence, a_worker_that_answers_nothing_holds_up_no_job_but_its_own, 0,
                        2);
    suite_tests(tcase, ready_jobs_wait_in_the_database_and_not_in_the_broker,
                a_producer_that_reads_no_answer_holds_up_nobody);
    suite_tests(tcase, a_body_beyond_the_limit_is_refused_by_its_ref,
                a_frame_far_beyond_the_limit_ends_its_connection_and_nothing_else,
                answers_that_nobody_reads_are_bounded_in_bytes,
                large_jobs_that_wait_are_claimed_few_at_a_time,
                submits_that_wait_for_their_commit_are_bounded_in_bytes,
                a_result_larger_than_the_broker_takes_does_not_stop_its_worker,
                a_submit_larger_than_the_broker_takes_is_told_so);
    return pg_suite_run(suite, &fixture);
}
