#include "actors/http/web/template.h"

#include <string.h>

#include "actors/http/core/html.h"

static const struct template_value *
find_value(const char *name, size_t size, const struct template_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(values[i].name) == size && memcmp(values[i].name, name, size) == 0)
            return &values[i];
    return NULL;
}

/* The {{name}} at `at`, which is "{{"; how far it reaches, 0 if it is none of ours. */
static size_t
put_name(html_t *out, const char *at, const struct template_value *values, size_t count)
{
    const char *end = strstr(at, "}}");
    const struct template_value *value =
        end ? find_value(at + 2, (size_t)(end - at) - 2, values, count) : NULL;

    if (!value)
        return 0;
    if (value->markup)
        html_add(out, value->markup);
    else
        html_text(out, value->text);
    return (size_t)(end + 2 - at);
}

char *
template_fill(const char *template, const struct template_value *values, size_t count,
              size_t *ret_size)
{
    html_t *out = html_new();
    const char *at;
    size_t taken;

    for (; (at = strstr(template, "{{")); template = at + taken) {
        html_add_some(out, template, (size_t)(at - template));
        taken = put_name(out, at, values, count);
        if (taken == 0) {
            html_add(out, "{");
            taken = 1;
        }
    }
    html_add(out, template);
    return html_take(&out, ret_size);
}
