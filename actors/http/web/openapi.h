/* openapi - GET /openapi.json: openapi.json, byte for byte as it stands beside this file.
 *
 * It is kept by hand. tests/unit/test_openapi.c holds it to the tables of routes, parameters,
 * forms and errors, tests/e2e/ to what a running system answers: whoever adds a route describes
 * it there and drives it there.
 */
#ifndef ACTORS_HTTP_WEB_OPENAPI_H
#define ACTORS_HTTP_WEB_OPENAPI_H

typedef struct request request_t;

void openapi_run(request_t *request); /* NOT_FOUND unless http.docs_enabled */

#endif
