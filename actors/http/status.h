/* status - /health, /ready and /metrics. None of them asks anyone: the pool and the client know
 * at any time whether they are connected.
 */
#ifndef ACTORS_HTTP_STATUS_H
#define ACTORS_HTTP_STATUS_H

typedef struct request request_t;

void status_health(request_t *request);
void status_ready(request_t *request);
void status_metrics(request_t *request);

#endif
