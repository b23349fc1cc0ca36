#include "actors/tune/engine/tpe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/engine/point_set.h"

enum {
    BINS = 256,       /* of a density; fewer where a param has fewer values */
    SEEING = 8,       /* so often a trial is drawn by what is known, then at random */
    LANES = 4,        /* random numbers a candidate takes */
    WIDEST_LEAST = 2, /* a kernel is at least this, by the number of kernels, to each side */
};

struct model;

struct tpe {
    const space_t *space;
    const constraints_t *constraints;
    uint64_t seed, trials, ready, told;
    size_t count;              /* dimensions */
    double *at;                /* [trials][count]: places in [0, 1) */
    double *scores;            /* [told] */
    bool *are_valid;           /* [told] */
    point_set_t *seen;         /* trials */
    uint64_t duplicates;       /* draws that were there already */
    uint32_t (*told_in)[BINS]; /* [count]: trials told, by bin */
    uint64_t good[TPE_GOOD];   /* the best, best first */
    size_t good_count;
    struct model *models; /* [count] */
};

/* One dimension's densities. */
struct model {
    size_t bins;
    double centre[TPE_GOOD], width[TPE_GOOD];
    double l[BINS], g[BINS];
};

static size_t
bins_of(const tpe_t *self, size_t dimension)
{
    const uint64_t points = space_points(self->space, dimension);

    return points > 0 && points < BINS ? (size_t)points : BINS;
}

static size_t
bin_at(double at, size_t bins)
{
    const size_t bin = (size_t)(at * (double)bins);

    return bin < bins ? bin : bins - 1;
}

/* Remembers a trial; false if it was there, or breaks a constraint. */
static bool
is_new(tpe_t *self, const double *at)
{
    double params[TUNE_PARAMS_MAX];
    const uint64_t key = space_at(self->space, at, params);

    if (!constraints_hold(self->constraints, params))
        return false;
    const bool is = point_set_add(self->seen, key);

    self->duplicates += !is;
    return is;
}

/* As a random search draws them. */
static void
draw_startup(tpe_t *self)
{
    uint64_t trial = 0;

    for (uint64_t draw = 0; trial < self->ready; draw++) {
        double *at = &self->at[trial * self->count];

        for (size_t k = 0; k < self->count; k++)
            at[k] = space_uniform(self->space, self->seed, draw, k, 0);
        trial += is_new(self, at);
    }
}

tpe_t *
tpe_new(const struct ground *ground, uint64_t wanted)
{
    const uint64_t trials = wanted < ground->points ? wanted : ground->points;
    tpe_t *self = calloc(1, sizeof *self);

    if (!self)
        return NULL;
    self->space = ground->space;
    self->constraints = ground->constraints;
    self->seed = ground->seed;
    self->trials = trials;
    self->ready = trials < TPE_STARTUP ? trials : TPE_STARTUP;
    self->count = space_dimensions(self->space);
    self->at = calloc(trials * self->count + 1, sizeof *self->at);
    self->scores = calloc(trials + 1, sizeof *self->scores);
    self->are_valid = calloc(trials + 1, sizeof *self->are_valid);
    self->seen = point_set_new(trials);
    self->told_in = calloc(self->count + 1, sizeof *self->told_in);
    self->models = calloc(self->count + 1, sizeof *self->models);
    if (!self->at || !self->scores || !self->are_valid || !self->seen || !self->told_in ||
        !self->models) {
        tpe_destroy(&self);
        return NULL;
    }
    draw_startup(self);
    return self;
}

void
tpe_destroy(tpe_t **self_p)
{
    tpe_t *self = *self_p;

    if (!self)
        return;
    free(self->at);
    free(self->scores);
    free(self->are_valid);
    point_set_destroy(&self->seen);
    free(self->told_in);
    free(self->models);
    free(self);
    *self_p = NULL;
}

uint64_t
tpe_trials(const tpe_t *self)
{
    return self->trials;
}

