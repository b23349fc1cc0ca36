/* A client's past is read a page at a time, and the next page only when the last was sent. Few
 * are read at once: after a restart everybody comes at the same time. */
#include <string.h>

#include "actors/http/stream/streams_inner.h"
#include "actors/kit/runtime/log.h"

enum { PAGE = 200, RUNNING_MAX = 16 };

struct replay {
    streams_t *streams;
    stream_t *stream;            /* NULL: it was closed meanwhile */
    int64_t after;               /* has been sent, or is in the stream's own text */
    bool is_running, is_waiting; /* its page was asked for; it is in the line */
    replay_t *next;
};

static void ask(replay_t *replay);

static void
stand_in_line(replay_t *replay)
{
    replay_t **end = &replay->streams->replays;

    while (*end)
        end = &(*end)->next;
    replay->next = NULL;
    *end = replay;
    replay->is_waiting = true;
}

static void
next_in_line(streams_t *self)
{
    replay_t *replay = self->replays;

    if (!replay || self->replays_running >= RUNNING_MAX)
        return;
    self->replays = replay->next;
    replay->is_waiting = false;
    ask(replay);
}

static void
end(stream_t *stream)
{
    free(stream->replay);
    stream->replay = NULL;
}

static bool
passes(const stream_t *stream, const struct bus_event *event)
{
    return (topics_of(topic_find(event->topic)) & stream->filter.topics) &&
           tm_uuid_is(&event->workspace, &stream->filter.workspace);
}

static void
take_page(stream_t *stream, const struct bus_page *page)
{
    char id[24];

    for (size_t i = 0; i < page->count; i++) {
        const struct bus_event *event = &page->events[i];

        snprintf(id, sizeof(id), "%lld", (long long)event->id);
        if (passes(stream, event) && !stream_text_event(&stream->own, id, event->topic,
                                                        event->text, strlen(event->text)))
            log_warn("stream.bad_topic", "event=%s", id);
        stream->replay->after = event->id;
    }
}

/* The ring has the rest, or all that there is has been read. */
static bool
is_at_end(const streams_t *self, const replay_t *replay, const struct bus_page *page)
{
    uint64_t place;

    return replay->after >= page->last || ring_find(self->ring, replay->after, &place);
}

static void
on_page(void *arg, const struct bus_page *page)
{
    replay_t *replay = arg;
    streams_t *self = replay->streams;
    stream_t *stream = replay->stream;

    replay->is_running = false;
    self->replays_running--;
    next_in_line(self);
    if (!stream) {
        free(replay);
        return;
    }
    if (page->err) {
        stream_close(self, stream, "store_down"); /* it comes back, and so may the store */
        return;
    }
    if (replay->after + 1 < page->oldest || replay->after > page->last) {
        end(stream);
        stream_reset(self, stream);
    } else {
        take_page(stream, page);
        if (is_at_end(self, replay, page)) {
            stream_go_live(self, stream, replay->after);
            end(stream);
        }
    }
    stream_write(self, stream);
}

static void
ask(replay_t *replay)
{
    streams_t *self = replay->streams;

    if (self->replays_running >= RUNNING_MAX) {
        stand_in_line(replay);
        return;
    }
    self->replays_running++;
    replay->is_running = true;
    bus_replay(self->bus, replay->after, PAGE, on_page, replay);
}

void
replay_begin(streams_t *self, stream_t *stream, int64_t after)
{
    replay_t *replay = zmalloc(sizeof(*replay));

    *replay = (replay_t){.streams = self, .stream = stream, .after = after};
    stream->replay = replay;
    ask(replay);
}

void
replay_go_on(stream_t *stream)
{
    if (!stream->replay->is_running && !stream->replay->is_waiting)
        ask(stream->replay);
}

static void
leave_line(streams_t *self, replay_t *replay)
{
    replay_t **at = &self->replays;

    while (*at && *at != replay)
        at = &(*at)->next;
    if (*at)
        *at = replay->next;
}

void
replay_leave(streams_t *self, stream_t *stream)
{
    replay_t *replay = stream->replay;

    stream->replay = NULL;
    if (!replay)
        return;
    replay->stream = NULL;
    leave_line(self, replay);
    if (!replay->is_running)
        free(replay);
}
