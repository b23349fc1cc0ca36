/* http - the bridge: the HTTP contract on one side, messages and PostgreSQL on the other.
 *
 * One process, one thread, one loop: libmicrohttpd for clients (server.h), tm_client towards
 * the brokers, pg for what is read. The addresses it answers are the rows of routes.def; the
 * way of POST /backtests/tune is told in tune_intake.c.
 */
#ifndef ACTORS_HTTP_H
#define ACTORS_HTTP_H

#include "actors/kit/health/probing.h"

/* Runs until SIGTERM or SIGINT, then finishes what is under way (10 s at most). When listening,
 * writes "ADDRESS:PORT\n" to ready_fd if that is not negative. probing fills the health page;
 * NULL: nobody does. */
TM_CHECKED tm_err_t http_run(const settings_t *settings, int ready_fd,
                             const struct probing *probing);

#endif