uint64_t
tpe_duplicates(const tpe_t *self)
{
    return self->duplicates;
}

uint64_t
tpe_ready(const tpe_t *self)
{
    return self->ready;
}

uint64_t
tpe_told(const tpe_t *self)
{
    return self->told;
}

void
tpe_params(const tpe_t *self, uint64_t index, double params[TUNE_PARAMS_MAX])
{
    (void)space_at(self->space, &self->at[index * self->count], params);
}

static bool
is_better(const tpe_t *self, uint64_t a, uint64_t b)
{
    const double x = self->scores[a], y = self->scores[b];

    if (self->are_valid[a] != self->are_valid[b])
        return self->are_valid[a];
    if (isnan(x) || isnan(y))
        return isnan(x) == isnan(y) ? a < b : isnan(y);
    return x == y ? a < b : x > y;
}

/* The list only grows with what is told: what fell out of it once is no candidate again. */
static void
choose_good(tpe_t *self)
{
    const uint64_t tenth = (self->told + 9) / 10;

    self->good_count = 0;
    for (uint64_t i = 0; i < self->told; i++) {
        size_t place = self->good_count;

        while (place > 0 && is_better(self, i, self->good[place - 1]))
            place--;
        if (place == TPE_GOOD)
            continue;
        if (self->good_count < TPE_GOOD)
            self->good_count++;
        memmove(&self->good[place + 1], &self->good[place],
                (self->good_count - place - 1) * sizeof self->good[0]);
        self->good[place] = i;
    }
    if (self->good_count > tenth)
        self->good_count = (size_t)tenth;
}

static void
place_kernels(const tpe_t *self, size_t dimension, struct model *model)
{
    const double least = (double)WIDEST_LEAST / (double)(self->good_count + WIDEST_LEAST);

    for (size_t i = 0; i < self->good_count; i++) {
        const double at = self->at[self->good[i] * self->count + dimension];
        size_t place = i;

        for (; place > 0 && model->centre[place - 1] > at; place--)
            model->centre[place] = model->centre[place - 1];
        model->centre[place] = at;
    }
    for (size_t i = 0; i < self->good_count; i++) { /* as wide as it is far to its neighbours */
        const double left = i > 0 ? model->centre[i - 1] : 0;
        const double right = i + 1 < self->good_count ? model->centre[i + 1] : 1;
        const double far = fmax(model->centre[i] - left, right - model->centre[i]);

        model->width[i] = fmin(fmax(far, least), 1);
    }
}

static double
triangle(double off, double width)
{
    off = fabs(off) / width;
    return off < 1 ? (1 - off) / width : 0;
}

/* What would leave the range is thrown back into it, here and below: else nothing would look so
 * untried as the edges. */
static void
lay_good(const tpe_t *self, struct model *model)
{
    for (size_t bin = 0; bin < model->bins; bin++) {
        const double at = ((double)bin + 0.5) / (double)model->bins;
        double sum = 1; /* the prior: anywhere */

        for (size_t i = 0; i < self->good_count; i++) {
            sum += triangle(at - model->centre[i], model->width[i]);
            sum += triangle(at + model->centre[i], model->width[i]);
            sum += triangle(2 - at - model->centre[i], model->width[i]);
        }
        model->l[bin] = sum / (double)(self->good_count + 1);
    }
}

