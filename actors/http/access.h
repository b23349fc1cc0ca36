/* access - the one place that decides whether a request may pass to its handler: what its row
 * of routes.def asks for, against what it carries.
 *
 * A refusal is a problem; a browser that wants a page is led to the login instead, and comes
 * back from there.
 */
#ifndef ACTORS_HTTP_ACCESS_H
#define ACTORS_HTTP_ACCESS_H

#include "actors/http/gate.h"

/* Before the body is read, once header and query have named a workspace, or not: a ticket may
 * name it then. False: it was answered. */
bool access_admit(request_t *request, struct workspace *workspace);

/* The claim of a request that carries the token in another way: login.h. */
void access_claim(const request_t *request, struct gate_claim *ret);
/* Whether it carries the admin token, or needs none: a ticket does not count. */
bool access_is_admin(const request_t *request);
/* The refusal as a problem. */
void access_problem(const request_t *request, gate_verdict_t verdict, struct problem *ret);

/* "/x" but not "//x", which names another server, and nothing in it that a browser would read
 * as something else. */
bool access_is_own_address(const char *address);

#endif
