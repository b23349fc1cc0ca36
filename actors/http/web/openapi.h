/* openapi - GET /openapi.json: the description of this API, from the tables it is made of.
 */
#ifndef ACTORS_HTTP_WEB_OPENAPI_H
#define ACTORS_HTTP_WEB_OPENAPI_H

#include "actors/kit/runtime/settings.h"

typedef struct request request_t;

void openapi_run(request_t *request);             /* NOT_FOUND unless http.docs_enabled */
char *openapi_render(const settings_t *settings); /* the caller frees it */

#endif
