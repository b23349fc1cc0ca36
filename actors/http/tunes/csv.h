/* csv - CSV text (RFC 4180) that a spreadsheet does not take for formulas. Pure.
 */
#ifndef ACTORS_HTTP_TUNES_CSV_H
#define ACTORS_HTTP_TUNES_CSV_H

#include <jansson.h>
#include <stdbool.h>

typedef struct csv csv_t;
csv_t *csv_new(void);
void csv_destroy(csv_t **self_p);

/* One cell. A text that begins with = + - @ tab or CR gets an apostrophe before it. */
void csv_text(csv_t *self, const char *text);
void csv_number(csv_t *self, double value); /* the shortest digits that read back the same */
/* Text, number, boolean, null (empty), or anything else as JSON. */
void csv_value(csv_t *self, const json_t *value);
void csv_end_row(csv_t *self);
char *csv_take(csv_t *self,
               size_t *ret_size); /* what was written so far; the caller frees it */

enum {
    CSV_ROWS = 10000
}; /* a leaderboard for download has so many, unless it is told a limit */

/* The leaderboard's items as rows under a header. NULL: `json` is not a leaderboard. */
char *csv_leaderboard(const char *json, size_t *ret_size);

#endif
