#include "tests/unit/broker/broker_memory_help.h"

#include <check.h>
#include <signal.h>
#include <string.h>

#include "tests/support/peak.h"

struct broker_world world;
peer_end_t *producer, *worker; /* they do as they should */
peer_end_t *pinging;           /* NULL, or it keeps its job by pings */
char body[BODY_BYTES + 1];

/* Nothing is shown here of what a commit costs. */
static void
start_with(const char *assignment)
{
    broker_world_start(&world, fixture, 1);
    if (assignment)
        broker_world_set(&world, assignment);
    broker_world_run(&world, "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database()"
                             " || ' SET synchronous_commit = off'; END $$");
    broker_world_kill(&world, 0, SIGKILL);
    broker_world_launch(&world, 0);
    memset(body, 'b', BODY_BYTES);
    producer = peer_end_new(world.endpoint[0]);
    worker = peer_end_new(world.endpoint[0]);
}

/* The worker that does as it should pings only while it is looked at: a test that is busy with
 * another peer for long does not lose it by time. */
void
start(void)
{
    start_with("broker.lease_ms=600000");
}

void
start_with_short_leases(void)
{
    start_with(NULL);
}

void
stop(void)
{
    peer_end_destroy(&producer);
    peer_end_destroy(&worker);
    broker_world_stop(&world);
}

/* --- memory ------------------------------------------------------------------------------- */

long
broker_kb(void)
{
    long kb = peak_kb(world.pid[0]);

    ck_assert_int_gt(kb, 0);
    return kb;
}

void
check_growth(long since_kb, long most_kb)
{
    long now_kb = broker_kb();

    if (!MEMORY_IS_JUDGED)
        return;
    ck_assert_msg(now_kb - since_kb < most_kb, "the broker grew from %ld to %ld kB", since_kb,
                  now_kb);
    ck_assert_int_lt(now_kb, PEAK_MAX_KB);
}

/* --- jobs --------------------------------------------------------------------------------- */

void
send_jobs(peer_end_t *peer, const char *queue, unsigned long count, bool watch)
{
    tm_msg_t msgs[BATCH];

    for (unsigned long sent = 0; sent < count;) {
        size_t n = 0;
        for (; n < BATCH && sent < count; sent++) {
            msgs[n] = submit_of(queue, sent + 1);
            msgs[n].submit.watch = msgs[n].submit.has_watch = watch;
            msgs[n++].body = tm_str(body);
        }
        peer_end_send_all(peer, msgs, n);
    }
}

void
submit_unserved(unsigned long count)
{
    unsigned long sent = 0;

    for (unsigned long accepted = 0; accepted < count; accepted++) {
        while (sent < count && sent - accepted + BATCH <= WINDOW) {
            unsigned long n = count - sent < BATCH ? count - sent : BATCH;
            send_jobs(producer, "unserved", n, false);
            sent += n;
        }
        peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS);
    }
}

/* Ends what the worker has been given; true if it was anything. */
bool
do_jobs(void)
{
    const tm_msg_t *msg;
    int count = 0;

    for (; count < CREDIT && (msg = peer_end_poll(worker, TM_MSG_JOB, 2)); count++) {
        struct tm_job job = msg->job;
        finish_job(worker, &job, body);
    }
    return count > 0;
}

void
ping_for_it(void)
{
    const tm_msg_t ping = {.type = TM_MSG_PING, .ping = {.seq = 1}};
    static int64_t pinged_ms;

    if (!pinging || zclock_mono() - pinged_ms < PING_MS)
        return;
    pinged_ms = zclock_mono();
    peer_end_send(pinging, &ping);
}

/* A block of jobs of the producer, all done by the worker and their ends told. */
void
work(void)
{
    int64_t end_ms = zclock_mono() + SOON_MS;

    send_jobs(producer, "served", BLOCK, true);
    for (int told = 0; told < BLOCK;) {
        const tm_msg_t *result;
        ping_for_it();
        do_jobs();
        while (told < BLOCK && (result = peer_end_poll(producer, TM_MSG_RESULT, 2))) {
            ck_assert(tm_str_is(result->result.state, "done"));
            told++;
        }
        ck_assert_msg(zclock_mono() < end_ms, "%d of %d jobs are done", told, BLOCK);
    }
}

void
await_runs(long count)
{
    int64_t end_ms = zclock_mono() + SOON_MS;
    long runs;

    while ((runs = broker_world_count(&world, "SELECT count(*) FROM job_runs")) < count) {
        if (do_jobs())
            end_ms = zclock_mono() + SOON_MS;
        ck_assert_msg(zclock_mono() < end_ms, "%ld of %ld jobs are done", runs, count);
    }
    ck_assert_int_eq(runs, count);
}
