/* The weak runs as those see them who work them off, on a real bridge and database: the list,
 * its filters and cards. What may be done about one: test_http_triage.c; rules:
 * test_coverage_sql.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/http/http_coverage.h"
#include "tests/support/pg_suite.h"

struct reads_world coverage_world;

static void
setup(void)
{
    reads_world_init(&coverage_world, NULL, "development");
    reads_run(&coverage_world,
              "INSERT INTO workspaces (id, name) VALUES ('" OTHER "', 'other')");
}

static void
teardown(void)
{
    reads_world_fini(&coverage_world);
}

void
coverage_run_row(unsigned number, const char *workspace, double priority, double hours,
                 const char *candidates, const char *set)
{
    reads_run(
        &coverage_world,
        "INSERT INTO match_runs (id, workspace_id, intent, intent_signature, query, top_k,"
        "    best_score, num_above_threshold, weak_coverage, reason_codes,"
        "    candidate_strategy_ids, candidate_scores, priority_score, created_at)"
        " VALUES ('22222222-0000-4000-8000-00000000000%u', '%s', '{}', 'sig', 'why %u',"
        "    10, 0.25, 0, true, '{LOW_BEST_SCORE}', '{%s}', '{}', %g,"
        "    now() - %g * interval '1 hour')",
        number, workspace, number, candidates, priority, hours);
    if (set[0])
        reads_run(&coverage_world,
                  "UPDATE match_runs SET %s WHERE id = '22222222-0000-4000-8000-00000000000%u'",
                  set, number);
}

void
coverage_ask(const char *method, const char *path, const char *body, struct reads_answer *ret)
{
    const char *const headers[] = {TOKEN, body ? JSON_IS : NULL, NULL};
    char *text = body ? strdup(body) : NULL;

    for (char *at = text; at && (at = strchr(at, '\''));)
        *at = '"';
    reads_send(&coverage_world, method, path, headers, text, ret);
    free(text);
}

json_t *
coverage_answered(const char *method, const char *path, const char *body)
{
    struct reads_answer answer;
    json_t *json;

    coverage_ask(method, path, body, &answer);
    ck_assert_msg(answer.status == 200, "%s: %ld %s", path, answer.status, answer.body);
    json = json_incref(answer.json);
    reads_answer_fini(&answer);
    return json;
}

void
coverage_expect_refused(const char *method, const char *path, const char *body, long status,
                        const char *text)
{
    struct reads_answer answer;

    coverage_ask(method, path, body, &answer);
    ck_assert_msg(answer.status == status, "%s: %ld %s", path, answer.status, answer.body);
    ck_assert(reads_answer_has(&answer, "Content-Type: application/problem+json"));
    ck_assert_msg(strstr(answer.body, text), "no %s in %s", text, answer.body);
    reads_answer_fini(&answer);
}

void
coverage_expect_rows(const char *sql, const char *want)
{
    char *got = reads_query(&coverage_world, "%s", sql);

    ck_assert_str_eq(got, want);
    free(got);
}

void
coverage_expect_runs(const char *query, const char *want)
{
    char path[300], got[1000] = "";
    json_t *list, *item;
    size_t index;

    snprintf(path, sizeof(path), WEAK "%s", query);
    list = coverage_answered("GET", path, NULL);
    json_array_foreach(json_object_get(list, "items"), index, item)
    {
        const char *id = json_string_value(json_object_get(item, "run_id"));

        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", index ? " " : "",
                 id + strlen(id) - 1);
    }
    ck_assert_msg(strcmp(got, want) == 0, "%s: %s, not %s", query, got, want);
    ck_assert_int_eq(json_integer_value(json_object_get(list, "count")),
                     (json_int_t)json_array_size(json_object_get(list, "items")));
    json_decref(list);
}

/* --- the list ----------------------------------------------------------------------------- */

START_TEST(nothing_weak_is_an_empty_list)
{
    json_t *list = coverage_answered("GET", WEAK, NULL);

    reads_expect(list,
                 "{'items':[],'count':0,'strategy_cards_by_id':{},'missing_strategy_ids':[]}");
    json_decref(list);
}
END_TEST

