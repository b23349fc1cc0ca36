/* broker_world - brokers on one private PostgreSQL, and what bare peers say to them. */
#ifndef TESTS_SUPPORT_BROKER_WORLD_H
#define TESTS_SUPPORT_BROKER_WORLD_H

#include <sys/types.h>

#include "actors/kit/runtime/settings.h"
#include "tests/support/patience.h"
#include "tests/support/peer.h"
#include "tests/support/pg_fixture.h"

enum { BROKER_WORLD_MAX = 3, BROKER_WORLD_SETTINGS = 32, SOON_MS = PATIENCE_MS };

struct broker_world {
    pg_fixture_t *fixture; /* borrowed */
    char *url;
    settings_t *settings; /* what the assignments make */
    char *assignments[BROKER_WORLD_SETTINGS];
    size_t assignment_count;
    char endpoint[BROKER_WORLD_MAX][128];
    pid_t pid[BROKER_WORLD_MAX]; /* 0: not running */
    size_t count;
};

/* A database of its own and `count` brokers with short leases, all ready. */
void broker_world_start(struct broker_world *self, pg_fixture_t *fixture, size_t count);
void broker_world_stop(struct broker_world *self);
void broker_world_set(struct broker_world *self, const char *assignment); /* for later starts */
void broker_world_launch(struct broker_world *self, size_t index);
void broker_world_kill(struct broker_world *self, size_t index, int signal_number);

long broker_world_count(const struct broker_world *self, const char *sql); /* one number */
void broker_world_run(const struct broker_world *self, const char *sql);
/* Polls until the number is there; fails the test after SOON_MS. */
void broker_world_await(const struct broker_world *self, const char *sql, long wanted);

extern const tm_uuid_t broker_world_workspace;

/* --- what peers say ----------------------------------------------------------------------- */

tm_msg_t submit_of(const char *queue, uint64_t ref); /* a new job of the first workspace */
void say_hello(peer_end_t *worker, const tm_uuid_t *id, const char *queues, uint64_t credit);
struct tm_job take_job(peer_end_t *worker);
void finish_job(peer_end_t *worker, const struct tm_job *job, const char *result);
void submit_and_wait(peer_end_t *producer, const tm_msg_t *msg); /* until it is accepted */

#endif
