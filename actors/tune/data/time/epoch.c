#include "actors/tune/data/time/epoch.h"

#include <math.h>

#define SECONDS_1900 -2208988800.0
#define SECONDS_1973 1e8
#define SECONDS_2100 4102444800.0
#define SCALE        1000 /* of what is stored, for fractions */
#define SCALED_MAX   INT64_C(9000000000000000)
#define NS_1973      1e17

static const struct unit {
    double per_second;
    const char *name;
} units[] = {
    {1, "epoch seconds"},
    {1e3, "epoch milliseconds"},
    {1e6, "epoch microseconds"},
    {1e9, "epoch nanoseconds"},
};

static const struct unit *
unit_of(const struct epoch_column *self)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (self->largest >= SECONDS_1973 * units[i].per_second &&
            self->largest < SECONDS_2100 * units[i].per_second)
            return &units[i];
    }
    return NULL;
}

static inline bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Thousandths after the point. */
static bool
read_fraction(const char *at, const char *end, int64_t *ret)
{
    int64_t unit = SCALE / 10, value = 0;

    if (at == end)
        return false;
    for (; at < end; at++) {
        if (!is_digit(*at))
            return false;
        value += unit * (*at - '0');
        unit /= 10;
    }
    *ret = value;
    return true;
}

bool
epoch_read(struct epoch_column *self, const char *text, size_t size, int64_t *ret)
{
    const char *at = text, *end = text + size;
    const bool is_negative = at < end && *at == '-';
    int64_t value = 0, fraction = 0;

    at += is_negative;
    const char *first = at;
    for (; at < end && is_digit(*at); at++) {
        if (value > (INT64_MAX - 9) / 10)
            return false;
        value = value * 10 + (*at - '0');
    }
    if (at == first || (*first == '0' && at - first > 1))
        return false;
    if (at < end && (*at != '.' || !read_fraction(at + 1, end, &fraction)))
        return false;
    if (at < end)
        self->fractions++;
    const double number = is_negative ? -(double)value : (double)value;
    self->largest = fmax(self->largest, number);
    self->smallest = fmin(self->smallest, number);
    if (value <= SCALED_MAX)
        value = value * SCALE + fraction;
    *ret = is_negative ? -value : value;
    return true;
}

const char *
epoch_unit(const struct epoch_column *self)
{
    const struct unit *unit = unit_of(self);

    return unit ? unit->name : NULL;
}

static int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

bool
epoch_ms(const struct epoch_column *self, int64_t number, int64_t *ret_ms)
{
    const struct unit *unit = unit_of(self);

    if (!unit)
        return false;
    /* Nanoseconds of 1973 and later were too large to be scaled; a column of them has no
     * others. */
    if (unit->per_second == 1e9) {
        if (self->smallest < NS_1973)
            return false;
        *ret_ms = number / 1000000;
        return true;
    }
    *ret_ms = unit->per_second == 1     ? number
              : unit->per_second == 1e3 ? floor_div(number, SCALE)
                                        : floor_div(number, SCALE * INT64_C(1000));
    return (double)*ret_ms >= SECONDS_1900 * 1e3 && (double)*ret_ms < SECONDS_2100 * 1e3;
}
