/* queue_help - a migrated database for each test, questions to it, and sessions that wait. */
#ifndef TESTS_UNIT_KIT_QUEUE_HELP_H
#define TESTS_UNIT_KIT_QUEUE_HELP_H

#include <check.h>
#include <libpq-fe.h>

#include "tests/support/pg_fixture.h"

#define QUEUE_WORKSPACE "00000000-0000-0000-0000-000000000001"

extern pg_fixture_t *queue_fixture; /* made by the test program's main */
extern char *queue_url;             /* the database of the test that runs */

/* A checked fixture: a database of its own for each test. */
void queue_setup(void);
void queue_teardown(void);

/* The id of a test's job number n; its text stands until the 16th next call. */
const char *queue_id(int n);

/* The answer as pg_fixture_query words it; it stands until the 16th next question. */
const char *queue_ask(const char *format, ...) __attribute__((format(printf, 1, 2)));
void queue_expect(const char *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A job in a state of jobs, with the id of n, or one of a parent (0: none). */
void queue_put(int n, const char *queue, const char *state, int parent);
void queue_bury(int n, const char *queue, const char *code, const char *age);

/* A session of its own; what it runs must succeed. */
PGconn *queue_session(void);
void queue_run(PGconn *session, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sends without waiting; returns when the session waits for a lock. */
void queue_send_and_block(PGconn *session, const char *sql);
/* The first value of what was sent, or "ERROR: ..."; the caller frees it. */
char *queue_collect(PGconn *session);

/* The next notification that the listener gets is this. */
void queue_expect_word(PGconn *listener, const char *expected);

TCase *queue_cancel_case(void); /* test_queue_cancel.c */

#endif
