/* looking_after - the probes of actors/health for the processes that show what they find:
 * `http` and `health`. */
#ifndef OPS_CLI_LOOKING_AFTER_H
#define OPS_CLI_LOOKING_AFTER_H

#include "actors/explain/llm/model_config.h"
#include "actors/health/probes.h"

struct looking_after {
    struct model_configs links;
    struct probes_model model;
    struct probing probing; /* for http_run */
};

void looking_after_init(struct looking_after *self, const settings_t *settings);
void looking_after_fini(struct looking_after *self);

#endif
