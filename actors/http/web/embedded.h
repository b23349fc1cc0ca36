/* embedded - what the pages are made of, in the binary; made by embed.cmake. */
#ifndef ACTORS_HTTP_WEB_EMBEDDED_H
#define ACTORS_HTTP_WEB_EMBEDDED_H

#include <stddef.h>

struct web_asset {
    const char *name; /* app.css */
    const char *type;
    const char *etag; /* with its quotes */
    const unsigned char *data;
    size_t size;
};

/* HTML: the shell, and what each page has of its own */
struct web_text {
    const char *name;
    const char *html;
};

extern const struct web_asset web_assets[];
extern const size_t web_asset_count;
extern const struct web_text web_texts[];
extern const size_t web_text_count;
extern const struct web_asset web_openapi; /* openapi.json */

#endif
