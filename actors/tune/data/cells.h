/* cells - a separated text row by row, without copying. */
#ifndef ACTORS_TUNE_DATA_CELLS_H
#define ACTORS_TUNE_DATA_CELLS_H

#include <stdbool.h>
#include <stddef.h>

struct cell {
    const char *text; /* blanks around it and quotes are not in it */
    size_t size;
};

struct cells {
    const char *at, *end;
    char separator;
    size_t line; /* of the row read last, from 1 */
    size_t next_line;
    bool has_open_quote; /* the text ended inside quotes */
};

void cells_init(struct cells *self, const char *text, size_t size, char separator);

/* Reads the next row that is not blank into row; the cells past `capacity` are counted and not
 * kept. Returns the number of cells in the row, 0 at the end of the text. */
size_t cells_row(struct cells *self, struct cell *row, size_t capacity);

/* Lines of the text, the last one without its end too. */
size_t cells_lines(const char *text, size_t size);

/* Is the cell this word, in any case? */
bool cell_is(const struct cell *cell, const char *word);

#endif
