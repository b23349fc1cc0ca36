/* queues_admin - what those who run it see of the queues, and may do: GET /admin/queues.json,
 * POST /admin/queues/{name}/pause and /resume, POST /admin/dead/{id}/retry and /drop, and the
 * last two for many: POST /admin/dead/retry and /drop of a queue. The command line does the
 * same (tunemill queues, workers, dead, pause, resume); both call the functions of
 * functions/jobs.sql.
 */
#ifndef ACTORS_HTTP_ADMIN_QUEUES_ADMIN_H
#define ACTORS_HTTP_ADMIN_QUEUES_ADMIN_H

typedef struct request request_t;

void queues_admin_show(request_t *request);
void queues_admin_pause(request_t *request);
void queues_admin_resume(request_t *request);
void queues_admin_retry(request_t *request);
void queues_admin_drop(request_t *request);
void queues_admin_retry_many(request_t *request);
void queues_admin_drop_many(request_t *request);

#endif
