/* request - one HTTP request, from its first header to its answer.
 *
 * A handler (a row of routes.def) answers once, with request_reply or request_problem, at once
 * or from a later callback of the loop; until then the connection is suspended. Who starts
 * something asynchronous takes a reference and gives it back in the callback: a request
 * outlives its client, and answering one whose client has gone does nothing. So a late answer
 * harms nobody.
 */
#ifndef ACTORS_HTTP_CORE_REQUEST_H
#define ACTORS_HTTP_CORE_REQUEST_H

#include <microhttpd.h>

#include "actors/http/core/bridge.h"
#include "actors/http/core/problem.h"
#include "actors/http/core/query.h"
#include "actors/http/core/route.h"
#include "actors/http/core/shared_body.h"
#include "actors/kit/runtime/traceparent.h"
#include "actors/http/core/workspace.h"
#include "actors/kit/sentry/sentry_envelope.h"

#define JSON_TYPE "application/json"

/* For handlers */
bridge_t *request_bridge(const request_t *self);
const struct query *request_query(const request_t *self);
const struct workspace *request_workspace(const request_t *self); /* said so far; settled for
                                                                      access WORKSPACE */
/* Settles the workspace where access is ADMIN, for a handler that needs one. False: there is
 * none, and it was answered. */
bool request_need_workspace(request_t *self);
const tm_uuid_t *request_id_in_path(const request_t *self);
const char *request_name_in_path(const request_t *self);   /* "" if there is none */
const traceparent_t *request_trace(const request_t *self); /* with its own span */
/* For what Sentry is told of the request. NULL, which its functions take: it is not told. */
struct sentry_notes *request_notes(request_t *self);
const char *request_header(const request_t *self, const char *name); /* the first, or NULL */
/* Calls fn with each value of the header. */
void request_headers(const request_t *self, const char *name,
                     void (*fn)(void *arg, const char *value), void *arg);
const route_t *request_route(const request_t *self); /* NULL: there is none */
const char *request_path(const request_t *self);     /* borrowed while the client is there */
/* The body of a route that has a SMALL one: terminated, may hold NULs within. */
const char *request_text(const request_t *self, size_t *ret_size);
bool request_is_gone(const request_t *self); /* the client left, or it has its answer */

request_t *request_ref(request_t *self);
/* Lines are of its trace from here on: for a callback that comes neither from pg nor from the
 * server. Returns it. */
request_t *request_resume(request_t *self);
void request_unref(request_t **self_p);

/* The state of a handler that needs one; destroyed with the request. */
void request_keep(request_t *self, void *state, void (*destroy)(void *state));
void *request_state(const request_t *self);

/* Answering. Headers are added before; one that every answer has is replaced (Cache-Control).
 * The text is the caller's memory from malloc, taken. */
void request_add_header(request_t *self, const char *name, const char *value);
void request_reply(request_t *self, unsigned status, const char *type, char **text_p,
                   size_t size);
/* The same with data that is there for as long as the process. */
void request_reply_static(request_t *self, unsigned status, const char *type, const void *data,
                          size_t size);
/* The same with a body that others are given too. */
void request_reply_shared(request_t *self, unsigned status, const char *type,
                          shared_body_t *body);
/* Instead of an answer: the connection is the caller's, who writes everything himself.
 * libmicrohttpd forgets it and writes nothing. -1: there is no descriptor left for it. */
int request_take_connection(request_t *self);
/* The headers that every answer has, "Name: value\r\n" each. The caller frees them. */
char *request_common_headers(const request_t *self);
bool request_is_head(const request_t *self); /* answered by the headers alone */
/* HTML, under a policy that lets in what stands on this server and no script or style within
 * the page; say what differs in a Content-Security-Policy of your own. */
void request_page(request_t *self, unsigned status, char **html_p, size_t size);
void request_redirect(request_t *self, const char *location); /* 303: get that one */
void request_problem(request_t *self, const struct problem *problem);
void request_fail(request_t *self, tm_err_t err,
                  const char *detail); /* "" for err's own text */
/* The rows of the second statement, of a unit whose first is WORKSPACE_KNOWN. NULL: answered
 * with a problem, `absent` if it has no row. */
const PGresult *request_rows(request_t *self, const struct pg_outcome *outcome,
                             tm_err_t absent);

/* For the server */
request_t *request_new(bridge_t *bridge, struct MHD_Connection *connection, const char *method,
                       const char *path);
void request_begin(request_t *self); /* headers are there: route, refuse early, or make ready */
bool request_body(request_t *self, const char *data, size_t size); /* false: close it */
void request_run(request_t *self);              /* all has arrived: calls the handler, once */
enum MHD_Result request_queue(request_t *self); /* hands the answer to libmicrohttpd */
void request_suspend(request_t *self);
bool request_has_answer(const request_t *self);
void request_leave(request_t *self); /* the client hung up while suspended */
bool request_has_left(const request_t *self);
void request_ended(request_t **self_p); /* libmicrohttpd is done with it */
struct MHD_Connection *request_connection(const request_t *self); /* NULL once gone */
request_t **request_link(request_t *self,
                         size_t which); /* the server's list: 0 next, 1 previous */

#endif
