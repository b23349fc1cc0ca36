/* traceparent - W3C trace context: 00-<trace id>-<span id>-<flags>.
 *
 * Whoever takes up work (a request, a job, a call) parses what its sender said and steps: from
 * there on its own span is told to others. A message keeps what was true when it was made, so
 * each delivery of it is a new span behind the same one.
 *
 * tracestate is dropped whole: messages have no field for it.
 */
#ifndef ACTORS_KIT_RUNTIME_TRACEPARENT_H
#define ACTORS_KIT_RUNTIME_TRACEPARENT_H

#include <stdbool.h>
#include <stddef.h>

#define TRACEPARENT_TEXT 56
#define TRACE_ID_TEXT    33
#define SPAN_ID_TEXT     17

typedef struct {
    char trace_id[TRACE_ID_TEXT]; /* 32 hex digits; "": no trace at all */
    char span_id[SPAN_ID_TEXT];   /* of whoever says it */
    char parent_id[SPAN_ID_TEXT]; /* the span that brought this one about; "": not known */
    bool is_sampled;
} traceparent_t;

/* False, and nothing written, when the text is no valid one of any version. */
bool traceparent_parse(const char *text, size_t size, traceparent_t *ret);
void traceparent_start(traceparent_t *ret); /* a new trace, sampled */
void traceparent_step(traceparent_t *self); /* a new span behind this one */
/* A new span behind that of the text, which may be NULL; of a new trace if it is none. */
void traceparent_follow(const char *text, traceparent_t *ret);
const char *traceparent_text(const traceparent_t *self, char text[TRACEPARENT_TEXT]);

#endif
