#include "actors/tune/data/cells.h"

#include <string.h>

void
cells_init(struct cells *self, const char *text, size_t size, char separator)
{
    *self =
        (struct cells){.at = text, .end = text + size, .separator = separator, .next_line = 1};
}

/* A tab that separates is no blank: the loops below never meet it. */
static inline bool
is_blank(char c, char separator)
{
    return (c == ' ' || c == '\t' || c == '\r') && c != separator;
}

static inline struct cell
trimmed(const char *first, const char *last)
{
    while (first < last && is_blank(*first, '\0'))
        first++;
    while (last > first && is_blank(last[-1], '\0'))
        last--;
    return (struct cell){first, (size_t)(last - first)};
}

/* The cursor stands on the opening quote. A doubled quote stays doubled: no value that matters
 * here may hold one. */
static struct cell
quoted_cell(struct cells *self)
{
    const char *first = ++self->at;
    const char *last = self->end;

    self->has_open_quote = true;
    for (; self->at < self->end; self->at++) {
        self->next_line += *self->at == '\n';
        if (*self->at != '"')
            continue;
        if (self->at + 1 < self->end && self->at[1] == '"') {
            self->at++;
            continue;
        }
        last = self->at++;
        self->has_open_quote = false;
        break;
    }
    const char *tail = self->at;
    while (self->at < self->end && *self->at != self->separator && *self->at != '\n')
        self->at++;
    if (trimmed(tail, self->at).size > 0)
        last =
            self->at; /* text after the closing quote: kept, so that it is seen to be wrong */
    return trimmed(first, last);
}

static inline struct cell
next_cell(struct cells *self)
{
    const char *at = self->at, *end = self->end;
    const char separator = self->separator, *first = at;

    if (at < end && (*at == '"' || *at == ' ')) {
        while (at < end && is_blank(*at, separator))
            at++;
        if (at < end && *at == '"') {
            self->at = at;
            return quoted_cell(self);
        }
    }
    while (at < end && *at != separator && *at != '\n')
        at++;
    self->at = at;
    return trimmed(first, at);
}

size_t
cells_row(struct cells *self, struct cell *row, size_t capacity)
{
    while (self->at < self->end) {
        size_t count = 0;
        struct cell cell;

        self->line = self->next_line;
        for (;;) {
            cell = next_cell(self);
            if (count < capacity)
                row[count] = cell;
            count++;
            if (self->at == self->end || *self->at == '\n')
                break;
            self->at++;
        }
        if (self->at < self->end) {
            self->at++;
            self->next_line++;
        }
        if (count > 1 || cell.size > 0)
            return count;
    }
    return 0;
}

size_t
cells_lines(const char *text, size_t size)
{
    const char *end = text + size;
    size_t lines = 1;

    for (const char *p = text; p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
        lines++;
    return lines;
}

bool
cell_is(const struct cell *cell, const char *word)
{
    if (strlen(word) != cell->size)
        return false;
    for (size_t i = 0; i < cell->size; i++) {
        const char c = cell->text[i];

        if ((c >= 'A' && c <= 'Z' ? (char)(c + 32) : c) != word[i])
            return false;
    }
    return true;
}
