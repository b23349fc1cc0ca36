/* The packed trials and the cache of parsed data sets: no database. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/store/dataset_cache.h"
#include "actors/tune/store/report.h"
#include "actors/tune/store/trials.h"
#include "tests/support/suite.h"

/* A trial whose every value can be told from its index. */
static struct trial
trial_of(uint64_t index, enum trial_status status, double score)
{
    struct trial trial = {
        .index = index, .status = status, .score = score, .objective_score = score};
    double base = (double)index * 100;

    trial.score_is = base + 1;
    trial.score_oos = base + 2;
    trial.overfit_gap = base + 3;
    for (size_t i = 0; i < METRIC_COUNT_ALL; i++) {
        trial.is.values[i] = base + (double)i;
        trial.oos.values[i] = -base - (double)i;
    }
    trial.blocks = (struct metrics_blocks){{20}, {0.1}, {0.01}};
    if (status != TRIAL_COMPLETED)
        snprintf(trial.skip_reason, sizeof(trial.skip_reason), "reason of %llu",
                 (unsigned long long)index);
    return trial;
}

static void
add(trials_t *trials, uint64_t index, enum trial_status status, double score)
{
    struct trial trial = trial_of(index, status, score);

    ck_assert_int_eq(trials_add(trials, &trial), TM_OK);
}

static void
expect_row(const struct trial_row *row, bool is_split)
{
    enum trial_status status = row->index % 3 ? TRIAL_COMPLETED : TRIAL_SKIPPED;
    struct trial want = trial_of(row->index, status, (double)row->index);

    ck_assert_int_eq(row->status, want.status);
    ck_assert_str_eq(row->reason, want.skip_reason);
    ck_assert_double_eq(row->score, want.score);
    ck_assert_mem_eq(&row->is, &want.is, sizeof(want.is));
    if (is_split) {
        ck_assert_mem_eq(&row->oos, &want.oos, sizeof(want.oos));
        ck_assert_double_eq(row->overfit_gap, want.overfit_gap);
    } else {
        ck_assert(isnan(row->score_oos));
        ck_assert(isnan(row->oos.return_pct));
    }
}

START_TEST(what_was_packed_comes_out_again)
{
    enum { COUNT = 20000 }; /* several chunks */
    trials_t *trials = trials_new(COUNT, _i == 1, 10);
    struct trials_cursor cursor = {0};
    struct trial_row row;
    uint64_t seen = 0;

    for (uint64_t i = 0; i < COUNT; i++)
        add(trials, i, i % 3 ? TRIAL_COMPLETED : TRIAL_SKIPPED, (double)i);
    for (; trials_next(trials, &cursor, &row); seen++) {
        ck_assert_uint_eq(row.index, seen);
        expect_row(&row, _i == 1);
    }
    ck_assert_uint_eq(seen, COUNT);
    ck_assert_uint_eq(trials_count(trials), COUNT);
    ck_assert_uint_eq(trials_count_of(trials, TRIAL_SKIPPED), 6667);
    trials_destroy(&trials);
    ck_assert_ptr_null(trials);
}
END_TEST

