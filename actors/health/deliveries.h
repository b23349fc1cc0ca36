/* deliveries - texts on their way to one HTTP address, in order, with patience and an end to
 * it: what webhooks.h says of an address. */
#ifndef ACTORS_HEALTH_DELIVERIES_H
#define ACTORS_HEALTH_DELIVERIES_H

#include "actors/kit/runtime/loop.h"
#include "actors/kit/runtime/metrics.h"
#include "actors/kit/runtime/settings.h"

enum { DELIVERIES_MAX = 64, DELIVERIES_TRIES = 5 };

typedef struct deliveries deliveries_t;

/* url is borrowed and shown to nobody, for it may hold a secret; name stands for it in the log.
 * NULL: libcurl could not be started. */
deliveries_t *deliveries_new(loop_t *loop, const settings_t *settings, meters_t *meters,
                             const char *url, const char *name);
void deliveries_destroy(deliveries_t **self_p);

void deliveries_add(deliveries_t *self, char **text_p); /* JSON; takes it; NULL is dropped */

#endif
