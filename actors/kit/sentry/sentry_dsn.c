#include "actors/kit/sentry/sentry_dsn.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD "[A-Za-z0-9_-]"
#define NAME "[A-Za-z0-9_.~-]+"
/* SCHEME://, KEY, :SECRET, HOST:PORT, HOST, PORT, /PATH, its last part, PROJECT */
#define DSN                          \
    "^(https?://)(" WORD "+)(:" WORD \
    "*)?@((\\[[a-fA-F0-9:.]+\\]|[A-Za-z0-9_.-]+)(:[0-9]+)?)((/" NAME ")*)/(" NAME ")$"

enum { SCHEME = 1, KEY, HOST = 4, PORT = 6, PATH, PROJECT = 9, PARTS };

static int
size_of(regmatch_t part)
{
    return (int)(part.rm_eo - part.rm_so);
}

bool
sentry_dsn_parse(const char *text, size_t size, struct sentry_dsn *ret)
{
    char dsn[SENTRY_DSN_MAX + 1];
    regmatch_t at[PARTS];
    regex_t shape;
    bool is_one;

    if (size > SENTRY_DSN_MAX || memchr(text, '\0', size))
        return false;
    snprintf(dsn, sizeof(dsn), "%.*s", (int)size, text);
    if (regcomp(&shape, DSN, REG_EXTENDED) != 0)
        return false;
    is_one = regexec(&shape, dsn, PARTS, at, 0) == 0;
    regfree(&shape);
    if (is_one && at[PORT].rm_so >= 0) {
        const unsigned long port = strtoul(dsn + at[PORT].rm_so + 1, NULL, 10);

        is_one = port > 0 && port <= 65535;
    }
    if (is_one) {
        snprintf(ret->key, sizeof(ret->key), "%.*s", size_of(at[KEY]), dsn + at[KEY].rm_so);
        snprintf(ret->url, sizeof(ret->url), "%.*s%.*s%.*s/api/%.*s/envelope/",
                 size_of(at[SCHEME]), dsn, size_of(at[HOST]), dsn + at[HOST].rm_so,
                 size_of(at[PATH]), dsn + at[PATH].rm_so, size_of(at[PROJECT]),
                 dsn + at[PROJECT].rm_so);
    }
    explicit_bzero(dsn, sizeof(dsn));
    return is_one;
}
