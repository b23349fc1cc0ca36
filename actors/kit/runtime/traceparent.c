#include "actors/kit/runtime/traceparent.h"

#include <stdio.h>
#include <string.h>

#include "actors/kit/util/digest.h"
#include "proto/message.h"

enum { TRACE = 3, SPAN = 36, FLAGS = 53, LENGTH = 55 };

static bool
is_hex(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
            return false;
    return true;
}

static bool
is_zero(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] != '0')
            return false;
    return true;
}

/* Version 00 is exactly this long; a later one may go on after another dash. */
static bool
has_shape(const char *text, size_t size)
{
    if (size < LENGTH || text[2] != '-' || text[35] != '-' || text[52] != '-')
        return false;
    if (!is_hex(text, 2) || memcmp(text, "ff", 2) == 0)
        return false;
    if (size > LENGTH && (memcmp(text, "00", 2) == 0 || text[LENGTH] != '-'))
        return false;
    return is_hex(text + TRACE, 32) && is_hex(text + SPAN, 16) && is_hex(text + FLAGS, 2);
}

bool
traceparent_parse(const char *text, size_t size, traceparent_t *ret)
{
    char low;

    if (!has_shape(text, size) || is_zero(text + TRACE, 32) || is_zero(text + SPAN, 16))
        return false;
    memcpy(ret->trace_id, text + TRACE, 32);
    ret->trace_id[32] = '\0';
    memcpy(ret->span_id, text + SPAN, 16);
    ret->span_id[16] = '\0';
    ret->parent_id[0] = '\0';
    low = text[FLAGS + 1];
    ret->is_sampled = ((low <= '9' ? low - '0' : low - 'a' + 10) & 1) != 0;
    return true;
}

/* The tail of a version 7 UUID is random; its variant bits keep an id from being zero. */
static void
new_span(traceparent_t *self)
{
    tm_uuid_t id = tm_uuid_new();

    hex_text(id.bytes + 8, 8, self->span_id);
}

void
traceparent_start(traceparent_t *ret)
{
    tm_uuid_t id = tm_uuid_new();

    hex_text(id.bytes, 16, ret->trace_id);
    ret->parent_id[0] = '\0';
    ret->is_sampled = true;
    new_span(ret);
}

void
traceparent_step(traceparent_t *self)
{
    memcpy(self->parent_id, self->span_id, sizeof(self->parent_id));
    new_span(self);
}

void
traceparent_follow(const char *text, traceparent_t *ret)
{
    if (text && traceparent_parse(text, strlen(text), ret))
        traceparent_step(ret);
    else
        traceparent_start(ret);
}

const char *
traceparent_text(const traceparent_t *self, char text[TRACEPARENT_TEXT])
{
    snprintf(text, TRACEPARENT_TEXT, "00-%s-%s-%s", self->trace_id, self->span_id,
             self->is_sampled ? "01" : "00");
    return text;
}
