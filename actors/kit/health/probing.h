/* probing - what fills a board, for a process that does not know it: main joins the two.
 */
#ifndef ACTORS_KIT_HEALTH_PROBING_H
#define ACTORS_KIT_HEALTH_PROBING_H

#include "actors/kit/health/components.h"
#include "actors/kit/runtime/federation.h"
#include "actors/kit/runtime/loop.h"
#include "actors/kit/runtime/metrics.h"
#include "actors/kit/pg/pg.h"

/* The process that is to be looked after. All is borrowed and outlives the probes. */
struct probing_world {
    loop_t *loop;
    const settings_t *settings;
    components_t *board;
    meters_t *meters;
    const federation_t *fleet; /* NULL: it hears of no other process */
    const pg_t *pool; /* whose connections the database's part tells of; NULL: the probes' */
    bool is_gauging;  /* also sets the gauges that `health` owns */
};

struct probing {
    void *(*open)(const struct probing_world *world, const void *arg);
    void (*close)(void **state_p);
    const void *arg;
};

#endif
