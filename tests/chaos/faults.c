#include "tests/chaos/faults.h"

#include <signal.h>
#include <stddef.h>

#define HOUR_US 3600000000LL

/* --- kills -------------------------------------------------------------------------------- */

static void
kill_some(struct site *site, uint64_t *random, enum role role, unsigned count)
{
    unsigned victims = 1 + chaos_below(random, count), first = chaos_below(random, count);

    for (unsigned i = 0; i < victims; i++)
        site_kill(site, site_process(site, role, (first + i) % count), SIGKILL);
}

static void
kill_workers(struct site *site, uint64_t *random)
{
    kill_some(site, random, ROLE_WORKER, site->shared->workers);
}

static void
kill_brokers(struct site *site, uint64_t *random)
{
    kill_some(site, random, ROLE_BROKER, site->shared->brokers);
}

static void
kill_producers(struct site *site, uint64_t *random)
{
    kill_some(site, random, ROLE_PRODUCER, site->shared->producers);
}

static void
kill_database(struct site *site, uint64_t *random)
{
    (void)random;
    pg_fixture_kill(site->fixture);
}

static void
stop_database_at_once(struct site *site, uint64_t *random)
{
    (void)random;
    pg_fixture_stop(site->fixture, SIGQUIT);
}

static void
stop_database_fast(struct site *site, uint64_t *random)
{
    (void)random;
    pg_fixture_stop(site->fixture, SIGINT);
}

static void
start_database(struct site *site)
{
    pg_fixture_start(site->fixture);
}

static void
kill_everything(struct site *site, uint64_t *random)
{
    (void)random;
    site_kill_all(site, ROLE_BROKER, SIGKILL);
    site_kill_all(site, ROLE_WORKER, SIGKILL);
    site_kill_all(site, ROLE_PRODUCER, SIGKILL);
    pg_fixture_kill(site->fixture);
}

/* --- pauses ------------------------------------------------------------------------------- */

static void
stop_one(struct site *site, uint64_t *random, enum role role, unsigned count)
{
    site_kill(site, site_process(site, role, chaos_below(random, count)), SIGSTOP);
}

static void
pause_worker(struct site *site, uint64_t *random)
{
    stop_one(site, random, ROLE_WORKER, site->shared->workers);
}

static void
pause_broker(struct site *site, uint64_t *random)
{
    stop_one(site, random, ROLE_BROKER, site->shared->brokers);
}

static void
pause_producer(struct site *site, uint64_t *random)
{
    stop_one(site, random, ROLE_PRODUCER, site->shared->producers);
}

static void
continue_all(struct site *site)
{
    site_kill_all(site, ROLE_BROKER, SIGCONT);
    site_kill_all(site, ROLE_WORKER, SIGCONT);
    site_kill_all(site, ROLE_PRODUCER, SIGCONT);
}

static void
pause_database(struct site *site, uint64_t *random)
{
    (void)random;
    pg_fixture_signal(site->fixture, SIGSTOP);
}

static void
continue_database(struct site *site)
{
    pg_fixture_signal(site->fixture, SIGCONT);
}

/* --- connections -------------------------------------------------------------------------- */

static struct link *
any_link(struct site *site, uint64_t *random, enum link_kind kind)
{
    return chaos_link(site->shared, kind, chaos_below(random, site->shared->brokers));
}

static void
hold(struct link *link, bool up, bool down)
{
    atomic_store(&link->is_held[UP], up);
    atomic_store(&link->is_held[DOWN], down);
}

static void
cut_connections(struct site *site, uint64_t *random)
{
    for (unsigned i = 0; i < LINKS; i++)
        if (chaos_below(random, 2) == 0)
            atomic_fetch_add(&site->shared->links[i].cuts, 1);
}

static void
part_workers(struct site *site, uint64_t *random)
{
    hold(any_link(site, random, LINK_WORKERS), true, true);
}

static void
part_producers(struct site *site, uint64_t *random)
{
    hold(any_link(site, random, LINK_PRODUCERS), true, true);
}

static void
part_database(struct site *site, uint64_t *random)
{
    hold(any_link(site, random, LINK_DATABASE), true, true);
}

