#include "tests/unit/broker/broker_rules_help.h"

#include <signal.h>

#include "tests/support/suite.h"

pg_fixture_t *rules_fixture;
struct broker_world world;
peer_end_t *producer, *worker;

static void
connect_peers(void)
{
    producer = peer_end_new(world.endpoint[0]);
    worker = peer_end_new(world.endpoint[world.count - 1]);
}

static void
disconnect_peers(void)
{
    peer_end_destroy(&producer);
    peer_end_destroy(&worker);
}

static void
start(size_t brokers)
{
    broker_world_start(&world, rules_fixture, brokers);
    connect_peers();
}

void
rules_begin_anew(const char *sql)
{
    disconnect_peers();
    broker_world_run(&world, sql);
    for (size_t i = 0; i < world.count; i++) {
        broker_world_kill(&world, i, SIGKILL);
        broker_world_launch(&world, i);
    }
    connect_peers();
}

void
rules_start_one(void)
{
    start(1);
}

void
rules_start_two(void)
{
    start(2);
}

static void
stop(void)
{
    disconnect_peers();
    broker_world_stop(&world);
}

TCase *
rules_case(Suite *suite, const char *name, void (*set_up)(void))
{
    return suite_case(suite, name, set_up, stop);
}
