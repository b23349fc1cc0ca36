/* Match runs in the database: what is weak and how much it matters, what is kept, who is told,
 * and what people may do about it. Scores: test_coverage_score.c. */
#include <stdlib.h>
#include <string.h>

#include "actors/kit/runtime/log.h"
#include "tests/unit/kit/coverage_help.h"
#include "tests/support/pg_suite.h"

/* --- rules -------------------------------------------------------------------------------- */

static const struct {
    const char *best, *above, *confidence, *codes;
    bool is_weak;
} rules[] = {
    {"0.8", "1", "0.9", "", false},
    {"0.55", "1", "0.9", "", false},
    {"0.5499", "0", "0.9", "NO_RESULTS_ABOVE_THRESHOLD", true},
    {"0.45", "0", "0.9", "NO_RESULTS_ABOVE_THRESHOLD", true},
    {"0.4499", "0", "0.9", "LOW_BEST_SCORE,NO_RESULTS_ABOVE_THRESHOLD", true},
    {"0.1", "0", "NULL", "LOW_BEST_SCORE,NO_RESULTS_ABOVE_THRESHOLD", true},
    {"NULL", "0", "NULL", "NO_RESULTS", true},
    {"NULL", "0", "0.35", "NO_RESULTS", true},
    {"NULL", "0", "0.3499", "LOW_SIGNAL_INPUT", false},
    {"0.1", "0", "0", "LOW_SIGNAL_INPUT", false},
    {"0.8", "1", "0.1", "LOW_SIGNAL_INPUT", false},
};

START_TEST(a_match_is_weak_by_rule)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        queue_expect(queue_ask("SELECT '%s|%s'", rules[i].codes, rules[i].is_weak ? "t" : "f"),
                     "SELECT array_to_string(c, ','), match_is_weak(c)"
                     " FROM match_reasons(%s, %s, %s) r (c)",
                     rules[i].best, rules[i].above, rules[i].confidence);
}
END_TEST

static const struct {
    const char *best, *above, *codes, *score, *fresh;
} priorities[] = {
    {"NULL", "0", "NO_RESULTS", "0.85", "0.9"},
    {"NULL", "0", "NO_MATCHES", "0.85", "0.9"},
    {"NULL", "0", "NO_MATCHES,NO_STRONG_MATCHES", "0.95", "1"},
    {"0", "0", "", "0.7", "0.75"},
    {"0.1", "0", "LOW_BEST_SCORE,NO_RESULTS_ABOVE_THRESHOLD", "0.7", "0.75"},
    {"0.1", "0", "NO_STRONG_MATCHES", "0.7", "0.75"},
    {"0.3", "0", "LOW_BEST_SCORE,NO_RESULTS_ABOVE_THRESHOLD", "0.5", "0.55"},
    {"0.3", "0", "LOW_BEST_SCORE", "0.4", "0.45"},
    {"0.5", "0", "NO_RESULTS_ABOVE_THRESHOLD", "0.3", "0.35"},
    {"0.54", "0", "NO_RESULTS_ABOVE_THRESHOLD", "0.3", "0.35"},
    {"0.9", "2", "", "0", "0.05"},
    {"-1", "0", "", "0.7", "0.75"},
};

START_TEST(a_priority_is_a_sum)
{
    for (size_t i = 0; i < sizeof(priorities) / sizeof(priorities[0]); i++)
        queue_expect(queue_ask("SELECT '%s|%s|%s'", priorities[i].score, priorities[i].fresh,
                               priorities[i].score),
                     "SELECT p, match_priority_now(p, now() - interval '23 hours 59 minutes'),"
                     "       match_priority_now(p, now() - interval '24 hours')"
                     "  FROM match_priority(%s, %s, '{%s}') m (p)",
                     priorities[i].best, priorities[i].above, priorities[i].codes);
}
END_TEST

/* --- strategies --------------------------------------------------------------------------- */

static const struct {
    const char *spec, *tags, *description;
} specs[] = {
    {"{\"tags\": [\"a\", \"b\"], \"description\": \"why\"}", "{a,b}", "why"},
    {"{\"tags\": []}", "{}", ""},
    {"{\"tags\": [\"b\", 5, null, [\"c\"], \"a\"]}", "{b,a}", ""},
    {"{\"tags\": \"a\", \"description\": 5}", "{own}", "own"},
    {"{}", "{own}", "own"},
    {"[]", "{own}", "own"},
    {"5", "{own}", "own"},
};

