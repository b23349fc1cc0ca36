/* template - a text with {{names}} in it, filled in.
 */
#ifndef ACTORS_HTTP_WEB_TEMPLATE_H
#define ACTORS_HTTP_WEB_TEMPLATE_H

#include <stddef.h>

struct template_value {
    const char *name;
    const char *text;   /* escaped where it is put in */
    const char *markup; /* instead of text: as it is, so never what somebody else wrote */
};

/* A {{name}} that is not among the values stays as it stands. The caller frees the answer. */
char *template_fill(const char *template, const struct template_value *values, size_t count,
                    size_t *ret_size);

#endif
