/* log - one JSON object a line on standard error:
 * {"ts":..,"level":..,"actor":..,"event":..,...}.
 *
 * log_info("job.claimed", "job=%s attempt=%u", id, attempt): a fixed dotted event name, then
 * key=value pairs, which become members. A value with spaces is written key="a b" (use
 * log_quote for text from outside). Never log payloads, tokens, prompts, query parameters.
 * The level and the actor's name, who listens (log_tap) and what is hidden (log_hide), are the
 * only state of the process kept here; they are set once by main before threads start. Lines
 * are written whole, from any thread.
 */
#ifndef ACTORS_KIT_RUNTIME_LOG_H
#define ACTORS_KIT_RUNTIME_LOG_H

#include <stddef.h>

#include "actors/kit/runtime/traceparent.h"

typedef enum {
    LOG_AT_DEBUG,
    LOG_AT_INFO,
    LOG_AT_WARN,
    LOG_AT_ERROR,
    LOG_LEVEL_COUNT
} log_level_t;

void log_init(const char *actor, log_level_t level);
void log_write(log_level_t level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What this thread works for: its lines have the members trace and span until it is told
 * otherwise. Copied; NULL or one without an id: nothing. A loop forgets it before each handler,
 * and a unit of pg brings that of its sender to its callback. */
void log_trace(const traceparent_t *trace);
traceparent_t log_trace_now(void);

/* Whoever wants to hear of every line that is written, but for debug: fn is called in the
 * thread that writes it, behind its writing. Lines that fn writes are not told to it. */
struct log_line {
    log_level_t level;
    const char *event;
    const char
        *members; /* ,"job":"...","attempt":3: of the JSON line, without trace and span */
    size_t size;
};
typedef void log_tap_fn(void *arg, const struct log_line *line);
void log_tap(log_tap_fn *fn, void *arg); /* NULL: nobody */

/* Takes out of each line what nobody may read: fn is given its members, as of struct log_line,
 * and makes them shorter or not; returns their size. text[size] is its own. In any thread. */
typedef size_t log_hide_fn(void *arg, char *text, size_t size);
void log_hide(log_hide_fn *fn, void *arg); /* NULL: nothing is */

/* Escapes and cuts text from outside into buffer, quoted for a value; returns buffer. */
const char *log_quote(const char *text, size_t size, char *buffer, size_t buffer_size);

#define log_debug(event, ...) log_write(LOG_AT_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...)  log_write(LOG_AT_INFO, event, __VA_ARGS__)
#define log_warn(event, ...)  log_write(LOG_AT_WARN, event, __VA_ARGS__)
#define log_error(event, ...) log_write(LOG_AT_ERROR, event, __VA_ARGS__)

#endif
