/* error - one code for one way to fail, from errors.def. */
#ifndef PROTO_ERROR_H
#define PROTO_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#include "errors.def"

#ifdef __cplusplus
extern "C" {
#endif

#define TM_CHECKED __attribute__((warn_unused_result))

typedef enum {
#define E(name, http, retryable, text) TM_##name,
    TM_ERRORS(E)
#undef E
        TM_ERR_COUNT
} tm_err_t;

const char *tm_err_name(tm_err_t err); /* "QUEUE_FULL" */
const char *tm_err_text(tm_err_t err); /* a sentence for people, no full stop */
int tm_err_http(tm_err_t err);         /* HTTP status */
bool tm_err_retryable(tm_err_t err);   /* may the same thing succeed later? */
tm_err_t tm_err_by_name(const char *name, size_t size); /* TM_INTERNAL if unknown */

#ifdef __cplusplus
}
#endif

#endif