static void
part_one_way(struct site *site, uint64_t *random)
{
    bool up = chaos_below(random, 2);

    hold(any_link(site, random, LINK_WORKERS), up, !up);
    up = chaos_below(random, 2);
    hold(any_link(site, random, LINK_PRODUCERS), up, !up);
}

static void
delay_all(struct site *site, uint64_t *random)
{
    (void)random;
    for (unsigned i = 0; i < LINKS; i++)
        atomic_store(&site->shared->links[i].delay_ms, 500);
}

/* Something is on its way whenever a link is slow. */
static void
truncate_messages(struct site *site, uint64_t *random)
{
    for (unsigned i = 0; i < LINKS; i++)
        atomic_store(&site->shared->links[i].delay_ms, 50);
    for (int times = 0; times < 8; times++) {
        site_pause(site, 60);
        atomic_fetch_add(&site->shared->links[chaos_below(random, LINKS)].truncations, 1);
        atomic_fetch_add(&any_link(site, random, LINK_WORKERS)->truncations, 1);
        atomic_fetch_add(&any_link(site, random, LINK_PRODUCERS)->truncations, 1);
    }
}

/* Each link's own last connection is said once more: after a cut there is one. */
static void
replay(struct site *site, unsigned kind, unsigned flips, unsigned times)
{
    for (unsigned i = 0; i < site->shared->brokers; i++) {
        struct link *link = chaos_link(site->shared, kind, i);
        atomic_store(&link->flips, flips);
        atomic_fetch_add(&link->cuts, 1);
    }
    site_pause(site, 300);
    for (unsigned i = 0; i < site->shared->brokers; i++)
        atomic_fetch_add(&chaos_link(site->shared, kind, i)->replays, times);
}

static void
replay_messages(struct site *site, uint64_t *random)
{
    (void)random;
    replay(site, LINK_PRODUCERS, 0, 3);
    replay(site, LINK_WORKERS, 0, 3);
}

/* Of workers only: a submit with a wrong bit is another submit, and nobody could tell. */
static void
flip_bits(struct site *site, uint64_t *random)
{
    for (int i = 0; i < 4; i++)
        replay(site, LINK_WORKERS, 1 + chaos_below(random, 40), 10);
}

static void
heal_links(struct site *site)
{
    for (unsigned i = 0; i < LINKS; i++) {
        hold(&site->shared->links[i], false, false);
        atomic_store(&site->shared->links[i].delay_ms, 0);
    }
}

/* --- disk, clocks, jobs, peers ------------------------------------------------------------ */

static void
slow_disk(struct site *site, uint64_t *random)
{
    atomic_store(&site->disk->sync_delay_us, 50000 + 1000LL * chaos_below(random, 700));
}

/* Ours by hours and days. The database's by seconds: what it was told to do at a time that it
 * then says is an hour away is rightly done in an hour. */
static void
jump_our_clocks(struct site *site, uint64_t *random)
{
    static const long long hours[] = {1, -1, 24, -24};

    atomic_store(&site->clock->clock_offset_us, hours[chaos_below(random, 4)] * HOUR_US);
}

static void
jump_database_clock(struct site *site, uint64_t *random)
{
    long long us = 1000000LL * (2 + chaos_below(random, 5));

    atomic_store(&site->disk->clock_offset_us, chaos_below(random, 2) ? us : -us);
}

static void
heal_libc(struct site *site)
{
    atomic_store(&site->disk->sync_delay_us, 0);
    atomic_store(&site->disk->clock_offset_us, 0);
    atomic_store(&site->clock->clock_offset_us, 0);
}

static void
poison(struct site *site, uint64_t *random)
{
    atomic_fetch_add(&site->shared->poison, 1 + chaos_below(random, 2));
}

static void
storm(struct site *site, uint64_t *random)
{
    atomic_store(&site->shared->storm, 1 + chaos_below(random, 1000000));
    site_pause(site, 300);
    if (chaos_below(random, 2))
        kill_brokers(site, random);
    else
        kill_database(site, random);
}

static void
end_storm(struct site *site)
{
    start_database(site);
    atomic_store(&site->shared->storm, 0);
}

