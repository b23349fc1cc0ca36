/* Calls, with the real client and worker libraries on a real broker, and with bare peers where
 * somebody misbehaves. */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "proto/client.h"
#include "proto/worker.h"
#include "tests/support/broker_world.h"
#include "tests/support/pg_suite.h"

static pg_fixture_t *fixture;
static struct broker_world world;
static tm_client_t *client;
static peer_end_t *server;

static void
start(void)
{
    struct tm_client_options options = {.brokers = NULL};

    broker_world_start(&world, fixture, 1);
    options.brokers = world.endpoint[0];
    client = tm_client_new(&options);
    while (!tm_client_is_connected(client))
        ck_assert_int_ne(tm_client_wait(client, 10), TM_DRAINING);
    server = peer_end_new(world.endpoint[0]);
}

static void
stop(void)
{
    tm_client_destroy(&client);
    peer_end_destroy(&server);
    broker_world_stop(&world);
}

#define TRACE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

struct outcome {
    int count;
    tm_err_t err;
    char text[200];
};

static void
on_return(void *arg, tm_err_t err, const char *detail, tm_str_t body)
{
    struct outcome *self = arg;

    self->count++;
    self->err = err;
    snprintf(self->text, sizeof self->text, "%.*s", err ? (int)strlen(detail) : (int)body.size,
             err ? detail : body.data);
}

static void
ask(const char *service, uint32_t deadline_ms, struct outcome *ret)
{
    const struct tm_call_spec spec = {.service = service,
                                      .deadline_ms = deadline_ms,
                                      .traceparent = TRACE,
                                      .body = "question",
                                      .body_size = 8};

    ck_assert_int_eq(tm_client_call(client, &spec, on_return, ret), TM_OK);
}

static void
await(struct outcome *outcome)
{
    int64_t end_ms = zclock_mono() + SOON_MS;

    while (outcome->count == 0 && zclock_mono() < end_ms)
        ck_assert_int_ne(tm_client_wait(client, 50), TM_DRAINING);
    ck_assert_int_eq(outcome->count, 1);
}

static void
serve(peer_end_t *peer, uint64_t calls)
{
    tm_msg_t msg = {.type = TM_MSG_HELLO};

    msg.hello = (struct tm_hello){.actor = tm_str("test"),
                                  .worker = tm_uuid_new(),
                                  .queues = tm_str(""),
                                  .services = tm_str("other,echo"),
                                  .has_services = true,
                                  .calls = calls,
                                  .has_calls = true};
    peer_end_send(peer, &msg);
    peer_end_expect(peer, TM_MSG_WELCOME, SOON_MS);
}

static void
answer(peer_end_t *peer, uint64_t ref, const char *text)
{
    tm_msg_t msg = {.type = TM_MSG_RETURN, .returned = {.ref = ref}, .body = tm_str(text)};

    peer_end_send(peer, &msg);
}

/* The message is the peer's own only until its next: what is wanted of it is copied. */
static uint64_t
take_call(peer_end_t *peer)
{
    const tm_msg_t *msg = NULL;
    int64_t end_ms = zclock_mono() + SOON_MS;

    while (!msg && zclock_mono() < end_ms) {
        ck_assert_int_ne(tm_client_wait(client, 5), TM_DRAINING);
        msg = peer_end_poll(peer, TM_MSG_CALL, 20);
    }
    ck_assert_ptr_nonnull(msg);
    ck_assert(tm_str_is(msg->body, "question") && tm_str_is(msg->call.service, "echo"));
    ck_assert_uint_gt(msg->call.deadline_ms, 0);
    ck_assert(msg->call.has_traceparent && tm_str_is(msg->call.traceparent, TRACE));
    return msg->call.ref;
}

START_TEST(a_call_nobody_serves_is_refused_at_once)
{
    struct outcome outcome = {0};

    ask("echo", 5000, &outcome);
    await(&outcome);
    ck_assert_int_eq(outcome.err, TM_SERVICE_NOT_FOUND);
}
END_TEST

START_TEST(a_call_is_refused_when_all_who_serve_it_leave)
{
    tm_msg_t bye = {.type = TM_MSG_BYE};
    struct outcome outcome = {0};

    serve(server, 2);
    peer_end_send(server, &bye);
    do {
        outcome = (struct outcome){0};
        ask("echo", 100, &outcome);
        await(&outcome);
        ck_assert(outcome.err == TM_SERVICE_NOT_FOUND || outcome.err == TM_TIMEOUT);
    } while (outcome.err == TM_TIMEOUT); /* it was asked before it said so */
}
END_TEST

START_TEST(an_answer_finds_its_caller)
{
    struct outcome first = {0}, second = {0};
    uint64_t refs[2];

    serve(server, 2);
    ask("echo", 5000, &first);
    ask("echo", 5000, &second);
    refs[0] = take_call(server);
    refs[1] = take_call(server);
    answer(server, refs[1], "second");
    await(&second);
    ck_assert_str_eq(second.text, "second");
    answer(server, refs[0], "first");
    await(&first);
    ck_assert_str_eq(first.text, "first");
    answer(server, refs[0], "again"); /* nobody waits for it */
    ck_assert_int_ne(tm_client_wait(client, 100), TM_DRAINING);
    ck_assert_int_eq(first.count, 1);
}
END_TEST

