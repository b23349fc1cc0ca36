/* template - a text with {{names}} in it, filled in. The one place where values become HTML.
 */
#ifndef ACTORS_HTTP_WEB_TEMPLATE_H
#define ACTORS_HTTP_WEB_TEMPLATE_H

#include <stddef.h>
#include <stdio.h>

/* Writes a text so that it is that text in an element and in a quoted attribute. */
void html_escape(FILE *out, const char *text);

struct template_value {
    const char *name;
    const char *text; /* escaped where it is put in */
    const char *html; /* instead of text: put in as it is, so never what somebody else wrote */
};

/* Fills the template's {{name}}s; a name that is not among the values stays as it stands. The
 * caller frees the answer; NULL: out of memory. */
char *template_fill(const char *template, const struct template_value *values, size_t count,
                size_t *ret_size);

#endif
