#include "tests/support/broker_world.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/kit/log.h"
#include "broker/broker.h"

const tm_uuid_t broker_world_workspace = {{[15] = 1}};

void
broker_world_set(struct broker_world *self, const char *assignment)
{
    char detail[256];

    ck_assert_msg(settings_set(self->settings, assignment, detail, sizeof(detail)) == TM_OK,
                  "%s", detail);
}

void
broker_world_launch(struct broker_world *self, size_t index)
{
    char assignment[256], byte;
    int ready[2];

    snprintf(assignment, sizeof(assignment), "broker.listen=%s", self->endpoint[index]);
    broker_world_set(self, assignment);
    ck_assert_int_eq(pipe(ready), 0);
    self->pid[index] = fork();
    ck_assert_int_ge(self->pid[index], 0);
    if (self->pid[index] == 0) {
        close(ready[0]);
        log_init("broker", LOG_AT_ERROR);
        _exit(broker_run(self->settings, ready[1]) == TM_OK ? 0 : 1);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
}

void
broker_world_kill(struct broker_world *self, size_t index, int signal_number)
{
    int status;

    kill(self->pid[index], signal_number);
    ck_assert_int_eq(waitpid(self->pid[index], &status, 0), self->pid[index]);
    self->pid[index] = 0;
}

void
broker_world_start(struct broker_world *self, pg_fixture_t *fixture, size_t count)
{
    static const char *const assignments[] = {"broker.lease_ms=800", "broker.takeover_ms=800",
                                              "broker.ping_ms=200", "broker.retry_base_ms=20",
                                              "broker.retry_max_ms=40"};
    static int number;
    char assignment[512];

    *self = (struct broker_world){.fixture = fixture, .count = count};
    self->settings = settings_new();
    self->url = pg_fixture_database(fixture);
    snprintf(assignment, sizeof(assignment), "database.url=%s", self->url);
    broker_world_set(self, assignment);
    for (size_t i = 0; i < sizeof(assignments) / sizeof(assignments[0]); i++)
        broker_world_set(self, assignments[i]);
    for (size_t i = 0; i < count; i++) {
        snprintf(self->endpoint[i], sizeof(self->endpoint[i]), "ipc:///tmp/tm-broker-%d-%d",
                 (int)getpid(), number++);
        broker_world_launch(self, i);
    }
}

void
broker_world_stop(struct broker_world *self)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->pid[i])
            broker_world_kill(self, i, SIGKILL);
        unlink(self->endpoint[i] + strlen("ipc://"));
    }
    settings_destroy(&self->settings);
    free(self->url);
}

long
broker_world_count(const struct broker_world *self, const char *sql)
{
    char *text = pg_fixture_query(self->url, sql);
    long value = strtol(text, NULL, 10);

    free(text);
    return value;
}

void
broker_world_run(const struct broker_world *self, const char *sql)
{
    free(pg_fixture_query(self->url, sql));
}

void
broker_world_await(const struct broker_world *self, const char *sql, long wanted)
{
    int64_t end_ms = zclock_mono() + SOON_MS;
    long value;

    while ((value = broker_world_count(self, sql)) != wanted) {
        ck_assert_msg(zclock_mono() < end_ms, "%s: %ld instead of %ld", sql, value, wanted);
        zclock_sleep(10);
    }
}

/* --- what peers say ----------------------------------------------------------------------- */

tm_msg_t
submit_of(const char *queue, uint64_t ref)
{
    tm_msg_t msg = {.type = TM_MSG_SUBMIT, .body = tm_str("body")};

    msg.submit.ref = ref;
    msg.submit.job = tm_uuid_new();
    msg.submit.queue = tm_str(queue);
    msg.submit.workspace = broker_world_workspace;
    return msg;
}

void
say_hello(peer_end_t *worker, const tm_uuid_t *id, const char *queues, uint64_t credit)
{
    tm_msg_t msg = {.type = TM_MSG_HELLO};

    msg.hello.actor = tm_str("test");
    msg.hello.worker = id ? *id : tm_uuid_new();
    msg.hello.queues = tm_str(queues);
    msg.hello.credit = credit;
    peer_end_send(worker, &msg);
    peer_end_expect(worker, TM_MSG_WELCOME, SOON_MS);
}

struct tm_job
take_job(peer_end_t *worker)
{
    return peer_end_expect(worker, TM_MSG_JOB, SOON_MS)->job;
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
submit_and_wait(peer_end_t *producer, const tm_msg_t *msg)
{
    peer_end_send(producer, msg);
    peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS);
}