START_TEST(a_run_is_shown_whole)
{
    json_t *list;

    coverage_run_row(1, READS_WORKSPACE, 0.55, 30, SMA "," BB,
                     "created_at = '2024-01-02 03:04:05.678Z', updated_at = '2024-01-03Z',"
                     " candidate_scores = '{\"" SMA
                     "\": {\"score\": 0.25, \"matched_tags\": []}}',"
                     " source_ref = 'chat', query = 'a <b>\"c\"</b>',"
                     " coverage_status = 'acknowledged', acknowledged_at = '2024-01-03Z',"
                     " acknowledged_by = 'me', resolution_note = 'soon'");
    list = coverage_answered("GET", WEAK "?status=acknowledged", NULL);
    reads_expect(json_array_get(json_object_get(list, "items"), 0),
                 "{'run_id':'" RUN(
                     1) "','created_at':'2024-01-02T03:04:05.678Z',"
                        "'updated_at':'2024-01-03T00:00:00.000Z','intent_signature':'sig',"
                        "'weak_reason_codes':['LOW_BEST_SCORE'],'best_score':0.25,"
                        "'num_above_threshold':0,'candidate_strategy_ids':['" SMA "','" BB "'],"
                        "'candidate_scores':{'" SMA "':{'score':0.25,'matched_tags':[]}},"
                        "'query_preview':'a <b>\\\"c\\\"</b>','source_ref':'chat',"
                        "'coverage_status':'acknowledged','priority_score':0.55,"
                        "'acknowledged_at':'2024-01-03T00:00:00.000Z','acknowledged_by':'me',"
                        "'resolved_at':null,'resolved_by':null,'resolution_note':'soon'}");
    json_decref(list);
}
END_TEST

START_TEST(the_most_urgent_come_first_then_the_newest)
{
    coverage_run_row(1, READS_WORKSPACE, 0.5, 30, "", "");
    coverage_run_row(2, READS_WORKSPACE, 0.52, 30, "", "");
    coverage_run_row(3, READS_WORKSPACE, 0.46, 1, "", ""); /* new: 0.51 */
    coverage_run_row(4, READS_WORKSPACE, 0.9, 48, "", "");
    coverage_run_row(5, READS_WORKSPACE, 0.5, 29, "", "");
    coverage_run_row(7, READS_WORKSPACE, 0.1, 48, "", "created_at = '2024-01-01Z'");
    coverage_run_row(6, READS_WORKSPACE, 0.1, 48, "", "created_at = '2024-01-01Z'");
    coverage_expect_runs("", "4 2 3 5 1 6 7");
    coverage_expect_runs("?limit=3", "4 2 3");
    coverage_expect_runs("?limit=200", "4 2 3 5 1 6 7");
}
END_TEST

START_TEST(runs_are_chosen_by_status_and_time)
{
    coverage_run_row(1, READS_WORKSPACE, 0.5, 10, "", "");
    coverage_run_row(2, READS_WORKSPACE, 0.6, 1, "", "coverage_status = 'acknowledged'");
    coverage_run_row(3, READS_WORKSPACE, 0.7, 1, "", "coverage_status = 'resolved'");
    coverage_run_row(4, READS_WORKSPACE, 0.8, 1, "", "weak_coverage = false");
    coverage_run_row(5, READS_WORKSPACE, 0.4, 30, "", "created_at = '2024-01-02 03:04:05.5Z'");
    coverage_expect_runs("", "1 5");
    coverage_expect_runs("?status=open", "1 5");
    coverage_expect_runs("?status=acknowledged", "2");
    coverage_expect_runs("?status=resolved", "3");
    coverage_expect_runs("?status=all", "3 2 1 5");
    coverage_expect_runs("?status=all&limit=2", "3 2");
    coverage_expect_runs("?since=2024-01-02T03:04:05.5Z", "1 5");
    coverage_expect_runs("?since=2024-01-02T03:04:05.501Z", "1");
    coverage_expect_runs("?since=2124-01-01T00:00:00Z", "");
}
END_TEST

