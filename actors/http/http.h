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

extern const struct route_table http_routes; /* of all rooms */

/* Runs until SIGTERM or SIGINT, then finishes what is under way (10 s at most). When listening,
 * writes "ADDRESS:PORT\n" to ready_fd if that is not negative. probing fills the health page;
 * NULL: nobody does. */
TM_CHECKED tm_err_t http_run(const settings_t *settings, int ready_fd,
                             const struct probing *probing);

#endif
