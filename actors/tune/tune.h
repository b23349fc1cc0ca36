/* tune - the process `tunemill tune`: takes jobs of the queue "tune" and writes their results.
 *
 * Handles  JOB on the queue "tune"; the body is a tune request
 *          (actors/kit/contracts/tune_request.h). CALL for a run to be shown, beside the jobs
 *          (recompute_server.h)
 * Emits    PROGRESS at most ten times a second, the last always; DONE or FAIL
 * Owns     its worker end, the thread that runs the jobs and that one's database connection,
 *          parsed bars up to tune.dataset_cache_mb, and a recompute_server
 *
 * A job's trials, its tune's row and the job's own end commit in one transaction that is fenced
 * by the job's attempt (job_finish): whatever dies when, they land once or not at all.
 *
 *     tune.c           the process
 *     tuner.c          one job, step by step
 *     tuner_search.c   the trials, progress, judging
 *     trials.c         computed trials, packed, and their ranking
 *     dataset_cache.c, dataset_load.c   price data
 *     tune_store.c     statements.def on the connection
 *     tune_setup.c     the steps that a tune and a single trial have in common
 *     recompute_server.c  runs to be shown, and what was shown lately
 *     recompute_pool.c, replay.c   trials computed again, with curve.c and recompute_report.c
 *     report.c         JSON
 */
#ifndef ACTORS_TUNE_TUNE_H
#define ACTORS_TUNE_TUNE_H

#include "actors/kit/service/service.h"

/* At the end the job at hand is finished first, however long it takes; a second signal ends the
 * process at once. */
extern const struct service_type tune_service;

#endif
