#include "broker/base/texts.h"

#include <string.h>

#include "actors/kit/runtime/log.h"

bool
texts_cut_name(tm_str_t *list, tm_str_t *ret_name)
{
    while (list->size > 0) {
        const char *comma = memchr(list->data, ',', list->size);
        size_t size = comma ? (size_t)(comma - list->data) : list->size;

        *ret_name = (tm_str_t){list->data, size};
        size += comma != NULL;
        *list = (tm_str_t){list->data + size, list->size - size};
        if (ret_name->size > 0)
            return true;
    }
    return false;
}

bool
texts_is_name(tm_str_t text, bool is_any_case)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '_' &&
            c != '-' && !(is_any_case && c >= 'A' && c <= 'Z'))
            return false;
    }
    return text.size > 0;
}

tm_str_t
texts_copy(char **at, tm_str_t text)
{
    char *start = *at;

    if (text.size > 0)
        memcpy(start, text.data, text.size);
    *at += text.size;
    return (tm_str_t){start, text.size};
}

uint64_t
texts_hash(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 1099511628211ULL;
    return hash;
}

tm_err_t
texts_complain(const char *event, const char *detail)
{
    char quoted[2600];

    log_error(event, "reason=%s", log_quote(detail, strlen(detail), quoted, sizeof(quoted)));
    return TM_BAD_SETTING;
}
