#include "actors/http/core/problem.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "actors/kit/util/auto.h"

/* As much of it as fits, in whole characters: texts may quote what a client wrote. */
static void
copy_clean(char *out, size_t size, const char *text)
{
    tm_str_t clean = tm_text_clean(text, out, size - 1);

    out[clean.size] = '\0';
}

static void print_clean(char *out, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

static void
print_clean(char *out, size_t size, const char *format, va_list arguments)
{
    char raw[2048];

    vsnprintf(raw, sizeof(raw), format, arguments);
    copy_clean(out, size, raw);
}

void
problem_init(struct problem *self, tm_err_t err, const char *format, ...)
{
    va_list arguments;

    *self = (struct problem){.err = err};
    va_start(arguments, format);
    print_clean(self->detail, sizeof(self->detail), format, arguments);
    va_end(arguments);
}

void
problem_add(struct problem *self, tm_err_t err, const char *loc, const char *format, ...)
{
    va_list arguments;

    if (!self->err)
        self->err = err;
    if (self->error_count == PROBLEM_ERRORS)
        return;
    copy_clean(self->errors[self->error_count].loc, sizeof(self->errors[0].loc), loc);
    va_start(arguments, format);
    print_clean(self->errors[self->error_count].msg, sizeof(self->errors[0].msg), format,
                arguments);
    va_end(arguments);
    self->error_count++;
}

uint32_t
problem_retry_after_s(const struct problem *self)
{
    int status = tm_err_http(self->err);

    if (self->retry_after_s)
        return self->retry_after_s;
    return status == 429 || status == 503 ? 1 : 0;
}

static void
add_errors(const struct problem *self, json_t *root)
{
    json_t *errors = json_array();

    for (size_t i = 0; i < self->error_count; i++)
        json_array_append_new(errors, json_pack("{s:s, s:s}", "loc", self->errors[i].loc, "msg",
                                                self->errors[i].msg));
    json_object_set_new(root, "errors", errors);
}

/* Of the file's cells, as the reader of market data names them: {line, column, value, msg}. */
static void
add_faults(const struct problem *self, json_t *root)
{
    json_t *errors = json_array();
    size_t index;
    json_t *fault;

    json_array_foreach(self->faults, index, fault)
    {
        json_t *error = json_pack("{s:s}", "loc", "body.file");

        json_object_update(error, fault);
        json_array_append_new(errors, error);
    }
    if (json_array_size(errors))
        json_object_set(root, "errors", errors);
    json_decref(errors);
}

char *
problem_render(const struct problem *self, const char *trace_id)
{
    const char *name = tm_err_name(self->err), *text = tm_err_text(self->err);
    const char *detail = self->detail[0] ? self->detail : text;
    uint32_t retry_after_s = problem_retry_after_s(self);
    char type[96];
    tm_auto(json) root = NULL;

    if (!self->detail[0] && self->error_count)
        detail = self->errors[0].msg;
    snprintf(type, sizeof(type), "urn:tunemill:error:%s", name);
    root = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", type, "title", text, "status",
                     tm_err_http(self->err), "detail", detail, "code", name);
    if (self->error_count)
        add_errors(self, root);
    if (self->faults)
        add_faults(self, root);
    if (retry_after_s)
        json_object_set_new(root, "retry_after_seconds", json_integer(retry_after_s));
    if (self->tune_id[0])
        json_object_set_new(root, "tune_id", json_string(self->tune_id));
    if (trace_id)
        json_object_set_new(root, "trace_id", json_string(trace_id));
    return json_dumps(root, JSON_COMPACT);
}
