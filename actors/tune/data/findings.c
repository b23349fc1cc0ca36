#include "actors/tune/data/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define QUOTED_BYTES 40

/* Length of the UTF-8 sequence at p that is worth showing, 0 if there is none. */
static size_t
shown_length(const unsigned char *p, const unsigned char *end)
{
    size_t length = *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;

    if (*p >= ' ' && *p <= '~')
        return 1;
    if ((size_t)(end - p) < length || (*p == 0xc2 && length == 2 && p[1] < 0xa0))
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    /* no surrogates, nothing overlong, nothing above U+10FFFF: JSON takes none of them */
    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
        (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
        return 0;
    return length;
}

void
findings_quote(const char *text, size_t size, char out[DATA_WORD_BYTES])
{
    const unsigned char *p = (const unsigned char *)text, *end = p + size;
    size_t used = 0;

    while (p < end) {
        const size_t length = shown_length(p, end);

        if (used + (length ? length : 1) > QUOTED_BYTES) {
            memcpy(out + used, "...", 4);
            return;
        }
        if (length == 0 || *p == '"')
            out[used++] = *p == '"' ? '\'' : '?';
        else
            memcpy(out + used, p, length);
        used += length == 0 || *p == '"' ? 0 : length;
        p += length ? length : 1;
    }
    out[used] = '\0';
}

/* vsnprintf that never leaves half a character at the end. */
__attribute__((format(printf, 3, 0))) static void
print_whole(char *out, size_t size, const char *format, va_list args)
{
    const int wanted = vsnprintf(out, size, format, args);

    if (wanted < 0 || (size_t)wanted < size)
        return;
    size_t end = size - 1;
    while (end > 0 && ((unsigned char)out[end - 1] & 0xc0) == 0x80)
        end--;
    if (end > 0 && (unsigned char)out[end - 1] >= 0xc0)
        end--;
    out[end < size - 1 ? end : size - 1] = '\0';
}

tm_err_t
findings_refuse(struct data_report *report, enum data_refusal refusal, size_t line,
                const char *format, ...)
{
    char text[DATA_ERROR_BYTES - 32];
    struct data_error *error = &report->errors[0];
    va_list args;

    va_start(args, format);
    print_whole(text, sizeof text, format, args);
    va_end(args);
    if (line)
        snprintf(report->error, sizeof report->error, "line %zu: %s", line, text);
    else
        snprintf(report->error, sizeof report->error, "%s", text);
    *error = (struct data_error){.line = line};
    snprintf(error->msg, sizeof error->msg, "%.*s", (int)sizeof error->msg - 1, text);
    for (size_t n = strlen(error->msg);
         n > 0 && (error->msg[n - 1] & 0x80) && n + 1 >= sizeof error->msg; n--)
        error->msg[n - 1] = '\0';
    report->error_count = 1;
    report->refusal = refusal;
    return TM_DATA_PARSE_FAILED;
}

void
findings_cell(struct data_report *report, const struct findings_cell *cell, const char *format,
              ...)
{
    char why[DATA_TEXT_BYTES - DATA_WORD_BYTES - 32];
    va_list args;

    if (report->error_count++ >= DATA_ERRORS_MAX)
        return;
    struct data_error *error = &report->errors[report->error_count - 1];

    if (report->error_count == 1)
        report->refusal = cell->refusal;
    *error = (struct data_error){.line = cell->line};
    va_start(args, format);
    print_whole(why, sizeof why, format, args);
    va_end(args);
    snprintf(error->column, sizeof error->column, "%s", cell->column);
    findings_quote(cell->value.text, cell->value.size, error->value);
    char value[DATA_WORD_BYTES];
    memcpy(value, error->value, sizeof value);
    snprintf(error->msg, sizeof error->msg, "%.20s \"%s\" %s", cell->column, value, why);
}

tm_err_t
findings_close(struct data_report *report)
{
    size_t used = 0;
    const size_t kept =
        report->error_count < DATA_ERRORS_MAX ? report->error_count : DATA_ERRORS_MAX;

    if (report->error_count == 0)
        return TM_OK;
    for (size_t i = 0; i < kept; i++) {
        char line[DATA_TEXT_BYTES + 32];
        const int length = snprintf(line, sizeof line, "%sline %zu: %s", i ? "; " : "",
                                    report->errors[i].line, report->errors[i].msg);

        if (length < 0 || used + (size_t)length + 32 > sizeof report->error)
            break;
        memcpy(report->error + used, line, (size_t)length + 1);
        used += (size_t)length;
    }
    if (report->error_count > kept)
        snprintf(report->error + used, sizeof report->error - used, "; and %zu more",
                 report->error_count - kept);
    return TM_DATA_PARSE_FAILED;
}

void
findings_warn(struct data_report *report, const char *format, ...)
{
    va_list args;

    if (report->warning_count == DATA_NOTES_MAX)
        return;
    va_start(args, format);
    print_whole(report->warnings[report->warning_count++], DATA_TEXT_BYTES, format, args);
    va_end(args);
}

void
findings_note(struct data_report *report, const char *format, ...)
{
    va_list args;

    if (report->note_count == DATA_NOTES_MAX)
        return;
    va_start(args, format);
    print_whole(report->notes[report->note_count++], DATA_TEXT_BYTES, format, args);
    va_end(args);
}
