#include "actors/tune/engine/program.h"

#include <math.h>
#include <string.h>

#include "actors/tune/engine/clones.h"

#define WORDS_PER_BLOCK (PROGRAM_BLOCK / 64)

struct registers {
    double scalars[PROGRAM_SCALARS_MAX][PROGRAM_BLOCK];
    double numbers[PROGRAM_TEMPS_MAX][PROGRAM_BLOCK];
    uint8_t flags[PROGRAM_TEMPS_MAX][PROGRAM_BLOCK];
};

/* What one instruction works on; numbers or flags, as its kind has it. */
struct work {
    const double *a, *b;
    double *numbers;
    const uint8_t *flag_a, *flag_b;
    uint8_t *flags;
    size_t count;
};

#define WORK_NUMBER(expression)                      \
    ENGINE_ELEMENTWISE                               \
    for (size_t i = 0; i < work->count; i++) {       \
        const double x = work->a[i], y = work->b[i]; \
        (void)y;                                     \
        work->numbers[i] = expression;               \
    }
#define WORK_COMPARE(expression)                     \
    ENGINE_ELEMENTWISE                               \
    for (size_t i = 0; i < work->count; i++) {       \
        const double x = work->a[i], y = work->b[i]; \
        work->flags[i] = (uint8_t)(expression);      \
    }
#define WORK_LOGIC(expression)                                  \
    ENGINE_ELEMENTWISE                                          \
    for (size_t i = 0; i < work->count; i++) {                  \
        const uint8_t x = work->flag_a[i], y = work->flag_b[i]; \
        (void)y;                                                \
        work->flags[i] = (uint8_t)(expression);                 \
    }

ENGINE_CLONES
static void
run_instruction(enum program_op op, const struct work *shared) /* NOLINT(*-size): a table */
{
    const struct work copy = *shared, *work = &copy;

    switch (op) {
#define O(name, kind, expression) \
    case PROGRAM_##name:          \
        WORK_##kind(expression) break;
        PROGRAM_OPS(O)
#undef O
    }
}

static const double *
number_operand(const struct registers *registers, const struct frame *frame,
               struct operand operand, size_t first)
{
    switch ((enum operand_kind)operand.kind) {
    case OPERAND_SCALAR:
        return registers->scalars[operand.index];
    case OPERAND_SERIES:
        return frame->series[operand.index] + first - operand.lag;
    case OPERAND_COLUMN:
        return frame->columns[operand.index] + first - operand.lag;
    case OPERAND_TEMP:
        break;
    }
    return registers->numbers[operand.index];
}

static void
run_block(const struct program *self, const struct frame *frame, struct registers *registers,
          size_t first, size_t count)
{
    for (size_t i = 0; i < self->code_count; i++) {
        const struct instruction *code = &self->code[i];
        const struct work work = {
            .a = number_operand(registers, frame, code->a, first),
            .b = number_operand(registers, frame, code->b, first),
            .numbers = registers->numbers[code->target],
            .flag_a = registers->flags[code->a.index % PROGRAM_TEMPS_MAX],
            .flag_b = registers->flags[code->b.index % PROGRAM_TEMPS_MAX],
            .flags = registers->flags[code->target],
            .count = count,
        };

        run_instruction((enum program_op)code->op, &work);
    }
}

static double
scalar_value(const struct scalar *scalar, const double *params)
{
    return scalar->is_param ? params[scalar->param] : scalar->number;
}

static void
fill_scalars(const struct program *self, const double *params, struct registers *registers,
             size_t count)
{
    for (size_t i = 0; i < self->scalar_count; i++) {
        const double value = scalar_value(&self->scalars[i], params);

        for (size_t k = 0; k < count; k++)
            registers->scalars[i][k] = value;
    }
}

void
program_numbers(const struct program *self, const struct frame *frame, size_t first,
                size_t count, double *out)
{
    struct registers registers;

    fill_scalars(self, frame->params, &registers, PROGRAM_BLOCK);
    for (size_t done = 0; done < count; done += PROGRAM_BLOCK) {
        const size_t n = count - done < PROGRAM_BLOCK ? count - done : PROGRAM_BLOCK;

        run_block(self, frame, &registers, first + done, n);
        memcpy(out + done, number_operand(&registers, frame, self->result, first + done),
               n * sizeof *out);
    }
}

/* Eight flags to eight bits: the product gathers byte k's low bit into bit 56+k. */
static void
pack(const uint8_t flags[PROGRAM_BLOCK], uint64_t out[WORDS_PER_BLOCK])
{
    for (size_t w = 0; w < WORDS_PER_BLOCK; w++) {
        uint64_t word = 0;

        for (size_t k = 0; k < 8; k++) {
            const uint8_t *f = flags + w * 64 + k * 8;
            const uint64_t eight = (uint64_t)f[0] | (uint64_t)f[1] << 8 | (uint64_t)f[2] << 16 |
                                   (uint64_t)f[3] << 24 | (uint64_t)f[4] << 32 |
                                   (uint64_t)f[5] << 40 | (uint64_t)f[6] << 48 |
                                   (uint64_t)f[7] << 56;

            word |= (eight * UINT64_C(0x0102040810204080) >> 56) << (8 * k);
        }
        out[w] = word;
    }
}

void
program_bits(const struct program *self, const struct frame *frame, size_t count, uint64_t *out)
{
    struct registers registers;
    const size_t words = (count + 63) / 64;
    uint64_t packed[WORDS_PER_BLOCK];

    fill_scalars(self, frame->params, &registers, PROGRAM_BLOCK);
    for (size_t start = 0; start < count; start += PROGRAM_BLOCK) {
        const size_t end = count - start < PROGRAM_BLOCK ? count : start + PROGRAM_BLOCK;
        const size_t skip = start < self->max_lag ? self->max_lag : 0;
        uint8_t flags[PROGRAM_BLOCK] = {0};

        if (start + skip < end) {
            run_block(self, frame, &registers, start + skip, end - start - skip);
            memcpy(flags + skip, registers.flags[self->result.index], end - start - skip);
        }
        pack(flags, packed);
        const size_t left = words - start / 64;
        memcpy(out + start / 64, packed,
               (left < WORDS_PER_BLOCK ? left : WORDS_PER_BLOCK) * sizeof *out);
    }
}

static bool
is_series(struct operand operand, enum series series)
{
    return operand.kind == OPERAND_SERIES && operand.index == series;
}

bool
program_reads(const struct program *self, enum series series)
{
    bool reads = is_series(self->result, series);

    for (size_t i = 0; i < self->code_count; i++)
        reads =
            reads || is_series(self->code[i].a, series) || is_series(self->code[i].b, series);
    return reads;
}

double
program_scalar(const struct program *self, const double *params)
{
    struct registers registers;
    const struct frame frame = {.params = params};

    fill_scalars(self, params, &registers, 1);
    run_block(self, &frame, &registers, 0, 1);
    return *number_operand(&registers, &frame, self->result, 0);
}

bool
program_truth(const struct program *self, const double *params)
{
    struct registers registers;
    const struct frame frame = {.params = params};

    fill_scalars(self, params, &registers, 1);
    run_block(self, &frame, &registers, 0, 1);
    return registers.flags[self->result.index][0] & 1;
}
