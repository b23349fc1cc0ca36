/* server - libmicrohttpd in the loop: one descriptor, one timer, every connection.
 *
 * libmicrohttpd runs in its external epoll mode. It learns of a resumed connection only when it
 * is run, so the server runs it at the end of every turn in which one was resumed.
 *
 * What the library cannot read as a request (no Host, a size that is no number, headers over
 * their 32 KiB) it answers itself, with a page of its own and 400, 413, 414, 431 or 505, or by
 * closing; no handler learns of it. So it closes a connection that is idle for too long.
 */
#ifndef ACTORS_HTTP_CORE_SERVER_H
#define ACTORS_HTTP_CORE_SERVER_H

#include "actors/http/core/bridge.h"

typedef struct server server_t;

/* Listens on settings->http_listen. NULL: cannot, and it was logged why. */
server_t *server_new(bridge_t *bridge);
/* Answers what still waits with DRAINING, and closes every connection. */
void server_destroy(server_t **self_p);

const char *server_address(const server_t *self); /* "127.0.0.1:8080" */
void server_quiesce(server_t *self);              /* no new connections from now on */
/* "ADDRESS:PORT", "[IPv6]:PORT" into its parts; false if it is neither. */
bool server_split_address(const char *listen, char *host, size_t host_size, char *port,
                          size_t port_size);

#endif
