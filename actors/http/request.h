/* request - one HTTP request, from its first header to its answer.
 *
 * A handler (a row of routes.def) answers once, with request_reply or request_problem, at once
 * or from a later callback of the loop; until then the connection is suspended. Who starts
 * something asynchronous takes a reference and gives it back in the callback: a request
 * outlives its client, and answering one whose client has gone does nothing. So a late answer
 * harms nobody.
 */
#ifndef ACTORS_HTTP_REQUEST_H
#define ACTORS_HTTP_REQUEST_H

#include <microhttpd.h>

#include "actors/http/bridge.h"
#include "actors/http/problem.h"
#include "actors/http/query.h"
#include "actors/http/route.h"
#include "actors/http/traceparent.h"
#include "actors/http/workspace.h"

#define JSON_TYPE "application/json"

/* For handlers */
bridge_t *request_bridge(const request_t *self);
const struct query *request_query(const request_t *self);
const struct workspace *request_workspace(const request_t *self); /* said so far; settled for
                                                                      access WORKSPACE */
const tm_uuid_t *request_id_in_path(const request_t *self);
const char *request_name_in_path(const request_t *self); /* "" if there is none */
const traceparent_t *request_trace(const request_t *self);
const char *request_header(const request_t *self, const char *name); /* the first, or NULL */
/* Calls fn with each value of the header. */
void request_headers(const request_t *self, const char *name,
                     void (*fn)(void *arg, const char *value), void *arg);
bool request_is_gone(const request_t *self); /* the client left, or it has its answer */

request_t *request_ref(request_t *self);
void request_unref(request_t **self_p);

/* The state of a handler that needs one; destroyed with the request. */
void request_keep(request_t *self, void *state, void (*destroy)(void *state));
void *request_state(const request_t *self);

/* Answering. Headers are added before, and stand instead of those that every answer has; the
 * text is the caller's memory from malloc, taken. */
void request_add_header(request_t *self, const char *name, const char *value);
void request_reply(request_t *self, unsigned status, const char *type, char **text_p,
                   size_t size);
/* The same with data that is there for as long as the process. */
void request_reply_static(request_t *self, unsigned status, const char *type, const void *data,
                          size_t size);
void request_problem(request_t *self, const struct problem *problem);
void request_fail(request_t *self, tm_err_t err,
                  const char *detail); /* "" for err's own text */

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
