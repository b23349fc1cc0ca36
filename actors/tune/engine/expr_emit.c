/* The lowest part of reading an expression: words of the text, instructions of the program. */
#include "actors/tune/engine/expr_inner.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) tm_err_t
expr_fail(const struct parser *parser, const char *format, ...)
{
    char why[STRATEGY_DETAIL_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (parser->detail)
        snprintf(parser->detail, parser->detail_size, "position %zu: %s",
                 (size_t)(parser->at - parser->text) + 1, why);
    return TM_INVALID_STRATEGY;
}

void
expr_skip_blanks(struct parser *parser)
{
    while (*parser->at == ' ' || *parser->at == '\t' || *parser->at == '\n' ||
           *parser->at == '\r')
        parser->at++;
}

static bool
is_name_char(char c, bool is_first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!is_first && c >= '0' && c <= '9');
}

size_t
expr_name_length(const char *text)
{
    size_t n = 0;

    while (is_name_char(text[n], n == 0))
        n++;
    return n;
}

bool
expr_take_word(struct parser *parser, const char *word)
{
    const size_t n = strlen(word);

    expr_skip_blanks(parser);
    if (expr_name_length(parser->at) != n || strncmp(parser->at, word, n) != 0)
        return false;
    parser->at += n;
    return true;
}

bool
expr_take_char(struct parser *parser, char c)
{
    expr_skip_blanks(parser);
    if (*parser->at != c)
        return false;
    parser->at++;
    return true;
}

tm_err_t
expr_expect(struct parser *parser, char c)
{
    if (expr_take_char(parser, c))
        return TM_OK;
    if (*parser->at == '\0')
        return expr_fail(parser, "`%c` expected, the expression ends here", c);
    return expr_fail(parser, "`%c` expected", c);
}

tm_err_t
expr_need(struct parser *parser, const struct value *value, bool is_bool)
{
    if (value->is_bool == is_bool)
        return TM_OK;
    return expr_fail(parser, is_bool ? "a condition is needed here, not a number"
                                     : "a number is needed here, not a condition");
}

tm_err_t
expr_emit(struct parser *parser, enum program_op op, const struct value *a,
          const struct value *b, struct value *ret)
{
    struct program *program = parser->program;

    parser->temps -= b->operand.kind == OPERAND_TEMP && b != a;
    parser->temps -= a->operand.kind == OPERAND_TEMP;
    if (program->code_count == PROGRAM_CODE_MAX)
        return expr_fail(parser,
                         "the expression is too long; name a part of it as an indicator");
    if (parser->temps == PROGRAM_TEMPS_MAX)
        return expr_fail(parser,
                         "the expression nests too deeply; name a part of it as an indicator");
    const uint8_t target = (uint8_t)parser->temps++;
    program->code[program->code_count++] = (struct instruction){
        .op = (uint8_t)op, .target = target, .a = a->operand, .b = b->operand};
    *ret = (struct value){
        .operand = {.kind = OPERAND_TEMP, .index = target},
        .is_bool = op >= PROGRAM_LT,
        .is_series = a->is_series || b->is_series,
    };
    return TM_OK;
}

tm_err_t
expr_scalar(struct parser *parser, struct scalar scalar, struct value *ret)
{
    struct program *program = parser->program;
    size_t i = 0;

    while (i < program->scalar_count &&
           (program->scalars[i].is_param != scalar.is_param ||
            program->scalars[i].param != scalar.param ||
            memcmp(&program->scalars[i].number, &scalar.number, sizeof scalar.number) != 0))
        i++;
    if (i == PROGRAM_SCALARS_MAX)
        return expr_fail(parser, "more than %d different numbers and params in one expression",
                         PROGRAM_SCALARS_MAX);
    if (i == program->scalar_count) {
        program->scalars[program->scalar_count++] = scalar;
        if (scalar.is_param)
            program->params |= UINT32_C(1) << scalar.param;
    }
    *ret = (struct value){.operand = {.kind = OPERAND_SCALAR, .index = (uint8_t)i}};
    return TM_OK;
}

void
expr_series(struct parser *parser, enum operand_kind kind, size_t index, struct value *ret)
{
    struct program *program = parser->program;

    if (program->max_lag < parser->lag)
        program->max_lag = (uint8_t)parser->lag;
    if (kind == OPERAND_COLUMN)
        program->columns |= UINT32_C(1) << index;
    program->is_series = true;
    *ret = (struct value){
        .operand = {.kind = (uint8_t)kind,
                    .index = (uint8_t)index,
                    .lag = (uint8_t)parser->lag},
        .is_series = true,
    };
}
