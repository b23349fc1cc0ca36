#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/http/stream/streams_inner.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"

enum {
    TICK_MS = 1000,
    SILENT_MS = 15000,     /* then a comment keeps the connection open */
    UNREAD_MS = 60000,     /* and whoever does not acknowledge for so long has gone */
    SEND_BUFFER = 32768,   /* the kernel doubles it */
    EVENTS = 64,           /* of epoll, at a time */
    PAUSE_LEAST_US = 5000, /* after a flush of several events: a single one leaves at once, */
    PAUSE_MOST_US = 15000, /* a flood in batches */
};

/* --- flushing ----------------------------------------------------------------------------- */

static void
flush_streams(streams_t *self)
{
    int64_t began_us = clock_us();
    uint64_t head = ring_head(self->ring);

    self->is_flush_due = false;
    for (stream_t *s = self->first, *next; s; s = next) {
        next = s->next;
        if (s->place < head && !s->replay && !s->is_waiting)
            stream_catch_up(self, s);
    }
    self->flushed_us = clock_us();
    self->flush_took_us = self->flushed_us - began_us;
    self->is_flood = head - self->flushed_place > 1;
    self->flushed_place = head;
}

static void
on_flush_timer(void *arg)
{
    streams_t *self = arg;

    if (self->is_flush_due)
        flush_streams(self);
}

static void
on_batch(void *arg)
{
    streams_t *self = arg;
    int64_t pause_us = self->flush_took_us < PAUSE_LEAST_US  ? PAUSE_LEAST_US
                       : self->flush_took_us > PAUSE_MOST_US ? PAUSE_MOST_US
                                                             : self->flush_took_us;
    int64_t left_us = self->flushed_us + pause_us - clock_us();

    atomic_store(&self->buffered, ring_count(self->ring));
    if (self->is_flush_due)
        return;
    if (left_us <= 0 || !self->is_flood) {
        flush_streams(self);
        return;
    }
    self->is_flush_due = true;
    loop_timer(self->loop, (uint32_t)(left_us / 1000) + 1, false, on_flush_timer, self);
}

/* --- the bus ------------------------------------------------------------------------------ */

static void
on_event(void *arg, const struct bus_event *event)
{
    streams_t *self = arg;

    ring_add(self->ring, event);
}

/* The first time, streams have been waiting for this. Later it means that events were missed,
 * so every stream starts anew. */
static void
on_start(void *arg, int64_t last, int64_t live)
{
    streams_t *self = arg;
    bool was_started = self->is_started;

    if (was_started)
        log_warn("stream.gap", "from=%lld to=%lld", (long long)ring_last(self->ring),
                 (long long)last);
    self->is_started = true;
    self->live = live;
    ring_clear(self->ring, last);
    for (stream_t *s = self->first, *next; s; s = next) {
        next = s->next;
        if (s->is_waiting) {
            stream_go_on(self, s);
        } else if (!s->replay) {
            stream_reset(self, s);
            stream_write(self, s);
        }
    }
}

/* --- connections -------------------------------------------------------------------------- */

static void
on_socket(streams_t *self, stream_t *stream, uint32_t events)
{
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        stream_close(self, stream, "gone");
        return;
    }
    stream->is_blocked = false;
    stream_write(self, stream);
}

static void
on_ready(void *arg)
{
    streams_t *self = arg;
    struct epoll_event events[EVENTS];
    int count;

    do {
        count = epoll_wait(self->epoll, events, EVENTS, 0);
        for (int i = 0; i < count; i++)
            on_socket(self, events[i].data.ptr, events[i].events);
    } while (count == EVENTS);
}

static void
limit_socket(int fd)
{
    int size = SEND_BUFFER, one = 1, unread_ms = UNREAD_MS;

    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ||
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unread_ms, sizeof(unread_ms)))
        log_debug("stream.socket_option_failed", "errno=%d", errno);
}

static void
begin_arrived(streams_t *self, stream_t *stream)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.ptr = stream};

    stream->next = self->first;
    stream->previous = NULL;
    if (self->first)
        self->first->previous = stream;
    self->first = stream;
    stream->wrote_ms = clock_ms();
    limit_socket(stream->fd);
    meters_set(self->metrics, METRIC_STREAMS, NULL, (int64_t)atomic_load(&self->count));
    if (epoll_ctl(self->epoll, EPOLL_CTL_ADD, stream->fd, &event))
        stream_close(self, stream, "gone");
    else
        stream_begin(self, stream);
}

static void
spread_note(streams_t *self, char *note)
{
    free(self->note);
    self->note = note;
    for (stream_t *s = self->first, *next; s; s = next) {
        next = s->next;
        s->is_note_due = s->filter.topics & topics_of(TOPIC_SYSTEM_HEALTH);
        stream_note(self, s);
    }
}

static void
on_wake(void *arg)
{
    streams_t *self = arg;
    uint64_t count;
    stream_t *list;
    char *note;
    bool is_ending;

    if (read(self->wake, &count, sizeof(count)) != sizeof(count))
        return;
    pthread_mutex_lock(&self->lock);
    list = self->arrived;
    self->arrived = NULL;
    note = self->pushed;
    self->pushed = NULL;
    is_ending = self->is_ending;
    pthread_mutex_unlock(&self->lock);
    while (list) {
        stream_t *stream = list;

        list = stream->next;
        begin_arrived(self, stream);
    }
    if (note)
        spread_note(self, note);
    if (is_ending)
        loop_stop(self->loop);
}