START_TEST(a_parameter_that_is_wrong_is_named)
{
    static const char *const wrong[][2] = {
        {"status=queued", "query.status"},
        {"status=", "query.status"},
        {"status=open&status=all", "query.status"},
        {"limit=0", "query.limit"},
        {"limit=201", "query.limit"},
        {"limit=x", "query.limit"},
        {"since=yesterday", "query.since"},
        {"since=2024-02-30T00:00:00Z", "query.since"},
        {"include_candidate_cards=maybe", "query.include_candidate_cards"},
        {"workspace_id=x", "query.workspace_id"},
    };
    char path[200];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(path, sizeof(path), WEAK "?%s", wrong[i][0]);
        coverage_expect_refused("GET", path, NULL, 422, wrong[i][1]);
    }
    coverage_expect_refused("GET", WEAK "?workspace_id=" NOBODY, NULL, 404,
                            "WORKSPACE_NOT_FOUND");
}
END_TEST

static void
add_strategy(const char *id, const char *workspace)
{
    reads_run(&coverage_world,
              "INSERT INTO strategies (id, workspace_id, name, spec) VALUES ('%s',"
              " nullif('%s', '')::uuid, 'n' || right('%s', 1),"
              " '{\"tags\": [\"a\"], \"description\": \"d\"}')",
              id, workspace, id);
    reads_run(&coverage_world, "UPDATE strategies SET updated_at = '2024-01-01Z'");
}

#define CARD(id, name)                                                      \
    "'" id "':{'strategy_id':'" id "','name':'" name "','description':'d'," \
    "'tags':['a'],'updated_at':'2024-01-01T00:00:00.000Z',"                 \
    "'backtest_status':'none','best_oos_score':null,'max_drawdown':null}"

START_TEST(cards_come_when_they_are_asked_for_once_for_each_strategy)
{
    json_t *list;

    add_strategy(SMA, "");
    add_strategy(BB, READS_WORKSPACE);
    add_strategy(THEIRS, OTHER);
    coverage_run_row(1, READS_WORKSPACE, 0.5, 30, SMA "," BB, "");
    coverage_run_row(2, READS_WORKSPACE, 0.4, 30, BB "," GONE, "");
    coverage_run_row(3, READS_WORKSPACE, 0.3, 30, THEIRS, "coverage_status = 'acknowledged'");
    list = coverage_answered("GET", WEAK "?include_candidate_cards=true", NULL);
    reads_expect(json_object_get(list, "strategy_cards_by_id"),
                 "{" CARD(SMA, "n1") "," CARD(BB, "n2") "}");
    reads_expect(json_object_get(list, "missing_strategy_ids"), "['" GONE "']");
    json_decref(list);
    /* what another workspace has is missing here */
    list =
        coverage_answered("GET", WEAK "?include_candidate_cards=1&status=acknowledged", NULL);
    reads_expect(json_object_get(list, "strategy_cards_by_id"), "{}");
    reads_expect(json_object_get(list, "missing_strategy_ids"), "['" THEIRS "']");
    json_decref(list);
    list = coverage_answered("GET", WEAK "?include_candidate_cards=false", NULL);
    reads_expect(json_object_get(list, "strategy_cards_by_id"), "{}");
    reads_expect(json_object_get(list, "missing_strategy_ids"), "[]");
    json_decref(list);
}
END_TEST

/* ------------------------------------------------------------------------------------------ */

static void
add_list(TCase *tcase)
{
    suite_tests(tcase, nothing_weak_is_an_empty_list, a_run_is_shown_whole,
                the_most_urgent_come_first_then_the_newest, runs_are_chosen_by_status_and_time,
                a_parameter_that_is_wrong_is_named,
                cards_come_when_they_are_asked_for_once_for_each_strategy);
}

static TCase *
add_case(Suite *suite, const char *name)
{
    TCase *tcase = suite_case(suite, name, setup, teardown);

    return tcase;
}

int
main(void)
{
    Suite *suite = suite_create("http coverage");

    add_list(add_case(suite, "list"));
    http_triage_add(add_case(suite, "triage"));
    return pg_suite_run(suite, &reads_fixture);
}
