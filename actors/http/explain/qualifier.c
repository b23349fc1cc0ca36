#include "actors/http/explain/qualifier.h"

#include <math.h>
#include <stdio.h>

#define TAGS_ENOUGH   3.0
#define SCORE_UNKNOWN 0.5
#define TINY          1e-9 /* a sum that is 0.7 on paper is High */

static const struct {
    double weight;
    const char *words;
} backtests[] = {
    [QUALIFIER_NONE] = {0, "no backtest"},
    [QUALIFIER_PRESENT] = {0.1, "has backtest"},
    [QUALIFIER_VALIDATED] = {0.3, "validated backtest"},
};

double
qualifier_score(const struct qualifier *self)
{
    const double tags = fmin((double)self->tags / TAGS_ENOUGH, 1);
    const double score = isnan(self->score) ? SCORE_UNKNOWN : fmin(fmax(self->score, 0), 1);

    return 0.4 * tags + 0.4 * score + 0.2 * backtests[self->backtest].weight;
}

const char *
qualifier_word(double score)
{
    return score + TINY >= QUALIFIER_HIGH     ? "High"
           : score + TINY >= QUALIFIER_MEDIUM ? "Medium"
                                              : "Low";
}

void
qualifier_text(const struct qualifier *self, char *text, size_t size)
{
    snprintf(text, size, "Confidence: %s \xe2\x80\x94 based on %zu matching tag%s, %s.",
             qualifier_word(qualifier_score(self)), self->tags, self->tags == 1 ? "" : "s",
             backtests[self->backtest].words);
}
