/* qualifier - how far an explanation of a match can be trusted, from three numbers:
 *
 *     0.4 * min(tags / 3, 1) + 0.4 * score + 0.2 * back-test
 *
 * where the score is that of the match, 0.5 if it is not known, and the back-test counts 0.3 if
 * a tune of the strategy has a trial that passed its gates, 0.1 if there is a back-test at all.
 * High from 0.7, Medium from 0.4, else Low.
 */
#ifndef ACTORS_HTTP_EXPLAIN_QUALIFIER_H
#define ACTORS_HTTP_EXPLAIN_QUALIFIER_H

#include <stddef.h>

#define QUALIFIER_HIGH   0.7
#define QUALIFIER_MEDIUM 0.4

enum qualifier_backtest { QUALIFIER_NONE, QUALIFIER_PRESENT, QUALIFIER_VALIDATED };

struct qualifier {
    size_t tags;  /* that match */
    double score; /* 0..1; NaN: not known */
    enum qualifier_backtest backtest;
};

double qualifier_score(const struct qualifier *self);
const char *qualifier_word(double score); /* "High", "Medium", "Low" */
/* "Confidence: High — based on 3 matching tags, validated backtest." */
void qualifier_text(const struct qualifier *self, char *text, size_t size);

#endif
