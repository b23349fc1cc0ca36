#include "actors/tune/data/bare_layout.h"

#include <string.h>

#include "actors/tune/data/time/stamp.h"
#include "actors/tune/engine/decimal.h"

/* One letter for each column. In `shape`, what its cells look like: d 2022.01.03, i 2022-01-03,
 * y 20220103, c 17:00 or 170000, s 20220103 170000, e epoch digits, n a number, w a whole
 * number, a a name, p a period, * anything. In `means`: D T S date, time, stamp; O H L C V;
 * Y symbol; - nothing. */
static const struct bare {
    char separator;
    const char *shape, *means, *name;
} layouts[] = {
    {',', "dcnnnnw", "DTOHLCV", "MetaTrader 4, no header"},
    {',', "ennnnnenwnn*", "SOHLCV------", "Binance, no header"},
    {',', "ennnnnw", "SOHLCV-", "Kraken, no header"},
    {',', "ennnnnnw", "SOHLC-V-", "Kraken with VWAP, no header"},
    {';', "snnnnw", "SOHLCV", "HistData, no header"},
    {';', "ynnnnw", "SOHLCV", "NinjaTrader, no header"},
    {',', "apycnnnnn*", "Y-DTOHLCV-", "Stooq, no header"},
    {',', "aicnnnnn", "YDTOHLCV", "Stooq quotes, no header"},
};

static bool
has_shape(const struct cell *cell, const char *shape)
{
    if (strlen(shape) != cell->size)
        return false;
    for (size_t i = 0; i < cell->size; i++) {
        const bool is_digit = cell->text[i] >= '0' && cell->text[i] <= '9';

        if (shape[i] == '0' ? !is_digit : cell->text[i] != shape[i])
            return false;
    }
    return true;
}

static bool
are_digits(const struct cell *cell, size_t least)
{
    for (size_t i = 0; i < cell->size; i++) {
        if (cell->text[i] < '0' || cell->text[i] > '9')
            return false;
    }
    return cell->size >= least;
}

static bool
is_name(const struct cell *cell)
{
    bool has_letter = false;

    for (size_t i = 0; i < cell->size; i++)
        has_letter = has_letter || (cell->text[i] | 0x20) >= 'a';
    return has_letter && cell->size <= 24;
}

static bool
fits_cell(const struct cell *cell, char shape)
{
    double value;

    switch (shape) {
    case 'd':
        return has_shape(cell, "0000.00.00");
    case 'i':
        return has_shape(cell, "0000-00-00");
    case 'y':
        return has_shape(cell, "00000000");
    case 's':
        return has_shape(cell, "00000000 000000");
    case 'c':
        return has_shape(cell, "00:00") || has_shape(cell, "00:00:00") ||
               has_shape(cell, "000000");
    case 'e':
        return are_digits(cell, 9);
    case 'w':
        return are_digits(cell, 1);
    case 'n':
        return decimal_parse(cell->text, cell->size, &value);
    case 'a':
        return is_name(cell);
    case 'p':
        return cell->size >= 1 && cell->size <= 3;
    default:
        return true;
    }
}

static bool
fits(const struct bare *bare, const struct cell *row, size_t count, char separator)
{
    if (bare->separator != separator || strlen(bare->shape) != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!fits_cell(&row[i], bare->shape[i]))
            return false;
    }
    return true;
}

static void
set_columns(const struct bare *bare, struct layout *ret)
{
    static const char values[] = "OHLCV";

    ret->time = ret->unix_time = ret->symbol = HEADER_NONE;
    for (size_t i = 0; bare->means[i]; i++) {
        const char *value = strchr(values, bare->means[i]);

        if (value)
            ret->values[value - values] = i;
        else if (bare->means[i] == 'D' || bare->means[i] == 'S')
            ret->date = i;
        else if (bare->means[i] == 'T')
            ret->time = i;
        else if (bare->means[i] == 'Y')
            ret->symbol = i;
    }
}

const char *
bare_layout_find(const struct cell *row, size_t count, struct layout *ret)
{
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        if (!fits(&layouts[i], row, count, ret->separator))
            continue;
        ret->column_count = count;
        set_columns(&layouts[i], ret);
        return layouts[i].name;
    }
    return NULL;
}
