/* request - one HTTP request, as its handler sees it.
 *
 * A handler (a row of a routes.def) answers once (answer.h), at once or from a later callback
 * of the loop; until then the connection is suspended. Whoever starts something asynchronous
 * takes a reference and gives it back in the callback: a request outlives its client, and
 * answering one whose client has gone does nothing. So a late answer harms nobody.
 *
 *     request.h    what came, references, state
 *     answer.h     answering
 *     sql.h        asking PostgreSQL, and answering with what it says
 *     dispatch.h   the way from the first header to the handler: for the server
 */
#ifndef ACTORS_HTTP_CORE_REQUEST_H
#define ACTORS_HTTP_CORE_REQUEST_H

#include "actors/http/core/bridge.h"
#include "actors/http/core/query.h"
#include "actors/kit/runtime/traceparent.h"
#include "actors/kit/sentry/sentry_envelope.h"

bridge_t *request_bridge(const request_t *self);
const struct query *request_query(const request_t *self);
const struct workspace *request_workspace(const request_t *self); /* said so far; settled for
                                                                      access WORKSPACE */
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
/* The body of a route whose ops are text: terminated, may hold NULs within. */
const char *request_text(const request_t *self, size_t *ret_size);
bool request_is_head(const request_t *self); /* answered by the headers alone */
bool request_is_gone(const request_t *self); /* the client left, or it has its answer */
struct MHD_Connection *request_connection(const request_t *self); /* NULL once gone */

request_t *request_ref(request_t *self);
void request_unref(request_t **self_p);
/* Lines are of its trace from here on: for a callback that comes neither from pg nor from the
 * server. Returns it. */
request_t *request_resume(request_t *self);

/* The state of a handler that needs one; destroyed with the request. */
void request_keep(request_t *self, void *state, void (*destroy)(void *state));
void *request_state(const request_t *self);

/* For the server */
request_t *request_new(bridge_t *bridge, struct MHD_Connection *connection, const char *method,
                       const char *path);
void request_suspend(request_t *self);
void request_leave(request_t *self); /* the client hung up while suspended */
bool request_has_left(const request_t *self);
bool request_has_answer(const request_t *self);
void request_ended(request_t **self_p); /* libmicrohttpd is done with it */
/* Each that is under way, though its client may have left; fn may answer it. */
void request_walk(const bridge_t *bridge, void (*fn)(request_t *request));
size_t request_count(const bridge_t *bridge); /* whose client waits; counted now */

#endif
