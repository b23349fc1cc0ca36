#include <math.h>
#include <stdlib.h>

#include "ops/bench/bench.h"

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double
bench_percentile(double *values, size_t count, double share)
{
    qsort(values, count, sizeof *values, compare);
    return count ? values[(size_t)fmin((double)count * share, (double)(count - 1))] : 0;
}
