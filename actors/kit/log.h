/* log - one JSON object a line on standard error:
 * {"ts":..,"level":..,"actor":..,"event":..,...}.
 *
 * log_info("job.claimed", "job=%s attempt=%u", id, attempt): a fixed dotted event name, then
 * key=value pairs, which become members. A value with spaces is written key="a b" (use
 * log_quote for text from outside). Never log payloads, tokens, prompts, query parameters.
 * The level and the actor's name are the only state of the process kept here; both are set once
 * by main before threads start. Lines are written whole, from any thread.
 */
#ifndef ACTORS_KIT_LOG_H
#define ACTORS_KIT_LOG_H

#include <stddef.h>

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

/* Escapes and cuts text from outside into buffer, quoted for a value; returns buffer. */
const char *log_quote(const char *text, size_t size, char *buffer, size_t buffer_size);

#define log_debug(event, ...) log_write(LOG_AT_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...)  log_write(LOG_AT_INFO, event, __VA_ARGS__)
#define log_warn(event, ...)  log_write(LOG_AT_WARN, event, __VA_ARGS__)
#define log_error(event, ...) log_write(LOG_AT_ERROR, event, __VA_ARGS__)

#endif
