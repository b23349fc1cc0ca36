/* tune_field - the rows of tune_request.def, and how a field is read from text.
 *
 * The rows are also what the documentation of the HTTP interface is made from. */
#ifndef ACTORS_KIT_CONTRACTS_TUNE_FIELD_H
#define ACTORS_KIT_CONTRACTS_TUNE_FIELD_H

#include <jansson.h>

#include "actors/kit/contracts/tune_error.h"

typedef enum { TUNE_UUID, TUNE_CHOICE, TUNE_INT, TUNE_NUM, TUNE_JSON, TUNE_DATE } tune_kind_t;

typedef struct {
    const char *name;
    tune_kind_t kind;
    const char *standard; /* default, NULL: none */
    double min, max;
    tm_err_t err;
    const char *doc;
    const char *choices;
} tune_field_t;

const tune_field_t *tune_field_at(size_t index); /* NULL behind the last */
const tune_field_t *tune_field_find(const char *name);

/* The value as JSON, owned by the caller; NULL: refused, *ret says why. max: instead of the
 * table's where that is 0. */
json_t *tune_field_read(const tune_field_t *field, const char *text, size_t size, double max,
                        struct tune_request_error *ret);

/* How deep brackets nest, a bound for the recursion of the parser. */
size_t tune_json_depth(const char *text, size_t size);

/* A real date's start in UTC; false if it is none. */
bool tune_date_parse(const char *text, int64_t *ret_ms);

#endif
