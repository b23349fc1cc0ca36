/* openapi - GET /openapi.json: the description of this API, from the tables it is made of.
 */
#ifndef ACTORS_HTTP_WEB_OPENAPI_H
#define ACTORS_HTTP_WEB_OPENAPI_H

#include "actors/http/core/route.h"
#include "actors/kit/runtime/settings.h"

/* The caller frees it. */
char *openapi_render(const settings_t *settings, const struct route_table *routes);

#endif
