/* tune_error - what is wrong with a field of a request, for people. */
#ifndef ACTORS_KIT_CONTRACTS_TUNE_ERROR_H
#define ACTORS_KIT_CONTRACTS_TUNE_ERROR_H

#include <stdbool.h>

#include "proto/message.h"

/* One wrong field, for problem+json's errors[]. */
struct tune_request_error {
    tm_err_t err;   /* the first error's own code, e.g. TM_INVALID_SEARCH_TYPE */
    char field[64]; /* "" for the whole */
    char text[512];
};

/* Writes it; returns err. */
tm_err_t tune_refuse(struct tune_request_error *ret, tm_err_t err, const char *field,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
