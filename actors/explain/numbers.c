#include "actors/explain/numbers.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 40
#define LARGE      1000.0 /* from here on zeros at the end may be a rounding */
#define CLOSE      1e-9   /* of a number's own size: what is 0.25 on paper rounds to 0.3 */

struct number {
    double value, unit; /* unit: of its last digit */
};

/* "1,234": the comma and three digits, and no fourth. */
static bool
is_thousand(const char *at)
{
    return *at == ',' && isdigit((unsigned char)at[1]) && isdigit((unsigned char)at[2]) &&
           isdigit((unsigned char)at[3]) && !isdigit((unsigned char)at[4]);
}

static const char *
skip_exponent(const char *at)
{
    const char *digits = at + 1 + (at[0] && (at[1] == '-' || at[1] == '+'));

    if ((*at != 'e' && *at != 'E') || !isdigit((unsigned char)*digits))
        return at;
    while (isdigit((unsigned char)*digits))
        digits++;
    return digits;
}

/* The end of the number that begins at a digit. */
static const char *
read_number(const char *at, struct number *ret)
{
    char digits[DIGITS_MAX + 1];
    const char *from = at, *end;
    size_t size = 0;
    double unit = 1;

    for (; isdigit((unsigned char)*at) || is_thousand(at); at++)
        if (*at != ',' && size < DIGITS_MAX)
            digits[size++] = *at;
    if (*at == '.' && isdigit((unsigned char)at[1])) {
        if (size < DIGITS_MAX)
            digits[size++] = *at;
        for (at++; isdigit((unsigned char)*at); at++) {
            unit /= 10;
            if (size < DIGITS_MAX)
                digits[size++] = *at;
        }
    }
    digits[size] = '\0';
    end = skip_exponent(at);
    *ret = (struct number){.value = end > at ? strtod(from, NULL) : strtod(digits, NULL),
                           .unit = end > at ? 0 : unit};
    while (unit == 1 && ret->value >= LARGE && fmod(ret->value, 10 * ret->unit) == 0)
        ret->unit *= 10;
    return end;
}

static bool
is_rounded(const struct number *number, double fact)
{
    const double slack = number->unit / 2 + CLOSE * (fabs(fact) + number->value);

    return fabs(number->value - fact) <= slack;
}

static bool
is_among(const struct number *number, const char *facts)
{
    for (const char *at = facts; *at;) {
        struct number fact;

        if (!isdigit((unsigned char)*at)) {
            at++;
            continue;
        }
        at = read_number(at, &fact);
        if (is_rounded(number, fact.value) || is_rounded(number, 100 * fact.value))
            return true;
    }
    return false;
}

bool
numbers_are_among(const char *text, const char *facts)
{
    for (const char *at = text; *at;) {
        struct number number;

        if (!isdigit((unsigned char)*at)) {
            at++;
            continue;
        }
        at = read_number(at, &number);
        if (!is_among(&number, facts))
            return false;
    }
    return true;
}
