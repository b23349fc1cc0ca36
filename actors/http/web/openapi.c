/* GET /openapi.json: openapi.json, byte for byte as it stands beside this file.
 *
 * It is kept by hand. tests/unit/http/test_openapi.c holds it to the tables of routes,
 * parameters, forms and errors, tests/e2e/ to what a running system answers: whoever adds a
 * route describes it there and drives it there. */
#include "actors/http/core/answer.h"
#include "actors/http/web/embedded.h"
#include "actors/http/web/routes.def"
#include "actors/http/web/web.h"

/* NOT_FOUND unless http.docs_enabled. */
void
openapi_run(request_t *request)
{
    if (request_bridge(request)->settings->http_docs_enabled)
        web_reply_asset(request, &web_openapi);
    else
        answer_fail(request, TM_NOT_FOUND, "");
}
