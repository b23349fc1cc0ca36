/* rejections - why trials of a tune were rejected, how near the nearest came, and what would
 * let some of them through.
 *
 * A trial is counted for the first of its reasons, the one that its row names. What a changed
 * limit lets through is counted by the trials themselves: those that keep within every other
 * limit and have a score. Nothing is estimated, so that each sentence is true of the trials it
 * speaks of.
 */
#ifndef ACTORS_TUNE_SEARCH_REJECTIONS_H
#define ACTORS_TUNE_SEARCH_REJECTIONS_H

#include <jansson.h>

#include "actors/tune/store/trials.h"

#define REJECTIONS_ENOUGH \
    10 /* a change is looked for that lets so many through, if there are */

/* [{reason, count, limit, nearest, relax, text}], the most frequent first. limit and nearest
 * are null where the reason has none. relax: {gates: {...}, min_trades, lets_through}, as a
 * request says it, without what need not change; null when no change of these lets any through.
 * NULL: no memory. */
json_t *rejections_json(const trials_t *trials, const struct tune_options *options);

#endif
