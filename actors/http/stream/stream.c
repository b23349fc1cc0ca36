#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/http/stream/streams_inner.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"

void
stream_close(streams_t *self, stream_t *stream, const char *why)
{
    if (stream->fd < 0)
        return;
    /* Taken off by hand: the set keeps a descriptor as long as a copy of it is open, and
     * libmicrohttpd may not have closed its own yet. */
    epoll_ctl(self->epoll, EPOLL_CTL_DEL, stream->fd, NULL);
    close(stream->fd);
    stream->fd = -1;
    replay_end(self, stream);
    if (stream->previous)
        stream->previous->next = stream->next;
    else
        self->first = stream->next;
    if (stream->next)
        stream->next->previous = stream->previous;
    stream->next = self->gone;
    self->gone = stream;
    meters_add(self->metrics, METRIC_STREAMS_CLOSED, why, 1);
    meters_set(self->metrics, METRIC_STREAMS, NULL,
               (int64_t)atomic_fetch_sub(&self->count, 1) - 1);
}

/* --- writing ------------------------------------------------------------------------------ */

/* What was sent, 0 if the kernel takes nothing now, -1 if the client has gone. */
static ssize_t
send_pieces(stream_t *stream, struct iovec *pieces, int count)
{
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)count};
    ssize_t sent = sendmsg(stream->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent >= 0) {
        stream->wrote_ms = clock_ms();
        return sent;
    }
    return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : -1;
}

/* False: it is blocked, or closed. */
static bool
write_own(streams_t *self, stream_t *stream)
{
    struct iovec piece = {stream->own.data + stream->own_sent,
                          stream->own.size - stream->own_sent};
    ssize_t sent = send_pieces(stream, &piece, 1);

    if (sent < 0) {
        stream_close(self, stream, "gone");
        return false;
    }
    stream->own_sent += (size_t)sent;
    stream->is_blocked = stream->own_sent < stream->own.size;
    if (stream->is_blocked)
        return false;
    free(stream->own.data); /* few streams have any, and not often */
    stream->own = (struct stream_text){NULL, 0, 0};
    stream->own_sent = 0;
    return true;
}

/* The last slice is kept, because most streams want the same as the one before them. */
static const struct ring_slice *
slice_for(streams_t *self, const stream_t *stream)
{
    uint64_t head = ring_head(self->ring);

    if (stream->skip == 0 && self->slice_place == stream->place && self->slice_head == head &&
        memcmp(&self->slice_filter, &stream->filter, sizeof(stream->filter)) == 0)
        return &self->slice;
    ring_slice(self->ring, &stream->filter, stream->place, stream->skip, &self->slice);
    self->slice_filter = stream->filter;
    self->slice_place = stream->skip == 0 ? stream->place : UINT64_MAX;
    self->slice_head = head;
    return &self->slice;
}

/* False: there is nothing more to do for it now. */
static bool
write_slice(streams_t *self, stream_t *stream)
{
    const struct ring_slice *slice = slice_for(self, stream);
    struct iovec pieces[RING_PIECES];
    ssize_t sent;

    if (slice->size == 0) {
        stream->place = slice->end > stream->place ? slice->end : stream->place;
        return false;
    }
    memcpy(pieces, slice->pieces, (size_t)slice->count * sizeof(pieces[0]));
    sent = send_pieces(stream, pieces, slice->count);
    if (sent < 0) {
        stream_close(self, stream, "gone");
        return false;
    }
    if ((size_t)sent == slice->size) {
        stream->place = slice->end;
        stream->skip = 0;
        return true;
    }
    ring_advance(self->ring, &stream->filter, (size_t)sent, &stream->place, &stream->skip);
    stream->is_blocked = true;
    return false;
}

/* What it was to be sent next is not in the ring any more. */
static bool
is_lapped(streams_t *self, stream_t *stream)
{
    if (stream->place >= ring_tail(self->ring))
        return false;
    log_debug("stream.slow", "behind=%llu",
              (unsigned long long)(ring_head(self->ring) - stream->place));
    stream_close(self, stream, "slow");
    return true;
}

void
stream_write(streams_t *self, stream_t *stream)
{
    if (stream->fd < 0 || stream->is_blocked)
        return;
    if (stream->own.size > 0 && !write_own(self, stream))
        return;
    if (stream->replay)
        replay_go_on(stream);
    if (stream->is_waiting || stream->replay || stream->fd < 0 || stream->own.size > 0)
        return;
    while (!is_lapped(self, stream) && write_slice(self, stream))
        continue;
    stream_note(self, stream);
}

