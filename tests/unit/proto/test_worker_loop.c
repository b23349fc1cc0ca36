/* A worker in a loop of its caller's: the caller's thread, the broker is played by this one. */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "fake_broker.h"
#include "proto/worker.h"
#include "tests/support/patience.h"
#include "tests/support/suite.h"

#define PING_MS  30
#define LEASE_MS 300

enum { HELD_MAX = 8 };

static struct fake_place place;
static fake_broker_t *broker;

/* The caller: holds what comes until `wanted` are there, and ends them last come, first served.
 */
static struct caller {
    pthread_t thread;
    tm_worker_t *worker;
    size_t wanted, count;
    tm_job_t *held[HELD_MAX];
    atomic_bool is_over, is_draining;
} caller;

static void
end_all(struct caller *self)
{
    while (self->count > 0) {
        tm_job_t *job = self->held[--self->count];

        tm_worker_done(self->worker, &job, false, "answer", 6);
    }
}

static void
on_jobs(void *arg)
{
    struct caller *self = arg;
    tm_job_t *job = NULL;

    while (self->count < HELD_MAX && tm_worker_next(self->worker, 0, &job) == TM_OK)
        self->held[self->count++] = job;
    if (self->count >= self->wanted)
        end_all(self);
}

static int
on_look(zloop_t *loop, int timer, void *arg)
{
    struct caller *self = arg;

    (void)loop, (void)timer;
    if (atomic_exchange(&self->is_draining, false))
        tm_worker_drain(self->worker);
    return atomic_load(&self->is_over) ? -1 : 0;
}

static void *
run(void *arg)
{
    struct caller *self = arg;
    struct tm_worker_options options = {.brokers = place.endpoint[0],
                                        .actor = "test",
                                        .queues = "tune",
                                        .credit = HELD_MAX,
                                        .services = "echo",
                                        .calls = HELD_MAX};
    zloop_t *loop = zloop_new();

    self->worker = tm_worker_new(&options);
    tm_worker_attach(self->worker, loop, on_jobs, self);
    zloop_timer(loop, 5, 0, on_look, self);
    zloop_start(loop);
    tm_worker_destroy(&self->worker);
    zloop_destroy(&loop);
    return NULL;
}

static tm_msg_t
expect(tm_msg_type_t type)
{
    tm_msg_t msg;

    if (!fake_broker_take(broker, PATIENCE_MS, type, &msg))
        ck_abort_msg("no %s came", tm_msg_name(type));
    return msg;
}

static void
welcome(void)
{
    tm_msg_t msg = {.type = TM_MSG_WELCOME,
                    .welcome = {.broker = *fake_broker_id(broker),
                                .ping_ms = PING_MS,
                                .lease_ms = LEASE_MS}};
    expect(TM_MSG_HELLO);
    fake_broker_send(broker, &msg);
}

static void
start(size_t wanted)
{
    fake_place_init(&place);
    broker = fake_broker_new(place.endpoint[0]);
    caller = (struct caller){.wanted = wanted};
    ck_assert_int_eq(pthread_create(&caller.thread, NULL, run, &caller), 0);
    welcome();
}

static void
stop(void)
{
    atomic_store(&caller.is_over, true);
    ck_assert_int_eq(pthread_join(caller.thread, NULL), 0);
    fake_broker_destroy(&broker);
    fake_place_fini(&place);
}

static void
send_call(uint64_t ref)
{
    tm_msg_t msg = {.type = TM_MSG_CALL,
                    .call = {.ref = ref, .service = tm_str("echo"), .deadline_ms = 5000},
                    .body = tm_str("question")};

    fake_broker_send(broker, &msg);
}

static tm_uuid_t
send_job(void)
{
    tm_msg_t msg = {.type = TM_MSG_JOB,
                    .job = {.job = tm_uuid_new(), .attempt = 1, .queue = tm_str("tune")},
                    .body = tm_str("space")};

    fake_broker_send(broker, &msg);
    return msg.job.job;
}

static void
settle(const tm_uuid_t *job)
{
    tm_msg_t msg = {.type = TM_MSG_SETTLED, .settled = {.job = *job, .attempt = 1}};

    fake_broker_send(broker, &msg);
}

START_TEST(many_calls_are_in_hand_and_answered_in_any_order)
{
    start(3);
    for (uint64_t ref = 1; ref <= 3; ref++)
        send_call(ref);
    for (uint64_t ref = 3; ref >= 1; ref--) {
        tm_msg_t answer = expect(TM_MSG_RETURN);
        ck_assert_uint_eq(answer.returned.ref, ref);
        ck_assert(tm_str_is(answer.body, "answer"));
    }
    stop();
}
END_TEST

START_TEST(a_job_is_done_and_settled)
{
    start(1);
    tm_uuid_t id = send_job();
    tm_msg_t done = expect(TM_MSG_DONE);
    ck_assert(tm_uuid_is(&done.done.job, &id));
    settle(&id);
    ck_assert_uint_eq(fake_broker_seen(broker, TM_MSG_FAIL), 0);
    stop();
}
END_TEST

START_TEST(pings_go_on_while_a_job_is_in_hand)
{
    start(2);
    tm_uuid_t first = send_job();
    for (int i = 0; i < 5; i++)
        expect(TM_MSG_PING);
    ck_assert_uint_eq(fake_broker_seen(broker, TM_MSG_DONE), 0);
    tm_uuid_t second = send_job();
    expect(TM_MSG_DONE);
    expect(TM_MSG_DONE);
    settle(&first);
    settle(&second);
    stop();
}
END_TEST

START_TEST(a_restarted_broker_is_told_who_is_there_and_what_is_in_hand)
{
    start(2);
    tm_uuid_t id = send_job();
    expect(TM_MSG_PING);
    fake_broker_destroy(&broker);
    broker = fake_broker_new(place.endpoint[0]);
    welcome();
    tm_msg_t holding = expect(TM_MSG_HOLDING);
    ck_assert(tm_uuid_is(&holding.holding.job, &id));
    tm_uuid_t next = send_job();
    expect(TM_MSG_DONE);
    expect(TM_MSG_DONE);
    settle(&id);
    settle(&next);
    stop();
}
END_TEST

/* The loop's worker says goodbye by itself, though its caller calls nothing. */
START_TEST(a_draining_worker_says_so_and_takes_no_call)
{
    start(1);
    atomic_store(&caller.is_draining, true);
    expect(TM_MSG_BYE);
    send_call(7);
    tm_msg_t error = expect(TM_MSG_ERROR);
    ck_assert_uint_eq(error.error.ref, 7);
    ck_assert(tm_str_is(error.error.code, "DRAINING"));
    stop();
}
END_TEST

START_TEST(what_is_in_hand_goes_back_when_the_worker_is_destroyed)
{
    start(2);
    tm_uuid_t id = send_job();
    expect(TM_MSG_PING);
    atomic_store(&caller.is_over, true);
    tm_msg_t fail = expect(TM_MSG_FAIL);
    ck_assert(tm_uuid_is(&fail.fail.job, &id) && tm_str_is(fail.fail.code, "DRAINING"));
    settle(&id);
    stop();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("worker loop");
    TCase *tests = suite_case(suite, "worker loop", NULL, NULL);

    suite_tests(tests, many_calls_are_in_hand_and_answered_in_any_order,
                a_job_is_done_and_settled, pings_go_on_while_a_job_is_in_hand,
                a_restarted_broker_is_told_who_is_there_and_what_is_in_hand,
                a_draining_worker_says_so_and_takes_no_call,
                what_is_in_hand_goes_back_when_the_worker_is_destroyed);
    return suite_run(suite);
}
