/* probes - what looks at every component and writes on a board
 * (actors/kit/health/components.h).
 *
 * Each probe has its own timer and deadline; one that hangs delays no other, and nothing waits
 * for it. Where the same is asked of the database, a probe has at most one question under way.
 *
 *     database.c     asks the database: the rows of probes.def
 *     readers.c      makes of the answers what the board says
 *     queues_part.c  brokers, workers and ingestion, from both the database and the brokers
 *     fleet_part.c   event streams and models, from what other processes count
 *     qdrant.c       Qdrant, over HTTP
 *     redis_part.c   Redis, where events go through it
 */
#ifndef ACTORS_HEALTH_PROBES_H
#define ACTORS_HEALTH_PROBES_H

#include "actors/kit/health/probing.h"

typedef struct probes probes_t;

/* The model that is asked first; NULL: none is set up. */
struct probes_model {
    const char *provider, *model;
};

probes_t *probes_new(const struct probing_world *world, const struct probes_model *model);
void probes_destroy(probes_t **self_p);
/* The same for a process that does not know this header; borrows the model. */
struct probing probes_probing(const struct probes_model *model);

/* Whether this process is the one that tells webhooks: the database gives that to one process
 * at a time. While it is away, as it was last; if it never answered, yes. */
bool probes_has_duty(const probes_t *self);

#endif
