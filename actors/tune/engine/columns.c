#include "actors/tune/engine/columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 1024

/* A computed column. Params that it does not depend on are 0 in its key. */
struct entry {
    size_t def;
    double key[STRATEGY_PARAMS_MAX];
    double *values;
    size_t first;   /* index of the first value; bars->count if none */
    uint64_t bound; /* the last bind that used it */
};

struct signal {
    uint64_t *bits;
    double key[STRATEGY_PARAMS_MAX];
    bool is_valid;
};

struct columns {
    const bars_t *bars;
    const strategy_t *strategy;
    struct entry *entries;
    size_t entry_count, entry_capacity;
    uint64_t binds;
    struct frame frame;
    struct entry *current[PROGRAM_COLUMNS_MAX];
    struct signal signals[RULE_COUNT];
    size_t warmup;
    bool is_short;
};

static bool
allocate_signals(columns_t *self)
{
    const size_t words = self->bars->count / 64 + 1;
    bool ok = true;

    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (!self->strategy->has_rule[i])
            continue;
        self->signals[i].bits = calloc(words, sizeof(uint64_t));
        ok = ok && self->signals[i].bits;
    }
    return ok;
}

columns_t *
columns_new(const bars_t *bars, const strategy_t *strategy, size_t budget_bytes)
{
    columns_t *self = calloc(1, sizeof *self);

    if (!self)
        return NULL;
    size_t capacity = budget_bytes / ((bars->count + 1) * sizeof(double));
    if (capacity > ENTRIES_MAX)
        capacity = ENTRIES_MAX;
    if (capacity < strategy->scope.column_count + 1)
        capacity = strategy->scope.column_count + 1;
    self->bars = bars;
    self->strategy = strategy;
    self->entry_capacity = capacity;
    self->entries = calloc(capacity, sizeof *self->entries);
    for (size_t i = 0; i < SERIES_COUNT; i++)
        self->frame.series[i] = bars->columns[i];
    if (!self->entries || !allocate_signals(self))
        columns_destroy(&self);
    return self;
}

void
columns_destroy(columns_t **self_p)
{
    columns_t *self = *self_p;

    if (!self)
        return;
    for (size_t i = 0; i < self->entry_count; i++)
        free(self->entries[i].values);
    for (size_t i = 0; i < RULE_COUNT; i++)
        free(self->signals[i].bits);
    free(self->entries);
    free(self);
    *self_p = NULL;
}

static void
make_key(const double *params, uint32_t mask, double key[STRATEGY_PARAMS_MAX])
{
    for (size_t i = 0; i < STRATEGY_PARAMS_MAX; i++)
        key[i] = mask >> i & 1 ? params[i] : 0.0;
}

static bool
same_key(const double *a, const double *b)
{
    return memcmp(a, b, STRATEGY_PARAMS_MAX * sizeof *a) == 0;
}

/* The entry to compute into: a fresh one, or the least recently used. Those of this bind are
 * never the oldest, as there is room for one more than a strategy has columns. */
static struct entry *
spare_entry(columns_t *self)
{
    struct entry *oldest = &self->entries[0];

    if (self->entry_count < self->entry_capacity) {
        double *values = malloc((self->bars->count + 1) * sizeof *values);

        if (!values)
            return NULL;
        self->entries[self->entry_count].values = values;
        return &self->entries[self->entry_count++];
    }
    for (size_t i = 1; i < self->entry_count; i++) {
        if (self->entries[i].bound < oldest->bound)
            oldest = &self->entries[i];
    }
    return oldest;
}

static tm_err_t
column_length(const struct column_def *def, const double *params, size_t *ret)
{
    const double length = program_scalar(&def->length, params);

    if (!(length >= 1 && length <= EXPR_LENGTH_MAX) || floor(length) != length)
        return TM_INVALID_PARAM_SPACE;
    *ret = (size_t)length;
    return TM_OK;
}

static size_t
compute_program(const columns_t *self, const struct program *program, double *out)
{
    const size_t count = self->bars->count;
    const size_t skip = program->max_lag < count ? program->max_lag : count;

    for (size_t i = 0; i < skip; i++)
        out[i] = (double)NAN;
    program_numbers(program, &self->frame, skip, count - skip, out + skip);
    return indicator_first(out, count);
}

