/* verdict - how far the winner of a tune is to be believed: one word, and the sentences why.
 *
 * The one place where figures become a judgement: the answer, the pages, the command line and
 * the explanation show what stands here.
 *
 *   no_winner  no trial is valid
 *   overfit    something says that it is luck: a probability of back-test overfitting above
 * 0.5, nothing gained in the part that chose it, or a test that it did not stand unproven
 * nothing says so, but something that would show the opposite is missing or weak: a deflated
 * Sharpe ratio under 0.95, no test, too few trials holds      none of these
 *
 * A gap between the parts is judged where it means the same in both: Sharpe ratio and calmar,
 * not return, which grows with the length of a part.
 */
#ifndef ACTORS_TUNE_SEARCH_VERDICT_H
#define ACTORS_TUNE_SEARCH_VERDICT_H

#include <jansson.h>

#include "actors/tune/store/trials.h"

struct verdict_facts {
    const struct leader *winner; /* NULL: there is none */
    bool is_split, was_chosen_on_oos;
    enum objective metric;                /* of the scores */
    uint64_t distinct_trials, duplicates; /* draws of what had been tried are no trials */
    double pbo, deflated_sharpe;          /* NaN: undefined */
};

/* {"pbo", "deflated_sharpe", "distinct_trials", "duplicates", "verdict": "unproven", "level":
 * "warn", "why": ["...", ...]}. level: good, warn or bad. The worst reasons come first. */
json_t *verdict_json(const struct verdict_facts *facts);

#endif
