#include "actors/explain/llm/models.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "actors/explain/llm/models.def"

enum { BYTES_A_TOKEN = 2 };

static const struct {
    const char *name;
    struct llm_model model;
} table[] = {
#define M(name, context, in, out) {name, {context, in, out}},
    LLM_MODELS(M)
#undef M
};

/* Does what stands behind a name of the table make it only a dated issue? */
static bool
is_issue(const char *rest)
{
    return rest[0] == '\0' || strcmp(rest, "-latest") == 0 ||
           (rest[0] == '-' && isdigit((unsigned char)rest[1]) &&
            isdigit((unsigned char)rest[2]));
}

static bool
find_in_table(const char *name, struct llm_model *ret)
{
    const char *vendor = strrchr(name, '/');

    if (vendor)
        name = vendor + 1;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        size_t size = strlen(table[i].name);

        if (strncmp(name, table[i].name, size) == 0 && is_issue(name + size)) {
            *ret = table[i].model;
            return true;
        }
    }
    return false;
}

/* A number that ends where `end` stands. */
static bool
read_number(const char **at, char end, double most, double *ret)
{
    char *stop;

    if (!isdigit((unsigned char)**at))
        return false;
    *ret = strtod(*at, &stop);
    if (!isfinite(*ret) || *ret > most || (*stop != end && !(end == ',' && *stop == '\0')))
        return false;
    *at = stop + (*stop != '\0');
    return true;
}

/* NAME=CONTEXT/IN/OUT, and the comma behind it. False: it is none. */
static bool
read_entry(const char **at, size_t *ret_name_size, struct llm_model *ret)
{
    const char *name = *at, *equals = name + strcspn(name, "=,");
    double context;

    if (equals == name || *equals != '=')
        return false;
    *ret_name_size = (size_t)(equals - name);
    *at = equals + 1;
    if (!read_number(at, '/', 1e9, &context) || !read_number(at, '/', 1e6, &ret->in) ||
        !read_number(at, ',', 1e6, &ret->out))
        return false;
    ret->context = (int64_t)context;
    return true;
}

static bool
find_in_list(const char *name, const char *list, struct llm_model *ret)
{
    while (*list) {
        const char *entry = list;
        struct llm_model model;
        size_t size;

        if (!read_entry(&list, &size, &model))
            return false;
        if (strlen(name) == size && memcmp(entry, name, size) == 0) {
            *ret = model;
            return true;
        }
    }
    return false;
}

struct llm_model
llm_model_find(const char *name, bool is_local, const char *list)
{
    struct llm_model model = LLM_MODEL_DEAR;

    if (find_in_list(name, list, &model))
        return model;
    if (is_local)
        return (struct llm_model){.context = 0, .in = 0, .out = 0};
    find_in_table(name, &model);
    return model;
}

const char *
llm_models_wrong(const char *list, size_t *ret_size)
{
    while (*list) {
        const char *entry = list;
        struct llm_model model;
        size_t size;

        if (!read_entry(&list, &size, &model)) {
            *ret_size = strcspn(entry, ",");
            return entry;
        }
    }
    return NULL;
}

int64_t
llm_model_cost(const struct llm_model *self, int64_t tokens_in, int64_t tokens_out)
{
    return (int64_t)ceil((double)tokens_in * self->in + (double)tokens_out * self->out);
}

int64_t
llm_tokens_of(size_t bytes)
{
    return (int64_t)(bytes / BYTES_A_TOKEN) + 1;
}
