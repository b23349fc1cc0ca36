/* cluster - the private PostgreSQL of `tunemill up`.
 *
 * Made by initdb at the first start, beside its final place and then renamed, so that a start
 * that was cut short is started over. Trust is by the socket's directory, which only the
 * database's user and root can enter. It does not run programs: it says with which arguments.
 */
#ifndef OPS_SUPERVISOR_CLUSTER_H
#define OPS_SUPERVISOR_CLUSTER_H

#include "ops/supervisor/paths.h"

typedef struct cluster cluster_t;

/* Borrows paths. NULL: `detail` says what is missing. */
cluster_t *cluster_new(const struct paths *paths, const struct process_user *user, char *detail,
                       size_t size);
void cluster_destroy(cluster_t **self_p);

bool cluster_is_made(const cluster_t *self);
/* Clears what an unfinished initdb left, and makes the empty directory for the next. */
TM_CHECKED tm_err_t cluster_prepare(const cluster_t *self);
TM_CHECKED tm_err_t
cluster_adopt(const cluster_t *self); /* after initdb: puts it in its place */

void cluster_initdb(const cluster_t *self, struct arguments *ret);
void cluster_server(const cluster_t *self, struct arguments *ret);

/* A server that outlived its supervisor is told to stop: TM_BUSY until it has. A lock file
 * whose process is another program by now is made harmless, keeping PostgreSQL's own check for
 * backends that still run. */
TM_CHECKED tm_err_t cluster_clear_stale(const cluster_t *self);

bool cluster_is_ready(const cluster_t *self); /* accepts connections */
const char *cluster_url(const cluster_t *self);

#endif
