/* The process `tunemill tune` against a broker played by hand and a real database. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/tune/tune.h"
#include "tests/support/patience.h"
#include "tests/support/pg_suite.h"
#include "tests/support/tune_world.h"
#include "tests/unit/proto/fake_broker.h"

static struct tune_world world;
static struct fake_place place;
static fake_broker_t *broker;
static pid_t child;

static void
setup(void)
{
    fake_place_init(&place);
    tune_world_init(&world);
    free(world.settings->broker_brokers);
    world.settings->broker_brokers = strdup(place.endpoint[0]);
    child = fork(); /* before this process has sockets */
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        _exit((int)service_run(&tune_service, &(struct service_options){
                                                  .settings = world.settings, .ready_fd = -1}));
    }
    broker = fake_broker_new(place.endpoint[0]);
    fake_broker_ignore(broker, "backtest"); /* its other end, which takes no jobs */
}

static void
teardown(void)
{
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    fake_broker_destroy(&broker);
    tune_world_fini(&world);
    fake_place_fini(&place);
}

static tm_msg_t
expect(tm_msg_type_t type)
{
    tm_msg_t msg;

    ck_assert_msg(fake_broker_take(broker, PATIENCE_MS, type, &msg), "no %s",
                  tm_msg_name(type));
    return msg;
}

static void
welcome(void)
{
    tm_msg_t hello = expect(TM_MSG_HELLO);
    tm_msg_t msg = {
        .type = TM_MSG_WELCOME,
        .welcome = {.broker = *fake_broker_id(broker), .ping_ms = 100, .lease_ms = 10000}};

    ck_assert(tm_str_is(hello.hello.actor, "tune"));
    ck_assert(tm_str_is(hello.hello.queues, TUNE_QUEUE));
    ck_assert_uint_eq(hello.hello.credit, 1);
    fake_broker_send(broker, &msg);
}

static void
send_job(void)
{
    tm_msg_t msg = {.type = TM_MSG_JOB,
                    .job = {.job = world.job.id,
                            .attempt = world.job.attempt,
                            .queue = tm_str(TUNE_QUEUE),
                            .workspace = world.job.workspace},
                    .body = world.job.body};

    fake_broker_send(broker, &msg);
}

static void
settle(void)
{
    tm_msg_t msg = {.type = TM_MSG_SETTLED,
                    .settled = {.job = world.job.id, .attempt = world.job.attempt}};

    fake_broker_send(broker, &msg);
}

/* What the child ended with; its pings are answered while it has something to say. */
static int
status_of_child(void)
{
    int status;
    tm_msg_t msg;

    while (waitpid(child, &status, WNOHANG) == 0)
        if (fake_broker_take(broker, 20, TM_MSG_BYE, &msg))
            continue;
    child = 0;
    return status;
}

START_TEST(a_job_is_run_and_told_of)
{
    tm_msg_t done;

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", NULL);
    welcome();
    send_job();
    expect(TM_MSG_PROGRESS);
    done = expect(TM_MSG_DONE);
    ck_assert(done.done.settled);
    ck_assert_uint_eq(done.done.attempt, 1);
    json_t *result = json_loadb(done.body.data, done.body.size, 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(result, "tune_id")), world.id);
    ck_assert_int_eq(json_integer_value(json_object_get(result, "trials")), 50);
    json_decref(result);
    settle();
    tune_world_expect(&world, "SELECT count(*) FROM backtest_tune_runs", "50");
}
END_TEST

START_TEST(a_job_that_fails_says_why)
{
    const char *const fields[] = {"n_trials", "50", NULL};
    tm_msg_t fail;

    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_expect(&world, "UPDATE dataset_pieces SET data = set_byte(data, 100, 57)", "");
    tune_world_job(&world, "bb_reversal", fields);
    welcome();
    send_job();
    fail = expect(TM_MSG_FAIL);
    ck_assert(tm_str_is(fail.fail.code, "DATASET_MISMATCH"));
    ck_assert(!fail.fail.retryable && !fail.fail.rejected);
    ck_assert_uint_gt(fail.fail.detail.size, 0);
}
END_TEST

START_TEST(a_job_that_asks_for_what_is_wrong_is_rejected)
{
    static const char csv[] = "date,open,high,low,close,volume\n2020-01-01,1,2,3,1,1\n";
    tm_msg_t fail;

    tune_world_data(&world, csv, sizeof(csv) - 1);
    tune_world_job(&world, "bb_reversal", NULL);
    welcome();
    send_job();
    fail = expect(TM_MSG_FAIL);
    ck_assert(tm_str_is(fail.fail.code, "DATA_PARSE_FAILED"));
    ck_assert(fail.fail.rejected && !fail.fail.retryable);
}
END_TEST

