#include "actors/tune/data/number.h"

#include <string.h>

#include "actors/tune/engine/decimal.h"

#define NUMBER_BYTES 64

/* A number without its sign, currency and unit. */
struct parts {
    const char *digits; /* digits and marks, the first and the last are digits */
    size_t size;
    bool is_negative;
    char exponent; /* '3', '6', '9'; 0: no unit */
};

static inline bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool
number_is_missing(const char *text, size_t size)
{
    static const char *const words[] = {"-", "n/a", "na", "null", "none"};

    if (size == 0 || size > 4)
        return size == 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        bool is_it = strlen(words[i]) == size;

        for (size_t k = 0; is_it && k < size; k++) {
            const char c = text[k];

            is_it = (c >= 'A' && c <= 'Z' ? (char)(c + 32) : c) == words[i][k];
        }
        if (is_it)
            return true;
    }
    return false;
}

enum number_kind
number_read_plain(const char *text, size_t size, double *ret)
{
    if (decimal_parse(text, size, ret))
        return NUMBER_READ;
    return number_is_missing(text, size) ? NUMBER_MISSING : NUMBER_WRONG;
}

/* ---- parts ------------------------------------------------------------------------------ */

/* Bytes of a blank at the start, no-break and thin ones too; 0 if there is none. */
static inline size_t
blank_at(const char *text, size_t size)
{
    if (size == 0 || (text[0] >= '!' && text[0] <= '~'))
        return 0;
    if (size >= 1 && text[0] == ' ')
        return 1;
    if (size >= 2 && memcmp(text, "\xc2\xa0", 2) == 0)
        return 2;
    return size >= 3 && (memcmp(text, "\xe2\x80\xaf", 3) == 0 ||
                         memcmp(text, "\xe2\x80\x89", 3) == 0)
               ? 3
               : 0;
}

static size_t
currency_at(const char *text, size_t size)
{
    static const char *const signs[] = {
        "R$",           "$",
        "\xc2\xa3",     "\xc2\xa5",
        "\xe2\x82\xac", "\xe2\x82\xb9",
        "\xe2\x82\xa9", "\xe2\x82\xbd",
        "\xe2\x82\xbf", "\xe2\x82\xba",
    };

    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        const size_t length = strlen(signs[i]);

        if (size >= length && memcmp(text, signs[i], length) == 0)
            return length;
    }
    return 0;
}

/* What ends with a currency sign, and blanks before it, loses both. */
static void
cut_currency(const char *text, size_t *size)
{
    for (size_t length = 1; length <= 3 && length < *size; length++) {
        if (currency_at(text + *size - length, length) != length)
            continue;
        *size -= length;
        while (*size > 1 && text[*size - 1] == ' ')
            (*size)--;
        if (*size > 2 && memcmp(text + *size - 2, "\xc2\xa0", 2) == 0)
            *size -= 2;
        return;
    }
}

static char
unit_of(char c)
{
    switch (c) {
    case 'K':
    case 'k':
        return 3;
    case 'M':
    case 'm':
        return 6;
    case 'B':
    case 'b':
        return 9;
    case 'T':
        return 12;
    default:
        return 0;
    }
}

/* False: it is no number in any form. */
static bool
take_apart(const char *text, size_t size, struct parts *ret)
{
    bool has_sign = false, has_currency = false;
    size_t skip;

    *ret = (struct parts){0};
    while (size > 0 && !is_digit(text[0])) {
        if (!has_sign && size > 0 && (text[0] == '-' || text[0] == '+')) {
            ret->is_negative = text[0] == '-';
            has_sign = true;
            skip = 1;
        } else if (!has_currency && (skip = currency_at(text, size)) > 0) {
            has_currency = true;
        } else if ((skip = has_currency ? blank_at(text, size) : 0) == 0) {
            break;
        }
        text += skip;
        size -= skip;
    }
    const bool is_bare = size > 0 && is_digit(text[size - 1]);
    if (!has_currency && !is_bare)
        cut_currency(text, &size);
    if (size > 1 && !is_bare && (ret->exponent = unit_of(text[size - 1])) != 0) {
        size--;
        size -= size > 1 && text[size - 1] == ' ';
    }
    ret->digits = text;
    ret->size = size;
    return size > 0 && is_digit(text[size - 1]) && (is_digit(text[0]) || text[0] == '.');
}

/* ---- what the marks mean ---------------------------------------------------------------- */

struct marks {
    size_t commas, points;
    size_t comma, point; /* where the last one is */
};

/* False: there is something else in it. Blanks and apostrophes group digits, and are checked
 * when the number is read. */
static bool
find_marks(const struct parts *parts, struct marks *ret)
{
    *ret = (struct marks){0};
    for (size_t i = 0; i < parts->size; i++) {
        const size_t blank = blank_at(parts->digits + i, parts->size - i);

        if (parts->digits[i] == ',') {
            ret->commas++;
            ret->comma = i;
        } else if (parts->digits[i] == '.') {
            ret->points++;
            ret->point = i;
        } else if (blank > 0) {
            i += blank - 1;
        } else if (!is_digit(parts->digits[i]) && parts->digits[i] != '\'') {
            return false;
        }
    }
    return true;
}

/* A mark that stands alone in a number: three digits after it, and one to three before it that
 * do not begin with 0, may be a group. */
