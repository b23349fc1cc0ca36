/* decimal_steps - evenly spaced numbers as people write them: from 0.1 in steps of 0.1 the
 * third is 0.3, and not 0.30000000000000004.
 *
 * First and step are taken for the shortest decimals that are read back as the same doubles;
 * sums are made of whole numbers, and each is the double nearest to its decimal.
 */
#ifndef ACTORS_KIT_FIELDS_DECIMAL_STEPS_H
#define ACTORS_KIT_FIELDS_DECIMAL_STEPS_H

#include <stdbool.h>
#include <stdint.h>

__extension__ typedef __int128 decimal_digits_t;

struct decimal_steps { /* (first + i * step) * 10^exponent */
    decimal_digits_t first, step;
    int exponent;
    uint64_t count;
};

/* first, first + step, ... up to last; finite, step > 0, first <= last. False: they differ too
 * much in size to be added up, or are too many to be counted. */
bool decimal_steps_between(double first, double last, double step, struct decimal_steps *ret);

/* `parts` equal steps (1 .. 8) from first to last, each moved to the nearest whole number of
 * grains from first (0: none) that does not pass last. Several may be the same. False: as
 * above; then nothing is written. ret has room for parts + 1. */
bool decimal_steps_spread(double first, double last, unsigned parts, double grain, double *ret);

/* i < count */
double decimal_steps_at(const struct decimal_steps *self, uint64_t i);

#endif
