/* pg_copy - rows into PostgreSQL by COPY in binary format, in pieces of a fixed size. */
#ifndef ACTORS_KIT_PG_PG_COPY_H
#define ACTORS_KIT_PG_PG_COPY_H

#include "actors/kit/pg/pg.h"

#define PG_COPY_BYTES 65536

typedef struct {
    PGconn *connection;
    bool is_broken; /* a write failed; the rest is dropped */
    size_t used;
    char buffer[PG_COPY_BYTES];
} pg_copy_t;

/* statement: prepared on the connection, a COPY ... FROM STDIN (FORMAT binary). */
TM_CHECKED tm_err_t pg_copy_begin(pg_copy_t *self, PGconn *connection, const char *statement);
/* TM_STORE_DOWN, TM_BUSY, or TM_INTERNAL when the server refused the rows. */
TM_CHECKED tm_err_t pg_copy_end(pg_copy_t *self);

void pg_copy_row(pg_copy_t *self, int fields); /* then so many of the following */
void pg_copy_null(pg_copy_t *self);
void pg_copy_i32(pg_copy_t *self, int32_t value);
void pg_copy_f64(pg_copy_t *self, double value); /* NaN: null */
void pg_copy_bytes(pg_copy_t *self, const void *data, size_t size);
void pg_copy_text(pg_copy_t *self, const char *text); /* NULL: null */
/* NaN stays NaN; NULL: null */
void pg_copy_f64_array(pg_copy_t *self, const double *values, size_t count);

#endif
