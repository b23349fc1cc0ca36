/* The service that shows back-tests, asked by a broker played by hand, with a real database.
 *
 * A computation that does not end is one whose data is locked in the database.
 */
#include <check.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/clock.h"
#include "tests/unit/tune/recompute_server_help.h"
#include "tests/support/pg_suite.h"

#define ELSEWHERE "00000000-0000-0000-0000-000000000002"

/* ---- what is kept ----------------------------------------------------------------------- */

START_TEST(a_run_is_computed_once_and_then_remembered)
{
    const struct backtest_call call = run_of(0);
    char *first = answer_to(&call);

    for (int i = 0; i < 10; i++)
        expect_same(&call, first);
    ck_assert_uint_eq(trials_read(), 1);
    ck_assert_uint_eq(answers_from("computed"), 1);
    ck_assert_uint_eq(answers_from("cached") + answers_from("checked"), 10);
    ck_assert_uint_gt(answers_from("cached"), 0);
    free(first);
}
END_TEST

START_TEST(each_run_and_number_of_points_has_its_own_answer)
{
    struct backtest_call call = run_of(0);
    char *first = answer_to(&call), *other, *fewer;

    call = run_of(1);
    other = answer_to(&call);
    call = run_of(0);
    call.points = 10;
    fewer = answer_to(&call);
    ck_assert_str_ne(first, other);
    ck_assert_uint_lt(strlen(fewer), strlen(first));
    ck_assert_uint_eq(trials_read(), 3);
    free(first);
    free(other);
    free(fewer);
}
END_TEST

START_TEST(a_question_by_tune_and_trial_has_the_same_answer)
{
    const struct backtest_call call = run_of(3);
    struct backtest_call other = call;
    char *question, *first = answer_to(&call), *again;

    other.run = (tm_uuid_t){{0}};
    other.tune = tune;
    other.trial = 3;
    question = backtest_call_text(&other);
    again = take_answer(send_text(BACKTEST_SERVICE, question, DEADLINE_MS));
    ck_assert_str_eq(first, again);
    ck_assert_uint_eq(trials_read(), 1);
    other.trial = 50; /* there are as many */
    free(question);
    question = backtest_call_text(&other);
    expect_error(send_text(BACKTEST_SERVICE, question, DEADLINE_MS), TM_RUN_NOT_FOUND);
    free(question);
    free(first);
    free(again);
}
END_TEST

/* Asks until the answer was looked up again. */
static void
ask_until_checked(const struct backtest_call *call, const char *answer)
{
    const int64_t until_ms = clock_ms() + PATIENCE_MS;
    const uint64_t before = answers_from("checked");

    while (answers_from("checked") == before) {
        ck_assert_int_lt(clock_ms(), until_ms);
        expect_same(call, answer);
    }
}

START_TEST(rows_that_have_not_changed_are_not_computed_again)
{
    const struct backtest_call call = run_of(0);
    char *first = answer_to(&call);

    ask_until_checked(&call, first);
    ask_until_checked(&call, first);
    ck_assert_uint_eq(trials_read(), 1);
    free(first);
}
END_TEST

START_TEST(rows_that_have_changed_are_computed_again)
{
    const struct backtest_call call = run_of(0);
    const int64_t until_ms = clock_ms() + PATIENCE_MS;
    char *text = answer_to(&call);

    free(tune_world_query(&world, "UPDATE backtest_tune_runs SET metrics_is[4] ="
                                  " metrics_is[4] + 1e-15 WHERE trial_index = 0"));
    while (!strstr(text, "the figures are not those of the tune")) {
        ck_assert_int_lt(clock_ms(), until_ms);
        free(text);
        text = answer_to(&call);
    }
    ck_assert_uint_eq(trials_read(), 2);
    free(text);
}
END_TEST

START_TEST(what_was_deleted_is_shown_for_a_second_at_most)
{
    const struct backtest_call call = run_of(0);
    int64_t deleted_ms, asked_ms;
    bool is_there = true;

    free(answer_to(&call));
    free(tune_world_query(&world, "DELETE FROM backtest_tunes"));
    deleted_ms = clock_ms();
    while (is_there) {
        asked_ms = clock_ms();
        is_there = is_answered(&call);
        ck_assert(!is_there || asked_ms - deleted_ms < RECOMPUTE_FRESH_MS);
    }
    expect_error(send_call(&call), TM_RUN_NOT_FOUND);
    ck_assert_uint_eq(trials_read(), 1);
}
END_TEST

