#include "actors/kit/fields/decimal_steps.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXACT_POWER = 22, /* powers of ten up to it are exact as doubles */
    TEXT_BYTES = 64,
    DIGITS_LEAST = 15, /* so many decimal digits survive a double */
    DIGITS_MOST = 17,  /* so many tell every double from its neighbours */
};

#define EXACT_MAX  ((decimal_digits_t)1 << 53)
#define DIGITS_MAX ((decimal_digits_t)1 << 112) /* before a digit more */

struct decimal {
    decimal_digits_t digits;
    int exponent;
};

/* The shortest that is read back as the same. */
static struct decimal
decimal_of(double value)
{
    char text[TEXT_BYTES];
    struct decimal ret = {0, 0};
    const char *at = text;
    int digits = DIGITS_LEAST, places = 0;

    do
        snprintf(text, sizeof text, "%.*e", digits - 1, value);
    while (strtod(text, NULL) != value && ++digits <= DIGITS_MOST);
    for (at += *at == '-'; *at != 'e'; at++) {
        if (*at == '.')
            continue;
        ret.digits = ret.digits * 10 + (*at - '0');
        places++;
    }
    ret.exponent = (int)strtol(at + 1, NULL, 10) - (places - 1);
    while (ret.digits && ret.digits % 10 == 0) {
        ret.digits /= 10;
        ret.exponent++;
    }
    if (!ret.digits)
        ret.exponent = 0;
    if (text[0] == '-')
        ret.digits = -ret.digits;
    return ret;
}

/* False: it would not leave room for sums. */
static bool
scale_to(struct decimal *self, int exponent)
{
    for (; self->digits && self->exponent > exponent; self->exponent--) {
        if (self->digits > DIGITS_MAX || self->digits < -DIGITS_MAX)
            return false;
        self->digits *= 10;
    }
    self->exponent = exponent;
    return true;
}

/* All to the exponent of the finest. */
static bool
align(struct decimal *decimals, size_t count)
{
    int least = decimals[0].exponent;

    for (size_t i = 1; i < count; i++)
        least = decimals[i].exponent < least ? decimals[i].exponent : least;
    for (size_t i = 0; i < count; i++)
        if (!scale_to(&decimals[i], least))
            return false;
    return true;
}

static double
read_back(struct decimal decimal)
{
    const bool is_negative = decimal.digits < 0;
    decimal_digits_t rest = is_negative ? -decimal.digits : decimal.digits;
    char text[TEXT_BYTES];
    size_t at = sizeof text;
    char exponent[16];
    const int size = snprintf(exponent, sizeof exponent, "e%d", decimal.exponent);

    at -= (size_t)size + 1;
    memcpy(text + at, exponent, (size_t)size + 1);
    do {
        text[--at] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest);
    if (is_negative)
        text[--at] = '-';
    return strtod(text + at, NULL);
}

/* A quotient or product of two doubles that are exact is rounded once. */
static double
to_double(struct decimal decimal)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

    if (decimal.digits < -EXACT_MAX || decimal.digits > EXACT_MAX ||
        decimal.exponent < -EXACT_POWER || decimal.exponent > EXACT_POWER)
        return read_back(decimal);
    const double digits = (double)(int64_t)decimal.digits;

    return decimal.exponent < 0 ? digits / powers[-decimal.exponent]
                                : digits * powers[decimal.exponent];
}

bool
decimal_steps_between(double first, double last, double step, struct decimal_steps *ret)
{
    struct decimal all[] = {decimal_of(first), decimal_of(last), decimal_of(step)};

    if (!align(all, 3))
        return false;
    const decimal_digits_t steps = (all[1].digits - all[0].digits) / all[2].digits;

    if (steps >= (decimal_digits_t)UINT64_MAX)
        return false;
    *ret = (struct decimal_steps){.first = all[0].digits,
                                  .step = all[2].digits,
                                  .exponent = all[0].exponent,
                                  .count = (uint64_t)steps + 1};
    return true;
}

double
decimal_steps_at(const struct decimal_steps *self, uint64_t i)
{
    return to_double(
        (struct decimal){self->first + self->step * (decimal_digits_t)i, self->exponent});
}

/* Half a grain more is a grain more. */
static decimal_digits_t
on_grain(decimal_digits_t offset, decimal_digits_t width, decimal_digits_t grain)
{
    const decimal_digits_t nearest = (offset + grain / 2) / grain, most = width / grain;

    return (nearest < most ? nearest : most) * grain;
}

bool
decimal_steps_spread(double first, double last, unsigned parts, double grain, double *ret)
{
    struct decimal all[] = {decimal_of(first), decimal_of(last), decimal_of(grain)};

    /* two more places, so that a hundred parts of what is not a fraction come out even */
    if (!align(all, 3))
        return false;
    for (size_t i = 0; i < 3; i++)
        if (!scale_to(&all[i], all[i].exponent - 2))
            return false;
    const decimal_digits_t width = all[1].digits - all[0].digits;

    for (unsigned i = 0; i <= parts; i++) {
        decimal_digits_t offset = width * i / parts;

        if (all[2].digits)
            offset = on_grain(offset, width, all[2].digits);
        ret[i] = to_double((struct decimal){all[0].digits + offset, all[0].exponent});
    }
    return true;
}
