/* Neither form is read, though each could be guessed: 03-01-22 is three days, and 44564 is two,
 * for spreadsheets count from 1900 or from 1904. */
#include "actors/tune/data/date_hint.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 3, DAY_NUMBER_MIN = 15000, DAY_NUMBER_MAX = 75000 }; /* of 1941 to 2105 */

static bool
is_separator(char letter)
{
    return strchr("/.-", letter) != NULL;
}

/* One part, of digits or of letters; its size. */
static size_t
read_part(const char *at, const char *end, bool *ret_is_number)
{
    const char *from = at;

    *ret_is_number = at < end && isdigit((unsigned char)*at);
    while (at < end &&
           (*ret_is_number ? isdigit((unsigned char)*at) : isalpha((unsigned char)*at)))
        at++;
    return (size_t)(at - from);
}

/* 03/01/22, 22-1-3, 03-Jan-22, with or without a time behind it. */
static bool
has_short_year(const struct cell *cell)
{
    const char *at = cell->text, *end = cell->text + cell->size;
    size_t numbers = 0;

    for (size_t i = 0; i < PARTS; i++) {
        bool is_number;
        const size_t size = read_part(at, end, &is_number);

        if (size == 0 || (is_number && size > 2))
            return false;
        numbers += is_number;
        at += size;
        if (i + 1 < PARTS && (at >= end || !is_separator(*at++)))
            return false;
    }
    return numbers >= 2 && (at == end || *at == ' ' || *at == 'T');
}

static bool
is_day_number(const struct cell *cell)
{
    char text[32], *end;
    double number;

    if (cell->size == 0 || cell->size >= sizeof text || !isdigit((unsigned char)cell->text[0]))
        return false;
    memcpy(text, cell->text, cell->size);
    text[cell->size] = '\0';
    number = strtod(text, &end);
    return *end == '\0' && number >= DAY_NUMBER_MIN && number <= DAY_NUMBER_MAX;
}

const char *
date_hint(const struct cell *cell, const char *otherwise)
{
    if (has_short_year(cell))
        return "has a year of two digits; write dates as 2022-01-03";
    if (is_day_number(cell))
        return "is no date, but maybe the day number of a spreadsheet; format that column as a "
               "date, 2022-01-03";
    return otherwise;
}
