#include "actors/kit/sentry/sentry_scrub.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actors/kit/util/auto.h"
#include "proto/message.h"

struct scrub {
    char *secrets[SCRUB_SECRETS]; /* as they stand in JSON, without the quotes */
    size_t count;
};

scrub_t *
scrub_new(void)
{
    return calloc(1, sizeof(scrub_t));
}

void
scrub_destroy(scrub_t **self_p)
{
    scrub_t *self = *self_p;

    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++) {
        explicit_bzero(self->secrets[i], strlen(self->secrets[i]));
        free(self->secrets[i]);
    }
    free(self);
    *self_p = NULL;
}

void
scrub_add(scrub_t *self, const char *secret)
{
    tm_auto(json) value = json_string(secret);
    char *text;

    if (!value || strlen(secret) < SCRUB_SHORTEST || self->count == SCRUB_SECRETS)
        return;
    text = json_dumps(value, JSON_ENCODE_ANY);
    if (!text)
        return;
    text[strlen(text) - 1] = '\0';
    memmove(text, text + 1, strlen(text));
    self->secrets[self->count++] = text;
}

/* --- where secrets are -------------------------------------------------------------------- */

static bool
is_secret_name(const char *name, size_t size)
{
    static const char *const words[] = {"KEY",      "TOKEN", "SECRET",
                                        "PASSWORD", "DSN",   "DATABASE_URL"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (memmem(name, size, words[i], strlen(words[i])))
            return true;
    return false;
}

static void
add_environment(scrub_t *self)
{
    for (char **at = environ; at && *at; at++) {
        size_t size = strcspn(*at, "=");

        if ((*at)[size] && is_secret_name(*at, size))
            scrub_add(self, *at + size + 1);
    }
}

/* SCHEME://USER:PASSWORD@ */
static void
add_password(scrub_t *self, const char *address)
{
    const char *from = strstr(address, "://"), *at = from ? strrchr(from, '@') : NULL;
    const char *colon = at ? memchr(from + 3, ':', (size_t)(at - from - 3)) : NULL;
    tm_auto(tm_text) password = NULL;

    if (!colon)
        return;
    password = tm_str_dup((tm_str_t){colon + 1, (size_t)(at - colon - 1)});
    if (password)
        scrub_add(self, password);
}

/* The key of a DSN is its user. */
static void
add_key(scrub_t *self, const char *dsn)
{
    const char *from = strstr(dsn, "://"), *at = from ? strchr(from, '@') : NULL;
    tm_auto(tm_text) key = NULL;

    if (!at)
        return;
    key = tm_str_dup((tm_str_t){from + 3, strcspn(from + 3, ":@")});
    if (key)
        scrub_add(self, key);
}

void
scrub_settings(scrub_t *self, const settings_t *settings)
{
    scrub_add(self, settings->sentry_dsn);
    add_key(self, settings->sentry_dsn);
    add_password(self, settings->sentry_dsn);
    scrub_add(self, settings->http_admin_token);
    scrub_add(self, settings->database_url);
    add_password(self, settings->database_url);
    add_password(self, settings->events_redis_url);
    add_environment(self);
}

/* --- taking out --------------------------------------------------------------------------- */

/* Length of a known secret at text, 0 if there is none; of two the longer one. */
static size_t
known(const scrub_t *self, const char *text)
{
    size_t longest = 0;

    for (size_t i = 0; i < self->count; i++) {
        size_t size = strlen(self->secrets[i]);

        if (size > longest && strncmp(text, self->secrets[i], size) == 0)
            longest = size;
    }
    return longest;
}

/* Of what looks like one behind the mark that ends at text. */
static size_t
looks_like(const char *before, size_t passed, const char *text)
{
    size_t size;

    if (passed >= 3 && memcmp(before - 3, "://", 3) == 0) {
        size = strcspn(text, "/\"\\ @");
        return text[size] == '@' ? size : 0;
    }
    if (passed >= 9 && strncasecmp(before - 9, "password=", 9) == 0)
        return strcspn(text, "\"\\ &;");
    return 0;
}

char *
scrub_json(const scrub_t *self, const char *text)
{
    char *out = NULL;
    size_t out_size, size;
    FILE *file = open_memstream(&out, &out_size);

    if (!file)
        return NULL;
    for (const char *at = text; *at; at += size) {
        size = known(self, at);
        if (!size)
            size = looks_like(at, (size_t)(at - text), at);
        if (size)
            fputs(SCRUB_PUT, file);
        else
            fputc(*at, file);
        size += size == 0;
    }
    if (fclose(file) != 0) {
        free(out);
        return NULL;
    }
    return out;
}
