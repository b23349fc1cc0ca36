/* health - the process that looks after the whole system: the probes (probes.h), the gauges
 * that `health` owns in metrics.def, and the webhooks (webhooks.h).
 *
 * Any number may run; one at a time tells the webhooks. The health page needs none of them:
 * every bridge has probes of its own. Reports its gauges to the brokers
 * (actors/kit/runtime/federation.h).
 */
#ifndef ACTORS_HEALTH_H
#define ACTORS_HEALTH_H

#include "actors/health/probes.h"

/* Runs until SIGTERM or SIGINT. Writes a line to ready_fd, if that is not negative, when the
 * probes have begun. */
TM_CHECKED tm_err_t health_run(const settings_t *settings, const struct probes_model *model,
                               int ready_fd);

#endif
