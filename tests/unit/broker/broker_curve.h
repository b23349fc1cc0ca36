/* broker_curve - what the four files of the encrypted broker's tests share. */
#ifndef TESTS_UNIT_BROKER_BROKER_CURVE_H
#define TESTS_UNIT_BROKER_BROKER_CURVE_H

#include <check.h>

#include "tests/support/curve_world.h"

extern struct curve_world world; /* of the test under way; not started */

void start_world(void); /* starts the broker, and a good producer and worker */
/* The good ones take one job from its SUBMIT to its end. */
void good_peers_work(void);
/* Good work goes on until so many were refused for this reason. */
void await_refused(curve_reason_t reason, uint64_t count);
void end_world(void);

tm_msg_t curve_submit(const char *queue, uint64_t ref);
tm_msg_t curve_hello(const char *queues);
tm_msg_t curve_done(const struct tm_job *job);
void expect_rejected(peer_end_t *peer, const tm_msg_t *msg, const char *code,
                     const char *words);
int count(const char *sql);

TCase *broker_allow_tests(void); /* test_broker_allow.c */
TCase *broker_start_tests(void); /* test_broker_start.c */
TCase *broker_roles_tests(void); /* test_broker_roles.c */

#endif
