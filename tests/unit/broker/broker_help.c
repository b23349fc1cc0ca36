#include "tests/unit/broker/broker_help.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/kit/runtime/log.h"
#include "broker/broker.h"
#include "tests/support/pace.h"

pg_fixture_t *broker_fixture;
char *url;
char endpoint[128];
pid_t broker;
settings_t *settings;
const tm_uuid_t workspace = {{[15] = 1}};

void
start_broker(void)
{
    int ready[2];
    char byte;

    ck_assert_int_eq(pipe(ready), 0);
    broker = fork();
    ck_assert_int_ge(broker, 0);
    if (broker == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed leaves nothing running */
        close(ready[0]);
        log_init("broker", LOG_AT_ERROR);
        _exit(service_run(&broker_service, &(struct service_options){.settings = settings,
                                                                     .ready_fd = ready[1]}) ==
                      TM_OK
                  ? 0
                  : 1);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
}

void
kill_broker(int signal_number)
{
    int status;

    kill(broker, signal_number);
    ck_assert_int_eq(waitpid(broker, &status, 0), broker);
    broker = 0;
}

static void
set(const char *assignment)
{
    char detail[256];

    ck_assert_msg(settings_set(settings, assignment, detail, sizeof(detail)) == TM_OK, "%s",
                  detail);
}

void
broker_set_up(void)
{
    static int number;
    const long long lease_ms = pace_of_ms(800); /* tests ping when they have time for it */
    char assignment[512];

    settings = settings_new();
    url = pg_fixture_database(broker_fixture);
    snprintf(endpoint, sizeof(endpoint), "ipc:///tmp/tm-broker-%d-%d", (int)getpid(), number++);
    snprintf(assignment, sizeof(assignment), "database.url=%s", url);
    set(assignment);
    snprintf(assignment, sizeof(assignment), "broker.listen=%s", endpoint);
    set(assignment);
    snprintf(assignment, sizeof(assignment), "broker.lease_ms=%lld", lease_ms);
    set(assignment);
    snprintf(assignment, sizeof(assignment), "broker.takeover_ms=%lld", lease_ms);
    set(assignment);
    set("broker.retry_base_ms=20");
    set("broker.retry_max_ms=40");
    start_broker();
}

void
broker_tear_down(void)
{
    if (broker)
        kill_broker(SIGKILL);
    unlink(endpoint + strlen("ipc://"));
    settings_destroy(&settings);
    free(url);
}

/* --- what tests say ----------------------------------------------------------------------- */

int
count(const char *sql)
{
    char *text = pg_fixture_query(url, sql);
    int value = (int)strtol(text, NULL, 10);

    free(text);
    return value;
}

tm_msg_t
submit_of(const char *queue, uint64_t ref)
{
    tm_msg_t msg = {.type = TM_MSG_SUBMIT, .body = tm_str("body")};

    msg.submit.ref = ref;
    msg.submit.job = tm_uuid_new();
    msg.submit.queue = tm_str(queue);
    msg.submit.workspace = workspace;
    return msg;
}

void
hello_as(peer_end_t *worker, const tm_uuid_t *id, const char *queues, uint64_t credit)
{
    tm_msg_t msg = {.type = TM_MSG_HELLO};

    msg.hello.actor = tm_str("test");
    msg.hello.worker = *id;
    msg.hello.queues = tm_str(queues);
    msg.hello.credit = credit;
    peer_end_send(worker, &msg);
    peer_end_expect(worker, TM_MSG_WELCOME, SOON_MS);
}

void
hello(peer_end_t *worker, const char *queues, uint64_t credit)
{
    tm_uuid_t id = tm_uuid_new();

    hello_as(worker, &id, queues, credit);
}

void
finish_job(peer_end_t *worker, const struct tm_job *job, const char *result)
{
    tm_msg_t msg = {.type = TM_MSG_DONE, .body = tm_str(result)};

    msg.done.job = job->job;
    msg.done.attempt = job->attempt;
    peer_end_send(worker, &msg);
}

void
fail_job(peer_end_t *worker, const struct tm_job *job, bool retryable)
{
    tm_msg_t msg = {.type = TM_MSG_FAIL};

    msg.fail.job = job->job;
    msg.fail.attempt = job->attempt;
    msg.fail.code = tm_str("DATA_PARSE_FAILED");
    msg.fail.detail = tm_str("line 7");
    msg.fail.has_detail = true;
    msg.fail.retryable = retryable;
    peer_end_send(worker, &msg);
}

struct tm_job
take(peer_end_t *worker)
{
    return peer_end_expect(worker, TM_MSG_JOB, SOON_MS)->job;
}
