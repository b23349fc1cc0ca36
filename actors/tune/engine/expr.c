/* Recursive descent, one function per level of precedence, code emitted as the text is read.
 * Temporaries are a stack. A lag is no instruction: inside prev(...) every series and column is
 * read one bar earlier. cross_above reads its arguments' text twice, the first time lagged. */
#include <stdio.h>
#include <string.h>

#include "actors/kit/fields/fields.h"
#include "actors/tune/engine/decimal.h"
#include "actors/tune/engine/expr_inner.h"

static tm_err_t
number(struct parser *parser, struct value *ret)
{
    struct scalar scalar = {0};
    const size_t n = decimal_prefix(parser->at, strlen(parser->at));

    if (!decimal_parse(parser->at, n, &scalar.number) || scalar.number - scalar.number != 0)
        return expr_fail(parser, "this is not a number that can be used");
    parser->at += n;
    return expr_scalar(parser, scalar, ret);
}

static const char *const series_names[SERIES_COUNT] = {"open", "high", "low", "close",
                                                       "volume"};

static tm_err_t
unknown(const struct parser *parser, const char *what, const char *name, const char *nearest)
{
    return expr_fail(parser, "unknown %s `%s`%s%s%s", what, name,
                     nearest ? "; did you mean `" : "", nearest ? nearest : "",
                     nearest ? "`?" : "");
}

static const char *
nearest_name(const struct expr_scope *scope, const char *name)
{
    struct fields_near near = {.name = name};

    for (size_t i = 0; i < SERIES_COUNT; i++)
        fields_near(&near, series_names[i]);
    for (size_t i = 0; i < scope->name_count; i++)
        fields_near(&near, scope->names[i].name);
    for (size_t i = 0; i < scope->param_count; i++)
        fields_near(&near, scope->params[i].name);
    return near.best;
}

/* A name that is not a function's. */
static tm_err_t
variable(struct parser *parser, const char *name, struct value *ret)
{
    struct expr_scope *scope = parser->scope;

    for (size_t i = 0; i < SERIES_COUNT; i++) {
        if (strcmp(name, series_names[i]) == 0) {
            expr_series(parser, OPERAND_SERIES, i, ret);
            return TM_OK;
        }
    }
    for (size_t i = 0; i < scope->name_count; i++) {
        if (strcmp(name, scope->names[i].name) == 0) {
            expr_series(parser, OPERAND_COLUMN, scope->names[i].column, ret);
            return TM_OK;
        }
    }
    for (size_t i = 0; i < scope->param_count; i++) {
        if (strcmp(name, scope->params[i].name) == 0)
            return expr_scalar(parser, (struct scalar){.is_param = true, .param = (uint32_t)i},
                               ret);
    }
    parser->at -= strlen(name);
    return unknown(parser, "name", name, nearest_name(scope, name));
}

static tm_err_t condition(struct parser *parser, struct value *ret);

/* An argument of a function of numbers. */
static tm_err_t
argument(struct parser *parser, struct value *ret)
{
    const tm_err_t err = condition(parser, ret);

    return err ? err : expr_need(parser, ret, false);
}

/* Reads one argument as a program of its own. */
static tm_err_t
sub_program(struct parser *parser, struct program *ret)
{
    struct parser inner = *parser;
    struct value value = {0};

    memset(ret, 0, sizeof *ret);
    inner.program = ret;
    inner.temps = 0;
    inner.lag = 0;
    const tm_err_t err = argument(&inner, &value);
    parser->at = inner.at;
    ret->result = value.operand;
    return err;
}

static tm_err_t
windowed(struct parser *parser, enum column_kind kind, struct value *ret)
{
    struct column_def column;
    uint8_t index;
    tm_err_t err = TM_OK;

    memset(&column, 0, sizeof column);
    column.kind = kind;
    if (kind != COLUMN_atr) {
        err = sub_program(parser, &column.input);
        if (!err && !column.input.is_series)
            err = expr_fail(parser, "the first argument must be a series, not a plain number");
        if (!err)
            err = expr_expect(parser, ',');
    }
    if (!err)
        err = sub_program(parser, &column.length);
    if (!err && column.length.is_series)
        err = expr_fail(parser, "the length must be a number or a param, not a series");
    if (err)
        return err;
    column.params = expr_params(parser->scope, &column.input) | column.length.params;
    if (expr_add_column(parser->scope, &column, &index) != TM_OK)
        return expr_fail(parser, "more than %d indicators", PROGRAM_COLUMNS_MAX);
    expr_series(parser, OPERAND_COLUMN, index, ret);
    return TM_OK;
}

static tm_err_t
of_one(struct parser *parser, enum program_op op, struct value *ret)
{
    struct value x = {0};
    const tm_err_t err = argument(parser, &x);

    return err ? err : expr_emit(parser, op, &x, &x, ret);
}

static tm_err_t
of_two(struct parser *parser, enum program_op op, struct value *ret)
{
    struct value x = {0}, y = {0};
    tm_err_t err = argument(parser, &x);

    if (!err)
        err = expr_expect(parser, ',');
    if (!err)
        err = argument(parser, &y);
    return err ? err : expr_emit(parser, op, &x, &y, ret);
}

