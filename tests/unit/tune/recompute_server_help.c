#include "tests/unit/tune/recompute_server_help.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "actors/kit/util/clock.h"
#include "tests/support/meter.h"

struct tune_world world;
fake_broker_t *broker;
tm_uuid_t tune;

static struct fake_place place;
static PGconn *locks;
static uint64_t asked;
static pthread_t thread;
static int end_fd = -1; /* -1: no server */

/* ---- the service ------------------------------------------------------------------------ */

struct serving {
    loop_t *loop;
    recompute_server_t *server;
};

static void
look_whether_all_is_answered(void *arg)
{
    const struct serving *self = arg;

    if (recompute_server_pending(self->server) == 0)
        loop_stop(self->loop);
}

static void
on_end(void *arg)
{
    struct serving *self = arg;

    loop_fd_end(self->loop, end_fd);
    recompute_server_drain(self->server);
    loop_timer(self->loop, 5, true, look_whether_all_is_answered, self);
}

static void *
serve(void *arg)
{
    struct serving self = {.loop = loop_new()};

    self.server = recompute_server_new(self.loop, world.settings, world.meters);
    ck_assert_ptr_nonnull(self.server);
    loop_fd(self.loop, end_fd, ZMQ_POLLIN, on_end, &self);
    loop_run(self.loop);
    recompute_server_destroy(&self.server);
    loop_destroy(&self.loop);
    return arg;
}

void
tell_server_to_end(void)
{
    ck_assert_int_eq(eventfd_write(end_fd, 1), 0);
}

void
end_server(void)
{
    if (end_fd < 0)
        return;
    tell_server_to_end();
    pthread_join(thread, NULL);
    close(end_fd);
    end_fd = -1;
}