START_TEST(a_signal_lets_the_job_at_hand_finish)
{
    const char *const fields[] = {"n_trials", "3000", NULL};
    int status;

    tune_world_dataset(&world, "tests/data/SYNM.csv");
    tune_world_job(&world, "bb_reversal", fields);
    welcome();
    send_job();
    expect(TM_MSG_PROGRESS);
    ck_assert_int_eq(kill(child, SIGTERM), 0);
    ck_assert(expect(TM_MSG_DONE).done.settled);
    settle();
    status = status_of_child();
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == TM_OK);
    tune_world_expect(&world, "SELECT count(*) FROM backtest_tune_runs", "3000");
}
END_TEST

/* It says that it has stopped, so that it gets the time to store, and then that it has. */
START_TEST(a_job_that_is_canceled_keeps_what_it_found)
{
    const char *const fields[] = {"n_trials", "1000000", NULL};
    tm_msg_t msg = {.type = TM_MSG_CANCEL}, said;
    struct tm_fail fail;

    tune_world_dataset(&world, "tests/data/SYNM.csv");
    tune_world_job(&world, "bb_reversal", fields);
    welcome();
    send_job();
    said = expect(TM_MSG_PROGRESS);
    ck_assert(!said.progress.has_stopped);
    msg.cancel = (struct tm_cancel){
        .job = world.job.id, .attempt = world.job.attempt, .has_attempt = true};
    fake_broker_send(broker, &msg);
    while (!said.progress.stopped)
        said = expect(TM_MSG_PROGRESS);
    ck_assert_uint_lt(said.progress.done, 1000000);
    fail = expect(TM_MSG_FAIL).fail;
    ck_assert(fail.settled && !fail.retryable && !fail.rejected);
    ck_assert(tm_str_is(fail.code, "CANCELED"));
    settle();
    tune_world_expect(&world,
                      "SELECT status, trials_completed > 0, trials_completed = (SELECT count(*)"
                      " FROM backtest_tune_runs) FROM backtest_tunes",
                      "canceled|t|t");
}
END_TEST

START_TEST(a_signal_ends_an_idle_process)
{
    int status;

    welcome();
    ck_assert_int_eq(kill(child, SIGINT), 0);
    status = status_of_child();
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == TM_OK);
}
END_TEST

START_TEST(a_second_signal_ends_the_process_at_once)
{
    const char *const fields[] = {"n_trials", "1000000", NULL};
    tm_msg_t msg;
    int status;

    tune_world_dataset(&world, "tests/data/SYNM.csv");
    tune_world_job(&world, "bb_reversal", fields);
    welcome();
    send_job();
    expect(TM_MSG_PROGRESS);
    ck_assert_int_eq(kill(child, SIGTERM), 0);
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (!fake_broker_take(broker, 50, TM_MSG_BYE, &msg))
            continue;
        ck_assert_int_eq(kill(child, SIGTERM), 0); /* it drains: the first was taken */
    }
    child = 0;
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM);
    tune_world_expect(&world, "SELECT count(*) FROM backtest_tune_runs", "0");
}
END_TEST

START_TEST(endpoints_that_are_none_are_a_wrong_setting)
{
    settings_t *settings = settings_new();

    free(settings->broker_brokers);
    settings->broker_brokers = strdup("");
    ck_assert_int_eq(service_run(&tune_service, &(struct service_options){.settings = settings,
                                                                          .ready_fd = -1}),
                     TM_BAD_SETTING);
    settings_destroy(&settings);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tune_process");
    TCase *process = suite_case(suite, "process", setup, teardown),
          *alone = suite_case(suite, "alone", NULL, NULL);

    suite_tests(process, a_job_is_run_and_told_of, a_job_that_fails_says_why,
                a_job_that_asks_for_what_is_wrong_is_rejected,
                a_signal_lets_the_job_at_hand_finish,
                a_job_that_is_canceled_keeps_what_it_found, a_signal_ends_an_idle_process,
                a_second_signal_ends_the_process_at_once);
    suite_tests(alone, endpoints_that_are_none_are_a_wrong_setting);
    return pg_suite_run(suite, &tune_fixture);
}