static int
compare_scores(const void *a, const void *b)
{
    const struct trial *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

START_TEST(the_leaders_are_the_best_by_score_then_by_index)
{
    enum { COUNT = 500, LEADERS = 20 };
    trials_t *trials = trials_new(COUNT, false, LEADERS);
    struct trial *all = calloc(COUNT, sizeof(*all));
    size_t completed = 0;
    const struct leader *leaders;
    unsigned state = 12345;

    for (uint64_t i = 0; i < COUNT; i++) {
        state = state * 1103515245U + 12345U;
        double score = (double)(state >> 16 & 63) - 32; /* many ties, zeros and negatives */
        all[i] = trial_of(i, state >> 24 & 3 ? TRIAL_COMPLETED : TRIAL_SKIPPED,
                          state >> 28 == 5 ? (double)NAN : score);
        ck_assert_int_eq(trials_add(trials, &all[i]), TM_OK);
    }
    for (uint64_t i = 0; i < COUNT; i++)
        if (all[i].status == TRIAL_COMPLETED && !isnan(all[i].score))
            all[completed++] = all[i];
    qsort(all, completed, sizeof(*all), compare_scores);
    ck_assert_uint_gt(completed, LEADERS);
    ck_assert_uint_eq(trials_leaders(trials, &leaders), LEADERS);
    for (size_t i = 0; i < LEADERS; i++)
        ck_assert_uint_eq(leaders[i].index, all[i].index);
    free(all);
    trials_destroy(&trials);
}
END_TEST

START_TEST(without_a_valid_trial_there_are_no_leaders)
{
    trials_t *trials = trials_new(3, false, 10);
    const struct leader *leaders;

    add(trials, 0, TRIAL_SKIPPED, 5);
    add(trials, 1, TRIAL_COMPLETED, (double)NAN);
    add(trials, 2, TRIAL_FAILED, 7);
    ck_assert_uint_eq(trials_leaders(trials, &leaders), 0);
    trials_destroy(&trials);
}
END_TEST

START_TEST(a_trial_takes_no_more_memory_than_the_header_says)
{
    trials_t *trials = trials_new(1, true, 1);
    struct trial_row row;
    struct trials_cursor cursor = {0};
    struct trial trial = trial_of(0, TRIAL_SKIPPED, 1);

    memset(trial.skip_reason, 'x', TUNE_REASON_BYTES); /* not even terminated */
    ck_assert_int_eq(trials_add(trials, &trial), TM_OK);
    ck_assert(trials_next(trials, &cursor, &row));
    ck_assert_uint_eq(strlen(row.reason), TUNE_REASON_BYTES - 1);
    ck_assert_uint_le(cursor.offset, 457);
    trials_destroy(&trials);
}
END_TEST

START_TEST(more_trials_than_samples_still_give_a_probability)
{
    trials_t *trials = trials_new(10000, false, 1);
    double pbo;

    for (uint64_t i = 0; i < 10000; i++) {
        struct trial trial = trial_of(i, TRIAL_COMPLETED, (double)i);
        for (size_t b = 0; b < METRICS_BLOCKS; b++) {
            trial.blocks.days[b] = 20;
            trial.blocks.sum[b] = (double)((i * 7 + b * 13) % 31) / 100;
            trial.blocks.square[b] = 0.02;
        }
        ck_assert_int_eq(trials_add(trials, &trial), TM_OK);
    }
    pbo = trials_pbo(trials);
    ck_assert(pbo >= 0 && pbo <= 1);
    trials_destroy(&trials);
}
END_TEST

/* ---- the cache -------------------------------------------------------------------------- */

static const dataset_t *
put(lru_t *cache, uint8_t first, size_t count)
{
    dataset_t dataset = {
        .key = {.sha256 = {first}}, .report = {.rows = first}, .bars = bars_new(count)};
    const dataset_t *kept = dataset_cache_add(cache, &dataset);

    ck_assert_ptr_null(dataset.bars);
    return kept;
}

static const dataset_t *
find(lru_t *cache, uint8_t first)
{
    const struct dataset_key key = {.sha256 = {first}};

    return lru_find(cache, &key);
}

START_TEST(the_least_recently_used_leaves_first)
{
    lru_t *cache = dataset_cache_new((size_t)3 * 70000); /* three of 1,000 bars */

    put(cache, 1, 1000);
    put(cache, 2, 1000);
    ck_assert_ptr_nonnull(find(cache, 1));
    put(cache, 3, 1000);
    put(cache, 4, 1000);
    ck_assert_ptr_null(find(cache, 2));
    ck_assert_ptr_nonnull(find(cache, 1));
    ck_assert_uint_eq(find(cache, 4)->report.rows, 4);
    ck_assert_ptr_nonnull(find(cache, 3));
    lru_destroy(&cache);
}
END_TEST

START_TEST(a_dataset_larger_than_the_cache_is_kept_alone)
{
    lru_t *cache = dataset_cache_new(50000);

    put(cache, 1, 100);
    ck_assert_uint_eq(put(cache, 2, 5000)->bars->count, 5000);
    ck_assert_ptr_null(find(cache, 1));
    put(cache, 3, 100);
    ck_assert_ptr_null(find(cache, 2));
    ck_assert_ptr_nonnull(find(cache, 3));
    lru_destroy(&cache);
}
END_TEST

/* ---- texts ------------------------------------------------------------------------------ */

static const struct {
    struct tune_options options;
    bool is_split;
    const char *text;
} gates[] = {
    {TUNE_OPTIONS_DEFAULT, true,
     "{\"max_drawdown_pct\":20.0,\"min_trades\":10,\"evaluated_on\":\"primary\"}"},
    {{.gate_max_drawdown_pct = 12.5, .gate_min_trades = 1, .select_on_oos = true},
     true,
     "{\"max_drawdown_pct\":12.5,\"min_trades\":1,\"evaluated_on\":\"oos\"}"},
    {{.gate_max_drawdown_pct = 100, .select_on_oos = true},
     false, /* there was nothing to split */
     "{\"max_drawdown_pct\":null,\"min_trades\":null,\"evaluated_on\":\"primary\"}"},
};

START_TEST(the_gates_say_what_they_are_and_where_they_were_judged)
{
    char *text = report_gates(&gates[_i].options, gates[_i].is_split);

    ck_assert_str_eq(text, gates[_i].text);
    free(text);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tune_trials");
    TCase *trials = suite_case(suite, "trials", NULL, NULL),
          *cache = suite_case(suite, "cache", NULL, NULL),
          *texts = suite_case(suite, "texts", NULL, NULL);

    tcase_add_loop_test(trials, what_was_packed_comes_out_again, 0, 2);
    suite_tests(trials, the_leaders_are_the_best_by_score_then_by_index,
                without_a_valid_trial_there_are_no_leaders,
                a_trial_takes_no_more_memory_than_the_header_says,
                more_trials_than_samples_still_give_a_probability);
    suite_tests(cache, the_least_recently_used_leaves_first,
                a_dataset_larger_than_the_cache_is_kept_alone);
    suite_rows(texts, the_gates_say_what_they_are_and_where_they_were_judged, gates);
    return suite_run(suite);
}