START_TEST(an_answer_with_the_present_strategy_is_not_kept)
{
    const struct backtest_call call = run_of(0);
    json_t *json = tune_world_strategy("bb_reversal");
    char *spec = json_dumps(json, JSON_COMPACT), *sql, *first;

    free(tune_world_query(&world, "UPDATE backtest_tunes SET strategy = NULL"));
    ck_assert_int_gt(asprintf(&sql,
                              "INSERT INTO strategies (id, name, spec) SELECT"
                              " (request ->> 'strategy_entity_id')::uuid, 'bb', '%s'"
                              " FROM backtest_tunes ON CONFLICT (id) DO UPDATE SET spec ="
                              " EXCLUDED.spec",
                              spec),
                     0);
    free(pg_fixture_query(world.url, sql));
    first = answer_to(&call);
    ck_assert_ptr_nonnull(strstr(first, "the strategy is taken as it is now"));
    expect_same(&call, first);
    ck_assert_uint_eq(answers_from("computed"), 2);
    free(pg_fixture_query(world.url, "UPDATE strategies SET spec = '{}'"));
    expect_error(send_call(&call), TM_INVALID_STRATEGY);
    free(first);
    free(spec);
    free(sql);
    json_decref(json);
}
END_TEST

START_TEST(without_room_every_answer_is_computed)
{
    const struct backtest_call call = run_of(0);
    char *first;

    end_server();
    world.settings->tune_answer_cache_mb = 0;
    start_server();
    first = answer_to(&call);
    expect_same(&call, first);
    ck_assert_uint_eq(trials_read(), 2);
    free(first);
}
END_TEST

/* ---- whose it is ------------------------------------------------------------------------ */

START_TEST(another_workspace_cannot_see_it)
{
    struct backtest_call mine = run_of(0), others = mine;
    char *first = answer_to(&mine);

    ck_assert_int_eq(tm_uuid_parse(ELSEWHERE, strlen(ELSEWHERE), &others.workspace), TM_OK);
    expect_error(send_call(&others), TM_WORKSPACE_NOT_FOUND);
    free(pg_fixture_query(world.url,
                          "INSERT INTO workspaces (id, name) VALUES ('" ELSEWHERE "', 'o')"));
    expect_error(send_call(&others), TM_RUN_NOT_FOUND);
    expect_same(&mine, first);
    free(first);
}
END_TEST

START_TEST(what_is_not_there_is_not_found)
{
    struct backtest_call call = run_of(50); /* there are as many */

    expect_error(send_call(&call), TM_RUN_NOT_FOUND);
    call.run = tm_uuid_new();
    expect_error(send_call(&call), TM_RUN_NOT_FOUND);
    call.run = tune;
    expect_error(send_call(&call), TM_RUN_NOT_FOUND);
    ck_assert_uint_eq(trials_read(), 0);
}
END_TEST

START_TEST(a_question_that_is_none_is_refused)
{
    expect_error(send_text(BACKTEST_SERVICE, "", DEADLINE_MS), TM_BAD_REQUEST);
    expect_error(send_text(BACKTEST_SERVICE, "{\"run_id\":1}", DEADLINE_MS), TM_BAD_REQUEST);
}
END_TEST

/* ---- many at once ----------------------------------------------------------------------- */

START_TEST(the_same_question_asked_by_many_is_computed_once)
{
    const struct backtest_call call = run_of(0);
    uint64_t first = send_call(&call);
    char *text, *again;

    for (int i = 1; i < 40; i++)
        send_call(&call);
    text = take_answer(first);
    for (uint64_t i = 1; i < 40; i++) {
        again = take_answer(first + i);
        ck_assert_str_eq(again, text);
        free(again);
    }
    ck_assert_uint_eq(trials_read(), 1);
    free(text);
}
END_TEST

START_TEST(a_long_computation_holds_up_nobody_whose_answer_is_known)
{
    const struct backtest_call known = run_of(0);
    struct backtest_call slow;
    char *first = answer_to(&known);
    uint64_t ref;

    make_other_tune();
    slow = other_run_of(0);
    lock_data();
    ref = send_call(&slow);
    await_locked("1");
    for (int i = 0; i < 20; i++)
        expect_same(&known, first);
    ask_until_checked(&known, first); /* nor whose has to be looked up */
    ck_assert_uint_eq(answers_from("computed"), 1);
    unlock_data();
    free(take_answer(ref));
    ck_assert_uint_eq(answers_from("computed"), 2);
    free(first);
}
END_TEST

START_TEST(so_many_are_computed_at_once_as_the_setting_says)
{
    const struct backtest_call quick = run_of(0);
    struct backtest_call slow;
    uint64_t ref;

    end_server();
    world.settings->tune_replay_threads = 2;
    start_server();
    make_other_tune();
    slow = other_run_of(0);
    lock_data();
    ref = send_call(&slow);
    send_call(&quick); /* whose data these threads have not read either */
    await_locked("2");
    unlock_data();
    expect_both(ref, ref + 1);
}
END_TEST

