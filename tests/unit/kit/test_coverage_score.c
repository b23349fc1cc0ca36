/* How strategies are matched: the formula of actors/http/coverage/match_runs.c, on strategies
 * whose scores can be computed by hand. A query "zzz" is in no text. */
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "migrations/migrate.h"
#include "tests/unit/kit/coverage_help.h"
#include "tests/support/suite.h"

static void
expect_match(const char *intent, const char *query, const char *want)
{
    const char *got = coverage_match(intent, query, 10);

    ck_assert_msg(strcmp(got, want) == 0, "%s, %s: \"%s\", not \"%s\"", intent, query, got,
                  want);
}

/* --- tags --------------------------------------------------------------------------------- */

static const struct {
    const char *intent, *want;
} tagged[] = {
    {"{'strategy_archetypes':['mean_reversion']}", "one 0.7 mean_reversion"},
    {"{'strategy_archetypes':['Mean Reversion']}", "one 0.7 mean_reversion"},
    {"{'strategy_archetypes':['MEAN-REVERSION','mean_reversion']}", "one 0.7 mean_reversion"},
    {"{'indicators':['rsi'],'topics':['mean_reversion']}", "one 0.7 mean_reversion,rsi"},
    /* half of a group */
    {"{'strategy_archetypes':['mean_reversion','breakout']}", "one 0.35 mean_reversion"},
    /* 0.35 of 0.65, 0.35 of 0.5, 0.1 of 0.2, 0.35 of 1 */
    {"{'strategy_archetypes':['mean_reversion'],'indicators':['macd']}",
     "one 0.3769 mean_reversion"},
    {"{'strategy_archetypes':['mean_reversion'],'topics':['forex']}",
     "one 0.49 mean_reversion"},
    {"{'timeframe_buckets':['swing'],'risk_terms':['leverage']}", "one 0.35 swing"},
    {"{'strategy_archetypes':['mean_reversion'],'indicators':['macd'],'topics':['forex'],"
     "'timeframe_explicit':['4h'],'risk_terms':['leverage']}",
     "one 0.245 mean_reversion"},
    /* both kinds of timeframes are one group */
    {"{'timeframe_buckets':['swing'],'timeframe_explicit':['4h']}", "one 0.35 swing"},
    {"{'timeframe_buckets':['swing'],'timeframe_explicit':['swing']}", "one 0.7 swing"},
    /* nearly a tag: 13 trigrams of 16; 6 of 15 is too few */
    {"{'indicators':['bollinger_band']}", "one 0.5688 bollinger_bands"},
    {"{'indicators':['bands']}", ""},
    /* the best tag counts, all that are near are named */
    {"{'indicators':['bollinger_bands']}", "one 0.7 bollinger_bands"},
    {"{'symbols':['rsi']}", ""},
    {"{'strategy_archetypes':['momentum']}", ""},
    {"{'strategy_archetypes':[]}", ""},
    {"{}", ""},
    /* under 0.2 there is no likeness: a third is enough, a quarter is not */
    {"{'indicators':['rsi','b1','c2']}", "one 0.2333 rsi"},
    {"{'indicators':['rsi','b1','c2','d3']}", ""},
};

START_TEST(tags_count_by_group_and_by_likeness)
{
    coverage_strategy(1, NULL, "one", "mean_reversion,rsi,bollinger_bands,swing", "");
    for (size_t i = 0; i < sizeof(tagged) / sizeof(tagged[0]); i++)
        expect_match(tagged[i].intent, "zzz", tagged[i].want);
}
END_TEST

START_TEST(letters_of_any_script_are_tags)
{
    coverage_strategy(1, NULL, "one", "\xe5\xb9\xb3\xe5\x9d\x87", "");
    expect_match("{'topics':['\xe5\xb9\xb3\xe5\x9d\x87']}", "zzz",
                 "one 0.7 \xe5\xb9\xb3\xe5\x9d\x87");
    expect_match("{'topics':['\xe5\xb9\xb3']}", "zzz", "");
}
END_TEST

/* --- text --------------------------------------------------------------------------------- */

/* Its stems: dip, buyer, buy, oversold, market, fall, day. */
#define DIP "Buys oversold markets after falling days"

static const struct {
    const char *query, *want;
} asked[] = {
    {"buy the oversold dip", "dip_buyer 1"},
    {"Buying DIPS; oversold!", "dip_buyer 1"},
    {"buy oversold crypto futures", "dip_buyer 0.5"},
    {"buy oversold market dip alpha beta gamma delta epsilon zeta", "dip_buyer 0.5714"},
    {"buy buys buying buy alpha", "dip_buyer 0.5"},
    {"the and of", ""},
    {"...", ""},
    {"nothing here", ""},
    {"buy alpha beta gamma delta epsilon", ""}, /* a sixth is too few, a fifth is not */
    {"buy alpha beta gamma delta", "dip_buyer 0.2"},
};

