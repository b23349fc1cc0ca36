/* http - the bridge: the HTTP contract on one side, messages and PostgreSQL on the other.
 *
 * One process, one thread, one loop: libmicrohttpd for clients (server.h), tm_client towards
 * the brokers, pg for what is read. The addresses it answers are the rows of each room's
 * routes.def; the way of POST /backtests/tune is told in intake.h.
 *
 * Its rooms, each of which includes only those before it:
 *     core        requests and answers, whatever they are about
 *     auth        who may ask
 *     stream      Server-Sent Events
 *     intake      a form with price data, until the broker has it
 *     web         the pages for people
 *     tunes backtests explain coverage admin      what can be asked; none includes another
 */
#ifndef ACTORS_HTTP_H
#define ACTORS_HTTP_H

#include "actors/http/core/route.h"
#include "actors/kit/health/probing.h"
#include "actors/kit/service/service.h"

extern const struct route_table http_routes; /* of all rooms */

/* The line that says it is ready is "ADDRESS:PORT". At the end what is under way may finish, 10
 * s at most. Given: the struct probing that fills the health page; NULL: nobody does. */
extern const struct service_type http_service;

#endif
