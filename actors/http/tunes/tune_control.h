/* tune_control - POST /backtests/tunes/{id}/cancel and DELETE /backtests/tunes/{id}.
 *
 * A tune that waits is canceled at once. One that runs is asked to stop, which takes a second
 * at most; the answer is sent when the tune's row says how it ended, or when it has not after
 * some seconds, as when its broker is away. It is stopped then all the same, later.
 */
#ifndef ACTORS_HTTP_TUNES_TUNE_CONTROL_H
#define ACTORS_HTTP_TUNES_TUNE_CONTROL_H

typedef struct request request_t;

void tune_control_cancel(request_t *request);
void tune_control_delete(request_t *request);

#endif