START_TEST(words_count_in_relation_to_the_shorter_text)
{
    coverage_strategy(1, NULL, "dip_buyer", "", DIP);
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
        expect_match("{}", asked[i].query, asked[i].want);
}
END_TEST

START_TEST(a_text_of_few_words_counts_as_five)
{
    coverage_strategy(1, NULL, "solo", "", "");
    expect_match("{}", "solo", "solo 1");
    expect_match("{}", "solo alpha beta gamma delta epsilon", "solo 0.2");
}
END_TEST

START_TEST(a_misspelt_word_counts_by_its_nearest_tag)
{
    coverage_strategy(1, NULL, "one", "bollinger_bands", "");
    expect_match("{}", "bollinger", "one 1");
    expect_match("{}", "bolinger", "one 0.7273"); /* 8 trigrams of 11 */
    expect_match("{}", "boat", "");
}
END_TEST

START_TEST(tags_and_text_are_added)
{
    coverage_strategy(1, NULL, "dip_buyer", "mean_reversion", DIP);
    expect_match("{'strategy_archetypes':['mean_reversion']}", "buy the oversold dip",
                 "dip_buyer 1 mean_reversion");
    expect_match("{'strategy_archetypes':['mean_reversion']}", "buy oversold crypto futures",
                 "dip_buyer 0.85 mean_reversion");
    expect_match("{'strategy_archetypes':['momentum']}", "buy the oversold dip",
                 "dip_buyer 0.3");
}
END_TEST

/* --- which, and in what order ------------------------------------------------------------- */

START_TEST(the_best_come_first_then_by_name_then_by_id)
{
    coverage_strategy(4, QUEUE_WORKSPACE, "same", "rsi", "");
    coverage_strategy(3, QUEUE_WORKSPACE, "same", "rsi", "");
    coverage_strategy(5, NULL, "also", "rsi", "");
    coverage_strategy(6, NULL, "Zebra", "rsi", "");
    coverage_strategy(7, NULL, "best", "rsi,ema", "");
    expect_match(
        "{'indicators':['rsi','ema']}", "zzz",
        "best 0.7 ema,rsi; Zebra 0.35 rsi; also 0.35 rsi; same 0.35 rsi; same 0.35 rsi");
    ck_assert_str_eq(coverage_match("{'indicators':['rsi','ema']}", "zzz", 2),
                     "best 0.7 ema,rsi; Zebra 0.35 rsi");
    queue_expect("t", "SELECT array_agg(strategy_id)::text LIKE '%%3,%%4}' FROM "
                      "match_candidates('" QUEUE_WORKSPACE
                      "', '{\"indicators\":[\"rsi\"]}', 'zzz', 10)");
}
END_TEST

START_TEST(strategies_of_other_workspaces_are_not_found)
{
    coverage_strategy(1, COVERAGE_OTHER, "theirs", "rsi", "oversold");
    coverage_strategy(2, QUEUE_WORKSPACE, "ours", "rsi", "oversold");
    coverage_strategy(3, NULL, "shared", "rsi", "oversold");
    expect_match("{'indicators':['rsi']}", "oversold", "ours 1 rsi; shared 1 rsi");
    queue_expect("shared,theirs",
                 "SELECT string_agg(name, ',') FROM match_candidates('" COVERAGE_OTHER
                 "', '{\"indicators\":[\"rsi\"]}', 'zzz', 10)");
}
END_TEST

/* Their tags alone do not decide what is near, either. */
START_TEST(tags_of_other_workspaces_are_not_known)
{
    coverage_strategy(1, COVERAGE_OTHER, "theirs", "bollinger_bands", "");
    expect_match("{'indicators':['bollinger_band']}", "bolinger", "");
}
END_TEST

/* --- what people write -------------------------------------------------------------------- */

