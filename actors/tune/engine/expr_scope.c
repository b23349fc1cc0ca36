#include <stdio.h>
#include <string.h>

#include "actors/tune/engine/expr.h"

/* Whether a and b compute the same; the rest of a program follows from its code. */
static bool
same_program(const struct program *a, const struct program *b)
{
    return a->code_count == b->code_count && a->scalar_count == b->scalar_count &&
           memcmp(a->code, b->code, a->code_count * sizeof a->code[0]) == 0 &&
           memcmp(a->scalars, b->scalars, a->scalar_count * sizeof a->scalars[0]) == 0 &&
           memcmp(&a->result, &b->result, sizeof a->result) == 0;
}

tm_err_t
expr_add_column(struct expr_scope *scope, const struct column_def *column, uint8_t *ret)
{
    size_t i = 0;

    while (i < scope->column_count &&
           (scope->columns[i].kind != column->kind ||
            !same_program(&scope->columns[i].input, &column->input) ||
            !same_program(&scope->columns[i].length, &column->length)))
        i++;
    if (i == PROGRAM_COLUMNS_MAX)
        return TM_INVALID_STRATEGY;
    if (i == scope->column_count)
        scope->columns[scope->column_count++] = *column;
    *ret = (uint8_t)i;
    return TM_OK;
}

uint32_t
expr_params(const struct expr_scope *scope, const struct program *program)
{
    uint32_t params = program->params;

    for (size_t i = 0; i < scope->column_count; i++) {
        if (program->columns >> i & 1)
            params |= scope->columns[i].params;
    }
    return params;
}

tm_err_t
expr_column(struct expr_scope *scope, const struct program *program, uint8_t *ret, char *detail,
            size_t detail_size)
{
    struct column_def column;

    if (program->code_count == 0 && program->result.kind == OPERAND_COLUMN &&
        program->result.lag == 0) {
        *ret = program->result.index;
        return TM_OK;
    }
    memset(&column, 0, sizeof column);
    column.kind = COLUMN_PROGRAM;
    column.input = *program;
    column.params = expr_params(scope, program);
    const tm_err_t err = expr_add_column(scope, &column, ret);
    if (err && detail)
        snprintf(detail, detail_size, "more than %d indicators", PROGRAM_COLUMNS_MAX);
    return err;
}
