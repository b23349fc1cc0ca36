#include "actors/tune/data/bar_rows.h"

#include <string.h>

const char *const bar_value_words[VALUES] = {"open", "high", "low", "close", "volume"};

void
bar_rows_rewind(struct bar_reader *self)
{
    const struct layout *layout = self->layout;

    cells_init(&self->cells, layout->rows.at, layout->rows.size, layout->separator);
    self->cells.next_line = layout->first_line;
    self->others = 0;
}

static bool
is_same(const struct cell *a, const struct cell *b)
{
    return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

static bool
is_wanted(struct bar_reader *self)
{
    const struct cell *symbol = &self->row[self->layout->symbol];
    const char *wanted = self->options->symbol;

    if (wanted)
        return strlen(wanted) == symbol->size &&
               strncasecmp(wanted, symbol->text, symbol->size) == 0;
    if (!self->symbol.text)
        self->symbol = *symbol;
    if (is_same(&self->symbol, symbol) || symbol->size == 0)
        return true;
    self->others++;
    return true;
}

size_t
bar_rows_next(struct bar_reader *self)
{
    size_t count;

    while ((count = cells_row(&self->cells, self->row, DATA_MAX_COLUMNS)) > 0) {
        if (self->layout->symbol == HEADER_NONE || count <= self->layout->symbol ||
            is_wanted(self))
            return count;
        self->others++;
    }
    return 0;
}