/* All others, smoothed the less the more there are. */
static void
lay_others(const tpe_t *self, size_t dimension, struct model *model)
{
    const double others = (double)(self->told - self->good_count);
    const size_t wide = (size_t)((double)(model->bins - 1) / (1 + sqrt(others)));
    const size_t reach = wide > model->bins / 50 ? wide : model->bins / 50;
    uint32_t counts[BINS];

    memcpy(counts, self->told_in[dimension], sizeof counts);
    for (size_t i = 0; i < self->good_count; i++)
        counts[bin_at(self->at[self->good[i] * self->count + dimension], model->bins)]--;
    for (size_t bin = 0; bin < model->bins; bin++)
        model->g[bin] = 1;
    for (size_t from = 0; from < model->bins; from++) {
        const double each =
            (double)counts[from] * (double)model->bins / (double)((reach + 1) * (reach + 1));

        for (size_t off = 0; counts[from] && off <= reach; off++) {
            const double part = each * (double)(reach + 1 - off);

            model->g[from >= off ? from - off : off - from - 1] += part;
            if (off > 0)
                model->g[from + off < model->bins ? from + off
                                                  : 2 * model->bins - 1 - from - off] += part;
        }
    }
    for (size_t bin = 0; bin < model->bins; bin++)
        model->g[bin] /= others + 1;
}

static void
lay_out_model(const tpe_t *self, size_t dimension, struct model *model)
{
    model->bins = bins_of(self, dimension);
    place_kernels(self, dimension, model);
    lay_good(self, model);
    lay_others(self, dimension, model);
}

/* From l: a kernel or the prior, then a place in it. What leaves the range is thrown back. */
static double
draw_good(const tpe_t *self, const struct model *model, uint64_t trial, size_t dimension,
          uint64_t lane)
{
    const double which = space_uniform(self->space, self->seed, trial, dimension, lane);
    const double one = space_uniform(self->space, self->seed, trial, dimension, lane + 1);
    const double two = space_uniform(self->space, self->seed, trial, dimension, lane + 2);
    const size_t kernel = (size_t)(which * (double)(self->good_count + 1));
    double at;

    if (kernel >= self->good_count)
        return one;
    at = model->centre[kernel] + model->width[kernel] * (one + two - 1);
    if (at < 0)
        at = -at;
    if (at >= 1)
        at = 2 - at;
    return at < 1 ? at : 0x1.fffffffffffffp-1;
}

static double
draw_best(const tpe_t *self, const struct model *model, uint64_t trial, size_t dimension,
          uint64_t lane)
{
    double best = 0, best_ratio = -1;

    for (size_t i = 0; i < TPE_CANDIDATES; i++) {
        const double at = draw_good(self, model, trial, dimension, lane + i * LANES);
        const size_t bin = bin_at(at, model->bins);
        const double ratio = model->l[bin] / model->g[bin];

        if (ratio > best_ratio) {
            best = at;
            best_ratio = ratio;
        }
    }
    return best;
}

/* A finite space has a point left for every trial. */
static void
draw_trial(tpe_t *self, uint64_t trial)
{
    double *at = &self->at[trial * self->count];

    for (uint64_t attempt = 0;; attempt++) {
        const uint64_t lane = 1 + attempt * TPE_CANDIDATES * LANES;

        for (size_t k = 0; k < self->count; k++)
            at[k] = attempt < SEEING ? draw_best(self, &self->models[k], trial, k, lane)
                                     : space_uniform(self->space, self->seed, trial, k, lane);
        if (is_new(self, at))
            return;
    }
}

static void
lay_out_generation(tpe_t *self)
{
    const uint64_t tenth = self->told / 10, left = self->trials - self->ready;
    uint64_t size = tenth > TPE_GENERATION ? tenth : TPE_GENERATION;

    size = size < left ? size : left;
    choose_good(self);
    for (size_t k = 0; k < self->count; k++)
        lay_out_model(self, k, &self->models[k]);
    for (uint64_t i = 0; i < size; i++)
        draw_trial(self, self->ready + i);
    self->ready += size;
}

void
tpe_tell(tpe_t *self, bool is_valid, double score)
{
    const double *at = &self->at[self->told * self->count];

    for (size_t k = 0; k < self->count; k++)
        self->told_in[k][bin_at(at[k], bins_of(self, k))]++;
    self->scores[self->told] = score;
    self->are_valid[self->told] = is_valid;
    self->told++;
    if (self->told == self->ready && self->ready < self->trials)
        lay_out_generation(self);
}
