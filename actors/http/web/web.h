/* web - the pages for people, and what they load: all of it is in the binary (embedded.h).
 *
 * A page is shell.html, in it the part of pages.def's row, and a module of JavaScript that does
 * the rest through the same addresses every client has. Nothing that a user said is put into a
 * page here.
 */
#ifndef ACTORS_HTTP_WEB_H
#define ACTORS_HTTP_WEB_H

#include "actors/http/web/pages.def"

typedef struct request request_t;

/* web_tunes, web_tune ... : GET /admin/... */
#define P(name, title) void web_##name(request_t *request);
WEB_PAGES(P)
#undef P

/* GET /admin/assets/{name}: may be kept, and is asked for again with its ETag. */
void web_asset(request_t *request);

#endif
