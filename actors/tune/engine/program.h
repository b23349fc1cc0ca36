/* program - an expression as straight-line code over columns, run a block of bars at a time.
 *
 * Operands are bar series, indicator columns (both with a lag), scalars (numbers and params)
 * and temporaries. An instruction's kind (arithmetic, comparison, logic) is a column of its
 * table. expr.h makes programs; columns.h runs them.
 */
#ifndef ENGINE_PROGRAM_H
#define ENGINE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROGRAM_CODE_MAX    96
#define PROGRAM_SCALARS_MAX 24
#define PROGRAM_TEMPS_MAX   16
#define PROGRAM_LAG_MAX     64
#define PROGRAM_BLOCK       256 /* bars; a multiple of 64 */
#define PROGRAM_COLUMNS_MAX 32

/* O(name, kind, expression of x and y) */
#define PROGRAM_OPS(O)            \
    O(ADD, NUMBER, x + y)         \
    O(SUB, NUMBER, x - y)         \
    O(MUL, NUMBER, (x) * (y))     \
    O(DIV, NUMBER, x / y)         \
    O(MIN, NUMBER, x < y ? x : y) \
    O(MAX, NUMBER, x > y ? x : y) \
    O(ABS, NUMBER, fabs(x))       \
    O(LT, COMPARE, x < y)         \
    O(LE, COMPARE, x <= y)        \
    O(GT, COMPARE, x > y)         \
    O(GE, COMPARE, x >= y)        \
    O(EQ, COMPARE, x == y)        \
    O(NE, COMPARE, x != y)        \
    O(AND, LOGIC, (x) & (y))      \
    O(OR, LOGIC, x | y)           \
    O(NOT, LOGIC, x ^ 1)

enum program_op {
#define O(name, kind, expression) PROGRAM_##name,
    PROGRAM_OPS(O)
#undef O
};

enum series { SERIES_OPEN, SERIES_HIGH, SERIES_LOW, SERIES_CLOSE, SERIES_VOLUME, SERIES_COUNT };

enum operand_kind { OPERAND_SCALAR, OPERAND_SERIES, OPERAND_COLUMN, OPERAND_TEMP };

struct operand {
    uint8_t kind, index, lag;
};

struct scalar {
    double number;
    uint32_t is_param, param;
};

struct instruction {
    uint8_t op, target; /* of a temporary */
    struct operand a, b;
};

struct program {
    size_t code_count, scalar_count;
    struct instruction code[PROGRAM_CODE_MAX];
    struct scalar scalars[PROGRAM_SCALARS_MAX];
    struct operand result;
    bool is_bool;   /* the result is a truth value */
    bool is_series; /* the result differs from bar to bar */
    uint8_t max_lag;
    uint32_t params;  /* bit per param that it names itself */
    uint32_t columns; /* bit per column that it reads */
};

/* Where operands are found. columns may hold NULL for those a program does not read. */
struct frame {
    const double *params;
    const double *series[SERIES_COUNT];
    const double *columns[PROGRAM_COLUMNS_MAX];
};

/* Values of bars first .. first+count-1, first >= max_lag. The result must be a number. */
void program_numbers(const struct program *self, const struct frame *frame, size_t first,
                     size_t count, double *out);

/* Truth values of all bars below count as a bit set, bars below max_lag false. */
void program_bits(const struct program *self, const struct frame *frame, size_t count,
                  uint64_t *out);

/* Does it read the series itself, not through a column? */
bool program_reads(const struct program *self, enum series series);

/* The value of a program that is no series: of a number, of a condition. */
double program_scalar(const struct program *self, const double *params);
bool program_truth(const struct program *self, const double *params);

#endif
