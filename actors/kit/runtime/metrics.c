/* Each metric has METRICS_LABELS + 1 slots; a label claims the first free one by compare and
 * swap and keeps it, so adding takes no lock: a walk over the labels already seen, and one
 * atomic add. The last slot is "other". */
#include "actors/kit/runtime/metrics.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/runtime/metrics_process.h"

#define OTHER     METRICS_LABELS
#define LABEL_MAX 128

/* X(seconds as printed, microseconds) */
#define BUCKETS(X)    \
    X("0.0005", 500)  \
    X("0.001", 1000)  \
    X("0.0025", 2500) \
    X("0.005", 5000)  \
    X("0.01", 10000)  \
    X("0.025", 25000) \
    X("0.05", 50000)  \
    X("0.1", 100000)  \
    X("0.25", 250000) \
    X("0.5", 500000)  \
    X("1", 1000000)   \
    X("2.5", 2500000) \
    X("5", 5000000)   \
    X("10", 10000000) \
    X("30", 30000000) \
    X("60", 60000000) \
    X("+Inf", INT64_MAX)

static const struct {
    const char *le;
    int64_t us;
} buckets[] = {
#define X(le, us) {le, us},
    BUCKETS(X)
#undef X
};
#define BUCKET_COUNT (sizeof(buckets) / sizeof(buckets[0]))

typedef enum { COUNTER, GAUGE, DURATION, SECONDS } kind_t;

static const struct family {
    const char *name;
    kind_t kind;
    const char *label, *owner, *help;
} families[METER_COUNT] = {
#define X(NAME, name, TYPE, label, owner, help) {#name, TYPE, label, #owner, help},
    TM_METRICS(X)
#undef X
};

static const struct known {
    metric_t metric;
    const char *values;
} known[] = {
#define K(NAME, values) {METRIC_##NAME, values},
    TM_METRICS_KNOWN(K)
#undef K
};

struct slot {
    _Atomic(char *) label;     /* NULL: free */
    atomic_int_fast64_t value; /* of SECONDS: the sum in microseconds */
    atomic_uint_fast64_t bucket[BUCKET_COUNT];
};

struct meters {
    char *actor;
    char instance[PROCESS_INSTANCE_BYTES];
    char base[PROCESS_INSTANCE_BYTES + 64]; /* actor="..",instance=".." */
    int64_t start_ms;
    struct slot slots[METER_COUNT][METRICS_LABELS + 1];
};

static bool
is_owner(const meters_t *self, const struct family *family)
{
    return strcmp(family->owner, "all") == 0 || strcmp(family->owner, self->actor) == 0;
}

static void
know_words(meters_t *self, const struct known *row)
{
    char word[LABEL_MAX];

    for (const char *at = row->values; *at; at += at[0] == ',') {
        const size_t size = strcspn(at, ",");

        snprintf(word, sizeof(word), "%.*s", (int)size, at);
        meters_know(self, row->metric, word);
        at += size;
    }
}

meters_t *
meters_new(const char *actor)
{
    meters_t *self = calloc(1, sizeof(*self));

    if (!self)
        return NULL;
    self->actor = strdup(actor);
    self->start_ms = process_start_ms();
    process_instance(self->instance);
    snprintf(self->base, sizeof(self->base), "actor=\"%.32s\",instance=\"%s\"", actor,
             self->instance);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (is_owner(self, &families[known[i].metric]))
            know_words(self, &known[i]);
    return self;
}

const char *
meters_name(metric_t metric)
{
    return families[metric].name;
}

bool
meters_is_histogram(metric_t metric)
{
    return families[metric].kind == SECONDS;
}

const char *
meters_actor(const meters_t *self)
{
    return self->actor;
}

const char *
meters_instance(const meters_t *self)
{
    return self->instance;
}

void
meters_destroy(meters_t **self_p)
{
    meters_t *self = *self_p;

    if (!self)
        return;
    for (size_t i = 0; i < METER_COUNT; i++)
        for (size_t j = 0; j <= OTHER; j++)
            free(atomic_load(&self->slots[i][j].label));
    free(self->actor);
    free(self);
    *self_p = NULL;
}

/* True if the slot is the label's, now or already. */
static bool
claim(struct slot *slot, const char *label)
{
    char *seen = atomic_load_explicit(&slot->label, memory_order_acquire);
    char *copy;

    if (seen)
        return strncmp(seen, label, LABEL_MAX) == 0;
    copy = strndup(label, strnlen(label, LABEL_MAX));
    if (copy && atomic_compare_exchange_strong(&slot->label, &seen, copy))
        return true;
    free(copy);
    return seen && strncmp(seen, label, LABEL_MAX) == 0;
}

static struct slot *
slot_of(meters_t *self, metric_t metric, const char *label)
{
    struct slot *slots = self->slots[metric];

    if (!label)
        label = "";
    for (size_t i = 0; i < METRICS_LABELS; i++)
        if (claim(&slots[i], label))
            return &slots[i];
    claim(&slots[OTHER], "other");
    return &slots[OTHER];
}

void
meters_know(meters_t *self, metric_t metric, const char *label)
{
    meters_add(self, metric, label, 0);
}

