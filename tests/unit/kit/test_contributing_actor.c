/* The actor that CONTRIBUTING.md shows, as it stands there: a process on the frame, with a real
 * broker and a real database. */
#include <check.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/kit/runtime/log.h"
#include "actors/kit/service/service.h"
#include "proto/client.h"
#include "tests/support/broker_world.h"
#include "tests/support/suite.h"

extern const struct service_type echo_service;

struct ended {
    bool has_ended;
    char state[20], code[40], text[200]; /* the result, or why there is none */
};

static pg_fixture_t *fixture;
static struct broker_world world;
static pid_t actor; /* 0: none */
static tm_client_t *client;
static PGconn *locks;
static struct ended ended;

/* --- the actor ---------------------------------------------------------------------------- */

/* Before this process has threads. It has one connection: a second would still prepare its
 * statements when the first does a job, and wait for the lock of submit_one_that_waits as well.
 */
static void
start_actor(void)
{
    const struct service_options options = {.settings = world.settings, .ready_fd = 3};
    char assignment[200], line[20] = "";
    int ready[2];

    snprintf(assignment, sizeof(assignment), "broker.brokers=%s", world.endpoint[0]);
    broker_world_set(&world, assignment);
    broker_world_set(&world, "database.connections=1");
    ck_assert_int_eq(pipe(ready), 0);
    actor = fork();
    ck_assert_int_ge(actor, 0);
    if (actor == 0) {
        dup2(ready[1], options.ready_fd);
        log_init(echo_service.name, LOG_AT_ERROR);
        exit((int)service_run(&echo_service, &options)); /* czmq sends its last at exit */
    }
    close(ready[1]);
    ck_assert_int_gt(read(ready[0], line, sizeof(line) - 1), 0);
    ck_assert_str_eq(line, "ready\n");
    close(ready[0]);
}

/* Its exit status. */
static int
await_exit(void)
{
    int status;

    ck_assert_int_eq(waitpid(actor, &status, 0), actor);
    actor = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool
has_pending_signal(void)
{
    char path[40], line[200];
    unsigned long long mask = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)actor);
    ck_assert_ptr_nonnull(file = fopen(path, "r"));
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, "ShdPnd:", 7) == 0)
            mask = strtoull(line + 7, NULL, 16);
    fclose(file);
    return mask & (1ULL << (SIGTERM - 1));
}

/* It has taken the signal, and so begun to drain. */
static void
tell_to_end(void)
{
    ck_assert_int_eq(kill(actor, SIGTERM), 0);
    while (has_pending_signal())
        zclock_sleep(5);
}

/* --- its jobs ----------------------------------------------------------------------------- */

static void
copy(char *to, size_t size, tm_str_t text)
{
    snprintf(to, size, "%.*s", (int)text.size, text.data);
}

static void
on_result(void *arg, const struct tm_result *result, tm_str_t body)
{
    struct ended *self = arg;

    self->has_ended = true;
    copy(self->state, sizeof(self->state), result->state);
    copy(self->code, sizeof(self->code), result->code);
    copy(self->text, sizeof(self->text), body.size ? body : result->detail);
}

static void
on_answer(void *arg, const struct tm_answer *answer)
{
    bool *is_accepted = arg;

    ck_assert_msg(answer->err == TM_OK, "%s", answer->detail);
    *is_accepted = true;
}

static void
submit(const char *text)
{
    const struct tm_job_spec spec = {.queue = "echo",
                                     .workspace = broker_world_workspace,
                                     .watch = true,
                                     .body = text,
                                     .body_size = strlen(text)};
    bool is_accepted = false;

    ended = (struct ended){.has_ended = false};
    ck_assert_int_eq(tm_client_submit(client, &spec, on_answer, &is_accepted), TM_OK);
    while (!is_accepted)
        ck_assert_int_ne(tm_client_wait(client, SOON_MS), TM_DRAINING);
}

static void
await_end(void)
{
    while (!ended.has_ended)
        ck_assert_int_eq(tm_client_wait(client, SOON_MS), TM_OK);
}

