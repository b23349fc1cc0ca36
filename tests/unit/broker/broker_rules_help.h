/* broker_rules_help - one broker or two, a producer at the first and a worker at the last. */
#ifndef TESTS_UNIT_BROKER_BROKER_RULES_HELP_H
#define TESTS_UNIT_BROKER_BROKER_RULES_HELP_H

#include "tests/support/broker_world.h"
#include "tests/support/pg_suite.h"

extern pg_fixture_t *rules_fixture; /* made by the test program's main */

/* Of the test under way */
extern struct broker_world world;
extern peer_end_t *producer, *worker;

void rules_start_one(void);
void rules_start_two(void);
/* With a rule that all brokers know from their start: one that runs has it only with its next
 * look at the rules. The peers are new as well. */
void rules_begin_anew(const char *sql);
/* A case of these tests, each after a start of its own. */
TCase *rules_case(Suite *suite, const char *name, void (*set_up)(void));

void broker_cancels(Suite *suite); /* test_broker_cancel.c */
void broker_limits(Suite *suite);  /* test_broker_limits.c */

#endif
