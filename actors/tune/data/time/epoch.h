/* epoch - a column of numbers as times since 1970.
 *
 * The column as a whole has one unit: seconds, ms, us or ns, by its largest number, which must
 * be of 1973 or later in it. So no day number of a spreadsheet, no 03012022 and no counter is
 * taken for a time. */
#ifndef ACTORS_TUNE_DATA_TIME_EPOCH_H
#define ACTORS_TUNE_DATA_TIME_EPOCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One number; it stays what it is until the whole column is known. */
struct epoch_column {
    double largest, smallest;
    size_t fractions; /* cells with a decimal point */
};

#define EPOCH_COLUMN_EMPTY                   \
    {                                        \
        .largest = -1e300, .smallest = 1e300 \
    }

/* Digits, perhaps a minus and a fraction; no leading zero. *ret: the number times 1000, or if
 * it is too large for that, the number. */
bool epoch_read(struct epoch_column *self, const char *text, size_t size, int64_t *ret);

/* What the largest number says: "epoch seconds"; NULL: no unit makes it a time. */
const char *epoch_unit(const struct epoch_column *self);
/* One of the numbers as epoch_read gave it, in the column's unit; false: outside 1900-2100. */
bool epoch_ms(const struct epoch_column *self, int64_t number, int64_t *ret_ms);

#endif
