#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/codec/fields.h"

#define SHOWN_MAX 60 /* bytes of a text that a log line shows */

struct line {
    char *at;
    size_t left; /* room, the terminator included */
};

static void line_add(struct line *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
line_add(struct line *self, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int size = vsnprintf(self->at, self->left, format, args);
    va_end(args);
    if (size < 0)
        return;
    size_t step = (size_t)size < self->left ? (size_t)size : self->left - 1;
    self->at += step;
    self->left -= step;
}

/* Control bytes, blanks, quotes and backslashes are escaped: a value never looks like the line.
 */
static void
add_text(struct line *line, tm_str_t text)
{
    size_t shown = text.size < SHOWN_MAX ? text.size : SHOWN_MAX;

    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c <= ' ' || c >= 0x7f || c == '\\' || c == '"' || c == '=')
            line_add(line, "\\x%02x", c);
        else
            line_add(line, "%c", c);
    }
    if (shown < text.size)
        line_add(line, "...");
}

static void
add_field(struct line *line, const struct field *field, const void *at)
{
    char text[TM_UUID_TEXT];

    bool is_secret = strcmp(field->name, "key") == 0; /* the caller's own */

    line_add(line, " %s=", field->name);
    switch (is_secret ? KIND_BIN : field->kind) {
    case KIND_U64:
        line_add(line, "%" PRIu64, *(const uint64_t *)at);
        break;
    case KIND_BOOL:
        line_add(line, "%s", *(const bool *)at ? "true" : "false");
        break;
    case KIND_STR:
        add_text(line, *(const tm_str_t *)at);
        break;
    case KIND_BIN:
        line_add(line, "%zu", ((const tm_str_t *)at)->size);
        break;
    case KIND_UUID:
        line_add(line, "%s", tm_uuid_text(at, text));
        break;
    }
}

void
tm_msg_print(const tm_msg_t *msg, char *buffer, size_t size)
{
    const struct shape *shape = shape_of((uint64_t)msg->type);
    struct line line = {buffer, size};

    if (size == 0)
        return;
    line_add(&line, "%s", shape ? shape->name : "UNKNOWN");
    for (size_t i = 0; shape && i < shape->field_count; i++)
        if (shape->fields[i].required || field_is_set(msg, &shape->fields[i]))
            add_field(&line, &shape->fields[i], field_at(msg, &shape->fields[i]));
    line_add(&line, " body=%zu", msg->body.size);
}