START_TEST(tags_and_description_are_those_of_the_spec)
{
    const char *description = specs[_i].description;

    queue_expect("",
                 "INSERT INTO strategies (id, name, spec, tags, description)"
                 " VALUES ('%s', 'x', '%s', '{own}', 'own')",
                 queue_id(1), specs[_i].spec);
    queue_expect(
        queue_ask("SELECT '%s|%s'", specs[_i].tags, description[0] ? description : "own"),
        "SELECT tags, description FROM strategies");
    queue_expect("", "UPDATE strategies SET spec = '{\"tags\": [\"new\"]}'");
    queue_expect("{new}|", "SELECT tags, description FROM strategies");
    queue_expect("", "UPDATE strategies SET spec = '{}'");
    queue_expect("{}|", "SELECT tags, description FROM strategies");
}
END_TEST

START_TEST(words_follow_whatever_changes)
{
    coverage_strategy(1, NULL, "first", "rsi", "oversold");
    queue_expect("'first':1 'oversold':3 'rsi':2", "SELECT words FROM strategies");
    queue_expect("", "UPDATE strategies SET name = 'second', tags = '{long_only}'");
    queue_expect("'long':2 'oversold':4 'second':1", "SELECT words FROM strategies");
}
END_TEST

/* --- keeping ------------------------------------------------------------------------------ */

START_TEST(a_run_is_kept_as_it_was_answered)
{
    coverage_strategy(1, NULL, "one", "rsi", "");
    queue_expect("t",
                 "SELECT match_run_record('" QUEUE_WORKSPACE "', '%s',"
                 " '{\"indicators\": [\"rsi\", \"macd\"], \"overall_confidence\": 0.9}', 'sig',"
                 " 'zzz', 7, 'chat') IS NOT NULL",
                 queue_id(9));
    queue_expect(
        "sig|zzz|chat|7|0.35|0.35|0|t|{LOW_BEST_SCORE,NO_RESULTS_ABOVE_THRESHOLD}|open|0.45",
        "SELECT intent_signature, query, source_ref, top_k, best_score, avg_top_score,"
        " num_above_threshold, weak_coverage, reason_codes, coverage_status, priority_score"
        " FROM match_runs");
    queue_expect(queue_ask("SELECT '{%s}|t'", queue_id(1)),
                 "SELECT candidate_strategy_ids, candidate_scores = jsonb_build_object('%s',"
                 " '{\"score\": 0.35, \"matched_tags\": [\"rsi\"]}'::jsonb) FROM match_runs",
                 queue_id(1));
    ck_assert_str_eq(coverage_events(), "created 9 1 open");
}
END_TEST

START_TEST(a_run_that_fits_is_nothing_to_be_done_about)
{
    coverage_strategy(1, NULL, "one", "a", "");
    ck_assert_str_eq(coverage_record(2, QUEUE_WORKSPACE, "a", "reason_codes"), "[]");
    queue_expect("f|resolved|system|1",
                 "SELECT weak_coverage, coverage_status, resolved_by, num_above_threshold"
                 " FROM match_runs");
    ck_assert_str_eq(coverage_events(), "");
}
END_TEST

START_TEST(a_run_that_fits_resolves_the_open_ones_of_its_signature)
{
    for (int n = 1; n <= 4; n++)
        coverage_record(n, n == 4 ? COVERAGE_OTHER : QUEUE_WORKSPACE, "a", "run_id");
    coverage_record(5, QUEUE_WORKSPACE, "b", "run_id");
    queue_ask("SELECT match_run_triage(NULL, '%s', 'acknowledged', NULL, 'me')", queue_id(2));
    ck_assert_str_eq(coverage_events(), "created 1 1 open; created 2 1 open; created 3 1 open;"
                                        " created 4 2 open; created 5 1 open;"
                                        " updated 2 1 acknowledged");
    coverage_strategy(1, NULL, "one", "a", "");
    queue_expect(queue_ask("SELECT '[\"%s\",\"%s\"]'", queue_id(1), queue_id(3)), "SELECT '%s'",
                 coverage_record(6, QUEUE_WORKSPACE, "a", "resolved_run_ids"));
    ck_assert_str_eq(coverage_events(), "updated 1 1 resolved; updated 3 1 resolved");
    queue_expect(
        "1 resolved system t; 2 acknowledged  f; 3 resolved system t; 4 open  f;"
        " 5 open  f; 6 resolved system f",
        "SELECT string_agg(right(id::text, 1) || ' ' || coverage_status || ' '"
        " || coalesce(resolved_by, '') || ' ' || CASE WHEN resolution_note LIKE '%%%s%%'"
        "    THEN 't' ELSE 'f' END, '; ' ORDER BY id) FROM match_runs",
        queue_id(6));
}
END_TEST

