/* retention_admin - what those who run it see of retention, and may do: POST
 * /admin/retention/prune/{job}, GET /admin/retention/logs and /status. The command line does
 * the same (tunemill retention prune, status); all call the functions of
 * 054_retention_functions.sql.
 *
 * A run has the bridge's connection for long statements, one after the other; other requests
 * do not wait for it. It is answered when it has ended; a client that has gone by then does not
 * stop it. The end of the bridge does, between two batches, and the next run goes on.
 */
#ifndef ACTORS_HTTP_ADMIN_RETENTION_ADMIN_H
#define ACTORS_HTTP_ADMIN_RETENTION_ADMIN_H

#include "actors/http/core/bridge.h"

pg_t *retention_admin_pool(bridge_t *bridge);

#endif
