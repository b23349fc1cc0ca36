/* supervisor_private - the supervisor's state, for its own two sources: supervisor.c (the loop)
 * and launch.c (which program each child is, with which arguments). */
#ifndef OPS_SUPERVISOR_SUPERVISOR_INNER_H
#define OPS_SUPERVISOR_SUPERVISOR_INNER_H

#include <jansson.h>

#include "ops/supervisor/child.h"
#include "ops/supervisor/cluster.h"
#include "ops/supervisor/supervisor.h"

#define CHILDREN_MAX (CHILD_KIND_COUNT + 256)

enum phase { PHASE_STARTING, PHASE_RUNNING, PHASE_STOPPING };

struct supervisor {
    const struct supervisor_options *options;
    struct process_user database_user;
    struct paths paths;
    cluster_t *cluster;     /* NULL: the database is the user's */
    char url[4 * PATH_MAX]; /* of the database */
    char broker_listen[1024];
    char brokers[4096];
    char http_listen[300]; /* once known, the port that was picked */
    struct child children[CHILDREN_MAX];
    size_t child_count;
    enum phase phase;
    int signal_fd;
    json_t *status;  /* as last written */
    bool has_failed; /* to start */
    char *detail;
    size_t detail_size;
};

/* Starts the child, or pauses it if its turn has not come. */
void launch(struct supervisor *self, struct child *child, int64_t now_ms);

#endif