static enum number_mark
alone(const struct parts *parts, size_t at)
{
    if (parts->size - at - 1 != 3 || at == 0 || at > 3 || parts->digits[0] == '0')
        return NUMBER_DECIMAL;
    for (size_t i = 0; i < at; i++) {
        if (!is_digit(parts->digits[i]))
            return NUMBER_DECIMAL;
    }
    return NUMBER_EITHER;
}

static void
learn(enum number_mark *mark, enum number_mark seen)
{
    if (seen > *mark)
        *mark = seen;
}

void
number_survey(struct number_form *self, const char *text, size_t size)
{
    struct parts parts;
    struct marks marks;

    if (number_is_missing(text, size) || !take_apart(text, size, &parts) ||
        !find_marks(&parts, &marks) || (marks.commas > 1 && marks.points > 1))
        return;
    if (marks.commas && marks.points) {
        self->comma = marks.comma > marks.point ? NUMBER_DECIMAL : NUMBER_GROUPS;
        self->point = marks.comma > marks.point ? NUMBER_GROUPS : NUMBER_DECIMAL;
    } else if (marks.commas) {
        learn(&self->comma, marks.commas > 1 ? NUMBER_GROUPS : alone(&parts, marks.comma));
    } else if (marks.points) {
        learn(&self->point, marks.points > 1 ? NUMBER_GROUPS : alone(&parts, marks.point));
    }
}

bool
number_is_decided(const struct number_form *self)
{
    return self->comma > NUMBER_EITHER || self->point > NUMBER_EITHER;
}

bool
number_settle(struct number_form *self)
{
    if (self->comma == NUMBER_DECIMAL || self->point == NUMBER_GROUPS) {
        self->comma = NUMBER_DECIMAL;
        self->point = NUMBER_GROUPS;
        return true;
    }
    /* A point that no cell proves to be more is the decimal point it is everywhere. */
    const bool is_open = self->comma == NUMBER_EITHER && self->point != NUMBER_DECIMAL;
    self->point = NUMBER_DECIMAL;
    if (!is_open && self->comma != NUMBER_UNSEEN)
        self->comma = NUMBER_GROUPS;
    return !is_open;
}

/* ---- reading ---------------------------------------------------------------------------- */

/* Digits in groups of three, or of two before the last three (India); the first one shorter. */
static bool
are_groups(const size_t *groups, size_t count)
{
    bool by_three = true, by_two = true;

    if (count == 1)
        return true;
    if (groups[count - 1] != 3)
        return false;
    for (size_t i = 1; i + 1 < count; i++) {
        by_three = by_three && groups[i] == 3;
        by_two = by_two && groups[i] == 2;
    }
    return (by_three && groups[0] >= 1 && groups[0] <= 3) ||
           (by_two && groups[0] >= 1 && groups[0] <= 2);
}

/* Bytes of a mark between groups of digits. */
static size_t
group_mark(const struct number_form *self, const char *text, size_t size)
{
    if (text[0] == '\'' || (text[0] == ',' && self->comma != NUMBER_DECIMAL) ||
        (text[0] == '.' && self->point == NUMBER_GROUPS))
        return 1;
    return blank_at(text, size);
}

/* The digits with a decimal point alone; 0: they are not grouped as numbers are. */
static size_t
make_plain(const struct number_form *self, const struct parts *parts, char out[NUMBER_BYTES])
{
    size_t groups[16] = {0}, count = 1, used = 0, at = 0, mark;
    const char *kind = NULL;

    if (parts->size > NUMBER_BYTES - 8)
        return 0;
    for (; at < parts->size; at++) {
        const char *text = parts->digits + at;

        if (is_digit(*text)) {
            out[used++] = *text;
            groups[count - 1]++;
            continue;
        }
        if ((*text == ',' && self->comma == NUMBER_DECIMAL) ||
            (*text == '.' && self->point != NUMBER_GROUPS))
            break;
        mark = group_mark(self, text, parts->size - at);
        if (mark == 0 || count == 16 || (kind && *kind != *text))
            return 0;
        kind = text;
        at += mark - 1;
        count++;
    }
    if (!are_groups(groups, count))
        return 0;
    if (at < parts->size)
        out[used++] = '.';
    for (at++; at < parts->size; at++) {
        if (!is_digit(parts->digits[at]))
            return 0;
        out[used++] = parts->digits[at];
    }
    return used;
}

enum number_kind
number_read(const struct number_form *self, const char *text, size_t size, double *ret)
{
    char plain[NUMBER_BYTES];
    struct parts parts;
    double value;

    if (self->point != NUMBER_GROUPS && decimal_parse(text, size, ret))
        return NUMBER_READ;
    if (number_is_missing(text, size))
        return NUMBER_MISSING;
    if (!take_apart(text, size, &parts))
        return NUMBER_WRONG;
    size_t used = make_plain(self, &parts, plain);
    if (used == 0)
        return NUMBER_WRONG;
    if (parts.exponent) { /* as a power of ten, so that it is rounded once */
        plain[used++] = 'e';
        if (parts.exponent >= 10)
            plain[used++] = '1';
        plain[used++] = (char)('0' + parts.exponent % 10);
    }
    if (!decimal_parse(plain, used, &value))
        return NUMBER_WRONG;
    *ret = parts.is_negative ? -value : value;
    return NUMBER_READ;
}

const char *
number_example(const struct number_form *self)
{
    if (self->comma == NUMBER_DECIMAL)
        return self->point == NUMBER_GROUPS ? "1.234,5" : "1234,5";
    return self->comma == NUMBER_GROUPS ? "1,234.5" : "1234.5";
}
