/* http - the bridge: the HTTP contract on one side, messages and PostgreSQL on the other.
 *
 * One process, one thread, one loop: libmicrohttpd for clients (server.h), tm_client towards
 * the brokers, pg for what is read. The addresses it answers are the rows of routes.def; the
 * way of POST /backtests/tune is told in tune_intake.c.
 */
#ifndef ACTORS_HTTP_H
#define ACTORS_HTTP_H

#include "actors/kit/health/probing.h"
#include "actors/kit/service/service.h"

/* The line that says it is ready is "ADDRESS:PORT". At the end what is under way may finish, 10
 * s at most. Given: the struct probing that fills the health page; NULL: nobody does. */
extern const struct service_type http_service;

#endif
