/* The text that a caller formats is cut into key=value pairs and rebuilt as JSON members, so
 * that a call stays one printf. Whatever the values hold, the line is one valid JSON object:
 * quotes, control characters and broken UTF-8 are escaped or replaced, and what is too long is
 * cut. A line is at most PIPE_BUF bytes and written by one write(2): lines of several threads
 * or processes never mix. */
#include "actors/kit/runtime/log.h"

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actors/kit/util/clock.h"
#include "actors/kit/util/utf8.h"

#define TEXT_MAX       3000
#define LINE_MAX_BYTES PIPE_BUF
#define TAIL           4 /* kept free for what closes a line: quote, brace, newline */

static struct {
    char actor[32];
    log_level_t level;
    log_tap_fn *tap;
    void *tap_arg;
    log_hide_fn *hide;
    void *hide_arg;
} process = {.actor = "tunemill", .level = LOG_AT_INFO};

static _Thread_local struct {
    traceparent_t trace; /* without an id: none */
    bool is_telling;     /* the tap runs */
} thread;

struct line {
    char data[LINE_MAX_BYTES];
    size_t size;
};

void
log_init(const char *actor, log_level_t level)
{
    snprintf(process.actor, sizeof(process.actor), "%s", actor);
    process.level = level;
}

void
log_tap(log_tap_fn *fn, void *arg)
{
    process.tap = fn;
    process.tap_arg = arg;
}

void
log_hide(log_hide_fn *fn, void *arg)
{
    process.hide = fn;
    process.hide_arg = arg;
}

void
log_trace(const traceparent_t *trace)
{
    if (trace)
        thread.trace = *trace;
    else
        thread.trace.trace_id[0] = '\0';
}

traceparent_t
log_trace_now(void)
{
    return thread.trace;
}

static bool
put(struct line *line, const char *text, size_t size)
{
    if (line->size + size > sizeof(line->data) - TAIL)
        return false;
    memcpy(line->data + line->size, text, size);
    line->size += size;
    return true;
}

/* The JSON form of the character at text into out (at least 8 bytes); *ret_used bytes of text.
 */
static size_t
escape(const unsigned char *text, size_t size, char *out, size_t *ret_used)
{
    uint32_t character;
    size_t length = utf8_read(text, size, &character);

    *ret_used = length ? length : 1;
    if (!length)
        return (size_t)snprintf(out, 8, "\\ufffd");
    if (text[0] == '"' || text[0] == '\\')
        return (size_t)snprintf(out, 8, "\\%c", text[0]);
    if (text[0] == '\n')
        return (size_t)snprintf(out, 8, "\\n");
    if (text[0] < 0x20 || text[0] == 0x7f)
        return (size_t)snprintf(out, 8, "\\u%04x", text[0]);
    memcpy(out, text, length);
    return length;
}

static void
put_string(struct line *line, const char *text, size_t size)
{
    char piece[8];
    size_t used;

    if (!put(line, "\"", 1))
        return;
    for (size_t at = 0; at < size; at += used) {
        size_t length = escape((const unsigned char *)text + at, size - at, piece, &used);
        if (!put(line, piece, length))
            break;
    }
    line->data[line->size++] = '"'; /* TAIL has room */
}

/* As JSON has it, of at most 15 digits before the point; what follows the text is no digit. */
static bool
is_number(const char *text, size_t size)
{
    const char *at = text + (size > 0 && *text == '-'), *end = text + size;
    const size_t digits = at < end ? strspn(at, "0123456789") : 0;

    if (digits == 0 || digits > 15 || (digits > 1 && *at == '0'))
        return false;
    at += digits;
    if (end - at > 1 && *at == '.')
        at += 1 + strspn(at + 1, "0123456789");
    return at == end;
}

static bool
is_reserved(const char *key, size_t size)
{
    static const char *const names[] = {"ts",    "level", "actor", "event",
                                        "trace", "span",  "note"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i]) == size && memcmp(names[i], key, size) == 0)
            return true;
    return false;
}

/* A member that does not fit is left out whole: its shortest form is asked for first. */
static void
put_member(struct line *line, const char *key, size_t key_size, const char *value, size_t size,
           bool quoted)
{
    size_t least = 6 * key_size + 12;

    if (line->size + least + (quoted ? 0 : size) > sizeof(line->data) - TAIL)
        return;
    put(line, ",", 1);
    if (is_reserved(key, key_size)) {
        char renamed[16];
        int length = snprintf(renamed, sizeof(renamed), "%.*s_", (int)key_size, key);
        put_string(line, renamed, (size_t)length);
    } else
        put_string(line, key, key_size);
    put(line, ":", 1);
    if (!quoted && is_number(value, size))
        put(line, value, size);
    else
        put_string(line, value, size);
}

/* Undoes the escapes of log_quote in place, from the opening quote at text; returns where the
 * value ends (behind its closing quote). */
