/* retention - the process `tunemill retention`: runs what retention_policies says, at its
 * times.
 *
 * Handles  its own clock, every retention.check_seconds
 * Emits    nothing: what was deleted stands in retention_job_log and in the metrics retention_*
 * Owns     one database connection
 *
 * Any number of them may run: one, which holds an advisory lock of the database, works; when
 * its connection ends, whichever of the others looks first goes on. Where pg_cron keeps the
 * schedule it is given it once, and jobs are run here only when they are
 * retention.overdue_minutes late. A job whose time has passed while nobody was there is made up
 * for at once; one that failed is tried again after retention.retry_seconds. What is deleted,
 * and how, stands in migrations/functions/retention.sql; the age from which on, in the
 * table retention_policies.
 */
#ifndef ACTORS_RETENTION_RETENTION_H
#define ACTORS_RETENTION_RETENTION_H

#include "actors/kit/service/service.h"

/* A run that is under way at the end is left between two batches, and gone on with by whoever
 * comes next. */
extern const struct service_type retention_service;

#endif
