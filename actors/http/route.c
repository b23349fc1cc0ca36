#include "actors/http/route.h"

#include "actors/http/backtest_intake.h"
#include "actors/http/backtest_run.h"
#include "actors/http/openapi.h"
#include "actors/http/reads.h"
#include "actors/http/status.h"
#include "actors/http/tune_control.h"
#include "actors/http/tune_intake.h"

static const route_t routes[] = {
#define R(ID, method, path, access, body, query, handler, answer, summary) \
    {#ID, method, path, ACCESS_##access, BODY_##body, query, handler, answer, summary},
    HTTP_ROUTES(R)
#undef R
};

const route_t *
route_at(size_t index)
{
    return index < ROUTE_COUNT ? &routes[index] : NULL;
}

/* Segment by segment; {id} stands for any segment that is not empty. */
static bool
is_path(const char *pattern, const char *path, tm_str_t *ret_id)
{
    while (*pattern == '/' && *path == '/') {
        size_t want = strcspn(++pattern, "/"), have = strcspn(++path, "/");

        if (want == 4 && memcmp(pattern, "{id}", 4) == 0 && have > 0)
            *ret_id = (tm_str_t){path, have};
        else if (want != have || memcmp(pattern, path, want) != 0)
            return false;
        pattern += want;
        path += have;
    }
    return *pattern == '\0' && *path == '\0';
}

static bool
takes(const route_t *route, const char *method)
{
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    return strcmp(route->method, method) == 0;
}

static void
allow(struct route_match *match, const char *method)
{
    size_t used = strlen(match->allow);

    snprintf(match->allow + used, sizeof(match->allow) - used, "%s%s%s", used ? ", " : "",
             method, strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

tm_err_t
route_find(const char *method, const char *path, struct route_match *ret)
{
    struct route_match match = {.id = tm_str(NULL)};

    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (!is_path(routes[i].path, path, &match.id))
            continue;
        if (takes(&routes[i], method)) {
            match.route = &routes[i];
            *ret = match;
            return TM_OK;
        }
        allow(&match, routes[i].method);
    }
    *ret = match;
    return match.allow[0] ? TM_METHOD_NOT_ALLOWED : TM_NOT_FOUND;
}
