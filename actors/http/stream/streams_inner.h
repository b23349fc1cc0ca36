/* streams_inner - shared by streams.c, stream.c and stream_replay.c only. */
#ifndef ACTORS_HTTP_STREAM_STREAMS_INNER_H
#define ACTORS_HTTP_STREAM_STREAMS_INNER_H

#include <stdatomic.h>

#include "actors/http/stream/stream_text.h"
#include "actors/http/stream/streams.h"

typedef struct stream stream_t;
typedef struct replay replay_t;

struct stream {
    int fd;
    struct ring_filter filter;
    uint64_t place; /* of the event to send next; beyond the head: one that is to come */
    size_t skip;    /* bytes of it that are sent */
    struct stream_text own; /* text of this stream alone, which goes before */
    size_t own_sent;
    int64_t wrote_ms;
    int64_t last_id;  /* as its client said; -1 */
    replay_t *replay; /* its past is being read */
    bool is_waiting;  /* for the bus to begin */
    bool is_blocked;  /* the kernel holds as much of it as it takes */
    bool is_note_due; /* what was pushed last is yet to be sent to it */
    stream_t *next, *previous;
};

struct streams {
    const settings_t *settings;
    meters_t *metrics;
    loop_t *loop;
    bus_t *bus;
    ring_t *ring;
    int epoll;
    bool is_started;         /* the bus has said where it begins */
    int64_t live;            /* events up to this had happened before */
    stream_t *first, *gone;  /* all; those to be freed at the end of the turn */
    struct ring_slice slice; /* the last one made, for the next stream that wants the same */
    struct ring_filter slice_filter;
    uint64_t slice_place, slice_head;
    int flush_timer;
    bool is_flush_due;
    int64_t flushed_us, flush_took_us;
    uint64_t flushed_place;
    bool is_flood;     /* the last flush had several events */
    replay_t *replays; /* that wait for their turn, first to last */
    size_t replays_running;
    char *note; /* what was pushed last: data of system.health */

    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    int wake;
    stream_t *arrived; /* last to first */
    char *pushed;      /* NULL: nothing new */
    bool is_ending;
    _Atomic size_t count, buffered;
};

/* stream.c */
void stream_begin(streams_t *self, stream_t *stream); /* sends the head, finds its place */
void stream_go_on(streams_t *self, stream_t *stream); /* the bus has begun */
void stream_write(streams_t *self, stream_t *stream); /* what it wants and the kernel takes */
void stream_catch_up(streams_t *self, stream_t *stream); /* the same, unless it is too slow */
void stream_reset(streams_t *self, stream_t *stream);    /* its past is not to be had */
void stream_ping(streams_t *self, stream_t *stream);
void stream_note(streams_t *self, stream_t *stream); /* sends the note, if due and possible */
void stream_close(streams_t *self, stream_t *stream, const char *why);

/* stream_replay.c: fn is told of each page of events behind `after`; page->err: it is not to be
 * had. The page after it is asked for when the stream goes on. */
typedef void replay_page_fn(streams_t *self, stream_t *stream, int64_t after,
                            const struct bus_page *page);
void replay_begin(streams_t *self, stream_t *stream, int64_t after, replay_page_fn *fn);
void replay_move(stream_t *stream, int64_t after); /* the page reached up to this event */
void replay_go_on(stream_t *stream);               /* its page was sent */
void replay_end(streams_t *self, stream_t *stream);

#endif
