/* status - /health, /ready and /metrics. None of them asks anyone: /health says no more than
 * that the loop turns; /ready, whether the pool and the client are connected and what the probe
 * of the database last found; what /metrics shows of other processes has come by itself.
 */
#ifndef ACTORS_HTTP_CORE_STATUS_H
#define ACTORS_HTTP_CORE_STATUS_H

typedef struct request request_t;

void status_health(request_t *request);
void status_ready(request_t *request);
void status_metrics(request_t *request);

#endif
