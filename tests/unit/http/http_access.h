/* http_access - the parts of one test program: what opens /admin on a real bridge. */
#ifndef TESTS_UNIT_HTTP_HTTP_ACCESS_H
#define TESTS_UNIT_HTTP_HTTP_ACCESS_H

#include <check.h>

#include "tests/support/reads_world.h"

#define CHECK  "/admin/auth/check"
#define LOGIN  "/admin/auth/login"
#define TICKET "/admin/events/ticket"
#define FORM   "Content-Type: application/x-www-form-urlencoded"
#define JSON   "Content-Type: application/json"

extern struct reads_world access_world;
extern struct reads_answer access_answer; /* the last one */

/* Up to three headers, the last ones NULL. */
const struct reads_answer *access_ask(const char *method, const char *path, const char *first,
                                      const char *second, const char *third);
/* A login with this body. */
const struct reads_answer *access_send(const char *type, const char *more, const char *body);

/* The last answer has this status, and the text in its headers or its body; or not. */
void access_expect(long status, const char *text);
void access_expect_not(const char *text);

void http_login_add(TCase *tcase);

#endif
