/* A client's past is read a page at a time, and the next page only when the last was sent. Few
 * are read at once: after a restart everybody comes at the same time. */
#include <string.h>

#include "actors/http/stream/streams_inner.h"

enum { PAGE = 200, RUNNING_MAX = 16 };

struct replay {
    streams_t *streams;
    stream_t *stream;            /* NULL: it was closed meanwhile */
    int64_t after;               /* has been sent, or is in the stream's own text */
    bool is_running, is_waiting; /* its page was asked for; it is in the line */
    replay_page_fn *fn;
    replay_t *next;
};

static void ask_page(replay_t *replay);

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
let_next_ask(streams_t *self)
{
    replay_t *replay = self->replays;

    if (!replay || self->replays_running >= RUNNING_MAX)
        return;
    self->replays = replay->next;
    replay->is_waiting = false;
    ask_page(replay);
}

static void
on_page(void *arg, const struct bus_page *page)
{
    replay_t *replay = arg;

    replay->is_running = false;
    replay->streams->replays_running--;
    let_next_ask(replay->streams);
    if (replay->stream)
        replay->fn(replay->streams, replay->stream, replay->after, page);
    else
        free(replay);
}

static void
ask_page(replay_t *replay)
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
replay_begin(streams_t *self, stream_t *stream, int64_t after, replay_page_fn *fn)
{
    replay_t *replay = zmalloc(sizeof(*replay));

    *replay = (replay_t){.streams = self, .stream = stream, .after = after, .fn = fn};
    stream->replay = replay;
    ask_page(replay);
}

void
replay_move(stream_t *stream, int64_t after)
{
    stream->replay->after = after;
}

void
replay_go_on(stream_t *stream)
{
    if (!stream->replay->is_running && !stream->replay->is_waiting)
        ask_page(stream->replay);
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
replay_end(streams_t *self, stream_t *stream)
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
