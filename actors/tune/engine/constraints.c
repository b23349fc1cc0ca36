#include "actors/tune/engine/constraints.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/tune/engine/strategy_inner.h"

struct constraints {
    struct expr_scope scope; /* the params, and no other name */
    size_t count;
    struct program conditions[CONSTRAINTS_MAX];
};

__attribute__((format(printf, 3, 4))) static tm_err_t
fail(char *detail, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (detail && size)
        vsnprintf(detail, size, format, args);
    va_end(args);
    return TM_INVALID_CONSTRAINT;
}

static tm_err_t
compile(constraints_t *self, const json_t *item, char *detail, size_t size)
{
    const char *text = json_string_value(item);
    struct program *program = &self->conditions[self->count];
    char why[STRATEGY_DETAIL_BYTES] = "";

    if (!text)
        return fail(detail, size, "condition %zu is not a text", self->count + 1);
    if (expr_compile(&self->scope, text, program, why, sizeof why))
        return fail(detail, size, "\"%.60s\": %.150s", text, why);
    if (program->is_series)
        return fail(detail, size, "\"%.60s\" looks at bars; a constraint is of params alone",
                    text);
    if (!program->is_bool)
        return fail(detail, size,
                    "\"%.60s\" is a number; a constraint is a condition, as "
                    "fast < slow",
                    text);
    self->count++;
    return TM_OK;
}

tm_err_t
constraints_new(const json_t *texts, const strategy_t *strategy, constraints_t **ret,
                char *detail, size_t detail_size)
{
    const size_t count = json_array_size(texts);
    tm_err_t err = TM_OK;

    *ret = NULL;
    if (count == 0)
        return TM_OK;
    if (count > CONSTRAINTS_MAX)
        return fail(detail, detail_size, "there are more than %d", CONSTRAINTS_MAX);
    constraints_t *self = calloc(1, sizeof *self);

    if (!self)
        return TM_NO_MEMORY;
    self->scope.params = strategy->params;
    self->scope.param_count = strategy->param_count;
    for (size_t i = 0; !err && i < count; i++)
        err = compile(self, json_array_get(texts, i), detail, detail_size);
    if (err)
        constraints_destroy(&self);
    *ret = self;
    return err;
}

void
constraints_destroy(constraints_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

bool
constraints_hold(const constraints_t *self, const double *params)
{
    for (size_t i = 0; self && i < self->count; i++)
        if (!program_truth(&self->conditions[i], params))
            return false;
    return true;
}