static void
on_tick(void *arg)
{
    streams_t *self = arg;
    int64_t now_ms = clock_ms();

    for (stream_t *s = self->first, *next; s; s = next) {
        next = s->next;
        if (s->is_blocked && now_ms - s->wrote_ms >= UNREAD_MS)
            stream_close(self, s, "slow");
        else if (now_ms - s->wrote_ms >= SILENT_MS)
            stream_ping(self, s);
    }
}

static void
on_streams_turn_end(void *arg)
{
    streams_t *self = arg;

    while (self->gone) {
        stream_t *stream = self->gone;

        self->gone = stream->next;
        free(stream->own.data);
        free(stream);
    }
}

/* --- the thread --------------------------------------------------------------------------- */

static void *
run_thread(void *arg)
{
    streams_t *self = arg;

    loop_run(self->loop);
    while (self->first)
        stream_close(self, self->first, "ended");
    bus_destroy(&self->bus); /* with the pages that are asked for */
    on_streams_turn_end(self);
    return NULL;
}

static bool
open_thread(streams_t *self)
{
    struct bus_reader reader = {
        .arg = self, .on_event = on_event, .on_batch = on_batch, .on_start = on_start};

    self->loop = loop_new();
    self->ring = ring_new((size_t)self->settings->events_buffer,
                          (size_t)self->settings->events_buffer_mb << 20);
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    self->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->epoll < 0 || self->wake < 0)
        return false;
    loop_fd(self->loop, self->epoll, ZMQ_POLLIN, on_ready, self);
    loop_fd(self->loop, self->wake, ZMQ_POLLIN, on_wake, self);
    loop_timer(self->loop, TICK_MS, true, on_tick, self);
    loop_after(self->loop, on_streams_turn_end, self);
    self->bus = bus_new(self->loop, self->settings, self->metrics, &reader);
    return self->bus != NULL;
}

static void
close_thread(streams_t *self)
{
    bus_destroy(&self->bus);
    loop_destroy(&self->loop);
    ring_destroy(&self->ring);
    if (self->epoll >= 0)
        close(self->epoll);
    if (self->wake >= 0)
        close(self->wake);
    pthread_mutex_destroy(&self->lock);
    free(self->note);
    free(self->pushed);
    free(self);
}

/* Signals are the main thread's. */
static bool
start_thread(streams_t *self)
{
    sigset_t all, before;
    bool is_started;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    is_started = pthread_create(&self->thread, NULL, run_thread, self) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_started;
}

streams_t *
streams_new(const settings_t *settings, meters_t *metrics)
{
    streams_t *self = zmalloc(sizeof(*self));

    *self = (streams_t){.settings = settings,
                        .metrics = metrics,
                        .epoll = -1,
                        .wake = -1,
                        .slice_place = UINT64_MAX};
    pthread_mutex_init(&self->lock, NULL);
    if (open_thread(self) && start_thread(self))
        return self;
    log_error("stream.not_started", "errno=%d", errno);
    close_thread(self);
    return NULL;
}

static void
wake_thread(streams_t *self)
{
    uint64_t one = 1;

    if (write(self->wake, &one, sizeof(one)) != sizeof(one))
        log_warn("stream.wake_failed", "errno=%d", errno);
}

void
streams_destroy(streams_t **self_p)
{
    streams_t *self = *self_p;

    if (!self)
        return;
    *self_p = NULL;
    pthread_mutex_lock(&self->lock);
    self->is_ending = true;
    pthread_mutex_unlock(&self->lock);
    wake_thread(self);
    pthread_join(self->thread, NULL);
    while (self->arrived) { /* after its last look */
        stream_t *stream = self->arrived;

        self->arrived = stream->next;
        close(stream->fd);
        free(stream->own.data);
        free(stream);
    }
    close_thread(self);
}

/* --- for the bridge's thread -------------------------------------------------------------- */

static void
write_head(struct stream_text *text, const char *headers)
{
    static const char head[] = "HTTP/1.1 200 OK\r\n"
                               "Content-Type: text/event-stream\r\n"
                               "Cache-Control: no-cache\r\n"
                               "X-Accel-Buffering: no\r\n"
                               "Connection: close\r\n";

    text->data = NULL;
    text->size = text->capacity = 0;
    if (asprintf(&text->data, "%s%s\r\n", head, headers ? headers : "") < 0)
        abort();
    text->size = text->capacity = strlen(text->data);
}

void
streams_take(streams_t *self, const struct stream_request *request)
{
    stream_t *stream = zmalloc(sizeof(*stream));

    *stream =
        (stream_t){.fd = request->fd, .filter = request->filter, .last_id = request->last_id};
    write_head(&stream->own, request->headers);
    atomic_fetch_add(&self->count, 1);
    pthread_mutex_lock(&self->lock);
    stream->next = self->arrived;
    self->arrived = stream;
    pthread_mutex_unlock(&self->lock);
    wake_thread(self);
}

void
streams_push(streams_t *self, char **data_p)
{
    pthread_mutex_lock(&self->lock);
    free(self->pushed);
    self->pushed = *data_p;
    *data_p = NULL;
    pthread_mutex_unlock(&self->lock);
    wake_thread(self);
}

size_t
streams_count(const streams_t *self)
{
    return atomic_load(&self->count);
}

bool
streams_is_full(const streams_t *self)
{
    return streams_count(self) >= (size_t)self->settings->http_max_streams;
}

size_t
streams_buffered(const streams_t *self)
{
    return atomic_load(&self->buffered);
}
