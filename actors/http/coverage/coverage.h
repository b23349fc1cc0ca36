/* coverage - the match runs that found too little, for those who work them off:
 * GET /admin/coverage/weak and PATCH /admin/coverage/weak/{id}.
 *
 * The list is in the order of priority, from 0 to 1: 0.5 less the best score, 0.2 if none is
 * above the threshold, 0.15 for NO_RESULTS (NO_MATCHES), 0.1 for NO_RESULTS_ABOVE_THRESHOLD
 * (NO_STRONG_MATCHES), and 0.05 in the first 24 hours. The last is added whenever the list is
 * read, all else is kept with the run.
 *
 * A run is open, acknowledged or resolved, and may become any of these; what it is already it
 * stays, without an event. Resolved needs a candidate of the run, or a note
 * (RESOLUTION_NEEDS_EVIDENCE). Back to a status before, the note of the later one goes. Who has
 * the admin token is "admin"; "system" is a match run that fits (match_runs.h).
 */
#ifndef ACTORS_HTTP_COVERAGE_COVERAGE_H
#define ACTORS_HTTP_COVERAGE_COVERAGE_H

typedef struct request request_t;

void coverage_weak(request_t *request);
void coverage_triage(request_t *request);

#endif