static void
run_sql(const char *sql)
{
    PGresult *result = PQexec(locks, sql);

    ck_assert_int_eq(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
}

/* Until unlock() its statement waits. */
static void
submit_one_that_waits(void)
{
    locks = PQconnectdb(world.url);
    run_sql("BEGIN");
    run_sql("LOCK TABLE workspaces");
    submit("late");
    broker_world_await(&world, "SELECT count(*) FROM pg_locks WHERE NOT granted", 1);
}

static void
unlock(void)
{
    PQfinish(locks);
    locks = NULL;
}

static void
start(void)
{
    struct tm_client_options options = {.brokers = NULL};

    broker_world_start(&world, fixture, 1);
    broker_world_run(&world, "UPDATE workspaces SET name = 'Ann'");
    start_actor();
    options.brokers = world.endpoint[0];
    client = tm_client_new(&options);
    tm_client_on_watch(client, NULL, on_result, &ended);
}

static void
stop(void)
{
    if (actor) {
        kill(actor, SIGKILL);
        await_exit();
    }
    if (locks)
        unlock();
    tm_client_destroy(&client);
    broker_world_stop(&world);
}

/* --- tests -------------------------------------------------------------------------------- */

START_TEST(a_job_comes_in_and_its_result_goes_out)
{
    submit("hello");
    await_end();
    ck_assert_str_eq(ended.state, "done");
    ck_assert_str_eq(ended.text, "Ann: hello");
    tell_to_end();
    ck_assert_int_eq(await_exit(), TM_OK);
}
END_TEST

START_TEST(a_bad_body_is_refused_for_good)
{
    submit("");
    await_end();
    ck_assert_str_eq(ended.state, "dead");
    ck_assert_str_eq(ended.code, "BAD_REQUEST");
    ck_assert_str_eq(ended.text, "1 to 1000 bytes");
    submit("and the next one is well");
    await_end();
    ck_assert_str_eq(ended.text, "Ann: and the next one is well");
}
END_TEST

static const struct tm_metrics *
expect_report(peer_end_t *peer, const char *text, bool is_last)
{
    const tm_msg_t *heard;

    do
        heard = peer_end_expect(peer, TM_MSG_METRICS, SOON_MS);
    while (!tm_str_is(heard->metrics.actor, "echo") || heard->metrics.last != is_last ||
           !memmem(heard->body.data, heard->body.size, text, strlen(text)));
    return &heard->metrics;
}

START_TEST(what_it_counts_is_heard_and_its_last_word_too)
{
    static const char bad[] =
        "tunemill_messages_bad_total{reason=\"BAD_REQUEST\",actor=\"echo\"";
    tm_msg_t watch = {.type = TM_MSG_METRICS};
    peer_end_t *peer = peer_end_new(world.endpoint[0]);

    watch.metrics.actor = tm_str("test");
    watch.metrics.instance = tm_str("t1");
    watch.metrics.has_watch = watch.metrics.watch = true;
    peer_end_send(peer, &watch);
    submit("");
    await_end();
    ck_assert(!expect_report(peer, bad, false)->last);
    tell_to_end();
    ck_assert(expect_report(peer, bad, true)->last);
    ck_assert_int_eq(await_exit(), TM_OK);
    peer_end_destroy(&peer);
}
END_TEST

START_TEST(a_signal_lets_the_job_at_hand_end)
{
    submit_one_that_waits();
    tell_to_end();
    unlock();
    await_end();
    ck_assert_str_eq(ended.state, "done");
    ck_assert_str_eq(ended.text, "Ann: late");
    ck_assert_int_eq(await_exit(), TM_OK);
}
END_TEST

START_TEST(a_job_that_does_not_end_in_time_goes_back_to_the_queue)
{
    submit_one_that_waits();
    tell_to_end();
    ck_assert_int_eq(await_exit(), TM_OK);
    broker_world_await(&world,
                       "SELECT count(*) FROM jobs WHERE state IN ('ready', 'scheduled')", 1);
    unlock();
}
END_TEST

START_TEST(a_second_signal_ends_it_at_once)
{
    submit_one_that_waits();
    tell_to_end();
    ck_assert_int_eq(kill(actor, SIGTERM), 0);
    ck_assert_int_eq(await_exit(), TM_OK);
    unlock();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("contributing_actor");
    TCase *actors = suite_case(suite, "contributing_actor", start, stop);
    int status;

    fixture = pg_fixture_new();
    suite_tests(actors, a_job_comes_in_and_its_result_goes_out, a_bad_body_is_refused_for_good,
                what_it_counts_is_heard_and_its_last_word_too,
                a_signal_lets_the_job_at_hand_end,
                a_job_that_does_not_end_in_time_goes_back_to_the_queue,
                a_second_signal_ends_it_at_once);
    status = suite_run(suite);
    pg_fixture_destroy(&fixture);
    return status;
}
