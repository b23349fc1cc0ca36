#include "actors/explain/llm/model_config.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/explain/llm/addresses.h"

enum { KEY_MAX = 900 }; /* with the name of its header, within LLM_HEADER_MAX */

__attribute__((format(printf, 3, 4))) static void
leave_out(struct model_config *self, enum model_config_state state, const char *format, ...)
{
    va_list args;

    self->state = state;
    va_start(args, format);
    vsnprintf(self->problem, sizeof(self->problem), format, args);
    va_end(args);
}

/* Without what a file or a shell left around it; NULL: not set, or empty. */
static char *
read_variable(const char *name)
{
    const char *text = name ? getenv(name) : NULL;
    size_t size;

    if (!text)
        return NULL;
    text += strspn(text, " \t\r\n");
    size = strlen(text);
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    return size ? strndup(text, size) : NULL;
}

static bool
is_visible(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text >= 0x7f)
            return false;
    return true;
}

static void
read_address(struct model_config *self)
{
    const struct llm_provider *provider = self->provider;
    char *base = read_variable(provider->address);
    struct llm_address address = {.url = NULL};
    const char *wrong;

    self->is_standard = !base;
    if (!base && !provider->standard) {
        leave_out(self, MODEL_CONFIG_ABSENT, "%s is not set", provider->address);
        return;
    }
    wrong = llm_address_read(base ? base : provider->standard, provider->path, &address);
    free(base);
    if (wrong)
        leave_out(self, MODEL_CONFIG_WRONG, "%s %s", provider->address, wrong);
    self->url = address.url;
    self->origin = address.origin;
    self->is_local = address.is_local;
}

/* A server on this machine may want none. */
static void
read_key(struct model_config *self)
{
    const char *name = self->provider->key;

    if (self->state != MODEL_CONFIG_USABLE || !name)
        return;
    self->key = read_variable(name);
    if (!self->key && !self->is_local)
        leave_out(self, MODEL_CONFIG_ABSENT, "%s is not set", name);
    else if (self->key && !is_visible(self->key))
        leave_out(self, MODEL_CONFIG_WRONG,
                  "%s holds a space, a line break or another character that no key has", name);
    else if (self->key && strlen(self->key) > KEY_MAX)
        leave_out(self, MODEL_CONFIG_WRONG, "%s is longer than %d bytes", name, KEY_MAX);
}

static bool
take_name(char *to, const char *from, size_t size)
{
    if (size > LLM_MODEL_MAX)
        return false;
    memcpy(to, from, size);
    to[size] = '\0';
    return is_visible(to);
}

/* text: PROVIDER or PROVIDER:MODEL */
static void
read_link(struct model_config *self, const char *text, size_t size)
{
    const char *colon = memchr(text, ':', size);
    size_t name = colon ? (size_t)(colon - text) : size;

    *self = (struct model_config){.provider = llm_provider_find(text, name)};
    if (!take_name(self->name, text, name) ||
        (colon && !take_name(self->model, colon + 1, size - name - 1)))
        leave_out(self, MODEL_CONFIG_WRONG,
                  "a name in llm.chain has more than %d bytes, or a character that none has",
                  LLM_MODEL_MAX);
    else if (!self->provider)
        leave_out(self, MODEL_CONFIG_WRONG,
                  "llm.chain names no such provider: there are openai, anthropic, openrouter "
                  "and ollama");
    if (self->state != MODEL_CONFIG_USABLE)
        return;
    read_address(self);
    read_key(self);
}

static bool
is_twice(const struct model_configs *self, size_t index)
{
    const struct model_config *link = &self->items[index];

    for (size_t i = 0; i < index; i++)
        if (self->items[i].state == MODEL_CONFIG_USABLE &&
            self->items[i].provider == link->provider &&
            strcmp(self->items[i].model, link->model) == 0)
            return true;
    return false;
}

/* llm.model is of the first that is there and names none. */
static void
name_models(struct model_configs *self, const settings_t *settings)
{
    const char *model = is_visible(settings->llm_model) ? settings->llm_model : "";

    for (size_t i = 0; i < self->count; i++) {
        struct model_config *link = &self->items[i];

        if (!link->model[0] && link->provider) {
            bool takes_it = link->state == MODEL_CONFIG_USABLE && model[0];

            snprintf(link->model, sizeof(link->model), "%s",
                     takes_it ? model : link->provider->model);
            if (takes_it)
                model = "";
        }
        if (link->state == MODEL_CONFIG_USABLE && is_twice(self, i))
            leave_out(link, MODEL_CONFIG_WRONG, "llm.chain names this model twice");
        link->facts = llm_model_find(link->model, link->is_local, settings->llm_models);
    }
}

void
model_configs_read(struct model_configs *self, const settings_t *settings)
{
    const char *at = settings->llm_chain;

    *self = (struct model_configs){.count = 0};
    while (*at && self->count < MODEL_CONFIGS_MAX) {
        size_t size, whole;

        at += strspn(at, " ");
        size = whole = strcspn(at, ",");
        while (size > 0 && at[size - 1] == ' ')
            size--;
        if (size > 0)
            read_link(&self->items[self->count++], at, size);
        at += whole + (at[whole] == ',');
    }
    name_models(self, settings);
    if (*at)
        leave_out(&self->items[MODEL_CONFIGS_MAX - 1], MODEL_CONFIG_WRONG,
                  "llm.chain names more than %d models; from this one on they are left out",
                  MODEL_CONFIGS_MAX - 1);
}

void
model_configs_fini(struct model_configs *self)
{
    for (size_t i = 0; i < self->count; i++) {
        struct model_config *link = &self->items[i];

        if (link->key)
            explicit_bzero(link->key, strlen(link->key));
        free(link->key);
        free(link->url);
        free(link->origin);
    }
    *self = (struct model_configs){.count = 0};
}