void
start_server(void)
{
    tm_msg_t hello, welcome = {.type = TM_MSG_WELCOME};

    end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ck_assert_int_ge(end_fd, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
    ck_assert(fake_broker_take(broker, PATIENCE_MS, TM_MSG_HELLO, &hello));
    ck_assert(tm_str_is(hello.hello.actor, "backtest"));
    ck_assert(tm_str_is(hello.hello.services, "backtest.run"));
    ck_assert_uint_eq(hello.hello.queues.size, 0);
    ck_assert_uint_gt(hello.hello.calls, 1);
    welcome.welcome = (struct tm_welcome){
        .broker = *fake_broker_id(broker), .ping_ms = 100, .lease_ms = 10000};
    fake_broker_send(broker, &welcome);
}

void
make_tune(const char *data)
{
    tune_world_dataset(&world, data);
    tune_world_job(&world, "bb_reversal", NULL);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
}

/* On data that the server has not read yet. */
void
make_other_tune(void)
{
    free(world.end.result);
    world.end.result = NULL;
    make_tune("tests/data/sp500_daily.csv");
}

void
service_set_up(void)
{
    fake_place_init(&place);
    tune_world_init(&world);
    free(world.settings->broker_brokers);
    world.settings->broker_brokers = strdup(place.endpoint[0]);
    make_tune("tests/data/SYND.csv");
    tune = world.job.id;
    broker = fake_broker_new(place.endpoint[0]);
    start_server();
}

void
service_tear_down(void)
{
    PQfinish(locks);
    end_server();
    fake_broker_destroy(&broker);
    tune_world_fini(&world);
    fake_place_fini(&place);
}

/* No computation that needs its data ends until unlock_data(). */
void
lock_data(void)
{
    locks = PQconnectdb(world.url);
    PQclear(PQexec(locks, "BEGIN"));
    PQclear(PQexec(locks, "LOCK TABLE datasets IN ACCESS EXCLUSIVE MODE"));
    ck_assert_int_eq(PQtransactionStatus(locks), PQTRANS_INTRANS);
}

void
unlock_data(void)
{
    PQfinish(locks);
    locks = NULL;
}

uint64_t
answers_from(const char *source)
{
    return meter_of(world.meters, METRIC_BACKTESTS, source);
}

uint64_t
trials_read(void)
{
    return meter_of(world.meters, METRIC_DB_QUERY, "TRIAL");
}

/* ---- questions -------------------------------------------------------------------------- */

struct backtest_call
run_of(uint32_t trial)
{
    return (struct backtest_call){
        .workspace = world.job.workspace, .run = tune_run_id(&tune, trial), .points = 50};
}

struct backtest_call
other_run_of(uint32_t trial)
{
    return (struct backtest_call){.workspace = world.job.workspace,
                                  .run = tune_run_id(&world.job.id, trial),
                                  .points = 50};
}

/* So many have come as far as the lock. */
void
await_locked(const char *number)
{
    const int64_t until_ms = clock_ms() + PATIENCE_MS;
    char *locked = NULL;

    do {
        ck_assert_msg(clock_ms() < until_ms, "%s, not %s", locked, number);
        free(locked);
        locked = pg_fixture_query(world.url, "SELECT count(*) FROM pg_stat_activity"
                                             " WHERE datname = current_database()"
                                             "   AND wait_event_type = 'Lock'");
    } while (strcmp(locked, number) != 0);
    free(locked);
}

/* The number of the call. */
uint64_t
send_text(const char *service, const char *question, uint64_t deadline_ms)
{
    tm_msg_t msg = {
        .type = TM_MSG_CALL,
        .call = {.ref = ++asked, .service = tm_str(service), .deadline_ms = deadline_ms},
        .body = tm_str(question)};

    fake_broker_send(broker, &msg);
    return asked;
}

uint64_t
send_until(const struct backtest_call *call, uint64_t deadline_ms)
{
    char *question = backtest_call_text(call);
    uint64_t ref = send_text(BACKTEST_SERVICE, question, deadline_ms);

    free(question);
    return ref;
}

uint64_t
send_call(const struct backtest_call *call)
{
    return send_until(call, DEADLINE_MS);
}

/* The caller frees it. */
char *
take_answer(uint64_t ref)
{
    tm_msg_t msg;
    char *text;

    ck_assert(fake_broker_take(broker, PATIENCE_MS, TM_MSG_RETURN, &msg));
    ck_assert_uint_eq(msg.returned.ref, ref);
    text = malloc(msg.body.size + 1);
    ck_assert_ptr_nonnull(text);
    memcpy(text, msg.body.data, msg.body.size);
    text[msg.body.size] = '\0';
    return text;
}

/* In any order. */
void
expect_both(uint64_t one, uint64_t other)
{
    tm_msg_t msg;
    uint64_t first;

    ck_assert(fake_broker_take(broker, PATIENCE_MS, TM_MSG_RETURN, &msg));
    first = msg.returned.ref;
    ck_assert(first == one || first == other);
    free(take_answer(first == one ? other : one));
}

void
expect_error(uint64_t ref, tm_err_t err)
{
    tm_msg_t msg;

    ck_assert(fake_broker_take(broker, PATIENCE_MS, TM_MSG_ERROR, &msg));
    ck_assert_uint_eq(msg.error.ref, ref);
    ck_assert_msg(tm_str_is(msg.error.code, tm_err_name(err)), "%.*s, not %s: %.*s",
                  (int)msg.error.code.size, msg.error.code.data, tm_err_name(err),
                  (int)msg.error.detail.size, msg.error.detail.data);
    ck_assert(msg.error.retryable == tm_err_retryable(err));
}

char *
answer_to(const struct backtest_call *call)
{
    return take_answer(send_call(call));
}

void
expect_any(struct backtest_call call)
{
    free(answer_to(&call));
}

void
expect_same(const struct backtest_call *call, const char *before)
{
    char *text = answer_to(call);

    ck_assert_str_eq(text, before);
    free(text);
}

/* Whether the answer was a text, and no error. */
bool
is_answered(const struct backtest_call *call)
{
    const unsigned errors = fake_broker_seen(broker, TM_MSG_ERROR);
    const int64_t until_ms = clock_ms() + PATIENCE_MS;
    tm_msg_t msg;

    send_call(call);
    while (fake_broker_seen(broker, TM_MSG_ERROR) == errors) {
        ck_assert_int_lt(clock_ms(), until_ms);
        if (fake_broker_take(broker, 5, TM_MSG_RETURN, &msg))
            return true;
    }
    return false;
}
