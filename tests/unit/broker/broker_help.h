/* broker_help - the broker as a process of its own on a real PostgreSQL, and what the tests of
 * it say and hear through bare peers. */
#ifndef TESTS_UNIT_BROKER_BROKER_HELP_H
#define TESTS_UNIT_BROKER_BROKER_HELP_H

#include <check.h>
#include <sys/types.h>

#include "actors/kit/runtime/settings.h"
#include "tests/support/patience.h"
#include "tests/support/peer.h"
#include "tests/support/pg_fixture.h"

enum { SOON_MS = PATIENCE_MS };

extern pg_fixture_t *broker_fixture; /* made by the test program's main */

/* Of the test under way */
extern char *url;
extern char endpoint[128];
extern pid_t broker; /* 0: it has been killed */
extern settings_t *settings;
extern const tm_uuid_t workspace;

void broker_set_up(void);
void broker_tear_down(void);
void start_broker(void);
void kill_broker(int signal_number); /* returns when it has ended */

int count(const char *sql);
tm_msg_t submit_of(const char *queue, uint64_t ref);
void hello(peer_end_t *worker, const char *queues, uint64_t credit);
void hello_as(peer_end_t *worker, const tm_uuid_t *id, const char *queues, uint64_t credit);
void finish_job(peer_end_t *worker, const struct tm_job *job, const char *result);
void fail_job(peer_end_t *worker, const struct tm_job *job, bool retryable);
struct tm_job take(peer_end_t *worker);

TCase *broker_workers(void); /* test_broker_workers.c */

#endif
