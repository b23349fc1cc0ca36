#include "proto/error.h"

#include <string.h>

static const struct {
    const char *name;
    const char *text;
    int http;
    bool retryable;
} rows[TM_ERR_COUNT] = {
#define E(name, http, retryable, text) [TM_##name] = {#name, text, http, retryable},
    TM_ERRORS(E)
#undef E
};

/* A number from outside the table is a failure of ours, and says so. */
static size_t
row_of(tm_err_t err)
{
    return (unsigned)err < TM_ERR_COUNT ? (size_t)err : (size_t)TM_INTERNAL;
}

const char *
tm_err_name(tm_err_t err)
{
    return rows[row_of(err)].name;
}

const char *
tm_err_text(tm_err_t err)
{
    return rows[row_of(err)].text;
}

int
tm_err_http(tm_err_t err)
{
    return rows[row_of(err)].http;
}

bool
tm_err_retryable(tm_err_t err)
{
    return rows[row_of(err)].retryable;
}

tm_err_t
tm_err_by_name(const char *name, size_t size)
{
    for (size_t i = 0; i < TM_ERR_COUNT; i++)
        if (strlen(rows[i].name) == size && memcmp(rows[i].name, name, size) == 0)
            return (tm_err_t)i;
    return TM_INTERNAL;
}
