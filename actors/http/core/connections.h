/* connections - the connections to clients, and which of them are suspended.
 *
 * libmicrohttpd does not look at a suspended connection, and so does not see its client leave:
 * here it is watched.
 */
#ifndef ACTORS_HTTP_CORE_CONNECTIONS_H
#define ACTORS_HTTP_CORE_CONNECTIONS_H

#include <microhttpd.h>

#include "actors/kit/runtime/loop.h"

typedef struct request request_t;
typedef struct connections connections_t;

/* on_leave: the client of a request whose connection is suspended has left. on_resume: one is
 * resumed; libmicrohttpd learns of it only when it is run. NULL: there is no descriptor left.
 */
connections_t *connections_new(loop_t *loop, void (*on_leave)(request_t *request),
                               loop_fn *on_resume, void *arg);
void connections_destroy(connections_t **self_p);

/* libmicrohttpd tells of both; context is the connection's. */
void connections_add(connections_t *self, struct MHD_Connection *connection, void **context);
void connections_remove(connections_t *self, struct MHD_Connection *connection, void **context);
size_t connections_count(const connections_t *self);

/* A client that has left already is told of soon. */
void connections_suspend(connections_t *self, struct MHD_Connection *connection,
                         request_t *request);
void connections_resume(connections_t *self, struct MHD_Connection *connection);

#endif
