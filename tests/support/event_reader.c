#include "tests/support/event_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
event_reader_init(struct event_reader *self, void *arg,
                  void (*on_event)(void *, const char *, const char *, const char *))
{
    memset(self, 0, sizeof(*self));
    self->arg = arg;
    self->on_event = on_event;
    self->retry_ms = -1;
}

void
event_reader_fini(struct event_reader *self)
{
    free(self->line);
    free(self->data);
}

static void
append(char **text, size_t *size, size_t *room, const char *more, size_t more_size)
{
    if (!*text || *size + more_size + 1 > *room) {
        *room = 2 * (*size + more_size) + 64;
        *text = realloc(*text, *room);
        if (!*text)
            abort();
    }
    memcpy(*text + *size, more, more_size);
    *size += more_size;
    (*text)[*size] = '\0';
}

static void
dispatch(struct event_reader *self)
{
    snprintf(self->last_id, sizeof(self->last_id), "%s", self->id);
    if (self->has_data) {
        self->data[self->data_size - 1] = '\0'; /* the last LF */
        self->on_event(self->arg, self->last_id, self->type[0] ? self->type : "message",
                       self->data);
    }
    self->data_size = 0;
    self->has_data = false;
    self->type[0] = '\0';
}

static void
take_field(struct event_reader *self, const char *name, const char *value, size_t size)
{
    if (strcmp(name, "event") == 0) {
        snprintf(self->type, sizeof(self->type), "%s", value);
    } else if (strcmp(name, "data") == 0) {
        append(&self->data, &self->data_size, &self->data_room, value, size);
        append(&self->data, &self->data_size, &self->data_room, "\n", 1);
        self->has_data = true;
    } else if (strcmp(name, "id") == 0 && strlen(value) == size) {
        snprintf(self->id, sizeof(self->id), "%s", value);
    } else if (strcmp(name, "retry") == 0 && size > 0 && strspn(value, "0123456789") == size) {
        self->retry_ms = strtol(value, NULL, 10);
    }
}

static void
take_line(struct event_reader *self)
{
    char *line = self->line ? self->line : (char[]){""};
    char *colon = memchr(line, ':', self->line_size);
    const char *value = line + self->line_size;

    if (self->line_size == 0) {
        dispatch(self);
        return;
    }
    if (colon == line) {
        self->comments++;
        return;
    }
    if (colon) {
        *colon = '\0';
        value = colon[1] == ' ' ? colon + 2 : colon + 1;
    }
    take_field(self, line, value, (size_t)(line + self->line_size - value));
}

static void
end_line(struct event_reader *self)
{
    static const char mark[] = "\xef\xbb\xbf";

    if (!self->has_begun && self->line_size >= 3 && memcmp(self->line, mark, 3) == 0) {
        memmove(self->line, self->line + 3, self->line_size - 2);
        self->line_size -= 3;
    }
    self->has_begun = true;
    take_line(self);
    self->line_size = 0;
}

void
event_reader_feed(struct event_reader *self, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool is_second = self->is_after_cr && data[i] == '\n';

        self->is_after_cr = data[i] == '\r';
        if (is_second)
            continue;
        if (data[i] == '\r' || data[i] == '\n')
            end_line(self);
        else
            append(&self->line, &self->line_size, &self->line_room, &data[i], 1);
    }
}

void
event_reader_end(struct event_reader *self)
{
    self->line_size = self->data_size = 0;
    self->has_data = self->is_after_cr = self->has_begun = false;
    self->type[0] = '\0';
    snprintf(self->id, sizeof(self->id), "%s", self->last_id);
}
