/* broker - routes jobs from producers to workers, and keeps them in PostgreSQL.
 *
 * Handles  SUBMIT STATUS SUBSCRIBE PUT       from producers
 *          HELLO HOLDING DONE FAIL PROGRESS CREDIT BYE   from workers
 *          PING                              from both
 * Emits    ACCEPTED REJECTED STATE RESULT PROGRESS STORED, WELCOME JOB SETTLED DROP, PONG
 * Owns     its ROUTER socket and its database connections
 *
 * Nothing is acknowledged before its commit. What the broker holds in memory (leases, watches,
 * requests waiting for their commit) is bounded by settings and can be lost at any moment: jobs
 * are in the table `jobs`, and workers report what they hold to a broker that has restarted.
 */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include "actors/kit/runtime/metrics.h"
#include "actors/kit/runtime/settings.h"

/* Runs until drained. Writes "ready\n" to ready_fd (unless -1) when bound and connected. */
TM_CHECKED tm_err_t broker_run(const settings_t *settings, int ready_fd);
/* The same with the caller's metrics, which any thread may read meanwhile. */
TM_CHECKED tm_err_t broker_run_metered(const settings_t *settings, meters_t *metrics,
                                       int ready_fd);

#endif
