#include "actors/http/stream/ring.h"

#include <string.h>

#include "actors/http/stream/stream_text.h"
#include "actors/kit/runtime/log.h"

enum { SLICE_BYTES = 65536 };

struct entry {
    tm_uuid_t workspace;
    topics_t topics; /* the one it is of */
    uint32_t size;
    size_t offset;
};

struct ring {
    struct entry *entries; /* place % events */
    size_t events;
    char *bytes;
    size_t capacity, next; /* where the next text begins; a text does not wrap */
    uint64_t head, tail;
    int64_t last;
    struct stream_text text; /* of the event being added */
};

ring_t *
ring_new(size_t events, size_t bytes)
{
    ring_t *self = zmalloc(sizeof(*self));

    *self = (ring_t){.events = events, .capacity = bytes};
    self->entries = zmalloc(events * sizeof(*self->entries));
    self->bytes = malloc(bytes);
    if (!self->bytes)
        abort();
    return self;
}

void
ring_destroy(ring_t **self_p)
{
    ring_t *self = *self_p;

    if (!self)
        return;
    free(self->entries);
    free(self->bytes);
    free(self->text.data);
    free(self);
    *self_p = NULL;
}

void
ring_clear(ring_t *self, int64_t last)
{
    self->tail = self->head;
    self->next = 0;
    self->last = last;
}

uint64_t
ring_head(const ring_t *self)
{
    return self->head;
}

uint64_t
ring_tail(const ring_t *self)
{
    return self->tail;
}

size_t
ring_count(const ring_t *self)
{
    return (size_t)(self->head - self->tail);
}

int64_t
ring_last(const ring_t *self)
{
    return self->last;
}

bool
ring_find(const ring_t *self, int64_t id, uint64_t *ret_place)
{
    int64_t first = self->last - (int64_t)ring_count(self) + 1;

    if (id + 1 < first || id > self->last)
        return false;
    *ret_place = self->tail + (uint64_t)(id + 1 - first);
    return true;
}

static struct entry *
entry_at(const ring_t *self, uint64_t place)
{
    return &self->entries[place % self->events];
}

/* The oldest go until there are `size` bytes at `next`, and a place. */
static void
make_room(ring_t *self, size_t size)
{
    if (self->next + size > self->capacity) { /* what lies there is the oldest */
        while (self->tail < self->head && entry_at(self, self->tail)->offset >= self->next)
            self->tail++;
        self->next = 0;
    }
    while (self->tail < self->head) {
        const struct entry *oldest = entry_at(self, self->tail);

        if (ring_count(self) < self->events &&
            (oldest->offset < self->next || oldest->offset >= self->next + size))
            return;
        self->tail++;
    }
}

static void
write_event(struct stream_text *text, const struct bus_event *event)
{
    char id[24];

    text->size = 0;
    snprintf(id, sizeof(id), "%lld", (long long)event->id);
    if (!stream_text_event(text, id, event->topic, event->text, strlen(event->text)))
        stream_text_event(text, id, NULL, "{}", 2); /* a topic that the database refuses */
}

void
ring_add(ring_t *self, const struct bus_event *event)
{
    struct entry entry = {.workspace = event->workspace,
                          .topics = topics_of(topic_find(event->topic))};

    write_event(&self->text, event);
    self->last = event->id;
    if (self->text.size > self->capacity) {
        log_warn("stream.too_large", "id=%lld bytes=%zu", (long long)event->id,
                 self->text.size);
        ring_clear(self, event->id);
        self->head++, self->tail++; /* whoever was before it has missed it */
        return;
    }
    make_room(self, self->text.size);
    entry.offset = self->next;
    entry.size = (uint32_t)self->text.size;
    memcpy(self->bytes + self->next, self->text.data, self->text.size);
    self->next += self->text.size;
    *entry_at(self, self->head++) = entry;
}

static bool
passes_ring_filter(const struct ring_filter *filter, const struct entry *entry)
{
    return (filter->topics & entry->topics) &&
           tm_uuid_is(&filter->workspace, &entry->workspace);
}

/* Texts that lie behind one another are one piece. */
void
ring_slice(const ring_t *self, const struct ring_filter *filter, uint64_t place, size_t skip,
           struct ring_slice *ret)
{
    ret->count = 0;
    ret->size = 0;
    for (; place < self->head && ret->size < SLICE_BYTES; place++, skip = 0) {
        const struct entry *entry = entry_at(self, place);
        struct iovec *last = ret->count > 0 ? &ret->pieces[ret->count - 1] : NULL;
        char *text = self->bytes + entry->offset + skip;
        size_t size = entry->size - skip;

        if (!passes_ring_filter(filter, entry))
            continue;
        if (last && (char *)last->iov_base + last->iov_len == text) {
            last->iov_len += size;
        } else if (ret->count == RING_PIECES) {
            break;
        } else {
            ret->pieces[ret->count++] = (struct iovec){text, size};
        }
        ret->size += size;
    }
    ret->end = place;
}

void
ring_advance(const ring_t *self, const struct ring_filter *filter, size_t sent, uint64_t *place,
             size_t *skip)
{
    for (; *place < self->head; (*place)++, *skip = 0) {
        const struct entry *entry = entry_at(self, *place);

        if (!passes_ring_filter(filter, entry))
            continue;
        if (sent < entry->size - *skip) {
            *skip += sent;
            return;
        }
        sent -= entry->size - *skip;
    }
}
