#include "tests/support/broker_world.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/pace.h"

enum { READY_FD = 3 };

const tm_uuid_t broker_world_workspace = {{[15] = 1}};

void
broker_world_set(struct broker_world *self, const char *assignment)
{
    char detail[256];

    ck_assert_msg(settings_set(self->settings, assignment, detail, sizeof(detail)) == TM_OK,
                  "%s", detail);
    ck_assert_uint_lt(self->assignment_count, BROKER_WORLD_SETTINGS);
    ck_assert_ptr_nonnull(self->assignments[self->assignment_count++] = strdup(assignment));
}

/* The program itself, not a fork that goes on as a broker: this process has threads by now, and
 * what they had locked at the fork would stay locked there. */
static pid_t
spawn_broker(struct broker_world *self, char *listen, int ready)
{
    static char program[] = TUNEMILL, word[] = "broker", ready_fd[] = "--ready-fd=3",
                set[] = "--set", level[] = "system.log_level=error";
    char *argv[2 * BROKER_WORLD_SETTINGS + 8] = {program, word, ready_fd, set,
                                                 listen,  set,  level};
    pid_t pid;
    int at = 7;

    for (size_t i = 0; i < self->assignment_count; i++) {
        argv[at++] = set;
        argv[at++] = self->assignments[i];
    }
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed leaves nothing running */
        if (dup2(ready, READY_FD) == READY_FD && fcntl(READY_FD, F_SETFD, 0) == 0)
            execv(TUNEMILL, argv);
        _exit(127);
    }
    return pid;
}

void
broker_world_launch(struct broker_world *self, size_t index)
{
    char listen[256], byte;
    int ready[2];

    snprintf(listen, sizeof(listen), "broker.listen=%s", self->endpoint[index]);
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    self->pid[index] = spawn_broker(self, listen, ready[1]);
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
    static const char *const assignments[] = {"broker.ping_ms=200", "broker.retry_base_ms=20",
                                              "broker.retry_max_ms=40"};
    static int number;
    const long long lease_ms = pace_of_ms(800); /* tests ping when they have time for it */
    char assignment[512];

    *self = (struct broker_world){.fixture = fixture, .count = count};
    self->settings = settings_new();
    self->url = pg_fixture_database(fixture);
    snprintf(assignment, sizeof(assignment), "database.url=%s", self->url);
    broker_world_set(self, assignment);
    for (size_t i = 0; i < sizeof(assignments) / sizeof(assignments[0]); i++)
        broker_world_set(self, assignments[i]);
    snprintf(assignment, sizeof(assignment), "broker.lease_ms=%lld", lease_ms);
    broker_world_set(self, assignment);
    snprintf(assignment, sizeof(assignment), "broker.takeover_ms=%lld", lease_ms);
    broker_world_set(self, assignment);
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
    while (self->assignment_count > 0)
        free(self->assignments[--self->assignment_count]);
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
