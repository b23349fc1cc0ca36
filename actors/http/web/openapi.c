#include "actors/http/web/openapi.h"

#include "actors/http/core/request.h"
#include "actors/http/web/embedded.h"
#include "actors/http/web/web.h"

void
openapi_run(request_t *request)
{
    if (request_bridge(request)->settings->http_docs_enabled)
        web_reply_asset(request, &web_openapi);
    else
        request_fail(request, TM_NOT_FOUND, "");
}
