/* fake_fleet - a fleet (actors/kit/fleet.h) that says what a test has told it. */
#ifndef TESTS_UNIT_FAKE_FLEET_H
#define TESTS_UNIT_FAKE_FLEET_H

#include "actors/kit/fleet.h"

enum { FAKE_SUMS = 32, FAKE_KINDS = 8 };

/* What does not stand here is 0. */
struct fleet {
    struct {
        metric_t metric;
        const char *label; /* as fleet_sum is given it; NULL: the whole */
        double sum;
    } sums[FAKE_SUMS];
    struct {
        const char *actor;
        size_t count;
    } kinds[FAKE_KINDS];
    size_t alive, configured;
};

void fake_fleet_set(struct fleet *self, metric_t metric, const char *label, double sum);
void fake_fleet_run(struct fleet *self, const char *actor, size_t count);

#endif
