#include "actors/kit/fields/json_text.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digits that always read back, and those that often do. */
enum { DIGITS = 17, FEWER = 15, NUMBER_BYTES = 40 };

size_t
json_text_depth(const char *text, size_t size)
{
    size_t depth = 0, deepest = 0;
    bool in_string = false;

    for (size_t i = 0; i < size; i++) {
        if (in_string && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_string = !in_string;
        else if (!in_string && (text[i] == '{' || text[i] == '['))
            deepest = ++depth > deepest ? depth : deepest;
        else if (!in_string && (text[i] == '}' || text[i] == ']') && depth > 0)
            depth--;
    }
    return deepest;
}

json_t *
json_text_object(const char *text, size_t size, size_t max_depth, char why[JSON_TEXT_WHY])
{
    char unasked[JSON_TEXT_WHY], *out = why ? why : unasked;
    json_error_t error = {.line = 0};
    json_t *value;

    if (json_text_depth(text, size) > max_depth) {
        snprintf(out, JSON_TEXT_WHY, "is nested deeper than %zu levels", max_depth);
        return NULL;
    }
    value = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(value))
        return value;
    if (value)
        snprintf(out, JSON_TEXT_WHY, "is not a JSON object");
    else
        snprintf(out, JSON_TEXT_WHY, "is not valid JSON: line %d, column %d: %s", error.line,
                 error.column, error.text);
    json_decref(value);
    return NULL;
}

/* --- writing ------------------------------------------------------------------------------ */

/* 1e+05 is 1e5, and 12 is 12.0: what was no whole number does not become one. */
static void
tidy_number(char *number)
{
    char *exponent = strchr(number, 'e');

    if (!exponent) {
        if (!strchr(number, '.'))
            strcat(number, ".0");
        return;
    }
    char *to = exponent + 1, *from = to;

    if (*from == '-')
        to++;
    from += *from == '+' || *from == '-';
    while (*from == '0' && from[1])
        from++;
    memmove(to, from, strlen(from) + 1);
}

/* The number at `from`, of `size` bytes, is written to `to`; where it ends there. */
static char *
write_shortest(char *to, const char *from, size_t size)
{
    const double value = strtod(from, NULL);
    char number[NUMBER_BYTES];

    /* the smallest numbers of all have fewer digits than the others */
    for (int digits = fabs(value) < DBL_MIN ? 1 : FEWER; digits < DIGITS; digits++) {
        snprintf(number, sizeof(number), "%.*g", digits, value);
        if (strtod(number, NULL) != value)
            continue;
        tidy_number(number);
        if (strlen(number) >= size)
            break;
        for (const char *at = number; *at; at++)
            *to++ = *at;
        return to;
    }
    memmove(to, from, size);
    return to + size;
}

/* Whole ones have no point, and are left alone. */
static bool
is_real(const char *text, size_t size)
{
    return (*text == '-' || (*text >= '0' && *text <= '9')) &&
           (memchr(text, '.', size) || memchr(text, 'e', size));
}

/* In place: no number grows. */
static void
shorten_numbers(char *text)
{
    static const char number_letters[] = "+-.0123456789eE";
    const char *from = text;
    char *to = text;
    bool in_string = false;

    while (*from) {
        const size_t size = in_string ? 0 : strspn(from, number_letters);

        if (size && is_real(from, size)) {
            to = write_shortest(to, from, size);
            from += size;
            continue;
        }
        if (in_string && *from == '\\')
            *to++ = *from++;
        else if (*from == '"')
            in_string = !in_string;
        *to++ = *from++;
    }
    *to = '\0';
}

char *
json_text_of(const json_t *value, size_t flags)
{
    char *text = value ? json_dumps(value, flags | JSON_REAL_PRECISION(DIGITS)) : NULL;

    if (text)
        shorten_numbers(text);
    return text;
}
