/* match_runs - POST /match-runs: which strategies fit what is asked for, and whether they fit
 * well enough. Matching and keeping are one transaction (match_run_record, functions/coverage.sql).
 *
 * A strategy's score is from 0 to 1, with four decimals:
 *
 *     score = 0.7 * tags + 0.3 * text     or text alone, if the intent has no term that counts
 *
 * tags   The intent's groups that have terms share their weight: archetypes 0.35, indicators
 *        0.30, topics 0.15, timeframes (buckets and explicit) 0.10, risk 0.10; symbols count
 *        for nothing. In a group every term counts the same: 1 if the strategy has it as a tag,
 *        else the trigram similarity of the nearest tag if that is 0.6 or more, else 0.
 * text   The words of the query (full-text search: stems, without stop words) that are in the
 *        strategy's name, tags and description, in relation to the shorter of the two; a
 *        strategy's text counts as five words at least. A word that is not there counts by its
 *        trigram word similarity to one of the tags, if that is 0.6 or more.
 *
 * Candidates are the top_k of those that have 0.2 or more, so that one common word makes none;
 * the best first, then by name, by id.
 *
 * Coverage is weak if the best has less than 0.45 (LOW_BEST_SCORE), none has 0.55 or more
 * (NO_RESULTS_ABOVE_THRESHOLD), or there is none (NO_RESULTS). A confidence under 0.35 is
 * LOW_SIGNAL_INPUT and nothing else: too little was said to call it weak. A run that fits, and
 * only that, resolves the open weak runs of its signature.
 */
#ifndef ACTORS_HTTP_COVERAGE_MATCH_RUNS_H
#define ACTORS_HTTP_COVERAGE_MATCH_RUNS_H

typedef struct request request_t;

void match_runs_add(request_t *request);

#endif