static tm_err_t
lagged(struct parser *parser)
{
    if (parser->lag == PROGRAM_LAG_MAX)
        return expr_fail(parser, "prev looks back more than %d bars", PROGRAM_LAG_MAX);
    parser->lag++;
    return TM_OK;
}

static tm_err_t
of_prev(struct parser *parser, enum program_op op, struct value *ret)
{
    tm_err_t err = lagged(parser);

    (void)op;
    if (!err)
        err = argument(parser, ret);
    parser->lag--;
    return err;
}

static tm_err_t
of_cross(struct parser *parser, enum program_op op, struct value *ret)
{
    const char *arguments = parser->at;
    struct value before = {0}, now = {0};
    tm_err_t err = lagged(parser);

    if (!err)
        err = of_two(parser, op == PROGRAM_GT ? PROGRAM_LT : PROGRAM_GT, &before);
    if (err)
        return err;
    parser->lag--;
    parser->at = arguments;
    err = of_two(parser, op, &now);
    return err ? err : expr_emit(parser, PROGRAM_AND, &before, &now, ret);
}

static const struct function {
    const char *name;
    tm_err_t (*read)(struct parser *parser, enum program_op op, struct value *ret);
    enum program_op op;
} functions[] = {
    {"abs", of_one, PROGRAM_ABS},          {"min", of_two, PROGRAM_MIN},
    {"max", of_two, PROGRAM_MAX},          {"prev", of_prev, PROGRAM_ADD},
    {"cross_above", of_cross, PROGRAM_GT}, {"cross_below", of_cross, PROGRAM_LT},
};

static const char *const window_names[] = {
#define I(name, text) [COLUMN_##name] = #name,
    INDICATORS(I)
#undef I
        [COLUMN_atr] = "atr",
};

#define LENGTH_OF(table) (sizeof(table) / sizeof(table)[0])

static const char *
nearest_function(const char *name)
{
    struct fields_near near = {.name = name};

    for (size_t i = 0; i < LENGTH_OF(window_names); i++)
        fields_near(&near, window_names[i]);
    for (size_t i = 0; i < LENGTH_OF(functions); i++)
        fields_near(&near, functions[i].name);
    return near.best;
}

/* The opening parenthesis has been read. */
static tm_err_t
call(struct parser *parser, const char *name, struct value *ret)
{
    for (size_t i = 0; i < LENGTH_OF(window_names); i++) {
        if (strcmp(name, window_names[i]) == 0) {
            const tm_err_t err = windowed(parser, (enum column_kind)i, ret);
            return err ? err : expr_expect(parser, ')');
        }
    }
    for (size_t i = 0; i < LENGTH_OF(functions); i++) {
        if (strcmp(name, functions[i].name) == 0) {
            const tm_err_t err = functions[i].read(parser, functions[i].op, ret);
            return err ? err : expr_expect(parser, ')');
        }
    }
    return unknown(parser, "function", name, nearest_function(name));
}

static tm_err_t
primary(struct parser *parser, struct value *ret)
{
    char name[STRATEGY_NAME_BYTES];

    expr_skip_blanks(parser);
    const char c = *parser->at;
    if (c == '\0')
        return expr_fail(parser, "the expression ends where a value is needed");
    if ((c >= '0' && c <= '9') || c == '.')
        return number(parser, ret);
    if (expr_take_char(parser, '(')) {
        const tm_err_t err = condition(parser, ret);
        return err ? err : expr_expect(parser, ')');
    }
    const size_t n = expr_name_length(parser->at);
    if (n == 0)
        return expr_fail(parser, "a value is needed here");
    if (n >= sizeof name)
        return expr_fail(parser, "this name is too long");
    memcpy(name, parser->at, n);
    name[n] = '\0';
    const char *end = parser->at += n;
    if (expr_take_char(parser, '('))
        return call(parser, name, ret);
    parser->at = end; /* before blanks: a mistake is told with the name's place */
    return variable(parser, name, ret);
}

static tm_err_t
negated(struct parser *parser, struct value *ret)
{
    struct value zero = {0}, x = {0};
    tm_err_t err = expr_scalar(parser, (struct scalar){.number = 0.0}, &zero);

    if (!err)
        err = primary(parser, &x);
    if (!err)
        err = expr_need(parser, &x, false);
    return err ? err : expr_emit(parser, PROGRAM_SUB, &zero, &x, ret);
}

static tm_err_t
unary(struct parser *parser, struct value *ret)
{
    return expr_take_char(parser, '-') ? negated(parser, ret) : primary(parser, ret);
}

/* One level of left-associative operators on numbers. */
static tm_err_t
chain(struct parser *parser, const char *signs, const enum program_op *ops,
      tm_err_t (*next)(struct parser *, struct value *), struct value *ret)
{
    tm_err_t err = next(parser, ret);

    while (!err) {
        struct value left = *ret, right;

        expr_skip_blanks(parser);
        const char *sign = *parser->at ? strchr(signs, *parser->at) : NULL;
        if (!sign)
            break;
        err = expr_need(parser, &left, false);
        parser->at++;
        if (!err)
            err = next(parser, &right);
        if (!err)
            err = expr_need(parser, &right, false);
        if (!err)
            err = expr_emit(parser, ops[sign - signs], &left, &right, ret);
    }
    return err;
}