static size_t
unquote(char *text, size_t size, size_t *ret_length)
{
    size_t at = 1, length = 0;

    for (; at < size && text[at] != '"'; at++) {
        if (text[at] == '\\' && at + 1 < size && strchr("\"\\n", text[at + 1])) {
            at++;
            if (text[at] == 'n')
                text[at] = '\n';
        }
        text[length++] = text[at];
    }
    *ret_length = length;
    return at < size ? at + 1 : size;
}

struct note {
    char text[TEXT_MAX];
    size_t size;
};

static void
note_add(struct note *note, const char *word, size_t size)
{
    if (note->size + size + 1 > sizeof(note->text))
        return;
    if (note->size)
        note->text[note->size++] = ' ';
    memcpy(note->text + note->size, word, size);
    note->size += size;
}

/* Handles the word at text, returns its length. */
static size_t
put_word(struct line *line, struct note *note, char *text, size_t size)
{
    size_t end = 0, length, used;

    while (end < size && text[end] != ' ' && text[end] != '=')
        end++;
    if (end == size || text[end] == ' ' || end == 0 || end > 64) {
        while (end < size && text[end] != ' ')
            end++;
        note_add(note, text, end);
        return end;
    }
    if (end + 1 < size && text[end + 1] == '"') {
        used = unquote(text + end + 1, size - end - 1, &length);
        put_member(line, text, end, text + end + 1, length, true);
        return end + 1 + used;
    }
    for (used = end + 1; used < size && text[used] != ' ';)
        used++;
    put_member(line, text, end, text + end + 1, used - end - 1, false);
    return used;
}

static void
put_pairs(struct line *line, char *text, size_t size)
{
    struct note note = {.size = 0};

    for (size_t at = 0; at < size;)
        if (text[at] == ' ')
            at++;
        else
            at += put_word(line, &note, text + at, size - at);
    if (note.size && line->size < sizeof(line->data) - TAIL - 8) { /* and for a quote */
        put(line, ",\"note\":", 8);
        put_string(line, note.text, note.size);
    }
}

static void
put_head(struct line *line, log_level_t level, const char *event)
{
    static const char *const names[LOG_LEVEL_COUNT] = {"debug", "info", "warn", "error"};
    char ts[CLOCK_TEXT];

    put(line, "{\"ts\":\"", 7);
    put(line, clock_text(clock_utc_ms(), ts), CLOCK_TEXT - 1);
    put(line, "\",\"level\":\"", 11);
    put(line, names[level], strlen(names[level]));
    put(line, "\",\"actor\":", 10);
    put_string(line, process.actor, strlen(process.actor));
    put(line, ",\"event\":", 9);
    put_string(line, event, strnlen(event, 100));
    if (thread.trace.trace_id[0]) {
        put(line, ",\"trace\":\"", 10);
        put(line, thread.trace.trace_id, strlen(thread.trace.trace_id));
        put(line, "\",\"span\":\"", 10);
        put(line, thread.trace.span_id, strlen(thread.trace.span_id));
        put(line, "\"", 1);
    }
}

static void
write_line(const struct line *line)
{
    for (size_t at = 0; at < line->size;) {
        ssize_t n = write(STDERR_FILENO, line->data + at, line->size - at);
        if (n <= 0)
            return; /* nobody is left to tell */
        at += (size_t)n;
    }
}

static void
tell(log_level_t level, const char *event, const char *members, size_t size)
{
    const struct log_line told = {level, event, members, size};

    if (!process.tap || level < LOG_AT_INFO || thread.is_telling)
        return;
    thread.is_telling = true;
    process.tap(process.tap_arg, &told);
    thread.is_telling = false;
}

void
log_write(log_level_t level, const char *event, const char *format, ...)
{
    struct line line = {.size = 0};
    char text[TEXT_MAX];
    va_list args;
    int length;
    size_t head, end;

    if (level < process.level)
        return;
    va_start(args, format);
    length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (length < 0)
        length = 0;
    if ((size_t)length >= sizeof(text))
        length = (int)sizeof(text) - 1;
    put_head(&line, level, event);
    head = line.size;
    put_pairs(&line, text, (size_t)length);
    if (process.hide)
        line.size = head + process.hide(process.hide_arg, line.data + head, line.size - head);
    end = line.size;
    line.data[line.size++] = '}';
    line.data[line.size++] = '\n';
    write_line(&line);
    tell(level, event, line.data + head, end - head);
}

const char *
log_quote(const char *text, size_t size, char *buffer, size_t buffer_size)
{
    size_t at = 0;

    if (buffer_size < 3)
        return "\"\"";
    buffer[at++] = '"';
    for (size_t i = 0; i < size && at + 4 < buffer_size; i++) {
        char c = text[i];
        if (c == '"' || c == '\\' || c == '\n')
            buffer[at++] = '\\';
        if (c == '\n')
            c = 'n';
        if (c == '\0')
            c = ' ';
        buffer[at++] = c;
    }
    buffer[at++] = '"';
    buffer[at] = '\0';
    return buffer;
}
