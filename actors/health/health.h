/* health - the process that looks after the whole system: the probes (probes.h), the gauges
 * that `health` owns in metrics.def, and the webhooks (webhooks.h).
 *
 * Any number may run; one at a time tells the webhooks. The health page needs none of them:
 * every bridge has probes of its own. Reports its gauges to the brokers
 * (actors/kit/runtime/federation.h).
 */
#ifndef ACTORS_HEALTH_H
#define ACTORS_HEALTH_H

#include "actors/kit/service/service.h"

/* Given: the struct probing of probes_probing (probes.h). Its probes have pools of their own,
 * one connection each; the duty to tell webhooks is theirs too, since it outlives an outage of
 * the database, which a lead of the frame does not. */
extern const struct service_type health_service;

#endif
