#include "actors/kit/sentry/sentry_scrub.h"

#include <jansson.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/runtime/log.h"
#include "proto/message.h"

enum { LONG_PATH = 16 };

struct scrub {
    char *secrets[SCRUB_SECRETS]; /* as they stand in JSON, without the quotes */
    size_t count;
    bool begins[256]; /* one of them, with this byte */
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
    self->begins[(unsigned char)text[0]] = true;
    self->secrets[self->count++] = text;
}

/* Of variables that are no settings of ours: the keys of language models, and what else a
 * process was started with. */
static bool
is_secret_name(const char *name, size_t size)
{
    static const char *const words[] = {"KEY", "TOKEN", "SECRET", "PASSWORD"};

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

static void
add_part(scrub_t *self, const char *text, size_t size)
{
    tm_auto(tm_text) part = tm_str_dup((tm_str_t){text, size});

    if (part)
        scrub_add(self, part);
}

/* SCHEME://USER:PASSWORD@HOST/PATH. Over HTTP a user is a key, and a long path is one, too. */
static void
add_address(scrub_t *self, const char *address)
{
    const char *from = strstr(address, "://"), *at = from ? strrchr(from, '@') : NULL;
    const char *colon = at ? memchr(from + 3, ':', (size_t)(at - from - 3)) : NULL;
    bool is_http = strncmp(address, "http", 4) == 0;
    const char *path = from && is_http ? strchr(from + 3, '/') : NULL;

    if (colon)
        add_part(self, colon + 1, (size_t)(at - colon - 1));
    if (at && is_http)
        add_part(self, from + 3, (size_t)((colon ? colon : at) - from - 3));
    if (path && strlen(path) >= LONG_PATH)
        scrub_add(self, path);
}

/* As libpq reads it, so that an escaped password is known, too. */
static void
add_connection(scrub_t *self, const char *address)
{
    PQconninfoOption *options = PQconninfoParse(address, NULL);

    for (const PQconninfoOption *at = options; at && at->keyword; at++)
        if (at->val && strstr(at->keyword, "password"))
            scrub_add(self, at->val);
    PQconninfoFree(options);
}

/* The name of a database is no secret, and may be any word. */
static bool
is_word(const struct settings_secret *secret)
{
    return strcmp(secret->key, "database.url") == 0 && !strpbrk(secret->value, "=:/@");
}

void
scrub_settings(scrub_t *self, const settings_t *settings)
{
    struct settings_secret secret;

    for (size_t i = 0; settings_secret(settings, i, &secret); i++) {
        if (is_word(&secret))
            continue;
        scrub_add(self, secret.value);
        add_address(self, secret.value);
        add_connection(self, secret.value);
    }
    add_environment(self);
}

/* Length of a known secret at text, 0 if there is none; of two the longer one. */
static size_t
known(const scrub_t *self, const char *text)
{
    size_t longest = 0;

    if (!self->begins[(unsigned char)*text])
        return 0;
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

static size_t
find(const scrub_t *self, const char *text, const char *at)
{
    size_t size = known(self, at);

    return size ? size : looks_like(at, (size_t)(at - text), at);
}

size_t
scrub_in_place(const scrub_t *self, char *text, size_t size)
{
    static const char put[] = SCRUB_PUT;
    size_t to = 0, from = 0;

    text[size] = '\0';
    while (from < size) {
        size_t found = find(self, text, text + from);
        size_t length = found < sizeof(put) - 1 ? found : sizeof(put) - 1;

        if (!found) {
            text[to++] = text[from++];
            continue;
        }
        memcpy(text + to, put, length);
        to += length;
        from += found;
    }
    return to;
}

static size_t
hide(void *arg, char *text, size_t size)
{
    return scrub_in_place(arg, text, size);
}

void
scrub_log(const settings_t *settings)
{
    static scrub_t *process;

    log_hide(NULL, NULL);
    scrub_destroy(&process);
    process = scrub_new();
    if (!process)
        return;
    scrub_settings(process, settings);
    log_hide(hide, process);
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
        size = find(self, text, at);
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
