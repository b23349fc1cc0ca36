/* html - a text that grows: markup of ours as it is, everybody else's text escaped.
 *
 * What is put into an address (href, Location) goes through html_percent; what html_text wrote
 * may stand between tags and within "quoted" attributes.
 */
#ifndef ACTORS_HTTP_CORE_HTML_H
#define ACTORS_HTTP_CORE_HTML_H

#include <stddef.h>

typedef struct html html_t;

html_t *html_new(void);
void html_destroy(html_t **self_p);

void html_add(html_t *self, const char *markup); /* as it is */
void html_add_some(html_t *self, const char *markup, size_t size);
void html_printf(html_t *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));         /* as it is: for numbers and constants */
void html_text(html_t *self, const char *text);    /* & < > " ' escaped; NULL: nothing */
void html_percent(html_t *self, const char *text); /* as a path: but for A-Z a-z 0-9 -._~/ */
void html_percent_all(html_t *self, const char *text); /* as a value: / too */

/* The text, which the caller frees. */
char *html_take(html_t **self_p, size_t *ret_size);

#endif
