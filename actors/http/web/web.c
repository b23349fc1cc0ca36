#include "actors/http/web/web.h"

#include <stdio.h>
#include <string.h>

#include "actors/http/core/answer.h"
#include "actors/http/core/headers.h"
#include "actors/http/web/embedded.h"
#include "actors/http/web/pages.def"
#include "actors/http/web/routes.def"
#include "actors/http/web/template.h"
#include "actors/kit/contracts/tune_field.h"
#include "actors/kit/fields/json_text.h"
#include "actors/kit/util/auto.h"

#define WITHOUT_SCRIPT                                                                      \
    "<noscript><p class=\"state error\">These pages need JavaScript. The same is there "    \
    "without "                                                                              \
    "it: <code>tunemill tunes</code>, <code>tunemill queues</code>, <a "                    \
    "href=\"/admin/system/health\">the health page</a>, and <a href=\"/openapi.json\">the " \
    "HTTP "                                                                                 \
    "API</a>.</p></noscript>\n"

/* --- pages -------------------------------------------------------------------------------- */

/* Each one of them is there: a test asks for every page. */
static const char *
text_of(const char *name)
{
    for (size_t i = 0; i < web_text_count; i++)
        if (strcmp(web_texts[i].name, name) == 0)
            return web_texts[i].html;
    return "";
}

/* What the fields of a new tune may be, as JSON. */
static char *
limits_text(const settings_t *settings)
{
    tm_auto(json) limits = tune_fields_limits(settings);

    return json_text_of(limits, JSON_COMPACT);
}

void
web_page(request_t *request, const struct web_page *page)
{
    const settings_t *settings = request_bridge(request)->settings;
    tm_auto(tm_text) limits = limits_text(settings);
    char max_upload_mb[24];
    const struct template_value values[] = {
        {"title", page->title, NULL},
        {"name", page->name, NULL},
        {"head", NULL, page->head},
        {"without_script", NULL, page->is_whole ? "" : WITHOUT_SCRIPT},
        {"main", NULL, page->main},
        {"version", TM_VERSION, NULL},
        {"profile", settings->system_profile, NULL},
        {"max_upload_mb", max_upload_mb, NULL},
        {"limits", limits, NULL},
    };
    size_t size;
    char *html;

    snprintf(max_upload_mb, sizeof(max_upload_mb), "%lld",
             (long long)settings->http_max_upload_mb);
    html = template_fill(text_of("shell"), values, sizeof(values) / sizeof(values[0]), &size);
    answer_page(request, MHD_HTTP_OK, &html, size);
}

static void
show_page(request_t *request, const char *name, const char *title)
{
    const struct web_page page = {name, title, "", text_of(name), false};

    web_page(request, &page);
}

#define P(name, title)                    \
    void web_##name(request_t *request)   \
    {                                     \
        show_page(request, #name, title); \
    }
WEB_PAGES(P)
#undef P

void
web_home(request_t *request)
{
    answer_redirect(request, HOME_PAGE);
}

/* --- assets ------------------------------------------------------------------------------- */

static const struct web_asset *
asset_named(const char *name)
{
    for (size_t i = 0; i < web_asset_count; i++)
        if (strcmp(web_assets[i].name, name) == 0)
            return &web_assets[i];
    return NULL;
}

struct held {
    const char *etag;
    bool is_same;
};

static void
on_none_match(void *arg, const char *value)
{
    struct held *held = arg;

    held->is_same = held->is_same || etag_is_among(value, held->etag);
}

/* It may be kept by the browser, and is asked for again with its ETag. */
void
web_reply_asset(request_t *request, const struct web_asset *asset)
{
    struct held held = {.etag = asset->etag};

    request_headers(request, "If-None-Match", on_none_match, &held);
    answer_header(request, "ETag", asset->etag);
    answer_header(request, "Cache-Control", "no-cache");
    if (held.is_same)
        answer_static(request, MHD_HTTP_NOT_MODIFIED, asset->type, "", 0);
    else
        answer_static(request, MHD_HTTP_OK, asset->type, asset->data, asset->size);
}

void
web_asset(request_t *request)
{
    const struct web_asset *asset = asset_named(request_name_in_path(request));

    if (asset)
        web_reply_asset(request, asset);
    else
        answer_fail(request, TM_NOT_FOUND, "");
}
