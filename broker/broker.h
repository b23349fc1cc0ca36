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

#include "actors/kit/service/service.h"

/* Ready when bound, with its row in the table of brokers. Runs until drained; TM_LEASE_LOST:
 * another broker has taken over. */
extern const struct service_type broker_service;

#endif
