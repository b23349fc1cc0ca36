#include "actors/kit/fields/json_text.h"

#include <stdbool.h>
#include <stdio.h>

size_t
json_text_depth(const char *text, size_t size)
{
    size_t depth = 0, deepest = 0;
    bool in_string = false;

    for (size_t i = 0; i < size; i++) {
        if (in_string && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_string = !in_string;
        else if (!in_string && (text[i] == '{' || text[i] == '['))
            deepest = ++depth > deepest ? depth : deepest;
        else if (!in_string && (text[i] == '}' || text[i] == ']') && depth > 0)
            depth--;
    }
    return deepest;
}

json_t *
json_text_object(const char *text, size_t size, size_t max_depth, char why[JSON_TEXT_WHY])
{
    char unasked[JSON_TEXT_WHY], *out = why ? why : unasked;
    json_error_t error = {.line = 0};
    json_t *value;

    if (json_text_depth(text, size) > max_depth) {
        snprintf(out, JSON_TEXT_WHY, "is nested deeper than %zu levels", max_depth);
        return NULL;
    }
    value = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(value))
        return value;
    if (value)
        snprintf(out, JSON_TEXT_WHY, "is not a JSON object");
    else
        snprintf(out, JSON_TEXT_WHY, "is not valid JSON: line %d, column %d: %s", error.line,
                 error.column, error.text);
    json_decref(value);
    return NULL;
}
