/* expr - compiles an expression's text to a program.
 *
 *   condition:  or, and, not, comparisons of two numbers (< <= > >= == !=)
 *   number:     + - * / and unary minus, parentheses
 *   names:      params, indicators, open high low close volume
 *   over time:  sma stdev ema rsi highest lowest (series, length), atr(length); highest and
 * lowest look at the bars before this one per bar:    abs(x) min(x, y) max(x, y) prev(x);
 * cross_above(x, y): prev(x) < prev(y) and x > y; cross_below: the mirror image, both strict
 *
 * A function over time becomes a column of its own in the scope, shared with every other use of
 * the same text meaning. A length is a number that does not depend on the bar.
 */
#ifndef ENGINE_EXPR_H
#define ENGINE_EXPR_H

#include "actors/tune/engine/indicators.h"
#include "actors/tune/engine/program.h"
#include "actors/tune/engine/strategy_param.h"
#include "proto/error.h"

#define EXPR_MAX_BYTES  1000
#define EXPR_DEPTH_MAX  24
#define EXPR_LENGTH_MAX 1000000 /* bars a function over time may look back */
#define EXPR_NAMES_MAX  24

enum column_kind {
#define I(name, text) COLUMN_##name,
    INDICATORS(I)
#undef I
        COLUMN_atr,
    COLUMN_PROGRAM, /* an indicator that is plain arithmetic */
};

struct column_def {
    enum column_kind kind;
    struct program input;  /* unused by atr */
    struct program length; /* unused by COLUMN_PROGRAM */
    uint32_t params;       /* bit per param it depends on, through other columns too */
};

/* What names mean, and the columns that expressions have brought forth. */
struct expr_scope {
    const struct strategy_param *params;
    size_t param_count;
    struct column_def columns[PROGRAM_COLUMNS_MAX];
    size_t column_count;
    struct expr_name {
        char name[STRATEGY_NAME_BYTES];
        uint8_t column;
    } names[EXPR_NAMES_MAX];
    size_t name_count;
};

/* TM_INVALID_STRATEGY with "position 7: ..." in detail (positions count from 1). */
TM_CHECKED tm_err_t expr_compile(struct expr_scope *scope, const char *text,
                                 struct program *ret, char *detail, size_t detail_size);

/* The column of a compiled number; a new one if it is not just a column already. */
TM_CHECKED tm_err_t expr_column(struct expr_scope *scope, const struct program *program,
                                uint8_t *ret, char *detail, size_t detail_size);

/* The column of a definition, new unless it is there already; TM_INVALID_STRATEGY when there
 * are too many. Definitions are zeroed before they are filled, so that they can be compared. */
TM_CHECKED tm_err_t expr_add_column(struct expr_scope *scope, const struct column_def *column,
                                    uint8_t *ret);

/* Is it a name, and none of the language's own words? */
bool expr_is_free_name(const char *name);

/* Params that a program depends on, through its columns too. */
uint32_t expr_params(const struct expr_scope *scope, const struct program *program);

#endif