START_TEST(a_question_that_says_too_little_resolves_nothing)
{
    coverage_record(1, QUEUE_WORKSPACE, "a", "run_id");
    coverage_strategy(1, NULL, "one", "a", "");
    queue_expect(
        "[\"LOW_SIGNAL_INPUT\"]|false|[]",
        "SELECT r -> 'reason_codes', r -> 'weak_coverage', r -> 'resolved_run_ids'"
        "  FROM match_run_record('" QUEUE_WORKSPACE "', '%s',"
        " '{\"strategy_archetypes\": [\"a\"], \"overall_confidence\": 0.2}', 'a', 'zzz',"
        " 10, NULL) m (r)",
        queue_id(2));
    queue_expect("open", "SELECT coverage_status FROM match_runs WHERE weak_coverage");
    ck_assert_str_eq(coverage_events(), "created 1 1 open");
}
END_TEST

/* Both find the same open run, one after the other. */
START_TEST(runs_that_fit_at_once_resolve_a_run_once)
{
    PGconn *first = queue_session(), *second = queue_session();
    char *answer;

    coverage_record(1, QUEUE_WORKSPACE, "a", "run_id");
    coverage_events();
    queue_run(first, "BEGIN");
    queue_run(first, "SELECT match_runs_settle('" QUEUE_WORKSPACE "', 'a', '%s')", queue_id(2));
    queue_send_and_block(second, queue_ask("SELECT $$SELECT match_runs_settle('" QUEUE_WORKSPACE
                                           "', 'a', '%s')$$",
                                           queue_id(3)));
    queue_run(first, "COMMIT");
    answer = queue_collect(second);
    ck_assert_str_eq(answer, "{}");
    free(answer);
    ck_assert_str_eq(coverage_events(), "updated 1 1 resolved");
    PQfinish(first);
    PQfinish(second);
}
END_TEST

START_TEST(a_workspace_that_is_not_there_is_refused)
{
    const char *answer = coverage_record(1, queue_id(7), "a", "run_id");

    ck_assert_msg(strstr(answer, "WORKSPACE_NOT_FOUND: "), "%s", answer);
    queue_expect("0", "SELECT count(*) FROM match_runs");
}
END_TEST

START_TEST(nobody_is_told_of_what_was_not_kept)
{
    PGconn *session = queue_session();

    queue_run(session, "BEGIN");
    queue_run(session,
              "SELECT match_run_record('" QUEUE_WORKSPACE
              "', '%s', '{}', 'a', 'zzz', 10, NULL)",
              queue_id(1));
    queue_run(session, "ROLLBACK");
    PQfinish(session);
    queue_expect("0|0", "SELECT (SELECT count(*) FROM match_runs), count(*) FROM event_outbox");
}
END_TEST

/* --- what is told ------------------------------------------------------------------------- */

START_TEST(a_query_is_shown_on_one_line_and_cut_between_characters)
{
    coverage_record(1, QUEUE_WORKSPACE, "a", "run_id");
    queue_expect("", "UPDATE match_runs SET query = E'  a\\n\\tb \\r\\n  c '");
    queue_expect("a b c", "SELECT match_run_item(m) ->> 'query_preview' FROM match_runs m");
    queue_expect("", "UPDATE match_runs SET query = repeat(U&'\\+01F600', 200)");
    queue_expect("t", "SELECT match_run_item(m) ->> 'query_preview' = query FROM match_runs m");
    queue_expect("", "UPDATE match_runs SET query = repeat(U&'\\+01F600', 201)");
    queue_expect(
        "200|t",
        "SELECT length(p), p = repeat(U&'\\+01F600', 199) || U&'\\2026' FROM match_runs m,"
        " LATERAL (SELECT match_run_item(m) ->> 'query_preview') q (p)");
}
END_TEST

START_TEST(events_are_published_once_with_what_the_list_shows)
{
    coverage_record(1, QUEUE_WORKSPACE, "a", "run_id");
    coverage_triage(1, "acknowledged", "", "me");
    queue_expect("2", "SELECT events_publish(10)");
    queue_expect("0", "SELECT events_publish(10)");
    queue_expect("1|coverage.weak_run.created|" QUEUE_WORKSPACE "|open\n"
                 "2|coverage.weak_run.updated|" QUEUE_WORKSPACE "|acknowledged",
                 "SELECT id, topic, workspace_id, payload ->> 'coverage_status' FROM events"
                 " ORDER BY id");
    queue_expect("t", "SELECT payload = match_run_item(m)::jsonb FROM events, match_runs m"
                      " WHERE events.id = 2");
}
END_TEST

