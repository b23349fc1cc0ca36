/* tunemill workers: those of all brokers, as JSON and for people. */
#include "tests/unit/ops/cli_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

#define WORKER_A "0197f000-0000-7000-8000-00000000000a"
#define WORKER_B "0197f000-0000-7000-8000-00000000000b"

static void
put_brokers(void)
{
    queue_expect(
        "",
        "INSERT INTO brokers (id, endpoint, seen_at, gone_at, workers) VALUES"
        " ('%s', 'tcp://one:1', now() - interval '2 s', NULL,"
        "  '[{\"worker\": \"" WORKER_A "\", \"actor\": \"tune\", \"queues\": [\"tune\","
        " \"fold\"], \"credit\": 3, \"used\": 1, \"software\": \"tunemill 9\"}]'),"
        " ('%s', 'tcp://two:1', now() - interval '1 s', NULL,"
        "  '[{\"worker\": \"" WORKER_A "\", \"actor\": \"tune\", \"queues\": [\"tune\","
        " \"fold\"], \"credit\": 4, \"used\": 2, \"software\": \"tunemill 9\", \"leaving\": "
        "true},"
        " {\"worker\": \"" WORKER_B "\", \"actor\": \"mailer\", \"queues\": \"mail\","
        " \"credit\": 1, \"used\": 0, \"software\": null}]'),"
        " ('%s', 'tcp://three:1', now() - interval '1 hour', NULL,"
        "  '[{\"worker\": \"" QUEUE_WORKSPACE "\", \"queues\": []}]'),"
        " ('%s', 'tcp://four:1', now(), now(), '[{\"worker\": \"x\"}]')",
        queue_id(1), queue_id(2), queue_id(3), queue_id(4));
}

START_TEST(a_worker_of_two_brokers_is_one_worker)
{
    const json_t *answer;

    put_brokers();
    answer = cli_json(cli_run("workers", "--json", NULL));
    ck_assert_uint_eq(json_array_size(cli_at(answer, "workers")), 2);
    ck_assert_str_eq(json_string_value(cli_at(answer, "workers.0.worker")), WORKER_B);
    ck_assert_str_eq(json_string_value(cli_at(answer, "workers.0.queues.0")), "mail");
    ck_assert(json_is_null(cli_at(answer, "workers.0.software")));
    ck_assert(json_is_false(cli_at(answer, "workers.0.leaving")));
    ck_assert(json_is_true(cli_at(answer, "workers.1.leaving")));
    ck_assert_str_eq(json_string_value(cli_at(answer, "workers.1.worker")), WORKER_A);
    ck_assert_str_eq(json_string_value(cli_at(answer, "workers.1.actor")), "tune");
    ck_assert_str_eq(json_string_value(cli_at(answer, "workers.1.software")), "tunemill 9");
    ck_assert_str_eq(json_string_value(cli_at(answer, "workers.1.queues.1")), "fold");
    ck_assert_int_eq(json_integer_value(cli_at(answer, "workers.1.credit")), 5);
    ck_assert_int_eq(json_integer_value(cli_at(answer, "workers.1.used")), 3);
    ck_assert_str_eq(json_string_value(cli_at(answer, "workers.1.brokers.0")), "tcp://one:1");
    ck_assert_str_eq(json_string_value(cli_at(answer, "workers.1.brokers.1")), "tcp://two:1");
}
END_TEST

START_TEST(brokers_are_live_silent_or_gone)
{
    static const char *const expected[][2] = {{"tcp://two:1", "live"},
                                              {"tcp://one:1", "live"},
                                              {"tcp://three:1", "silent"},
                                              {"tcp://four:1", "gone"}};
    const json_t *brokers;

    put_brokers();
    brokers = cli_at(cli_json(cli_run("workers", "--json", NULL)), "brokers");
    ck_assert_uint_eq(json_array_size(brokers), 4);
    for (size_t i = 0; i < 4; i++) {
        const json_t *broker = json_array_get(brokers, i);

        ck_assert_str_eq(json_string_value(cli_at(broker, "endpoint")), expected[i][0]);
        ck_assert_str_eq(json_string_value(cli_at(broker, "state")), expected[i][1]);
    }
    ck_assert(json_number_value(cli_at(brokers, "2.silent_seconds")) >= 3600);
    ck_assert_int_eq(json_integer_value(cli_at(brokers, "0.workers")), 2);
    brokers = cli_json(cli_run("workers", "--json", "--set", "broker.takeover_ms=500", NULL));
    ck_assert_str_eq(json_string_value(cli_at(brokers, "brokers.0.state")), "silent");
    ck_assert_uint_eq(json_array_size(cli_at(brokers, "workers")), 0);
}
END_TEST

START_TEST(workers_are_two_tables_for_people)
{
    const struct command *command;

    put_brokers();
    command = cli_run("workers", NULL);
    ck_assert_int_eq(command->code, 0);
    ck_assert_str_eq(cli_cell(command->out, 1, 0), WORKER_B);
    ck_assert_str_eq(cli_cell(command->out, 1, 5), "-");
    ck_assert_str_eq(cli_cell(command->out, 2, 5), "yes");
    ck_assert_str_eq(cli_cell(command->out, 2, 0), WORKER_A);
    ck_assert_str_eq(cli_cell(command->out, 2, 2), "tune,fold");
    ck_assert_str_eq(cli_cell(command->out, 2, 3), "5");
    ck_assert_str_eq(cli_cell(command->out, 2, 7), "tcp://one:1,tcp://two:1");
    ck_assert_str_eq(cli_cell(command->out, 4, 0), "broker");
    ck_assert_str_eq(cli_cell(command->out, 7, 1), "silent");
    ck_assert_str_eq(cli_cell(command->out, 7, 2), "60 min");
    ck_assert_str_eq(cli_cell(command->out, 7, 5), "tcp://three:1");
}
END_TEST

START_TEST(without_a_broker_that_is_said)
{
    cli_says(cli_run("workers", NULL),
             "No worker is connected to a broker that lives.\n\n"
             "No broker has ever used this database, or none for an hour.\n");
}
END_TEST

TCase *
cli_workers_case(void)
{
    TCase *tcase = case_new("workers", NULL, NULL);

    suite_tests(tcase, a_worker_of_two_brokers_is_one_worker, brokers_are_live_silent_or_gone,
                workers_are_two_tables_for_people, without_a_broker_that_is_said);
    return tcase;
}
