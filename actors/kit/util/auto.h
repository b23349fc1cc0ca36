/* auto - scoped ownership: `tm_auto(zmsg) msg = zmsg_recv(s);` is freed on every path.
 *
 * Works for every class with a `void T_destroy(T_t **self_p)`, ours and CZMQ's. Initialise
 * where declared; give ownership away by setting the variable to NULL.
 */
#ifndef ACTORS_KIT_UTIL_AUTO_H
#define ACTORS_KIT_UTIL_AUTO_H

#include <jansson.h>
#include <stdlib.h>

#define tm_auto(T) __attribute__((cleanup(T##_destroy))) T##_t *

typedef char tm_text_t; /* tm_auto(tm_text) s = strdup(...) */
static inline void
tm_text_destroy(tm_text_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

static inline void
json_destroy(json_t **self_p)
{
    json_decref(*self_p);
    *self_p = NULL;
}

#endif
