/* streams - the event streams (Server-Sent Events), on a thread of their own.
 *
 * The bridge answers GET /admin/events/stream by handing the connection over: from then on it
 * is this thread's, and libmicrohttpd knows of it no more. What is sent lies in one ring
 * (ring.h), which all streams read at their own pace: a stream costs a descriptor, a
 * place in the ring, and what the kernel holds for it (SO_SNDBUF, 64 KiB at most). One that the
 * ring overtakes is closed and counted; it comes back with Last-Event-ID.
 *
 * A client that names the last event it has seen gets all since: from the ring, else in pages
 * from the bus until the ring has the rest. If that is no more, or never was, it gets one
 * `stream.reset`, whose id is the newest, and then what happens from now on.
 *
 *     streams.c         the thread: its loop, those who come, flushing, keep-alives
 *     stream.c          one connection: writing, closing
 *     stream_replay.c   what a client has missed before the ring begins
 *     ring.c, stream_text.c
 */
#ifndef ACTORS_HTTP_STREAM_STREAMS_H
#define ACTORS_HTTP_STREAM_STREAMS_H

#include "actors/http/stream/ring.h"

typedef struct streams streams_t;

struct stream_request {
    int fd;              /* taken, also if it fails */
    const char *headers; /* of the answer beyond its own, "Name: value\r\n" each; or NULL */
    struct ring_filter filter;
    int64_t last_id; /* seen by the client; -1: it does not say */
};

enum { STREAM_RETRY_MS = 3000, STREAM_RETRY_FULL_MS = 30000 };

/* NULL: a setting is wrong, or there is no thread; it was logged. */
streams_t *streams_new(const settings_t *settings, meters_t *metrics);
void streams_destroy(streams_t **self_p); /* ends every stream */

void streams_take(streams_t *self, const struct stream_request *request);
/* An event system.health, from no bus: sent once, without a number, to the streams whose filter
 * has that topic, whatever their workspace; the last one counts. Takes the text, JSON. */
void streams_push(streams_t *self, char **data_p);
/* Any thread */
size_t streams_count(const streams_t *self);
bool streams_is_full(const streams_t *self);    /* http.max_streams */
size_t streams_buffered(const streams_t *self); /* events in the ring */

#endif
