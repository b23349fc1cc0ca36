/* Any parts make a form: name=value&name=value, where name+=value goes on with the part before.
 * What is refused is said in a problem that is JSON; what is taken is within its bounds. */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/intake/tune_fields.h"

#define FILE_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
add_part(form_t *form, char *part, size_t size)
{
    char *value = memchr(part, '=', size);
    uint64_t offset = 0;

    if (!value)
        return;
    *value++ = '\0';
    if (value - part > 1 && value[-2] == '+') {
        value[-2] = '\0';
        offset = 1;
    }
    size -= (size_t)(value - part);
    const tm_err_t err = form_part(form, part, part, offset, value, size);
    assert(!err == !form_error(form));
}

static void
add_parts(form_t *form, char *text, size_t size)
{
    while (size > 0) {
        char *end = memchr(text, '&', size);
        const size_t length = end ? (size_t)(end - text) : size;

        add_part(form, text, length);
        text += length + (end != NULL);
        size -= length + (end != NULL);
    }
}

static void
check_problem(const struct problem *problem)
{
    char *text = problem_render(problem, NULL);
    json_t *json = json_loads(text, 0, NULL);

    assert(json);
    json_decref(json);
    free(text);
}

static void
read_form(const form_t *form, const settings_t *settings)
{
    tune_request_t *tune = tune_request_new(settings);
    struct workspace workspace = {0};
    struct problem problem = {0};

    tune_fields_read(form, tune, &workspace, settings, &problem);
    if (problem.err)
        check_problem(&problem);
    else
        free(tune_request_body(tune));
    tune_request_destroy(&tune);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    settings_t *settings = settings_new();
    form_t *form = form_new("/tmp", FILE_BYTES);
    char *text = malloc(size + 1);
    const struct form_field *field;

    if (settings && form && text) {
        memcpy(text, data, size);
        add_parts(form, text, size);
        form_end(form);
        assert(form_file_size(form) <= FILE_BYTES);
        for (size_t i = 0; (field = form_at(form, i)); i++)
            assert(field->size <= FORM_FIELD_BYTES && field->data[field->size] == '\0');
        if (form_error(form))
            check_problem(form_error(form));
        else
            read_form(form, settings);
    }
    free(text);
    form_destroy(&form);
    settings_destroy(&settings);
    return 0;
}