static tm_err_t
product(struct parser *parser, struct value *ret)
{
    static const enum program_op ops[] = {PROGRAM_MUL, PROGRAM_DIV};

    return chain(parser, "*/", ops, unary, ret);
}

static tm_err_t
sum(struct parser *parser, struct value *ret)
{
    static const enum program_op ops[] = {PROGRAM_ADD, PROGRAM_SUB};

    return chain(parser, "+-", ops, product, ret);
}

static bool
take_comparison(struct parser *parser, enum program_op *ret)
{
    static const struct {
        const char *sign;
        enum program_op op;
    } signs[] = {{"<=", PROGRAM_LE}, {">=", PROGRAM_GE}, {"==", PROGRAM_EQ},
                 {"!=", PROGRAM_NE}, {"<", PROGRAM_LT},  {">", PROGRAM_GT}};

    expr_skip_blanks(parser);
    for (size_t i = 0; i < LENGTH_OF(signs); i++) {
        if (strncmp(parser->at, signs[i].sign, strlen(signs[i].sign)) == 0) {
            parser->at += strlen(signs[i].sign);
            *ret = signs[i].op;
            return true;
        }
    }
    return false;
}

static tm_err_t
comparison(struct parser *parser, struct value *ret)
{
    struct value left, right;
    enum program_op op;
    tm_err_t err = sum(parser, ret);

    if (err || !take_comparison(parser, &op))
        return err;
    left = *ret;
    err = expr_need(parser, &left, false);
    if (!err)
        err = sum(parser, &right);
    if (!err)
        err = expr_need(parser, &right, false);
    return err ? err : expr_emit(parser, op, &left, &right, ret);
}

static tm_err_t
negation(struct parser *parser, struct value *ret)
{
    bool is_negated = false;
    struct value x = {0};

    while (expr_take_word(parser, "not"))
        is_negated = !is_negated;
    tm_err_t err = comparison(parser, ret);
    if (err || !is_negated)
        return err;
    x = *ret;
    err = expr_need(parser, &x, true);
    return err ? err : expr_emit(parser, PROGRAM_NOT, &x, &x, ret);
}

/* One level of `and` or `or`. */
static tm_err_t
logic(struct parser *parser, const char *word, enum program_op op,
      tm_err_t (*next)(struct parser *, struct value *), struct value *ret)
{
    tm_err_t err = next(parser, ret);

    while (!err && expr_take_word(parser, word)) {
        struct value left = *ret, right;

        err = expr_need(parser, &left, true);
        if (!err)
            err = next(parser, &right);
        if (!err)
            err = expr_need(parser, &right, true);
        if (!err)
            err = expr_emit(parser, op, &left, &right, ret);
    }
    return err;
}

static tm_err_t
conjunction(struct parser *parser, struct value *ret)
{
    return logic(parser, "and", PROGRAM_AND, negation, ret);
}

static tm_err_t
condition(struct parser *parser, struct value *ret)
{
    if (parser->depth == EXPR_DEPTH_MAX)
        return expr_fail(parser, "more than %d levels of parentheses", EXPR_DEPTH_MAX);
    parser->depth++;
    const tm_err_t err = logic(parser, "or", PROGRAM_OR, conjunction, ret);
    parser->depth--;
    return err;
}

tm_err_t
expr_compile(struct expr_scope *scope, const char *text, struct program *ret, char *detail,
             size_t detail_size)
{
    struct parser parser = {.scope = scope,
                            .text = text,
                            .at = text,
                            .program = ret,
                            .detail = detail,
                            .detail_size = detail_size};
    struct value value = {0};

    memset(ret, 0, sizeof *ret);
    if (strlen(text) > EXPR_MAX_BYTES)
        return expr_fail(&parser, "the expression is longer than %d characters",
                         EXPR_MAX_BYTES);
    const tm_err_t err = condition(&parser, &value);
    if (err)
        return err;
    expr_skip_blanks(&parser);
    if (*parser.at)
        return expr_fail(&parser, "the expression should end here");
    ret->result = value.operand;
    ret->is_bool = value.is_bool;
    return TM_OK;
}

bool
expr_is_free_name(const char *name)
{
    static const char *const words[] = {"and", "or", "not"};
    const size_t n = expr_name_length(name);
    bool is_free = n > 0 && name[n] == '\0' && n < STRATEGY_NAME_BYTES;

    for (size_t i = 0; i < LENGTH_OF(words); i++)
        is_free = is_free && strcmp(name, words[i]) != 0;
    for (size_t i = 0; i < SERIES_COUNT; i++)
        is_free = is_free && strcmp(name, series_names[i]) != 0;
    for (size_t i = 0; i < LENGTH_OF(window_names); i++)
        is_free = is_free && strcmp(name, window_names[i]) != 0;
    for (size_t i = 0; i < LENGTH_OF(functions); i++)
        is_free = is_free && strcmp(name, functions[i].name) != 0;
    return is_free;
}
