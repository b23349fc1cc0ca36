/* What hangs together: a run and its key, a child and its parent, a dataset, its pieces and
 * whoever refers to it. */
#include <stdlib.h>
#include <string.h>

#include "broker/base/statements.def"
#include "tests/unit/retention/retention_help.h"
#include "tests/support/suite.h"

#define SHA(byte) "decode(repeat('" byte "', 32), 'hex')"

START_TEST(a_run_stays_while_a_key_leads_to_it)
{
    retention_job_runs(3, "40 days");
    queue_expect("", "INSERT INTO idempotency_keys (workspace_id, scope, key, request_hash,"
                     "    job_id, expires_at)"
                     " SELECT workspace_id, 's', id::text, '', id, now() + CASE row_number()"
                     "    OVER (ORDER BY id) WHEN 1 THEN interval '1 hour' ELSE '-1 s' END"
                     "   FROM job_runs");
    retention_expect_run("job-runs", 2);
    queue_expect("t", "SELECT EXISTS (SELECT 1 FROM job_runs r JOIN idempotency_keys k"
                      " ON k.job_id = r.id WHERE k.expires_at > now())");
    retention_expect_run("idempotency-keys", 2);
    queue_expect("", "UPDATE idempotency_keys SET expires_at = now()");
    retention_expect_run("job-runs", 1);
}
END_TEST

START_TEST(a_child_stays_while_its_parent_waits)
{
    queue_put(1, "mail", "waiting", 0);
    retention_job_runs(2, "40 days");
    queue_expect("",
                 "UPDATE job_runs SET parent_id = '%s' WHERE id = (SELECT min(id::text)::uuid"
                 " FROM job_runs)",
                 queue_id(1));
    retention_expect_run("job-runs", 1);
    queue_expect("", "DELETE FROM jobs");
    retention_expect_run("job-runs", 1);
}
END_TEST

/* A tune and a back-test that refer to datasets 1 and 2. */
static void
refer(void)
{
    queue_expect("",
                 "INSERT INTO backtest_tunes (id, workspace_id, search_type, objective_type,"
                 "    n_trials, request) VALUES (gen_random_uuid(), '" QUEUE_WORKSPACE "',"
                 "    'grid', 'sharpe', 1, json_build_object('dataset_sha256',"
                 "    upper(repeat('01', 32))))");
    queue_expect("", "INSERT INTO backtest_runs (id, workspace_id, request)"
                     " VALUES (gen_random_uuid(), '" QUEUE_WORKSPACE "',"
                     "    json_build_object('dataset_sha256', repeat('02', 32)))");
}

START_TEST(a_dataset_goes_when_nothing_refers_to_it_with_its_pieces)
{
    for (int i = 1; i <= 4; i++)
        retention_dataset(i, i == 4 ? "6 days" : "8 days");
    refer();
    retention_expect_run("datasets", 1);
    queue_expect("01\n02\n04",
                 "SELECT left(encode(sha256, 'hex'), 2) FROM datasets ORDER BY 1");
    queue_expect("9", "SELECT count(*) FROM dataset_pieces");
    queue_expect("", "DELETE FROM backtest_tunes; DELETE FROM backtest_runs");
    retention_expect_run("datasets", 2);
    queue_expect("3", "SELECT count(*) FROM dataset_pieces");
}
END_TEST

/* Whoever sends a dataset that is there already has it for another seven days. */
START_TEST(a_dataset_that_is_sent_again_has_been_used)
{
    retention_dataset(1, "30 days");
    queue_expect("t", "SELECT dataset_complete(" SHA("01") ", 12)");
    retention_expect_run("datasets", 0);
    queue_expect("t", "SELECT used_at = now() OR used_at > now() - interval '1 min'"
                      " FROM datasets");
}
END_TEST

START_TEST(a_dataset_that_is_being_sent_again_is_not_deleted_before_that_is_known)
{
    PGconn *sender = queue_session();

    retention_dataset(1, "30 days");
    queue_run(sender, "BEGIN");
    queue_run(sender, "SELECT dataset_complete(" SHA("01") ", 12)");
    retention_expect_run("datasets", 0);
    queue_run(sender, "COMMIT");
    retention_expect_run("datasets", 0);
    PQfinish(sender);
}
END_TEST