START_TEST(a_server_takes_no_more_calls_than_it_said)
{
    struct outcome outcome[3] = {{0}};
    uint64_t ref;

    serve(server, 1);
    for (int i = 0; i < 3; i++)
        ask("echo", 5000, &outcome[i]);
    for (int i = 0; i < 3; i++) {
        ref = take_call(server);
        ck_assert_ptr_null(peer_end_poll(server, TM_MSG_CALL, 50)); /* not one more */
        answer(server, ref, "yes");
        await(&outcome[i]);
    }
}
END_TEST

START_TEST(a_call_ends_at_its_deadline)
{
    struct outcome outcome = {0}, next = {0};
    uint64_t ref;

    serve(server, 1);
    ask("echo", 300, &outcome);
    ref = take_call(server);
    await(&outcome);
    ck_assert_int_eq(outcome.err, TM_TIMEOUT);
    answer(server, ref, "late");
    ask("echo", 5000, &next); /* its place is free again */
    answer(server, take_call(server), "in time");
    await(&next);
    ck_assert_str_eq(next.text, "in time");
    ck_assert_int_eq(outcome.count, 1);
}
END_TEST

START_TEST(a_call_ends_with_its_server)
{
    struct outcome outcome = {0};

    serve(server, 1);
    ask("echo", SOON_MS, &outcome); /* longer than any lease */
    take_call(server);
    peer_end_destroy(&server);
    await(&outcome);
    ck_assert_int_eq(outcome.err, TM_WORKER_LOST);
}
END_TEST

START_TEST(a_call_ends_with_its_broker)
{
    struct outcome outcome = {0};

    serve(server, 1);
    ask("echo", 9000, &outcome);
    take_call(server);
    broker_world_kill(&world, 0, 9);
    broker_world_launch(&world, 0);
    await(&outcome);
    ck_assert(outcome.err == TM_BROKER_DOWN || outcome.err == TM_TIMEOUT);
}
END_TEST

START_TEST(a_stranger_answers_nothing)
{
    struct outcome outcome = {0};
    peer_end_t *stranger = peer_end_new(world.endpoint[0]);
    uint64_t ref;

    serve(server, 1);
    say_hello(stranger, NULL, "a", 1);
    ask("echo", 5000, &outcome);
    ref = take_call(server);
    answer(stranger, ref, "false");
    ck_assert_int_ne(tm_client_wait(client, 100), TM_DRAINING);
    ck_assert_int_eq(outcome.count, 0);
    answer(server, ref, "true");
    await(&outcome);
    ck_assert_str_eq(outcome.text, "true");
    peer_end_destroy(&stranger);
}
END_TEST

/* --- the worker library as a server ------------------------------------------------------- */

static atomic_bool is_over;

static void *
echo(void *arg)
{
    struct tm_worker_options options = {.brokers = world.endpoint[0],
                                        .actor = "echo",
                                        .queues = "jobs",
                                        .services = "echo,fail",
                                        .calls = 8};
    tm_worker_t *worker = tm_worker_new(&options);
    tm_job_t *job;

    while (!atomic_load(&is_over)) {
        if (tm_worker_next(worker, 20, &job) != TM_OK)
            continue;
        if (!tm_job_is_call(job))
            tm_worker_done(worker, &job, false, "job", 3);
        else if (strcmp(tm_job_queue(job), "fail") == 0)
            tm_worker_fail(worker, &job, TM_INSUFFICIENT_DATA, "too few", false);
        else
            tm_worker_done(worker, &job, false, tm_job_body(job).data, tm_job_body(job).size);
    }
    tm_worker_destroy(&worker);
    return arg;
}

START_TEST(the_library_answers_calls_beside_its_jobs)
{
    enum { CALLS = 200 };
    static struct outcome outcomes[CALLS];
    struct outcome outcome = {0};
    pthread_t thread;
    tm_msg_t job = submit_of("jobs", 1);

    atomic_store(&is_over, false);
    ck_assert_int_eq(pthread_create(&thread, NULL, echo, NULL), 0);
    do { /* until it is there */
        outcome = (struct outcome){0};
        ask("fail", 5000, &outcome);
        await(&outcome);
    } while (outcome.err == TM_SERVICE_NOT_FOUND);
    ck_assert_int_eq(outcome.err, TM_INSUFFICIENT_DATA);
    ck_assert_str_eq(outcome.text, "too few");
    submit_and_wait(server, &job);
    for (int i = 0; i < CALLS; i++)
        ask("echo", 9000, &outcomes[i]);
    for (int i = 0; i < CALLS; i++) {
        await(&outcomes[i]);
        ck_assert_int_eq(outcomes[i].err, TM_OK);
        ck_assert_str_eq(outcomes[i].text, "question");
    }
    broker_world_await(&world, "SELECT count(*) FROM job_runs", 1);
    atomic_store(&is_over, true);
    pthread_join(thread, NULL);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("broker_calls");
    TCase *tcase = suite_case(suite, "calls", start, stop);

    suite_tests(tcase, a_call_nobody_serves_is_refused_at_once,
                a_call_is_refused_when_all_who_serve_it_leave, an_answer_finds_its_caller,
                a_server_takes_no_more_calls_than_it_said, a_call_ends_at_its_deadline,
                a_call_ends_with_its_server, a_call_ends_with_its_broker,
                a_stranger_answers_nothing, the_library_answers_calls_beside_its_jobs);
    return pg_suite_run(suite, &fixture);
}
