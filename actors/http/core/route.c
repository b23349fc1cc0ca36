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

/* "{id}" stands for any segment that is not empty, "{name}" for a name. */
static bool
take_segment(const char *pattern, tm_str_t segment, struct route_match *match)
{
    const bool is_id = strncmp(pattern, "{id}", 4) == 0;

    if (is_id ? segment.size == 0 : !route_is_name(segment))
        return false;
    *(is_id ? &match->id : &match->name) = segment;
    return true;
}

static bool
is_path(const char *pattern, const char *path, struct route_match *match)
{
    match->id = match->name = tm_str(NULL);
    while (*pattern) {
        if (*pattern == '{') {
            const size_t size = strcspn(path, "/");

            if (!take_segment(pattern, (tm_str_t){path, size}, match))
                return false;
            pattern = strchr(pattern, '}') + 1;
            path += size;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *path == '\0';
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

/* Of the routes whose path has a placeholder, or of the others. */
static tm_err_t
find_among(const struct route_table *table, bool has_placeholder, const char *method,
           const char *path, struct route_match *ret)
{
    struct route_match match = {.id = tm_str(NULL)};

    for (size_t i = 0; i < table->count; i++) {
        const route_t *route = &table->rows[i];

        if ((strchr(route->path, '{') != NULL) != has_placeholder ||
            !is_path(route->path, path, &match))
            continue;
        if (takes_method(route, method)) {
            match.route = route;
            *ret = match;
            return TM_OK;
        }
        allow_method(&match, route->method);
    }
    match.id = match.name = tm_str(NULL);
    *ret = match;
    return match.allow[0] ? TM_METHOD_NOT_ALLOWED : TM_NOT_FOUND;
}

tm_err_t
route_find(const struct route_table *table, const char *method, const char *path,
           struct route_match *ret)
{
    const tm_err_t err = find_among(table, false, method, path, ret);

    return err == TM_NOT_FOUND ? find_among(table, true, method, path, ret) : err;
}
