#include "tests/unit/health/fake_federation.h"

#include <check.h>
#include <string.h>

static bool
is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

void
fake_federation_set(struct federation *self, metric_t metric, const char *label, double sum)
{
    size_t i = 0;

    while (i < FAKE_SUMS && self->sums[i].sum > 0 &&
           (self->sums[i].metric != metric || !is_same(self->sums[i].label, label)))
        i++;
    ck_assert_uint_lt(i, FAKE_SUMS);
    self->sums[i].metric = metric;
    self->sums[i].label = label;
    self->sums[i].sum = sum;
}

void
fake_federation_run(struct federation *self, const char *actor, size_t count)
{
    size_t i = 0;

    while (i < FAKE_KINDS && self->kinds[i].actor && !is_same(self->kinds[i].actor, actor))
        i++;
    ck_assert_uint_lt(i, FAKE_KINDS);
    self->kinds[i].actor = actor;
    self->kinds[i].count = count;
}

/* --- what actors/kit/runtime/federation.h says
 * -----------------------------------------------------------
 */

double
federation_sum(const federation_t *self, metric_t metric, const char *label)
{
    for (size_t i = 0; i < FAKE_SUMS; i++)
        if (self->sums[i].sum > 0 && self->sums[i].metric == metric &&
            is_same(self->sums[i].label, label))
            return self->sums[i].sum;
    return 0;
}

size_t
federation_processes(const federation_t *self, const char *actor)
{
    for (size_t i = 0; i < FAKE_KINDS; i++)
        if (self->kinds[i].count > 0 && is_same(self->kinds[i].actor, actor))
            return self->kinds[i].count;
    return 0;
}

size_t
federation_brokers(const federation_t *self, size_t *ret_configured, const char **ret_silent)
{
    *ret_configured = self->configured;
    *ret_silent = self->alive < self->configured ? "tcp://silent:1" : NULL;
    return self->alive;
}
