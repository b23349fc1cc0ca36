/* csv_fields - the fields of a comma separated file, row by row, without copying. */
#ifndef ENGINE_CSV_FIELDS_H
#define ENGINE_CSV_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

struct csv_field {
    const char *text; /* blanks around it and quotes are not in it */
    size_t size;
};

struct csv_cursor {
    const char *at, *end;
    size_t line; /* of the row read last, from 1 */
    size_t next_line;
    bool has_open_quote; /* the file ended inside quotes */
};

void csv_cursor_init(struct csv_cursor *self, const char *data, size_t size);

/* Reads the next row that is not blank into fields; the fields past `capacity` are counted and
 * not kept. Returns the number of fields in the row, 0 at the end of the data. */
size_t csv_cursor_row(struct csv_cursor *self, struct csv_field *fields, size_t capacity);

/* Is the field this word, in any case? */
bool csv_field_is(const struct csv_field *field, const char *word);

#endif
