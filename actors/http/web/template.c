#include "actors/http/web/template.h"

#include <stdlib.h>
#include <string.h>

void
html_escape(FILE *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

static const struct template_value *
find(const char *name, size_t size, const struct template_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(values[i].name) == size && memcmp(values[i].name, name, size) == 0)
            return &values[i];
    return NULL;
}

static void
put(FILE *out, const struct template_value *value)
{
    if (value->html)
        fputs(value->html, out);
    else
        html_escape(out, value->text);
}

/* One {{name}}, which begins at `at`; how far it reaches, 0 if it is none of ours. */
static size_t
put_name(FILE *out, const char *at, const struct template_value *values, size_t count)
{
    const char *name = at + 2, *end = strstr(name, "}}");
    const struct template_value *value =
        end ? find(name, (size_t)(end - name), values, count) : NULL;

    if (!value)
        return 0;
    put(out, value);
    return (size_t)(end + 2 - at);
}

char *
template_fill(const char *template, const struct template_value *values, size_t count,
              size_t *ret_size)
{
    char *text = NULL;
    size_t size = 0, taken;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    while (*template) {
        taken = template[0] == '{' && template[1] == '{'
                    ? put_name(out, template, values, count)
                    : 0;
        if (taken == 0)
            fputc(*template, out);
        template += taken ? taken : 1;
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    *ret_size = size;
    return text;
}
