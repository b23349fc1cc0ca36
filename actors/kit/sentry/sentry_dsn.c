#include "actors/kit/sentry/sentry_dsn.h"

#include <stdio.h>
#include <string.h>

#include "proto/message.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"
#define WORD    LETTERS DIGITS "_-"

/* What is left to read. */
struct rest {
    const char *at, *end;
};

/* The longest beginning of these characters. */
static tm_str_t
take(struct rest *rest, const char *characters)
{
    const char *from = rest->at;

    while (rest->at < rest->end && *rest->at && strchr(characters, *rest->at))
        rest->at++;
    return (tm_str_t){from, (size_t)(rest->at - from)};
}

static bool
take_text(struct rest *rest, const char *text)
{
    size_t size = strlen(text);

    if ((size_t)(rest->end - rest->at) < size || memcmp(rest->at, text, size) != 0)
        return false;
    rest->at += size;
    return true;
}

static bool
take_key(struct rest *rest, tm_str_t *ret)
{
    *ret = take(rest, WORD);
    if (ret->size == 0)
        return false;
    if (take_text(rest, ":"))
        take(rest, WORD);
    return take_text(rest, "@");
}

static bool
take_port(struct rest *rest)
{
    tm_str_t port = take(rest, DIGITS);
    unsigned number = 0;

    for (size_t i = 0; i < port.size && number <= 65535; i++)
        number = number * 10 + (unsigned)(port.data[i] - '0');
    return number > 0 && number <= 65535;
}

/* HOST[:PORT] */
static bool
take_host(struct rest *rest, tm_str_t *ret)
{
    const char *from = rest->at;
    bool is_good;

    if (take_text(rest, "["))
        is_good = take(rest, "abcdefABCDEF" DIGITS ":.").size > 0 && take_text(rest, "]");
    else
        is_good = take(rest, WORD ".").size > 0;
    if (is_good && take_text(rest, ":"))
        is_good = take_port(rest);
    *ret = (tm_str_t){from, (size_t)(rest->at - from)};
    return is_good;
}

/* [/PATH]/PROJECT, the project being what stands behind the last stroke. */
static bool
take_project(struct rest *rest, tm_str_t *ret_path, tm_str_t *ret_project)
{
    const char *from = rest->at;

    *ret_project = (tm_str_t){NULL, 0};
    while (take_text(rest, "/")) {
        *ret_path = (tm_str_t){from, (size_t)(rest->at - 1 - from)};
        *ret_project = take(rest, WORD ".~");
        if (ret_project->size == 0)
            return false;
    }
    return rest->at == rest->end && ret_project->size > 0;
}

bool
sentry_dsn_parse(const char *text, size_t size, struct sentry_dsn *ret)
{
    struct rest rest = {text, text + size};
    tm_str_t key, host, path, project;
    const char *scheme = "https://";

    if (size > SENTRY_DSN_MAX)
        return false;
    if (!take_text(&rest, scheme)) {
        scheme = "http://";
        if (!take_text(&rest, scheme))
            return false;
    }
    if (!take_key(&rest, &key) || !take_host(&rest, &host) ||
        !take_project(&rest, &path, &project))
        return false;
    snprintf(ret->key, sizeof(ret->key), "%.*s", (int)key.size, key.data);
    snprintf(ret->url, sizeof(ret->url), "%s%.*s%.*s/api/%.*s/envelope/", scheme,
             (int)host.size, host.data, (int)path.size, path.data, (int)project.size,
             project.data);
    return true;
}