START_TEST(pieces_that_were_never_completed_go)
{
    retention_dataset(1, "1 day");
    retention_pieces(2, 250, "8 days");
    retention_pieces(3, 2, "8 days");
    queue_expect("", "INSERT INTO dataset_pieces (sha256, piece, data)"
                     " VALUES (" SHA("03") ", 2, 'new')");
    retention_pieces(4, 2, "6 days");
    retention_expect_run("dataset-pieces", 250);
    queue_expect("01|3\n03|3\n04|2",
                 "SELECT left(encode(sha256, 'hex'), 2), count(*) FROM dataset_pieces"
                 " GROUP BY 1 ORDER BY 1");
}
END_TEST

/* The brokers' own statement for a piece that arrives. */
static void
put_piece(const char *sha256, const char *piece, const char *data)
{
    static const struct {
        const char *name;
        int params;
        const char *sql;
    } rows[] = {
#define S(NAME, params, sql) {#NAME, params, sql},
        BROKER_STATEMENTS(S)
#undef S
    };
    const char *const values[] = {sha256, piece, data};
    PGconn *broker = queue_session();

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        PGresult *result;

        if (strcmp(rows[i].name, "PIECE_PUT") != 0)
            continue;
        result = PQexecParams(broker, rows[i].sql, 3, NULL, values, NULL, NULL, 0);
        ck_assert_msg(PQresultStatus(result) == PGRES_COMMAND_OK, "%s", PQerrorMessage(broker));
        PQclear(result);
    }
    PQfinish(broker);
}

START_TEST(an_upload_that_is_gone_on_with_keeps_its_old_pieces)
{
    retention_pieces(0x61, 3, "8 days");
    put_piece("\\x6161616161616161616161616161616161616161616161616161616161616161", "0",
              "data");
    queue_expect("1", "SELECT count(*) FROM dataset_pieces WHERE stored_at > now() - interval"
                      " '1 min'");
    retention_expect_run("dataset-pieces", 0);
    queue_expect("", "UPDATE dataset_pieces SET stored_at = now() - interval '8 days'");
    retention_expect_run("dataset-pieces", 3);
}
END_TEST

START_TEST(explanations_go_by_their_age_and_back_tests_only_when_asked)
{
    queue_expect("", "INSERT INTO explanations (workspace_id, kind, subject, verbosity,"
                     "    prompt_hash, body, provider, model, created_at)"
                     " SELECT '" QUEUE_WORKSPACE "', 'tune', n::text, 'short', '', '', '', '',"
                     "    now() - n * interval '100 days' FROM generate_series(1, 3) n");
    queue_expect("", "INSERT INTO backtest_runs (id, workspace_id, request, created_at)"
                     " SELECT gen_random_uuid(), '" QUEUE_WORKSPACE "', '{}',"
                     "    now() - n * interval '300 days' FROM generate_series(1, 3) n");
    retention_expect_run("explanations", 2);
    retention_make_due();
    queue_expect("0", "SELECT count(*) FROM retention_due('0', '0') d (j)"
                      " WHERE j = 'backtest-runs'");
    retention_expect_run("backtest-runs", 2);
}
END_TEST

void
retention_data_add(Suite *suite)
{
    TCase *tcase = suite_case(suite, "data", queue_setup, queue_teardown);

    suite_tests(tcase, a_run_stays_while_a_key_leads_to_it,
                a_child_stays_while_its_parent_waits,
                a_dataset_goes_when_nothing_refers_to_it_with_its_pieces,
                a_dataset_that_is_sent_again_has_been_used,
                a_dataset_that_is_being_sent_again_is_not_deleted_before_that_is_known,
                pieces_that_were_never_completed_go,
                an_upload_that_is_gone_on_with_keeps_its_old_pieces,
                explanations_go_by_their_age_and_back_tests_only_when_asked);
}
