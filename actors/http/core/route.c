#include "actors/http/core/route.h"

bool
route_is_name(tm_str_t text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";

    for (size_t i = 0; i < text.size; i++)
        if (!memchr(allowed, text.data[i], sizeof(allowed) - 1))
            return false;
    return text.size > 0 && text.size <= ROUTE_NAME_MAX;
}

/* {id} stands for any segment that is not empty, {name} for a name; any other for itself. */
static bool
is_segment(tm_str_t pattern, tm_str_t segment, struct route_match *match)
{
    if (tm_str_is(pattern, "{id}") && segment.size > 0)
        match->id = segment;
    else if (tm_str_is(pattern, "{name}") && route_is_name(segment))
        match->name = segment;
    else
        return pattern.size == segment.size &&
               memcmp(pattern.data, segment.data, segment.size) == 0;
    return true;
}

static bool
is_path(const char *pattern, const char *path, struct route_match *match)
{
    match->id = match->name = tm_str(NULL);
    while (*pattern == '/' && *path == '/') {
        size_t want = strcspn(++pattern, "/"), have = strcspn(++path, "/");

        if (!is_segment((tm_str_t){pattern, want}, (tm_str_t){path, have}, match))
            return false;
        pattern += want;
        path += have;
    }
    return *pattern == '\0' && *path == '\0';
}

static bool
takes_method(const route_t *route, const char *method)
{
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    return strcmp(route->method, method) == 0;
}

static void
allow_method(struct route_match *match, const char *method)
{
    size_t used = strlen(match->allow);

    snprintf(match->allow + used, sizeof(match->allow) - used, "%s%s%s", used ? ", " : "",
             method, strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

tm_err_t
route_find(const struct route_table *table, const char *method, const char *path,
           struct route_match *ret)
{
    struct route_match match = {.id = tm_str(NULL)};

    for (size_t i = 0; i < table->count; i++) {
        const route_t *route = &table->rows[i];

        if (!is_path(route->path, path, &match))
            continue;
        if (takes_method(route, method)) {
            match.route = route;
            *ret = match;
            return TM_OK;
        }
        allow_method(&match, route->method);
    }
    *ret = match;
    return match.allow[0] ? TM_METHOD_NOT_ALLOWED : TM_NOT_FOUND;
}
