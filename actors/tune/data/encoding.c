#include "actors/tune/data/encoding.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "actors/tune/data/findings.h"

#define SNIFF_BYTES 64 /* of a UTF-16 file without mark */

/* Length of the UTF-8 sequence at p, 0 if there is none. */
static size_t
utf8_length(const unsigned char *p, const unsigned char *end)
{
    const size_t length = *p < 0x80                 ? 1
                          : *p >= 0xc2 && *p < 0xe0 ? 2
                          : (*p & 0xf0) == 0xe0     ? 3
                          : *p >= 0xf0 && *p < 0xf5 ? 4
                                                    : 0;

    if (length == 0 || (size_t)(end - p) < length)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

static bool
is_utf8(const struct text *text)
{
    const unsigned char *p = (const unsigned char *)text->at, *end = p + text->size;

    while (p < end) {
        uint64_t eight = 0;

        if (end - p >= 8)
            memcpy(&eight, p, sizeof eight);
        if (end - p >= 8 && (eight & UINT64_C(0x8080808080808080)) == 0) {
            p += 8;
            continue;
        }
        const size_t length = utf8_length(p, end);
        if (length == 0)
            return false;
        p += length;
    }
    return true;
}

static char *
put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

static tm_err_t
from_latin1(struct text *text)
{
    char *copy = text->size < SIZE_MAX / 3 ? malloc(text->size * 3 + 1) : NULL, *out = copy;

    if (!copy)
        return TM_NO_MEMORY;
    for (size_t i = 0; i < text->size; i++) {
        const unsigned char c = (unsigned char)text->at[i];

        /* 0x80 is the euro in Windows' variant, and nothing that is printed in the standard's
         */
        out = put_utf8(out, c == 0x80 ? 0x20ac : c);
    }
    text_take(text, copy, (size_t)(out - copy));
    return TM_OK;
}

static uint32_t
utf16_unit(const struct text *text, size_t at, bool is_big)
{
    const uint32_t a = (unsigned char)text->at[at], b = (unsigned char)text->at[at + 1];

    return is_big ? a << 8 | b : b << 8 | a;
}

/* Half a pair, and half a unit at the end, become U+FFFD: in a cell that counts it is refused.
 */
static tm_err_t
from_utf16(struct text *text, bool is_big)
{
    char *copy = text->size < SIZE_MAX / 2 ? malloc(text->size * 2 + 4) : NULL, *out = copy;
    size_t at = 0;

    if (!copy)
        return TM_NO_MEMORY;
    for (; at + 1 < text->size; at += 2) {
        uint32_t c = utf16_unit(text, at, is_big);
        const uint32_t next = at + 3 < text->size ? utf16_unit(text, at + 2, is_big) : 0;

        if (c == 0xfeff && at == 0)
            continue;
        if (c >= 0xd800 && c < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + (next - 0xdc00);
            at += 2;
        } else if (c >= 0xd800 && c < 0xe000) {
            c = 0xfffd;
        }
        out = put_utf8(out, c);
    }
    if (at < text->size)
        out = put_utf8(out, 0xfffd);
    text_take(text, copy, (size_t)(out - copy));
    return TM_OK;
}

/* Every other byte of the beginning is 0: 'L' or 'B', else 0. */
static char
utf16_order(const struct text *text)
{
    size_t zeros[2] = {0, 0};
    const size_t size = text->size < SNIFF_BYTES ? text->size & ~(size_t)1 : SNIFF_BYTES;

    if (text->size >= 2 && memcmp(text->at, "\xff\xfe", 2) == 0)
        return 'L';
    if (text->size >= 2 && memcmp(text->at, "\xfe\xff", 2) == 0)
        return 'B';
    for (size_t i = 0; i < size; i++)
        zeros[i & 1] += text->at[i] == '\0';
    if (size >= 8 && zeros[1] == size / 2 && zeros[0] == 0)
        return 'L';
    return size >= 8 && zeros[0] == size / 2 && zeros[1] == 0 ? 'B' : 0;
}

/* A lone CR ends a line where there is no LF in the whole text. */
static tm_err_t
lines_of_cr(struct text *text)
{
    if (text->size == 0 || !memchr(text->at, '\r', text->size) ||
        memchr(text->at, '\n', text->size))
        return TM_OK;
    char *copy = malloc(text->size);
    if (!copy)
        return TM_NO_MEMORY;
    memcpy(copy, text->at, text->size);
    for (char *at = copy; (at = memchr(at, '\r', text->size - (size_t)(at - copy)));)
        *at = '\n';
    text_take(text, copy, text->size);
    return TM_OK;
}

static tm_err_t
refuse_nul(const struct text *text, struct data_report *report)
{
    const char *nul = text->size ? memchr(text->at, '\0', text->size) : NULL;

    if (!nul)
        return TM_OK;
    return findings_refuse(report, DATA_NUL, cells_lines(text->at, (size_t)(nul - text->at)),
                           "a NUL byte; this is not a text file");
}

static tm_err_t
to_utf8(struct text *text, struct data_report *report)
{
    const char order = utf16_order(text);

    if (order) {
        snprintf(report->encoding, sizeof report->encoding, "UTF-16");
        return from_utf16(text, order == 'B');
    }
    if (text->size >= 3 && memcmp(text->at, "\xef\xbb\xbf", 3) == 0) {
        text->at += 3;
        text->size -= 3;
    }
    snprintf(report->encoding, sizeof report->encoding, "UTF-8");
    const tm_err_t err = refuse_nul(text, report);
    if (err || is_utf8(text))
        return err;
    snprintf(report->encoding, sizeof report->encoding, "latin-1");
    findings_warn(report, "the file is not UTF-8 and was read as latin-1");
    return from_latin1(text);
}

tm_err_t
encoding_normalise(struct text *text, struct data_report *report)
{
    tm_err_t err = to_utf8(text, report);

    if (!err)
        err = refuse_nul(text, report);
    return err ? err : lines_of_cr(text);
}
