/* reads - the addresses that show what PostgreSQL has: tunes, trials, leaderboard, strategies.
 */
#ifndef ACTORS_HTTP_TUNES_READS_H
#define ACTORS_HTTP_TUNES_READS_H

typedef struct request request_t;

void reads_tunes(request_t *request);
void reads_tune(request_t *request);
void reads_tune_runs(request_t *request);
void reads_tune_points(request_t *request);
void reads_leaderboard(request_t *request);
void reads_compare(request_t *request);
void reads_strategies(request_t *request);
void reads_strategy(request_t *request);

#endif
