#include "actors/http/stream/stream_text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
append_text(struct stream_text *self, const char *data, size_t size)
{
    if (self->size + size > self->capacity) {
        self->capacity = 2 * (self->size + size) + 64;
        self->data = realloc(self->data, self->capacity);
        if (!self->data)
            abort();
    }
    memcpy(self->data + self->size, data, size);
    self->size += size;
}

static void
add_field(struct stream_text *self, const char *name, const char *value, size_t size)
{
    append_text(self, name, strlen(name));
    append_text(self, ": ", 2); /* readers take one space away, so a value may begin with one */
    append_text(self, value, size);
    append_text(self, "\n", 1);
}

static bool
is_one_line(const char *text)
{
    return text[0] != '\0' && text[strcspn(text, "\r\n")] == '\0';
}

static size_t
line_size(const char *data, size_t size)
{
    size_t at = 0;

    while (at < size && data[at] != '\n' && data[at] != '\r')
        at++;
    return at;
}

static void
add_data(struct stream_text *self, const char *data, size_t size)
{
    for (;;) {
        size_t line = line_size(data, size);

        add_field(self, "data", data, line);
        if (line == size)
            return;
        line += data[line] == '\r' && line + 1 < size && data[line + 1] == '\n' ? 2 : 1;
        data += line;
        size -= line;
    }
}

bool
stream_text_event(struct stream_text *self, const char *id, const char *event, const char *data,
                  size_t size)
{
    if ((id && !is_one_line(id)) || (event && !is_one_line(event)))
        return false;
    if (id)
        add_field(self, "id", id, strlen(id));
    if (event)
        add_field(self, "event", event, strlen(event));
    add_data(self, data, size);
    append_text(self, "\n", 1);
    return true;
}

void
stream_text_comment(struct stream_text *self, const char *text)
{
    append_text(self, ": ", 2);
    append_text(self, text, strcspn(text, "\r\n"));
    append_text(self, "\n\n", 2);
}

void
stream_text_place(struct stream_text *self, long long id)
{
    char line[40];
    int size = snprintf(line, sizeof(line), "id: %lld\n\n", id);

    append_text(self, line, (size_t)size);
}

void
stream_text_retry(struct stream_text *self, unsigned ms)
{
    char line[32];
    int size = snprintf(line, sizeof(line), "retry: %u\n\n", ms);

    append_text(self, line, (size_t)size);
}

bool
stream_id_parse(const char *text, long long *ret)
{
    size_t size = strlen(text);

    if (size == 0 || size > 18 || strspn(text, "0123456789") != size)
        return false;
    *ret = strtoll(text, NULL, 10);
    return true;
}
