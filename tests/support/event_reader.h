/* event_reader - what a browser makes of an event stream, by WHATWG HTML 9.2.6: fed with bytes
 * as they come, it calls back for each event that would be dispatched. */
#ifndef TESTS_SUPPORT_EVENT_READER_H
#define TESTS_SUPPORT_EVENT_READER_H

#include <stdbool.h>
#include <stddef.h>

struct event_reader {
    void *arg;
    void (*on_event)(void *arg, const char *id, const char *type, const char *data);
    char last_id[128]; /* what it would send as Last-Event-ID */
    long retry_ms;     /* -1: not said */
    size_t comments;

    char id[128], type[128]; /* of the event being read */
    char *line, *data;
    size_t line_size, line_room, data_size, data_room;
    bool has_data, is_after_cr, has_begun;
};

void event_reader_init(struct event_reader *self, void *arg,
                       void (*on_event)(void *arg, const char *id, const char *type,
                                        const char *data));
void event_reader_fini(struct event_reader *self);
void event_reader_feed(struct event_reader *self, const char *data, size_t size);
void
event_reader_end(struct event_reader *self); /* of the connection: what is unfinished goes */

#endif
