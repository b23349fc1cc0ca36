/* The mantissa is gathered as an integer of at most 19 digits, the rest is a power of ten. If
 * both are exact as doubles, one multiplication or division is correctly rounded. If both are
 * exact in the 64-bit mantissa of an x87 long double, its quotient is rounded twice, which is
 * only wrong next to a tie; a tie is seen in the last 11 bits. All other cases go to strtod, as
 * digits and exponent without a decimal point, so that no locale is involved. */
#include "actors/tune/engine/decimal.h"

#include <float.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANTISSA_DIGITS 19
#define EXACT_POWER     22
#define EXPONENT_LIMIT  100000

struct scan {
    const char *at, *end;
    uint64_t mantissa;
    int digits;   /* significant ones in mantissa */
    int dropped;  /* digits that had no room */
    int exponent; /* of ten */
    bool is_negative;
    bool has_digit;
};

static inline void
scan_digits(struct scan *scan, int exponent_step)
{
    while (scan->at < scan->end) {
        const unsigned digit = (unsigned)(unsigned char)*scan->at - '0';

        if (digit > 9)
            return;
        scan->at++;
        scan->has_digit = true;
        if (scan->digits < MANTISSA_DIGITS) {
            scan->mantissa = scan->mantissa * 10 + digit;
            scan->digits += scan->mantissa != 0;
            scan->exponent += exponent_step;
        } else {
            scan->dropped++;
            scan->exponent += exponent_step + 1;
        }
    }
}

/* Leaves the scan where it was if no digit follows the e. */
static void
scan_exponent(struct scan *scan)
{
    const char *at = scan->at + 1;
    const bool is_negative = at < scan->end && *at == '-';
    int value = 0;

    if (at < scan->end && (*at == '-' || *at == '+'))
        at++;
    if (at == scan->end || *at < '0' || *at > '9')
        return;
    for (; at < scan->end && *at >= '0' && *at <= '9'; at++) {
        if (value < EXPONENT_LIMIT)
            value = value * 10 + (*at - '0');
    }
    scan->exponent += is_negative ? -value : value;
    scan->at = at;
}

static inline void
scan_number(struct scan *scan)
{
    if (scan->at < scan->end && (*scan->at == '-' || *scan->at == '+'))
        scan->is_negative = *scan->at++ == '-';
    scan_digits(scan, 0);
    if (scan->at < scan->end && *scan->at == '.') {
        scan->at++;
        scan_digits(scan, -1);
    }
    if (scan->has_digit && scan->at < scan->end && (*scan->at | 0x20) == 'e')
        scan_exponent(scan);
}

static bool
exact_double(const struct scan *scan, double *ret)
{
    static const double powers[EXACT_POWER + 1] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    };

    if (scan->dropped || scan->mantissa > UINT64_C(1) << 53 || scan->exponent > EXACT_POWER ||
        scan->exponent < -EXACT_POWER)
        return false;
    *ret = scan->exponent < 0 ? (double)scan->mantissa / powers[-scan->exponent]
                              : (double)scan->mantissa * powers[scan->exponent];
    return true;
}

#if LDBL_MANT_DIG == 64
static bool
exact_long_double(const struct scan *scan, double *ret)
{
    uint64_t bits;

    if (scan->dropped || scan->exponent > 0 || scan->exponent < -EXACT_POWER)
        return false;
    long double power = 1.0L;
    for (int i = scan->exponent; i < 0; i++)
        power *= 10.0L;
    const long double quotient = (long double)scan->mantissa / power;
    memcpy(&bits, &quotient, sizeof bits);
    const uint64_t tail = bits & 0x7ff;
    if (tail >= 0x3ff && tail <= 0x401)
        return false;
    *ret = (double)quotient;
    return true;
}
#else
static bool
exact_long_double(const struct scan *scan, double *ret)
{
    (void)scan;
    (void)ret;
    return false;
}
#endif

/* All digits of text, without point and sign, then an exponent that puts the point back. */
static double
by_strtod(const char *text, const char *end, const struct scan *scan)
{
    char copy[DECIMAL_MAX_BYTES + 32];
    size_t used = 0;

    for (; text < end && (*text | 0x20) != 'e'; text++) {
        if (*text >= '0' && *text <= '9')
            copy[used++] = *text;
    }
    snprintf(copy + used, sizeof copy - used, "e%d", scan->exponent - scan->dropped);
    return strtod(copy, NULL);
}

bool
decimal_parse(const char *text, size_t size, double *ret)
{
    struct scan scan = {.at = text, .end = text + size};
    double value;

    if (size > DECIMAL_MAX_BYTES)
        return false;
    scan_number(&scan);
    if (!scan.has_digit || scan.at != scan.end)
        return false;
    if (!exact_double(&scan, &value) && !exact_long_double(&scan, &value))
        value = by_strtod(text, scan.end, &scan);
    *ret = scan.is_negative ? -value : value;
    return true;
}

size_t
decimal_prefix(const char *text, size_t size)
{
    struct scan scan = {.at = text,
                        .end = text + (size < DECIMAL_MAX_BYTES ? size : DECIMAL_MAX_BYTES)};

    scan_number(&scan);
    return scan.has_digit ? (size_t)(scan.at - text) : 0;
}
