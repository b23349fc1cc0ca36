/* web - the pages for people, and what they load: all of it is in the binary (embedded.h).
 *
 * A page is shell.html, in it the part of pages.def's row, and a module of JavaScript that does
 * the rest through the same addresses every client has. Nothing that a user said is put into
 * those pages here. The health page is made by the server whole (health_page.h).
 */
#ifndef ACTORS_HTTP_WEB_H
#define ACTORS_HTTP_WEB_H

#include <stdbool.h>

typedef struct request request_t;

/* A page with markup of its own making; assets/name.js is its module. */
struct web_page {
    const char *name, *title;
    const char *head, *main; /* markup, as it is: what others said is escaped in it already */
    bool is_whole;           /* also without JavaScript */
};
void web_page(request_t *request, const struct web_page *page);

/* What may be kept, and is asked for again with its ETag: 304 if that is still the same. */
struct web_asset;
void web_reply_asset(request_t *request, const struct web_asset *asset);

#endif
