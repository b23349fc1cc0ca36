/* authorize - the one place that decides whether a request may pass to its handler: what its
 * row of the routes table asks for, against what it carries.
 *
 * A refusal is a problem; a browser that wants a page is led to the login instead, and comes
 * back from there.
 */
#ifndef ACTORS_HTTP_AUTH_AUTHORIZE_H
#define ACTORS_HTTP_AUTH_AUTHORIZE_H

#include "actors/http/auth/admin_auth.h"
#include "actors/http/core/request.h"

/* The bridge's admit_fn. */
bool authorize_admit(request_t *request, struct workspace *workspace);

/* The claim of a request that carries the token in another way: login.h. */
void authorize_claim(const request_t *request, struct admin_auth_claim *ret);
/* Whether it carries the admin token, or needs none: a ticket does not count. */
bool authorize_is_admin(const request_t *request);
/* The refusal as a problem. */
void authorize_problem(const request_t *request, admin_auth_verdict_t verdict,
                       struct problem *ret);

/* "/x" but not "//x", which names another server, and nothing in it that a browser would read
 * as something else. */
bool authorize_is_own_address(const char *address);

#endif