START_TEST(whatever_is_asked_is_only_words)
{
    static const char *const queries[] = {
        "it's \\ 'a' | !b & (c:* <-> d) \"e\"",
        "'; DROP TABLE strategies; --",
        "%s %n \\x \\' \\\\' ''",
        "http://a.example/b?c=d&e <b>bold</b> a@b.example",
        "\xf0\x9f\x98\x80 \xe2\x80\xae rtl \xe2\x80\xac \xcc\x81",
        "\t\n\r\v\f",
        "3.14 -1e9 1/2 a-b-c a_b_c ..."};

    coverage_strategy(1, NULL, "o'neil \\ 'x", "it's,rsi", "x | y & !z");
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        const char *got =
            coverage_match("{'topics':['%%_\\\\','|','&','it\\u0027s']}", queries[i], 10);

        ck_assert_msg(strncmp(got, "ERROR", 5) != 0, "%s: %s", queries[i], got);
    }
    ck_assert_ptr_nonnull(strstr(coverage_match("{}", "O'Neil", 10), "o'neil"));
    queue_expect("1", "SELECT count(*) FROM strategies");
}
END_TEST

START_TEST(a_text_of_a_megabyte_is_stored_and_found_by_its_beginning)
{
    queue_expect(
        "",
        "INSERT INTO strategies (id, workspace_id, name, spec) VALUES ('%s', '" QUEUE_WORKSPACE
        "', 'early ' || repeat('name ', 200000), json_build_object("
        "'tags', (SELECT json_agg(repeat('tag', 100000)) FROM generate_series(1, 40)),"
        "'description', 'oversold ' || (SELECT string_agg(md5(i::text), ' ')"
        "   FROM generate_series(1, 30000) i)))",
        queue_id(1));
    queue_expect("32|100|t",
                 "SELECT cardinality(tags), max(length(t)), length(description) > 900000"
                 " FROM strategies, unnest(tags) t GROUP BY tags, description");
    queue_expect("200|1", "SELECT length(name), score FROM match_candidates('" QUEUE_WORKSPACE
                          "', '{}', 'early oversold', 10)");
}
END_TEST

/* --- the strategies that are shipped ------------------------------------------------------ */

static const struct {
    const char *intent, *query, *best;
} shipped[] = {
    {"{'strategy_archetypes':['mean_reversion'],'indicators':['rsi'],"
     "'timeframe_buckets':['daily'],'risk_terms':['stop_loss']}",
     "buy when the RSI is oversold", "rsi_reversion"},
    {"{'strategy_archetypes':['mean reversion'],'indicators':['bollinger']}",
     "fade moves outside the bollinger bands", "bb_reversal"},
    {"{'strategy_archetypes':['trend_following'],'indicators':['moving_average'],"
     "'topics':['long_only']}",
     "golden cross of two moving averages", "sma_cross"},
    {"{'strategy_archetypes':['breakout'],'indicators':['donchian_channel']}",
     "turtle style channel breakout", "donchian_breakout"},
};

START_TEST(a_sensible_question_finds_what_is_shipped)
{
    int count;
    char detail[1000];
    char *json = strdup(shipped[_i].intent);

    ck_assert_int_eq(
        migrate_strategies(queue_url, "config/strategies", detail, sizeof(detail), &count),
        TM_OK);
    for (char *at = json; (at = strchr(at, '\''));)
        *at = '"';
    queue_expect(queue_ask("SELECT '%s|t'", shipped[_i].best),
                 "SELECT name, score >= 0.55 FROM match_candidates('" QUEUE_WORKSPACE
                 "', $q$%s$q$, $q$%s$q$, 1)",
                 json, shipped[_i].query);
    free(json);
}
END_TEST

START_TEST(what_nothing_fits_is_weak)
{
    int count;
    char detail[1000];

    ck_assert_int_eq(
        migrate_strategies(queue_url, "config/strategies", detail, sizeof(detail), &count),
        TM_OK);
    queue_expect(
        "t", "SELECT coalesce(max(score), 0) < 0.45 FROM match_candidates('" QUEUE_WORKSPACE
             "', '{\"strategy_archetypes\":[\"arbitrage\"],\"indicators\":[\"order_book\"]}',"
             " 'arbitrage between exchanges on the order book', 10)");
}
END_TEST

void
coverage_score_add(Suite *suite)
{
    TCase *tcase = suite_case(suite, "scores", coverage_setup, queue_teardown);

    suite_tests(tcase, tags_count_by_group_and_by_likeness, letters_of_any_script_are_tags,
                words_count_in_relation_to_the_shorter_text, a_text_of_few_words_counts_as_five,
                a_misspelt_word_counts_by_its_nearest_tag, tags_and_text_are_added,
                the_best_come_first_then_by_name_then_by_id,
                strategies_of_other_workspaces_are_not_found,
                tags_of_other_workspaces_are_not_known, whatever_is_asked_is_only_words,
                a_text_of_a_megabyte_is_stored_and_found_by_its_beginning);
    suite_rows(tcase, a_sensible_question_finds_what_is_shipped, shipped);
    suite_tests(tcase, what_nothing_fits_is_weak);
}
