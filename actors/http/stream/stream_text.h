/* stream_text - the text of an event stream (WHATWG HTML, 9.2 "Server-sent events").
 *
 * Readers end a line at LF, CR or CRLF: data with line ends becomes as many `data:` lines, and
 * is read with LF between them. In `id` and `event` a line end would begin a field of its own,
 * and an empty id would make a client forget where it was: neither is written.
 */
#ifndef ACTORS_HTTP_STREAM_STREAM_TEXT_H
#define ACTORS_HTTP_STREAM_STREAM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct stream_text {
    char *data; /* the caller frees it */
    size_t size, capacity;
};

/* Adds one event; NULL for no id or no event name. False: one of them cannot be written, and
 * nothing was added. An event whose data is empty is still dispatched, as an empty text. */
bool stream_text_event(struct stream_text *self, const char *id, const char *event,
                       const char *data, size_t size);
void stream_text_comment(struct stream_text *self, const char *text); /* one line */
/* Moves a client's place forward without an event: no data, so nothing is dispatched. */
void stream_text_place(struct stream_text *self, long long id);
void stream_text_retry(struct stream_text *self, unsigned ms);
/* An id from a client: digits, and no more of them than a number has. */
bool stream_id_parse(const char *text, long long *ret);

#endif
