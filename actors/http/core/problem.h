/* problem - an error as a client sees it: RFC 9457 problem+json with our `code` and `errors`.
 *
 * Title and status come from errors.def. What is kept and replayed byte for byte, the failure
 * of a tune, has nothing of one request in it; any other problem has the request's trace_id.
 */
#ifndef ACTORS_HTTP_CORE_PROBLEM_H
#define ACTORS_HTTP_CORE_PROBLEM_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/message.h"

#define PROBLEM_ERRORS 16
#define PROBLEM_TYPE   "application/problem+json"

struct problem {
    tm_err_t err;
    char detail[1024];  /* empty: the text of err */
    size_t error_count; /* more than PROBLEM_ERRORS are left out */
    struct {
        char loc[80];
        char msg[512];
    } errors[PROBLEM_ERRORS];
    const json_t *faults; /* of a file's cells, which stand for errors; borrowed, NULL: none */
    uint32_t retry_after_s;     /* 0: none; 429 and 503 get 1 */
    char tune_id[TM_UUID_TEXT]; /* empty: none */
};

/* No error yet. A problem is large: where most requests have none, only what says so is set. */
static inline void
problem_none(struct problem *self)
{
    self->err = TM_OK;
    self->error_count = 0;
    self->faults = NULL;
    self->retry_after_s = 0;
    self->detail[0] = self->tune_id[0] = '\0';
}
void problem_init(struct problem *self, tm_err_t err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A wrong field. The first one's err becomes the problem's if there is none yet. */
void problem_add(struct problem *self, tm_err_t err, const char *loc, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* trace_id NULL: without one. The caller frees it. */
char *problem_render(const struct problem *self, const char *trace_id);
uint32_t problem_retry_after_s(const struct problem *self);

#endif