void
meters_add(meters_t *self, metric_t metric, const char *label, uint64_t n)
{
    if (self)
        atomic_fetch_add_explicit(&slot_of(self, metric, label)->value, (int_fast64_t)n,
                                  memory_order_relaxed);
}

void
meters_set(meters_t *self, metric_t metric, const char *label, int64_t value)
{
    if (self)
        atomic_store_explicit(&slot_of(self, metric, label)->value, value,
                              memory_order_relaxed);
}

void
meters_observe_us(meters_t *self, metric_t metric, const char *label, int64_t us)
{
    struct slot *slot;
    size_t i = 0;

    if (!self)
        return;
    slot = slot_of(self, metric, label);
    if (us < 0)
        us = 0;
    while (us > buckets[i].us)
        i++;
    atomic_fetch_add_explicit(&slot->bucket[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&slot->value, us, memory_order_relaxed);
}

const char *
meters_label(char label[METERS_LABEL], const char *one, const char *two, const char *three)
{
    snprintf(label, METERS_LABEL, "%s" METRICS_AND "%s%s%s", one, two, three ? METRICS_AND : "",
             three ? three : "");
    return label;
}

static void
print_escaped(FILE *out, const char *text, size_t size, bool quotes)
{
    for (const char *end = text + size; text < end; text++) {
        if (*text == '\n')
            fputs("\\n", out);
        else if (*text == '\\' || (quotes && *text == '"'))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

/* name="value",name="value": what counts as other has it for every name. */
static void
print_labels(FILE *out, const char *names, const char *values)
{
    bool is_other = strcmp(values, "other") == 0;

    for (;;) {
        size_t name = strcspn(names, ",");
        size_t value = is_other ? strlen(values) : strcspn(values, METRICS_AND);

        fprintf(out, "%.*s=\"", (int)name, names);
        print_escaped(out, values, value, true);
        fputc('"', out);
        if (!names[name])
            return;
        fputc(',', out);
        names += name + 1;
        if (!is_other)
            values += value + (values[value] != '\0');
    }
}

/* name_suffix{label="value",le="le",base}: what is empty is left out */
static void
print_series(FILE *out, const meters_t *self, const struct family *family, const char *suffix,
             const char *value, const char *le)
{
    fprintf(out, "%s%s{", family->name, suffix);
    if (family->label[0]) {
        print_labels(out, family->label, value);
        fputc(',', out);
    }
    if (le)
        fprintf(out, "le=\"%s\",", le);
    fprintf(out, "%s} ", self->base);
}

static void
print_histogram(FILE *out, const meters_t *self, const struct family *family,
                const struct slot *slot, const char *value)
{
    uint64_t count = 0;

    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        count += atomic_load_explicit(&slot->bucket[i], memory_order_relaxed);
        print_series(out, self, family, "_bucket", value, buckets[i].le);
        fprintf(out, "%llu\n", (unsigned long long)count);
    }
    print_series(out, self, family, "_sum", value, NULL);
    fprintf(out, "%.6f\n", (double)atomic_load(&slot->value) / 1e6);
    print_series(out, self, family, "_count", value, NULL);
    fprintf(out, "%llu\n", (unsigned long long)count);
}

static void
print_slot(FILE *out, const meters_t *self, const struct family *family,
           const struct slot *slot, const char *value)
{
    if (family->kind == SECONDS) {
        print_histogram(out, self, family, slot, value);
        return;
    }
    print_series(out, self, family, "", value, NULL);
    if (family->kind == DURATION)
        fprintf(out, "%.6f\n", (double)atomic_load(&slot->value) / 1e6);
    else
        fprintf(out, "%lld\n", (long long)atomic_load(&slot->value));
}

/* Shown by its owners, so that its absence means a dead process, and by whoever has counted it.
 */
static bool
is_shown(const meters_t *self, const struct family *family, const struct slot *slots)
{
    return is_owner(self, family) ||
           atomic_load_explicit(&slots[0].label, memory_order_acquire);
}

static void
print_family(FILE *out, const meters_t *self, const struct family *family,
             const struct slot *slots)
{
    static const char *const types[] = {[COUNTER] = "counter",
                                        [GAUGE] = "gauge",
                                        [DURATION] = "gauge",
                                        [SECONDS] = "histogram"};

    fprintf(out, "# HELP %s ", family->name);
    print_escaped(out, family->help, strlen(family->help), false);
    fprintf(out, "\n# TYPE %s %s\n", family->name, types[family->kind]);
    if (!family->label[0]) {
        print_slot(out, self, family, &slots[0], "");
        return;
    }
    for (size_t i = 0; i <= OTHER; i++) {
        const char *value = atomic_load_explicit(&slots[i].label, memory_order_acquire);
        if (value)
            print_slot(out, self, family, &slots[i], value);
        else /* they are claimed in order: memory that was never touched stays so */
            i = i < OTHER ? OTHER - 1 : i;
    }
}

char *
meters_render(const meters_t *self, size_t *ret_size)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    for (size_t i = 0; i < METER_COUNT; i++)
        if (is_shown(self, &families[i], self->slots[i]))
            print_family(out, self, &families[i], self->slots[i]);
    process_print(out, self->base, self->start_ms);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    if (ret_size)
        *ret_size = size;
    return text;
}