START_TEST(a_change_that_nobody_sees_is_no_event)
{
    coverage_record(1, QUEUE_WORKSPACE, "a", "run_id");
    coverage_events();
    queue_expect("", "UPDATE match_runs SET updated_at = now(), coverage_status = 'open'");
    ck_assert_str_eq(coverage_events(), "");
    queue_expect("", "DELETE FROM workspaces WHERE id = '" QUEUE_WORKSPACE "'");
    queue_expect("0", "SELECT count(*) FROM match_runs");
    ck_assert_str_eq(coverage_events(), "");
}
END_TEST

/* --- cards -------------------------------------------------------------------------------- */

static void
add_tune(int n, const char *workspace, const char *status, const char *oos, const char *metrics)
{
    queue_expect("",
                 "INSERT INTO backtest_tunes (id, workspace_id, strategy_entity_id, status,"
                 "    search_type, objective_type, n_trials, request, metric_names)"
                 " VALUES ('%s', '%s', '%s', '%s', 'grid', 'sharpe', 1, '{}',"
                 "    '{max_drawdown_pct}')",
                 queue_id(n), workspace, queue_id(1), status);
    queue_expect("",
                 "INSERT INTO backtest_tune_runs (tune_id, trial_index, run_id, status, rank,"
                 "    params, score_oos, metrics_is, metrics_oos)"
                 " VALUES ('%s', 0, '%s', 'completed', 1, '{}', %s, '{-50}', %s)",
                 queue_id(n), queue_id(n), oos, metrics);
}

#define CARD                                                                       \
    "SELECT c ->> 'backtest_status', c ->> 'best_oos_score', c ->> 'max_drawdown'" \
    "  FROM strategies s, LATERAL strategy_card(s, '" QUEUE_WORKSPACE "') k (c)"

START_TEST(a_card_says_how_the_best_tune_of_the_workspace_did)
{
    coverage_strategy(1, NULL, "one", "a,b", "why");
    queue_expect(
        "{\"strategy_id\" : \"0197f000-0000-7000-8000-000000000001\"|one|why|[\"a\",\"b\"]",
        "SELECT left(c::text, 55), c ->> 'name', c ->> 'description', c ->> 'tags'"
        "  FROM strategies s, LATERAL strategy_card(s, '" QUEUE_WORKSPACE "') k (c)");
    add_tune(11, COVERAGE_OTHER, "completed", "9", "'{-1}'");
    add_tune(12, QUEUE_WORKSPACE, "failed", "9", "'{-1}'");
    queue_expect("none||", CARD);
    add_tune(13, QUEUE_WORKSPACE, "completed", "NULL", "NULL");
    queue_expect("backtested||-50", CARD);
    add_tune(14, QUEUE_WORKSPACE, "completed", "1.25", "'{-12.5}'");
    add_tune(15, QUEUE_WORKSPACE, "completed", "'NaN'", "'{-2}'");
    add_tune(16, QUEUE_WORKSPACE, "completed", "1.5", "'{-7.5}'");
    queue_expect("validated|1.5|-7.5", CARD);
}
END_TEST

/* ------------------------------------------------------------------------------------------ */

static TCase *
add_case(Suite *suite, const char *name)
{
    TCase *tcase = suite_case(suite, name, coverage_setup, queue_teardown);

    return tcase;
}

static void
add_rules(TCase *tcase)
{
    suite_tests(tcase, a_match_is_weak_by_rule, a_priority_is_a_sum);
    suite_rows(tcase, tags_and_description_are_those_of_the_spec, specs);
    suite_tests(tcase, words_follow_whatever_changes,
                a_card_says_how_the_best_tune_of_the_workspace_did);
}

static void
add_runs(TCase *tcase)
{
    suite_tests(tcase, a_run_is_kept_as_it_was_answered,
                a_run_that_fits_is_nothing_to_be_done_about,
                a_run_that_fits_resolves_the_open_ones_of_its_signature,
                a_question_that_says_too_little_resolves_nothing,
                runs_that_fit_at_once_resolve_a_run_once,
                a_workspace_that_is_not_there_is_refused, nobody_is_told_of_what_was_not_kept,
                a_query_is_shown_on_one_line_and_cut_between_characters,
                events_are_published_once_with_what_the_list_shows,
                a_change_that_nobody_sees_is_no_event);
}

int
main(void)
{
    Suite *suite = suite_create("coverage sql");

    log_init("test", LOG_AT_ERROR);
    add_rules(add_case(suite, "rules"));
    add_runs(add_case(suite, "runs"));
    coverage_triage_add(add_case(suite, "triage"));
    coverage_score_add(suite);
    return pg_suite_run(suite, &queue_fixture);
}