START_TEST(one_that_took_long_is_looked_up_again_before_it_is_shown)
{
    struct backtest_call slow;
    uint64_t ref;
    int64_t begun_ms;

    expect_any(run_of(0)); /* so that the thread has its connection */
    make_other_tune();
    slow = other_run_of(0);
    lock_data();
    ref = send_call(&slow);
    await_locked("1");
    begun_ms = clock_ms();
    free(tune_world_query(&world, "DELETE FROM backtest_tunes WHERE id = $ID"));
    while (clock_ms() - begun_ms <= RECOMPUTE_FRESH_MS)
        expect_error(send_text(BACKTEST_SERVICE, "", DEADLINE_MS), TM_BAD_REQUEST);
    send_call(&slow); /* joins the first */
    expect_error(send_text(BACKTEST_SERVICE, "", DEADLINE_MS), TM_BAD_REQUEST);
    unlock_data();
    expect_error(ref, TM_RUN_NOT_FOUND);
    ck_assert_uint_eq(trials_read(), 2);
}
END_TEST

START_TEST(one_that_nobody_waits_for_any_more_is_not_computed)
{
    struct backtest_call slow, late, wanted;
    uint64_t ref, late_ref, wanted_ref;
    int64_t until_ms;

    expect_any(run_of(0)); /* so that the thread has its connection */
    make_other_tune();
    slow = other_run_of(0);
    late = other_run_of(1);
    wanted = other_run_of(2);
    lock_data();
    ref = send_call(&slow);
    await_locked("1");
    late_ref = send_until(&late, 1);
    wanted_ref = send_until(&wanted, 1);
    send_call(&wanted); /* somebody else has the time */
    until_ms = clock_ms() + 2;
    do
        expect_error(send_text(BACKTEST_SERVICE, "", DEADLINE_MS), TM_BAD_REQUEST);
    while (clock_ms() <= until_ms);
    unlock_data();
    free(take_answer(ref));
    expect_error(late_ref, TM_TIMEOUT);
    free(take_answer(wanted_ref));
    free(take_answer(wanted_ref + 1));
    ck_assert_uint_eq(trials_read(), 3);
}
END_TEST

/* ---- the database, and the end ---------------------------------------------------------- */

START_TEST(a_database_that_is_away_is_a_reason_to_try_again)
{
    const struct backtest_call call = run_of(0);
    int64_t until_ms;

    pg_fixture_kill(tune_fixture);
    expect_error(send_call(&call), TM_STORE_DOWN);
    pg_fixture_start(tune_fixture);
    until_ms = clock_ms() + PATIENCE_MS;
    while (!is_answered(&call))
        ck_assert_int_lt(clock_ms(), until_ms);
}
END_TEST

START_TEST(at_the_end_what_is_computed_is_answered_and_what_waits_is_not)
{
    struct backtest_call slow, waiting;
    uint64_t ref, waiting_ref;

    expect_any(run_of(0)); /* so that the thread has its connection */
    make_other_tune();
    slow = other_run_of(0);
    waiting = other_run_of(1);
    lock_data();
    ref = send_call(&slow);
    await_locked("1");
    waiting_ref = send_call(&waiting);
    expect_error(send_text(BACKTEST_SERVICE, "", DEADLINE_MS), TM_BAD_REQUEST);
    tell_server_to_end();
    expect_error(waiting_ref, TM_DRAINING);
    unlock_data();
    free(take_answer(ref));
    end_server();
    ck_assert_uint_eq(trials_read(), 2);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("recompute_server");
    TCase *tcase = suite_case(suite, "server", service_set_up, service_tear_down);

    suite_tests(tcase, a_run_is_computed_once_and_then_remembered,
                each_run_and_number_of_points_has_its_own_answer,
                a_question_by_tune_and_trial_has_the_same_answer,
                rows_that_have_not_changed_are_not_computed_again,
                rows_that_have_changed_are_computed_again,
                what_was_deleted_is_shown_for_a_second_at_most,
                an_answer_with_the_present_strategy_is_not_kept,
                without_room_every_answer_is_computed, another_workspace_cannot_see_it,
                what_is_not_there_is_not_found, a_question_that_is_none_is_refused,
                the_same_question_asked_by_many_is_computed_once,
                a_long_computation_holds_up_nobody_whose_answer_is_known,
                so_many_are_computed_at_once_as_the_setting_says,
                one_that_took_long_is_looked_up_again_before_it_is_shown,
                one_that_nobody_waits_for_any_more_is_not_computed,
                a_database_that_is_away_is_a_reason_to_try_again,
                at_the_end_what_is_computed_is_answered_and_what_waits_is_not);
    return pg_suite_run(suite, &tune_fixture);
}
