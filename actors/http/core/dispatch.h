/* dispatch - the way of a request to its handler: its route, who asks, its arguments, its body.
 * What is wrong on the way is answered here, and the handler does not run.
 */
#ifndef ACTORS_HTTP_CORE_DISPATCH_H
#define ACTORS_HTTP_CORE_DISPATCH_H

#include "actors/http/core/request.h"

/* For the server, in this order */
request_t *dispatch_new(bridge_t *bridge, struct MHD_Connection *connection, const char *method,
                        const char *path);
/* Headers are there: refuses early, or makes ready. is_full: there are too many connections. */
void dispatch_begin(request_t *request, bool is_full);
bool dispatch_body(request_t *request, const char *data, size_t size); /* false: close it */
void dispatch_run(request_t *request);   /* all has arrived: calls the handler, once */
void dispatch_drain(request_t *request); /* the process ends: nobody waits any longer */

/* Settles the workspace where access is ADMIN, for a handler that needs one. False: there is
 * none, and it was answered. */
bool dispatch_need_workspace(request_t *request);

#endif
