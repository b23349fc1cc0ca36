/* A broker that is told to end does so, whatever has become of its database. */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/broker_world.h"
#include "tests/support/pg_suite.h"

enum { JOBS = 50, ROUNDS = 20 };

static pg_fixture_t *fixture;
static struct broker_world world;

static void
set_up(void)
{
    broker_world_start(&world, fixture, 1);
}

static void
tear_down(void)
{
    broker_world_stop(&world);
}

/* Its status. What does not end is killed, and the test fails. */
static int
await_end(pid_t pid)
{
    struct pollfd end = {.fd = pidfd_open(pid, 0), .events = POLLIN};
    int status = 0, ready;

    ck_assert_int_ge(end.fd, 0);
    ready = poll(&end, 1, PATIENCE_MS);
    close(end.fd);
    if (ready != 1)
        kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(ready == 1, "SIGTERM did not end it");
    return status;
}

static void
stop_broker(void)
{
    int status;

    kill(world.pid[0], SIGTERM);
    status = await_end(world.pid[0]);
    world.pid[0] = 0;
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it ended with %d", status);
}

static void
submit_many(peer_end_t *producer)
{
    for (uint64_t ref = 1; ref <= JOBS; ref++) {
        tm_msg_t msg = submit_of("a", ref);
        peer_end_send(producer, &msg);
    }
    /* it has read them: words between two peers keep their order */
    peer_end_send(producer, &(tm_msg_t){.type = TM_MSG_PING, .ping = {.seq = 7}});
    while (peer_end_expect(producer, TM_MSG_PONG, SOON_MS)->pong.seq != 7)
        continue;
}

START_TEST(a_broker_whose_database_is_gone_ends_and_has_accepted_nothing)
{
    peer_end_t *producer = peer_end_new(world.endpoint[0]);

    peer_end_set_pings(producer, false);
    pg_fixture_kill(fixture);
    submit_many(producer);
    stop_broker();
    ck_assert_ptr_null(peer_end_poll(producer, TM_MSG_ACCEPTED, 0));
    peer_end_destroy(&producer);
    pg_fixture_start(fixture);
    ck_assert_int_eq(broker_world_count(&world, "SELECT count(*) FROM jobs"), 0);
}
END_TEST

START_TEST(a_broker_whose_database_hangs_ends_and_has_accepted_nothing)
{
    peer_end_t *producer = peer_end_new(world.endpoint[0]);

    peer_end_set_pings(producer, false);
    pg_fixture_signal(fixture, SIGSTOP);
    submit_many(producer);
    stop_broker();
    ck_assert_ptr_null(peer_end_poll(producer, TM_MSG_ACCEPTED, 0));
    peer_end_destroy(&producer);
    pg_fixture_signal(fixture, SIGCONT);
}
END_TEST

/* --- while it starts ---------------------------------------------------------------------- */

/* The broker of no database at all: it never gets ready. */
static pid_t
spawn_broker(void)
{
    static char program[] = TUNEMILL, word[] = "broker", set[] = "--set",
                url[] = "database.url=host=/nonexistent", level[] = "system.log_level=error";
    char listen[160], *argv[] = {program, word, set, url, set, level, set, listen, NULL};
    pid_t pid;

    snprintf(listen, sizeof(listen), "broker.listen=%s-starts", world.endpoint[0]);
    ck_assert_int_eq(posix_spawn(&pid, TUNEMILL, NULL, NULL, argv, environ), 0);
    return pid;
}

/* Does the process treat SIGTERM in a way of its own: catch it, or block it to read it? */
static bool
has_word_on_sigterm(pid_t pid)
{
    char path[64], line[256];
    unsigned long long masks = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, "SigCgt:", 7) == 0 || strncmp(line, "SigBlk:", 7) == 0)
            masks |= strtoull(line + 7, NULL, 16);
    fclose(file);
    return masks >> (SIGTERM - 1) & 1;
}

/* The first moment at which the signal is not simply fatal. Whoever starts a broker and dies
 * sends it this signal once, by way of the kernel: nobody would say it again. */
START_TEST(a_signal_while_it_starts_is_not_lost)
{
    for (int i = 0; i < ROUNDS; i++) {
        pid_t pid = spawn_broker();

        while (!has_word_on_sigterm(pid))
            continue;
        kill(pid, SIGTERM);
        await_end(pid);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("broker_end");
    TCase *tcase = suite_case(suite, "end", set_up, tear_down);

    suite_tests(tcase, a_broker_whose_database_is_gone_ends_and_has_accepted_nothing,
                a_broker_whose_database_hangs_ends_and_has_accepted_nothing,
                a_signal_while_it_starts_is_not_lost);
    return pg_suite_run(suite, &fixture);
}