static void
invite_stranger(struct site *site, uint64_t *random)
{
    site_begin_stranger(site, chaos_below(random, 1000));
}

static void
expel_stranger(struct site *site)
{
    site_kill_all(site, ROLE_STRANGER, SIGKILL);
}

/* --- upgrades ----------------------------------------------------------------------------- */

/* Each is asked to leave, and its successor has begun before the next is asked. */
static void
roll(struct site *site, enum role role, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct process *process = site_process(site, role, i);
        unsigned starts = process->starts;
        int64_t end_ms = chaos_ms() + 20000;

        site_kill(site, process, SIGTERM);
        while (process->starts == starts && chaos_ms() < end_ms)
            site_pause(site, 10);
        site_pause(site, 100);
    }
}

static void
roll_brokers(struct site *site, uint64_t *random)
{
    (void)random;
    roll(site, ROLE_BROKER, site->shared->brokers);
}

static void
roll_workers(struct site *site, uint64_t *random)
{
    (void)random;
    roll(site, ROLE_WORKER, site->shared->workers);
}

/* --- the table ---------------------------------------------------------------------------- */

const struct fault faults[] = {
    {1, "worker_killed", kill_workers, NULL, 50, 500},
    {2, "broker_killed", kill_brokers, NULL, 50, 500},
    {3, "producer_killed", kill_producers, NULL, 50, 500},
    {4, "database_killed", kill_database, start_database, 50, 1500},
    {4, "database_stopped_at_once", stop_database_at_once, start_database, 50, 1000},
    {4, "database_stopped_fast", stop_database_fast, start_database, 50, 1000},
    {5, "everything_killed", kill_everything, start_database, 10, 300},
    {6, "worker_paused", pause_worker, continue_all, 100, 3500},
    {6, "broker_paused", pause_broker, continue_all, 100, 4000},
    {6, "producer_paused", pause_producer, continue_all, 100, 1500},
    {6, "database_paused", pause_database, continue_database, 100, 3000},
    {7, "connections_cut", cut_connections, NULL, 10, 300},
    {7, "workers_parted", part_workers, heal_links, 300, 3500},
    {7, "producers_parted", part_producers, heal_links, 300, 3500},
    {7, "database_parted", part_database, heal_links, 300, 3500},
    {7, "parted_one_way", part_one_way, heal_links, 300, 3500},
    {7, "connections_slow", delay_all, heal_links, 800, 2500},
    {8, "disk_slow", slow_disk, heal_libc, 800, 3000},
    {10, "our_clocks_jumped", jump_our_clocks, heal_libc, 300, 2000},
    {10, "database_clock_jumped", jump_database_clock, heal_libc, 300, 2000},
    {11, "jobs_poisoned", poison, NULL, 500, 1500},
    {15, "same_keys_submitted", storm, end_storm, 300, 1500},
    {17, "sessions_terminated", sessions_terminate, NULL, 10, 100},
    {17, "table_locked", sessions_lock, sessions_end, 300, 2500},
    {17, "rows_deadlocked", sessions_deadlock, sessions_end, 10, 50},
    {17, "connections_used_up", sessions_use_up, sessions_end, 300, 1500},
    {17, "horizon_pinned", sessions_pin_horizon, sessions_end, 500, 3000},
    {17, "database_read_only", sessions_read_only, sessions_writable, 300, 1500},
    {19, "stranger_came", invite_stranger, expel_stranger, 500, 2000},
    {21, "brokers_rolled", roll_brokers, NULL, 10, 100},
    {21, "workers_rolled", roll_workers, NULL, 10, 100},
    {22, "messages_truncated", truncate_messages, heal_links, 10, 300},
    {22, "messages_replayed", replay_messages, NULL, 300, 1000},
    {22, "bits_flipped", flip_bits, NULL, 300, 1000},
};
const size_t fault_count = sizeof(faults) / sizeof(faults[0]);

void
faults_heal_all(struct site *site)
{
    for (size_t i = 0; i < fault_count; i++)
        if (faults[i].heal)
            faults[i].heal(site);
}
