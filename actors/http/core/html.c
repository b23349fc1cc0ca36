#include "actors/http/core/html.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "actors/kit/util/memory.h"

struct html {
    char *data; /* terminated */
    size_t size, room;
};

html_t *
html_new(void)
{
    html_t *self = tm_grown(NULL, sizeof(*self));

    *self = (html_t){.data = tm_grown(NULL, 1024), .room = 1024};
    self->data[0] = '\0';
    return self;
}

void
html_destroy(html_t **self_p)
{
    if (*self_p)
        free((*self_p)->data);
    free(*self_p);
    *self_p = NULL;
}

static void
append_bytes(html_t *self, const char *data, size_t size)
{
    if (self->size + size >= self->room) {
        self->room = (self->size + size + 1) * 2;
        self->data = tm_grown(self->data, self->room);
    }
    memcpy(self->data + self->size, data, size);
    self->size += size;
    self->data[self->size] = '\0';
}

void
html_add(html_t *self, const char *markup)
{
    append_bytes(self, markup, strlen(markup));
}

void
html_add_some(html_t *self, const char *markup, size_t size)
{
    append_bytes(self, markup, size);
}

void
html_printf(html_t *self, const char *format, ...)
{
    char text[512];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (size > 0)
        append_bytes(self, text, (size_t)size < sizeof(text) ? (size_t)size : sizeof(text) - 1);
}

static const char *
entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    }
    return NULL;
}

void
html_text(html_t *self, const char *text)
{
    while (text && *text) {
        size_t plain = strcspn(text, "&<>\"'");

        append_bytes(self, text, plain);
        text += plain;
        if (*text)
            html_add(self, entity_of(*text++));
    }
}

static void
add_percent(html_t *self, const char *text, const char *also)
{
    for (; *text; text++) {
        if (isalnum((unsigned char)*text) || strchr("-._~", *text) || strchr(also, *text))
            append_bytes(self, text, 1);
        else
            html_printf(self, "%%%02X", (unsigned char)*text);
    }
}

void
html_percent(html_t *self, const char *text)
{
    add_percent(self, text, "/");
}

void
html_percent_all(html_t *self, const char *text)
{
    add_percent(self, text, "");
}

char *
html_take(html_t **self_p, size_t *ret_size)
{
    char *data = (*self_p)->data;

    *ret_size = (*self_p)->size;
    (*self_p)->data = NULL;
    html_destroy(self_p);
    return data;
}
