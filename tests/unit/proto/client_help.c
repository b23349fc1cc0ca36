#include "tests/unit/proto/client_help.h"

#include <string.h>

#include "tests/support/patience.h"

struct fake_place place;
fake_broker_t *broker, *second;
tm_client_t *client;
struct got got;

void
on_answer(void *arg, const struct tm_answer *answer)
{
    ck_assert_ptr_eq(arg, &got);
    got.answers++;
    got.answer = *answer;
    snprintf(got.detail, sizeof got.detail, "%s", answer->detail);
}

void
on_progress(void *arg, const struct tm_progress *progress, tm_str_t body)
{
    (void)arg, (void)body;
    got.progress += (unsigned)progress->done;
}

void
on_result(void *arg, const struct tm_result *result, tm_str_t body)
{
    (void)arg;
    got.results++;
    got.result_job = result->job;
    snprintf(got.result_state, sizeof got.result_state, "%.*s", (int)result->state.size,
             result->state.data);
    snprintf(got.body, sizeof got.body, "%.*s", (int)body.size, body.data);
}

void
on_state(void *arg, tm_err_t err, const struct tm_state *state, tm_str_t body)
{
    (void)arg, (void)body;
    ck_assert_ptr_nonnull(state->state.data);
    got.states++;
    got.err = err;
}

void
on_stored(void *arg, tm_err_t err, bool complete, const char *detail)
{
    (void)arg, (void)detail;
    got.stored++;
    got.err = err;
    got.complete = complete;
}

void
start_client(struct tm_client_options options)
{
    if (!options.brokers)
        options.brokers = place.endpoint[0];
    client = tm_client_new(&options);
    ck_assert_ptr_nonnull(client);
    tm_client_on_watch(client, on_progress, on_result, &got);
}

void
setup(void)
{
    memset(&got, 0, sizeof got);
    fake_place_init(&place);
    broker = fake_broker_new(place.endpoint[0]);
}

void
teardown(void)
{
    tm_client_destroy(&client);
    fake_broker_destroy(&broker);
    fake_broker_destroy(&second);
    fake_place_fini(&place);
}

void
run_client(int ms)
{
    tm_err_t err = tm_client_wait(client, ms);
    ck_assert(err == TM_OK || err == TM_TIMEOUT);
}

/* Lets client and broker run until the broker has a message of this type. */
tm_msg_t
expect(fake_broker_t *at, tm_msg_type_t type)
{
    tm_msg_t msg;

    for (int64_t end = zclock_mono() + PATIENCE_MS; zclock_mono() < end;) {
        run_client(1);
        if (fake_broker_take(at, 1, type, &msg))
            return msg;
    }
    ck_abort_msg("no %s came", tm_msg_name(type));
}

void
run_until(const unsigned *count, unsigned goal)
{
    tm_msg_t msg;

    for (int64_t end = zclock_mono() + PATIENCE_MS; *count < goal && zclock_mono() < end;) {
        run_client(1);
        fake_broker_take(second ? second : broker, 0, TM_MSG_NONE, &msg);
    }
    ck_assert_uint_eq(*count, goal);
}

/* Everything the broker has sent so far has been read: words keep their order. */
void
settle(fake_broker_t *at)
{
    tm_msg_t ping = {.type = TM_MSG_PING, .ping.seq = 4711};

    fake_broker_send(at, &ping);
    ck_assert_uint_eq(expect(at, TM_MSG_PONG).pong.seq, 4711);
}

struct tm_job_spec
spec_of(bool watch)
{
    return (struct tm_job_spec){
        .queue = "tune", .watch = watch, .body = "work", .body_size = 4};
}

void
submit(bool watch)
{
    struct tm_job_spec spec = spec_of(watch);
    ck_assert_int_eq(tm_client_submit(client, &spec, on_answer, &got), TM_OK);
}

void
accept_job(fake_broker_t *at, const tm_msg_t *asked, const tm_uuid_t *job)
{
    tm_msg_t msg = {.type = TM_MSG_ACCEPTED,
                    .accepted = {.ref = asked->submit.ref, .job = *job}};
    fake_broker_send(at, &msg);
}

void
reject(fake_broker_t *at, const tm_msg_t *asked, const char *code, uint64_t retry_after_ms)
{
    tm_msg_t msg = {.type = TM_MSG_REJECTED,
                    .rejected = {.ref = asked->submit.ref,
                                 .code = tm_str(code),
                                 .detail = tm_str("because"),
                                 .has_detail = true,
                                 .retry_after_ms = retry_after_ms,
                                 .has_retry_after_ms = true}};
    fake_broker_send(at, &msg);
}

void
send_result(fake_broker_t *at, const tm_uuid_t *job)
{
    tm_msg_t msg = {.type = TM_MSG_RESULT,
                    .result = {.job = *job, .state = tm_str("done")},
                    .body = tm_str("score")};
    fake_broker_send(at, &msg);
}

void
restart_broker(void)
{
    fake_broker_destroy(&broker);
    broker = fake_broker_new(place.endpoint[0]);
}

void
assert_same_request(const tm_msg_t *a, const tm_msg_t *b)
{
    ck_assert(tm_uuid_is(&a->submit.job, &b->submit.job));
    ck_assert_uint_eq(a->submit.ref, b->submit.ref);
}
