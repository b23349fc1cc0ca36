/* broker_memory_help - a broker whose memory is watched, and the producer and worker beside the
 * peers that do it harm. */
#ifndef TESTS_UNIT_BROKER_BROKER_MEMORY_HELP_H
#define TESTS_UNIT_BROKER_BROKER_MEMORY_HELP_H

#include "tests/support/broker_world.h"

enum {
    JOBS = MEMORY_IS_JUDGED ? 60000 : 8000,
    UNREAD = 4096, /* submits of the producer that never reads */
    BODY_BYTES = 1000,
    BATCH = 64,
    WINDOW = 2048,            /* unanswered submits */
    WAITING_MAX_KB = 8 << 10, /* three quarters of JOBS are 45 MB */
    GROWTH_MAX_KB = 32 << 10,
    PEAK_MAX_KB = 200 << 10,
    BLOCK = 50, /* jobs of the producer and worker that do as they should */
    CREDIT = 16,
    PING_MS = 100,
    LARGEST = 1 << 20 /* body that the broker takes: broker.max_body_kb */
};

extern pg_fixture_t *fixture; /* made by the test program's main */

extern struct broker_world world;
extern peer_end_t *producer, *worker; /* they do as they should */
extern peer_end_t *pinging;           /* NULL, or it keeps its job by pings */
extern char body[BODY_BYTES + 1];

void start(void);
void start_with_short_leases(void); /* of 800 ms */
void stop(void);
long broker_kb(void);
void check_growth(long since_kb, long most_kb);
void send_jobs(peer_end_t *peer, const char *queue, unsigned long count, bool watch);
void submit_unserved(unsigned long count);
bool do_jobs(void);
void ping_for_it(void);
void work(void);
void await_runs(long count);

#endif
