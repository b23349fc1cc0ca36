#include "actors/explain/llm/addresses.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "actors/kit/util/auto.h"

typedef CURLU curlu_t;

static void
curlu_destroy(curlu_t **self_p)
{
    curl_url_cleanup(*self_p);
    *self_p = NULL;
}

/* "" if it has none; the caller frees it. */
static char *
part(CURLU *url, CURLUPart what)
{
    char *text = NULL, *copy;

    if (curl_url_get(url, what, &text, 0) != CURLUE_OK)
        return strdup("");
    copy = strdup(text);
    curl_free(text);
    return copy;
}

static bool
has(CURLU *url, CURLUPart what)
{
    tm_auto(tm_text) text = part(url, what);

    return text && text[0];
}

static bool
is_this_machine(const char *host)
{
    struct in_addr address;

    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

/* How much of the path the base ends with: all of it, its first part, or nothing. */
static size_t
overlap(const char *base, size_t size, const char *path)
{
    const size_t parts[] = {strlen(path), 1 + strcspn(path + 1, "/")};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (size >= parts[i] && memcmp(base + size - parts[i], path, parts[i]) == 0)
            return parts[i];
    return 0;
}

static char *
join(const char *base, const char *path)
{
    size_t size = strlen(base);
    char *url = NULL;

    while (size > 0 && base[size - 1] == '/')
        size--;
    if (asprintf(&url, "%.*s%s", (int)size, base, path + overlap(base, size, path)) < 0)
        return NULL;
    return url;
}

static char *
origin_of(CURLU *url, const char *scheme, const char *host)
{
    tm_auto(tm_text) port = part(url, CURLUPART_PORT);
    char *origin = NULL;

    if (!port || asprintf(&origin, "%s://%s%s%s", scheme, host, port[0] ? ":" : "", port) < 0)
        return NULL;
    return origin;
}

static const char *
check(CURLU *url, const char *scheme, bool is_local)
{
    if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
        return "begins with neither https:// nor http://";
    if (has(url, CURLUPART_USER) || has(url, CURLUPART_PASSWORD))
        return "holds a user or a password, which do not belong there";
    if (has(url, CURLUPART_QUERY) || has(url, CURLUPART_FRAGMENT))
        return "holds ? or #, where only an address belongs";
    if (strcmp(scheme, "http") == 0 && !is_local)
        return "is plain http and leads off this machine: everybody on the way could read the "
               "key; use https";
    return NULL;
}

const char *
llm_address_read(const char *base, const char *path, struct llm_address *ret)
{
    tm_auto(curlu) url = curl_url();
    tm_auto(tm_text) scheme = NULL;
    tm_auto(tm_text) host = NULL;
    const char *wrong;

    if (!url || curl_url_set(url, CURLUPART_URL, base, 0) != CURLUE_OK)
        return "is no URL, like https://host/v1";
    scheme = part(url, CURLUPART_SCHEME);
    host = part(url, CURLUPART_HOST);
    if (!scheme || !host)
        return "could not be read: out of memory";
    wrong = check(url, scheme, is_this_machine(host));
    if (wrong)
        return wrong;
    *ret = (struct llm_address){.url = join(base, path),
                                .origin = origin_of(url, scheme, host),
                                .is_local = is_this_machine(host)};
    if (ret->url && ret->origin)
        return NULL;
    llm_address_fini(ret);
    return "could not be read: out of memory";
}

void
llm_address_fini(struct llm_address *self)
{
    free(self->url);
    free(self->origin);
    *self = (struct llm_address){.url = NULL};
}
