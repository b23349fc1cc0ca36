/* expr_inner - what reading an expression stands on: the text and the program under way. */
#ifndef ENGINE_EXPR_INNER_H
#define ENGINE_EXPR_INNER_H

#include "actors/tune/engine/expr.h"

struct value {
    struct operand operand;
    bool is_bool;
    bool is_series;
};

struct parser {
    struct expr_scope *scope;
    const char *text, *at;
    struct program *program;
    unsigned temps, depth, lag;
    char *detail;
    size_t detail_size;
};

/* TM_INVALID_STRATEGY, with the place and the reason in the detail. */
tm_err_t expr_fail(const struct parser *parser, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What the text says next. */
void expr_skip_blanks(struct parser *parser);
size_t expr_name_length(const char *text);
bool expr_take_word(struct parser *parser, const char *word);
bool expr_take_char(struct parser *parser, char c);
TM_CHECKED tm_err_t expr_expect(struct parser *parser, char c);
/* A condition where one is needed, a number where that is. */
TM_CHECKED tm_err_t expr_need(struct parser *parser, const struct value *value, bool is_bool);

/* What the program does. */
/* One instruction; its result is a temporary. */
TM_CHECKED tm_err_t expr_emit(struct parser *parser, enum program_op op, const struct value *a,
                              const struct value *b, struct value *ret);
TM_CHECKED tm_err_t expr_scalar(struct parser *parser, struct scalar scalar, struct value *ret);
void expr_series(struct parser *parser, enum operand_kind kind, size_t index,
                 struct value *ret);

#endif