/* Between two events; it has no number, so nobody's place moves. */
void
stream_note(streams_t *self, stream_t *stream)
{
    if (!stream->is_note_due || stream->fd < 0 || stream->is_blocked || stream->skip > 0 ||
        stream->own.size > 0)
        return;
    stream->is_note_due = false;
    stream_text_event(&stream->own, NULL, topic_name(TOPIC_SYSTEM_HEALTH), self->note,
                      strlen(self->note));
    write_own(self, stream);
}

void
stream_catch_up(streams_t *self, stream_t *stream)
{
    if (!is_lapped(self, stream))
        stream_write(self, stream);
}

/* Of the event before its place. */
static int64_t
place_reached(const streams_t *self, const stream_t *stream)
{
    return ring_last(self->ring) + (int64_t)(stream->place - ring_head(self->ring));
}

/* The comment carries the newest id, so that a client whose filter lets nothing through still
 * names a recent event when it comes back. */
void
stream_ping(streams_t *self, stream_t *stream)
{
    if (stream->own.size > 0 || stream->skip > 0 || stream->is_blocked)
        return; /* there is something on its way already */
    stream_text_comment(&stream->own, "");
    if (!stream->is_waiting && !stream->replay)
        stream_text_place(&stream->own, place_reached(self, stream));
    stream_write(self, stream);
}

/* --- beginning ---------------------------------------------------------------------------- */

/* Behind the event with this number, which may be one that the ring is yet to be told. */
static void
go_live(streams_t *self, stream_t *stream, int64_t last_id)
{
    if (!ring_find(self->ring, last_id, &stream->place))
        stream->place = ring_head(self->ring) + (uint64_t)(last_id - ring_last(self->ring));
    stream->skip = 0;
}

static int64_t
newest_id(const streams_t *self)
{
    int64_t last = ring_last(self->ring);

    return last > self->live ? last : self->live;
}

void
stream_reset(streams_t *self, stream_t *stream)
{
    char id[24];
    static const char data[] =
        "{\"reason\":\"the events since yours are not kept any more: load anew\"}";

    snprintf(id, sizeof(id), "%lld", (long long)newest_id(self));
    stream_text_event(&stream->own, id, "stream.reset", data, strlen(data));
    meters_add(self->metrics, METRIC_STREAM_RESETS, NULL, 1);
    go_live(self, stream, newest_id(self));
}

/* --- the past ----------------------------------------------------------------------------- */

static bool
passes_filter(const stream_t *stream, const struct bus_event *event)
{
    return (topics_of(topic_find(event->topic)) & stream->filter.topics) &&
           tm_uuid_is(&event->workspace, &stream->filter.workspace);
}

static int64_t
take_page(stream_t *stream, int64_t after, const struct bus_page *page)
{
    char id[24];

    for (size_t i = 0; i < page->count; i++) {
        const struct bus_event *event = &page->events[i];

        snprintf(id, sizeof(id), "%lld", (long long)event->id);
        if (passes_filter(stream, event) &&
            !stream_text_event(&stream->own, id, event->topic, event->text,
                               strlen(event->text)))
            log_warn("stream.bad_topic", "event=%s", id);
        after = event->id;
    }
    return after;
}

static void
on_page(streams_t *self, stream_t *stream, int64_t after, const struct bus_page *page)
{
    uint64_t place;

    if (page->err) {
        stream_close(self, stream,
                     "store_down"); /* the client comes back, and the store may be up by then */
        return;
    }
    if (after + 1 < page->oldest || after > page->last) {
        replay_end(self, stream);
        stream_reset(self, stream);
    } else {
        after = take_page(stream, after, page);
        replay_move(stream, after);
        /* the ring has the rest, or all that there is has been read */
        if (after >= page->last || ring_find(self->ring, after, &place)) {
            replay_end(self, stream);
            go_live(self, stream, after);
        }
    }
    stream_write(self, stream);
}

void
stream_go_on(streams_t *self, stream_t *stream)
{
    stream->is_waiting = false;
    stream_text_comment(&stream->own, "connected");
    stream_text_retry(&stream->own, STREAM_RETRY_MS);
    if (stream->last_id < 0) { /* it can come back to here from now on */
        go_live(self, stream, newest_id(self));
        stream_text_place(&stream->own, newest_id(self));
    } else if (!ring_find(self->ring, stream->last_id, &stream->place)) {
        replay_begin(self, stream, stream->last_id, on_page);
    }
    stream_write(self, stream);
}

void
stream_begin(streams_t *self, stream_t *stream)
{
    stream->is_waiting = !self->is_started;
    if (self->is_started)
        stream_go_on(self, stream);
    else
        stream_write(self, stream);
}
