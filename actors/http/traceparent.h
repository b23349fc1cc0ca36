/* traceparent - W3C trace context: 00-<trace id>-<parent id>-<flags>.
 */
#ifndef ACTORS_HTTP_TRACEPARENT_H
#define ACTORS_HTTP_TRACEPARENT_H

#include <stdbool.h>
#include <stddef.h>

#define TRACEPARENT_TEXT 56
#define TRACE_ID_TEXT    33

typedef struct {
    char trace_id[TRACE_ID_TEXT]; /* 32 hex digits */
    char parent_id[17];
    bool is_sampled;
} traceparent_t;

/* False, and nothing written, when the text is no valid one of any version. */
bool traceparent_parse(const char *text, size_t size, traceparent_t *ret);
void traceparent_start(traceparent_t *ret); /* a new trace, sampled */
void traceparent_step(traceparent_t *self); /* a new span in the same trace: a new parent id */
const char *traceparent_text(const traceparent_t *self, char text[TRACEPARENT_TEXT]);

#endif
