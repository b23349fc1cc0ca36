/* fake_federation - a fleet (actors/kit/runtime/federation.h) that says what a test has told
 * it. */
#ifndef TESTS_UNIT_HEALTH_FAKE_FEDERATION_H
#define TESTS_UNIT_HEALTH_FAKE_FEDERATION_H

#include "actors/kit/runtime/federation.h"

enum { FAKE_SUMS = 32, FAKE_KINDS = 8 };

/* What does not stand here is 0. */
struct federation {
    struct {
        metric_t metric;
        const char *label; /* as federation_sum is given it; NULL: the whole */
        double sum;
    } sums[FAKE_SUMS];
    struct {
        const char *actor;
        size_t count;
    } kinds[FAKE_KINDS];
    size_t alive, configured;
};

void fake_federation_set(struct federation *self, metric_t metric, const char *label,
                         double sum);
void fake_federation_run(struct federation *self, const char *actor, size_t count);

#endif
