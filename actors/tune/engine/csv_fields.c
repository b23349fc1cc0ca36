#include "actors/tune/engine/csv_fields.h"

#include <string.h>

void
csv_cursor_init(struct csv_cursor *self, const char *data, size_t size)
{
    *self = (struct csv_cursor){.at = data, .end = data + size, .next_line = 1};
}

static inline bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static inline struct csv_field
trimmed(const char *first, const char *last)
{
    while (first < last && is_blank(*first))
        first++;
    while (last > first && is_blank(last[-1]))
        last--;
    return (struct csv_field){first, (size_t)(last - first)};
}

/* The cursor stands on the opening quote. A doubled quote stays doubled: no value that matters
 * here may hold one. */
static struct csv_field
quoted_field(struct csv_cursor *self)
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
    while (self->at < self->end && *self->at != ',' && *self->at != '\n')
        self->at++;
    if (trimmed(tail, self->at).size > 0)
        last =
            self->at; /* text after the closing quote: kept, so that it is seen to be wrong */
    return trimmed(first, last);
}

static inline struct csv_field
next_field(struct csv_cursor *self)
{
    const char *first = self->at;

    if (first < self->end && (*first == '"' || *first == ' ')) {
        while (self->at < self->end && is_blank(*self->at))
            self->at++;
        if (self->at < self->end && *self->at == '"')
            return quoted_field(self);
    }
    while (self->at < self->end && *self->at != ',' && *self->at != '\n')
        self->at++;
    return trimmed(first, self->at);
}

size_t
csv_cursor_row(struct csv_cursor *self, struct csv_field *fields, size_t capacity)
{
    while (self->at < self->end) {
        size_t count = 0;
        struct csv_field field;

        self->line = self->next_line;
        for (;;) {
            field = next_field(self);
            if (count < capacity)
                fields[count] = field;
            count++;
            if (self->at == self->end || *self->at == '\n')
                break;
            self->at++;
        }
        if (self->at < self->end) {
            self->at++;
            self->next_line++;
        }
        if (count > 1 || field.size > 0)
            return count;
    }
    return 0;
}

bool
csv_field_is(const struct csv_field *field, const char *word)
{
    if (strlen(word) != field->size)
        return false;
    for (size_t i = 0; i < field->size; i++) {
        const char c = field->text[i];

        if ((c >= 'A' && c <= 'Z' ? (char)(c + 32) : c) != word[i])
            return false;
    }
    return true;
}
