#include "actors/http/core/headers.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool
is_visible(char c)
{
    return c > 0x20 && c < 0x7f;
}

static void
trim_blanks(const char **text, size_t *size)
{
    while (*size && ((*text)[0] == ' ' || (*text)[0] == '\t')) {
        (*text)++;
        (*size)--;
    }
    while (*size && ((*text)[*size - 1] == ' ' || (*text)[*size - 1] == '\t'))
        (*size)--;
}

/* Copies one character of a key; what it says is the caller's to return. */
static tm_err_t
keep_character(char *key, size_t *length, char c)
{
    if (!is_visible(c))
        return TM_VALIDATION_FAILED;
    if (*length == IDEMPOTENCY_KEY_MAX)
        return TM_IDEMPOTENCY_KEY_TOO_LONG;
    key[(*length)++] = c;
    return TM_OK;
}

/* text stands behind the opening quote. */
static tm_err_t
unquote_key(const char *text, size_t size, char *key, size_t *length)
{
    for (size_t i = 0; i < size; i++) {
        tm_err_t err;

        if (text[i] == '"')
            return i + 1 == size || text[i + 1] == ';' ? TM_OK : TM_VALIDATION_FAILED;
        if (text[i] == '\\' && (++i == size || (text[i] != '"' && text[i] != '\\')))
            return TM_VALIDATION_FAILED;
        err = keep_character(key, length, text[i]);
        if (err)
            return err;
    }
    return TM_VALIDATION_FAILED;
}

tm_err_t
idempotency_key_parse(const char *text, size_t size, char *ret)
{
    char key[IDEMPOTENCY_KEY_MAX + 1];
    size_t length = 0;
    tm_err_t err = TM_OK;

    trim_blanks(&text, &size);
    if (size && text[0] == '"')
        err = unquote_key(text + 1, size - 1, key, &length);
    else
        for (size_t i = 0; i < size && !err; i++)
            err = keep_character(key, &length, text[i]);
    if (!err && length == 0)
        err = TM_VALIDATION_FAILED;
    if (err)
        return err;
    memcpy(ret, key, length);
    ret[length] = '\0';
    return TM_OK;
}

static void
prefer_one(const char *text, size_t size, int64_t max_ms, int64_t *wait_ms, bool *is_async)
{
    int64_t seconds = 0;

    trim_blanks(&text, &size);
    if (size == 13 && strncasecmp(text, "respond-async", 13) == 0)
        *is_async = true;
    if (size < 6 || strncasecmp(text, "wait=", 5) != 0)
        return;
    for (size_t i = 5; i < size; i++) {
        if (!isdigit((unsigned char)text[i]))
            return;
        if (seconds < 1000000)
            seconds = seconds * 10 + (text[i] - '0');
    }
    *wait_ms = seconds * 1000 < max_ms ? seconds * 1000 : max_ms;
}

void
prefer_parse(const char *text, int64_t max_ms, int64_t *ret_wait_ms)
{
    bool is_async = false;

    while (text && *text) {
        size_t size = strcspn(text, ",;");

        prefer_one(text, size, max_ms, ret_wait_ms, &is_async);
        text += size + (text[size] != '\0');
    }
    if (is_async)
        *ret_wait_ms = 0;
}

/* --- credentials and pages ---------------------------------------------------------------- */

bool
cookie_find(const char *text, const char *name, tm_str_t *ret)
{
    size_t name_size = strlen(name);

    for (; *text; text += strspn(text, ";")) {
        size_t size = strcspn(text, ";"), left = size, value_size;
        const char *pair = text, *equals, *value;

        text += size;
        trim_blanks(&pair, &left);
        equals = memchr(pair, '=', left);
        if (!equals)
            continue;
        value = equals + 1;
        value_size = left - (size_t)(value - pair);
        left = (size_t)(equals - pair);
        trim_blanks(&pair, &left);
        if (left != name_size || memcmp(pair, name, name_size) != 0)
            continue;
        trim_blanks(&value, &value_size);
        if (value_size >= 2 && value[0] == '"' && value[value_size - 1] == '"') {
            value++;
            value_size -= 2;
        }
        *ret = (tm_str_t){value, value_size};
        return true;
    }
    return false;
}

tm_str_t
header_value(const char *text)
{
    size_t size = text ? strlen(text) : 0;

    trim_blanks(&text, &size);
    return (tm_str_t){text, size};
}

tm_str_t
bearer_token(const char *text)
{
    if (!text || strncasecmp(text, "Bearer", 6) != 0 || text[6] != ' ')
        return tm_str(NULL);
    return header_value(text + 6);
}

/* "0.5" in thousandths; what is no quality counts as the highest. */
static int
parse_quality(const char *text, size_t size)
{
    int value = 0, digits = 1000;

    trim_blanks(&text, &size);
    if (size < 3 || strncasecmp(text, "q=", 2) != 0 || text[2] != '0')
        return 1000;
    for (size_t i = 4; i < size && isdigit((unsigned char)text[i]) && digits > 1; i++) {
        digits /= 10;
        value += (text[i] - '0') * digits;
    }
    return value;
}

/* How much one range of an Accept wants this type; -1: it does not name it. */
static int
range_quality(const char *range, size_t size, const char *type)
{
    size_t end = 0, name_size;
    const char *name = range;
    int value = 1000;

    while (end < size && range[end] != ';')
        end++;
    name_size = end;
    trim_blanks(&name, &name_size);
    if (name_size != strlen(type) || strncasecmp(name, type, name_size) != 0)
        return -1;
    while (end < size) {
        size_t start = ++end;

        while (end < size && range[end] != ';')
            end++;
        if (parse_quality(range + start, end - start) < value)
            value = parse_quality(range + start, end - start);
    }
    return value;
}

bool
accepts_html(const char *text)
{
    static const char *const json_ranges[] = {"application/json", "application/*", "*/*"};
    int html = -1, json[3] = {-1, -1, -1}, best = -1;

    for (; *text; text += strspn(text, ",")) {
        size_t size = strcspn(text, ",");
        int value = range_quality(text, size, "text/html");

        html = value > html ? value : html;
        for (size_t i = 0; i < 3; i++) {
            value = range_quality(text, size, json_ranges[i]);
            json[i] = value > json[i] ? value : json[i];
        }
        text += size;
    }
    for (size_t i = 0; i < 3 && best < 0; i++)
        best = json[i];
    return html > 0 && html > best;
}

bool
request_id_is_sane(const char *text)
{
    size_t size = text ? strnlen(text, REQUEST_ID_MAX + 1) : 0;

    if (size == 0 || size > REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
            return false;
    return true;
}

bool
etag_is_among(const char *text, const char *etag)
{
    size_t wanted = strlen(etag), size;

    if (strcmp(text, "*") == 0)
        return true;
    for (text += strspn(text, " \t,"); *text; text += strspn(text, " \t,")) {
        if (strncmp(text, "W/", 2) == 0)
            text += 2;
        size = *text == '"' ? strcspn(text + 1, "\"") + 2 : 0;
        if (size == 0 || strnlen(text, size) < size)
            return false; /* no list of tags: as if nothing were said */
        if (size == wanted && memcmp(text, etag, size) == 0)
            return true;
        text += size;
    }
    return false;
}

bool
content_length_parse(const char *text, uint64_t *ret)
{
    uint64_t value = 0;

    if (!text || !*text || text[strspn(text, "0123456789")] != '\0')
        return false;
    for (; *text; text++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value)) {
            value = UINT64_MAX;
            break;
        }
    *ret = value;
    return true;
}
