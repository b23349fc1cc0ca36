/* copy - rows into PostgreSQL by COPY in binary format, in buffers of a fixed size. */
#ifndef ACTORS_TUNE_STORE_COPY_H
#define ACTORS_TUNE_STORE_COPY_H

#include "actors/kit/pg/pg.h"

#define COPY_BUFFER_BYTES 65536

typedef struct {
    PGconn *connection;
    bool is_broken; /* a write failed; the rest is dropped */
    size_t used;
    char buffer[COPY_BUFFER_BYTES];
} copy_t;

/* statement: prepared on the connection, a COPY ... FROM STDIN (FORMAT binary). */
TM_CHECKED tm_err_t copy_begin(copy_t *self, PGconn *connection, const char *statement);
/* TM_STORE_DOWN, TM_BUSY, or TM_INTERNAL when the server refused the rows. */
TM_CHECKED tm_err_t copy_end(copy_t *self);

void copy_row(copy_t *self, int fields); /* then so many of the following */
void copy_null(copy_t *self);
void copy_i32(copy_t *self, int32_t value);
void copy_f64(copy_t *self, double value); /* NaN: null */
void copy_bytes(copy_t *self, const void *data, size_t size);
void copy_text(copy_t *self, const char *text);
void copy_f64_array(copy_t *self, const double *values, size_t count); /* NaN stays NaN */

#endif