static size_t
compute_window(const columns_t *self, enum column_kind kind, const double *in, size_t length,
               double *out)
{
    const bars_t *bars = self->bars;

    switch (kind) {
#define I(name, text)   \
    case COLUMN_##name: \
        return indicator_##name(in, bars->count, length, out);
        INDICATORS(I)
#undef I
    case COLUMN_atr:
        return indicator_atr(bars->high, bars->low, bars->close, bars->count, length, out);
    case COLUMN_PROGRAM:
        break;
    }
    return bars->count;
}

/* The input of a window, without a copy if it is a plain column. */
static const double *
input_of(const columns_t *self, const struct program *program, double **ret_scratch)
{
    const struct operand result = program->result;

    if (program->code_count == 0 && result.lag == 0) {
        if (result.kind == OPERAND_SERIES)
            return self->frame.series[result.index];
        if (result.kind == OPERAND_COLUMN)
            return self->frame.columns[result.index];
    }
    *ret_scratch = malloc((self->bars->count + 1) * sizeof(double));
    if (*ret_scratch)
        compute_program(self, program, *ret_scratch);
    return *ret_scratch;
}

static tm_err_t
compute(columns_t *self, const struct column_def *def, struct entry *entry)
{
    double *scratch = NULL;
    const double *in = NULL;
    size_t length = 0;

    if (def->kind == COLUMN_PROGRAM) {
        entry->first = compute_program(self, &def->input, entry->values);
        return TM_OK;
    }
    const tm_err_t err = column_length(def, self->frame.params, &length);
    if (err)
        return err;
    if (def->kind != COLUMN_atr) {
        in = input_of(self, &def->input, &scratch);
        if (!in)
            return TM_NO_MEMORY;
    }
    entry->first = compute_window(self, def->kind, in, length, entry->values);
    free(scratch);
    return TM_OK;
}

static struct entry *
find_entry(columns_t *self, size_t def, const double *key)
{
    struct entry *current = self->current[def];

    if (current && current->bound && current->def == def && same_key(current->key, key))
        return current;
    for (size_t i = 0; i < self->entry_count; i++) {
        struct entry *entry = &self->entries[i];

        if (entry->def == def && entry->bound && same_key(entry->key, key))
            return entry;
    }
    return NULL;
}

static tm_err_t
bind_column(columns_t *self, size_t index)
{
    const struct column_def *def = &self->strategy->scope.columns[index];
    double key[STRATEGY_PARAMS_MAX];

    make_key(self->frame.params, def->params, key);
    struct entry *entry = find_entry(self, index, key);
    if (!entry) {
        entry = spare_entry(self);
        if (!entry)
            return TM_NO_MEMORY;
        entry->bound = 0; /* until it is computed, it is nobody's */
        const tm_err_t err = compute(self, def, entry);
        if (err)
            return err;
        entry->def = index;
        memcpy(entry->key, key, sizeof key);
    }
    entry->bound = self->binds;
    self->current[index] = entry;
    self->frame.columns[index] = entry->values;
    if (entry->first >= self->bars->count)
        self->is_short = true;
    else if (entry->first > self->warmup)
        self->warmup = entry->first;
    return TM_OK;
}

static void
bind_signal(columns_t *self, enum rule rule)
{
    const struct program *program = &self->strategy->rules[rule];
    struct signal *signal = &self->signals[rule];
    double key[STRATEGY_PARAMS_MAX];

    make_key(self->frame.params, self->strategy->rule_params[rule], key);
    if (!signal->is_valid || !same_key(signal->key, key)) {
        program_bits(program, &self->frame, self->bars->count, signal->bits);
        memcpy(signal->key, key, sizeof key);
        signal->is_valid = true;
    }
    if (program->max_lag > self->warmup + 1)
        self->warmup = program->max_lag - 1U;
}

tm_err_t
columns_bind(columns_t *self, const double *params)
{
    tm_err_t err = TM_OK;

    self->frame.params = params;
    self->binds++;
    self->warmup = 0;
    self->is_short = false;
    for (size_t i = 0; !err && i < self->strategy->scope.column_count; i++)
        err = bind_column(self, i);
    for (size_t i = 0; !err && i < RULE_COUNT; i++) {
        if (self->strategy->has_rule[i])
            bind_signal(self, (enum rule)i);
    }
    self->frame.params = NULL;
    return err;
}

const uint64_t *
columns_signal(const columns_t *self, enum rule rule)
{
    return self->signals[rule].bits;
}

size_t
columns_warmup(const columns_t *self)
{
    return self->warmup;
}

bool
columns_is_short(const columns_t *self)
{
    return self->is_short;
}
