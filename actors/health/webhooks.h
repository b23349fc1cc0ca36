/* webhooks - tells people of a component's change where there is no Alertmanager.
 *
 * health.webhook_url is sent JSON, health.slack_webhook_url a text for Slack. A change between
 * ok, degraded and error is told once it has lasted health.webhook_hold_seconds: what flaps is
 * not. `unknown` is told to nobody, for what keeps a probe from its answer is a component
 * itself. Only a process that has the duty sends; the others follow silently, so that whoever
 * takes over repeats nothing. A recovery is told like any change.
 *
 * Each address has a queue of its own of DELIVERIES_MAX notices, the oldest of which gives way,
 * and gets them in order: one that fails is tried DELIVERIES_TRIES times in all, with a doubled
 * pause before each further one. Any answer of 200 to 299 is a success. Outcomes are counted in
 * WEBHOOKS. On the board's loop and thread.
 */
#ifndef ACTORS_HEALTH_WEBHOOKS_H
#define ACTORS_HEALTH_WEBHOOKS_H

#include "actors/kit/health/components.h"
#include "actors/kit/runtime/loop.h"
#include "actors/kit/runtime/metrics.h"

typedef struct webhooks webhooks_t;

struct webhooks_options {
    loop_t *loop;
    const settings_t *settings;
    const components_t *board;
    meters_t *meters;
    bool (*has_duty)(void *arg);
    void *arg;
};

webhooks_t *webhooks_new(const struct webhooks_options *options); /* NULL: libcurl failed */
void webhooks_destroy(webhooks_t **self_p); /* what is not delivered is forgotten */

#endif
