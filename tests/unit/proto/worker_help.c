#include "tests/unit/proto/worker_help.h"

#include <pthread.h>

#include "tests/support/patience.h"

struct fake_place place;
fake_broker_t *broker, *second;
tm_worker_t *worker;

void
setup(void)
{
    fake_place_init(&place);
    broker = fake_broker_new(place.endpoint[0]);
}

static void *
leave(void *arg)
{
    (void)arg;
    tm_worker_destroy(&worker);
    return NULL;
}

tm_msg_t
expect(fake_broker_t *at, tm_msg_type_t type)
{
    tm_msg_t msg;

    if (!fake_broker_take(at, PATIENCE_MS, type, &msg))
        ck_abort_msg("no %s came", tm_msg_name(type));
    return msg;
}

void
settle(fake_broker_t *at, const tm_uuid_t *job, uint64_t attempt)
{
    tm_msg_t msg = {.type = TM_MSG_SETTLED, .settled = {.job = *job, .attempt = attempt}};
    fake_broker_send(at, &msg);
}

/* Lets the worker leave, settling whatever it still says. */
void
dismiss(void)
{
    pthread_t thread;
    tm_msg_t msg;

    if (!worker)
        return;
    ck_assert_int_eq(pthread_create(&thread, NULL, leave, NULL), 0);
    while (pthread_tryjoin_np(thread, NULL) != 0)
        if (fake_broker_take(broker, 20, TM_MSG_FAIL, &msg))
            settle(broker, &msg.fail.job, msg.fail.attempt);
}

void
teardown(void)
{
    dismiss();
    fake_broker_destroy(&broker);
    fake_broker_destroy(&second);
    fake_place_fini(&place);
}

void
start_worker(const char *brokers, uint32_t credit)
{
    struct tm_worker_options options = {.brokers = brokers,
                                        .actor = "tune",
                                        .queues = "tune,wfo",
                                        .credit = credit,
                                        .software = "test 1"};
    worker = tm_worker_new(&options);
    ck_assert_ptr_nonnull(worker);
}

void
welcome(fake_broker_t *at)
{
    tm_msg_t msg = {
        .type = TM_MSG_WELCOME,
        .welcome = {.broker = *fake_broker_id(at), .ping_ms = PING_MS, .lease_ms = LEASE_MS}};
    expect(at, TM_MSG_HELLO);
    fake_broker_send(at, &msg);
}

tm_uuid_t
send_job(fake_broker_t *at, const tm_uuid_t *id, uint64_t attempt)
{
    tm_msg_t msg = {.type = TM_MSG_JOB,
                    .job = {.job = id ? *id : tm_uuid_new(),
                            .attempt = attempt,
                            .queue = tm_str("tune"),
                            .timeout_ms = 5000,
                            .has_timeout_ms = true,
                            .traceparent = tm_str("00-aa-bb-01"),
                            .has_traceparent = true},
                    .body = tm_str("space")};
    fake_broker_send(at, &msg);
    return msg.job.job;
}

tm_job_t *
take_job(void)
{
    tm_job_t *job = NULL;

    ck_assert_int_eq(tm_worker_next(worker, PATIENCE_MS, &job), TM_OK);
    return job;
}

void
send_drop(fake_broker_t *at, const tm_uuid_t *id, uint64_t attempt)
{
    tm_msg_t msg = {.type = TM_MSG_DROP, .drop = {.job = *id, .attempt = attempt}};
    fake_broker_send(at, &msg);
}

/* Everything the broker has sent so far has been read by the worker: words keep their order. */
void
in_order(fake_broker_t *at)
{
    tm_msg_t ping = {.type = TM_MSG_PING, .ping.seq = 4711};

    fake_broker_send(at, &ping);
    while (expect(at, TM_MSG_PONG).pong.seq != 4711)
        continue;
}
