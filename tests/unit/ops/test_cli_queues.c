/* The operators' commands as people meet them: the built program on a database of its own. */
#include "tests/unit/ops/cli_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/runtime/log.h"
#include "ops/cli/statements.def"
#include "tests/support/pg_suite.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static const char *const states[] = {"ready", "scheduled", "running", "waiting"};

/* n jobs of each state in mail, one ready in post; dead ones, and some that have ended. */
static void
fill(void)
{
    static const char *const ages[] = {"1 s", "5 min", "2 hours"};
    int n = 1;

    for (int i = 0; i < COUNT(states); i++)
        for (int j = 0; j <= i; j++)
            queue_put(n++, "mail", states[i], 0);
    queue_put(n++, "post", "ready", 0);
    queue_bury(n++, "mail", "JOB_FAILED", "1 min");
    queue_bury(n++, "old", "EXPIRED", "3 days");
    for (int i = 0; i < COUNT(ages); i++)
        for (int j = 0; j <= i; j++)
            queue_expect("",
                         "INSERT INTO job_runs (id, workspace_id, queue, outcome, attempt,"
                         " failures, created_at, finished_at) VALUES (gen_random_uuid(),"
                         " '" QUEUE_WORKSPACE "', '%s', 'done', 1, 0, now(),"
                         " now() - interval '%s')",
                         j ? "mail" : "gone", ages[i]);
    queue_expect("", "INSERT INTO job_runs (id, workspace_id, queue, outcome, attempt,"
                     " failures, created_at) VALUES (gen_random_uuid(),"
                     " '" QUEUE_WORKSPACE "', 'mail', 'canceled', 1, 0, now())");
    queue_expect("", "INSERT INTO job_runs (id, workspace_id, queue, outcome, attempt,"
                     " failures, created_at, code, detail) VALUES (gen_random_uuid(),"
                     " '" QUEUE_WORKSPACE "', 'mail', 'rejected', 1, 0, now(), 'BAD_REQUEST',"
                     " 'no')");
    queue_expect("", "SELECT queue_pause('post')");
    queue_expect("", "SELECT queue_limit('mail', 100, 3)");
}

/* A member of a queue, and what makes it: what is selected, which column names the queue, and
 * what else must hold. */
static const struct {
    const char *member, *what, *name, *more;
} facts[] = {
    {"ready", "count(*) FROM jobs", "queue", "state = 'ready'"},
    {"scheduled", "count(*) FROM jobs", "queue", "state = 'scheduled'"},
    {"running", "count(*) FROM jobs", "queue", "state = 'running'"},
    {"waiting", "count(*) FROM jobs", "queue", "state = 'waiting'"},
    {"dead", "count(*) FROM dead_jobs", "queue", "true"},
    {"done_hour", "count(*) FROM job_runs", "queue",
     "outcome = 'done' AND finished_at > now() - interval '1 hour'"},
    {"rejected_hour", "count(*) FROM job_runs", "queue",
     "outcome = 'rejected' AND finished_at > now() - interval '1 hour'"},
    {"max_depth", "max(max_depth) FROM queues", "name", "true"},
    {"workspace_limit", "max(workspace_limit) FROM queues", "name", "true"},
};

static void
check_queue(const json_t *queue)
{
    const char *name = json_string_value(cli_at(queue, "queue"));

    for (int i = 0; i < COUNT(facts); i++) {
        const json_t *value = cli_at(queue, facts[i].member);
        char text[32] = "";

        ck_assert_msg(json_is_integer(value) || json_is_null(value), "%s of %s",
                      facts[i].member, name);
        if (json_is_integer(value))
            snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
        queue_expect(text, "SELECT %s WHERE %s = '%s' AND %s", facts[i].what, facts[i].name,
                     name, facts[i].more);
    }
}

START_TEST(queues_as_json_are_those_of_the_database)
{
    const json_t *answer, *queues, *queue;
    size_t index;

    fill();
    answer = cli_json(cli_run("queues", "--json", NULL));
    queues = cli_at(answer, "queues");
    ck_assert_uint_eq(json_array_size(queues), 4);
    json_array_foreach(queues, index, queue) check_queue(queue);
    ck_assert_str_eq(json_string_value(cli_at(queues, "1.queue")), "mail");
    ck_assert_int_eq(json_integer_value(cli_at(queues, "0.done_minute")), 1);
    ck_assert_int_eq(json_integer_value(cli_at(queues, "1.done_hour")), 1);
    ck_assert_int_eq(json_integer_value(cli_at(queues, "1.rejected_hour")), 1);
    ck_assert_int_eq(json_integer_value(cli_at(queues, "1.done_minute")), 0);
    ck_assert(json_is_false(cli_at(queues, "1.paused")));
    ck_assert(json_is_null(cli_at(queues, "1.paused_at")));
    ck_assert(json_is_true(cli_at(queues, "3.paused")));
    queue_expect(json_string_value(cli_at(queues, "3.paused_at")),
                 "SELECT tm_time(paused_at) FROM queues WHERE name = 'post'");
    ck_assert(json_is_null(cli_at(queues, "0.oldest_ready_seconds")));
    queue_expect("t",
                 "SELECT abs(extract(epoch FROM '%s'::timestamptz - min(run_at)) - %.3f) < 0.01"
                 " FROM jobs WHERE queue = 'mail' AND state = 'ready'",
                 json_string_value(cli_at(answer, "at")),
                 json_number_value(cli_at(queues, "1.oldest_ready_seconds")));
}
END_TEST

/* How far from its line's start a cell ends. */
static int
right_edge(const char *table, int line, int column)
{
    const char *start = table, *cell;

    for (int i = 0; i < line; i++)
        start = strchr(start, '\n') + 1;
    cell = start;
    for (int i = 0; i < column; i++) {
        cell = strstr(cell, "  ");
        cell += strspn(cell, " ");
    }
    return (int)(strstr(cell, "  ") - start);
}

START_TEST(queues_are_a_table_for_people)
{
    static const char *const mail[] = {"mail", "1", NULL, "2",   "3", "4", "1",
                                       "0",    "1", "1",  "100", "3", "-"};
    const struct command *command;

    fill();
    command = cli_run("queues", NULL);
    ck_assert_int_eq(command->code, 0);
    ck_assert_str_eq(command->err, "");
    ck_assert_str_eq(cli_cell(command->out, 0, 0), "queue");
    ck_assert_str_eq(cli_cell(command->out, 0, 11), "per workspace");
    for (int i = 0; i < COUNT(mail); i++)
        if (mail[i])
            ck_assert_str_eq(cli_cell(command->out, 2, i), mail[i]);
    ck_assert_str_eq(cli_cell(command->out, 1, 0), "gone");
    ck_assert_str_eq(cli_cell(command->out, 1, 2), "-");
    ck_assert_str_eq(cli_cell(command->out, 4, 0), "post");
    ck_assert_str_eq(cli_cell(command->out, 4, 12), "yes");
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(right_edge(command->out, i, 1), right_edge(command->out, 0, 1));
}
END_TEST

START_TEST(no_queues_are_said_to_be_none)
{
    cli_says(cli_run("queues", NULL),
             "No queue holds anything, and none has in the last hour.\n");
    ck_assert_uint_eq(
        json_array_size(cli_at(cli_json(cli_run("queues", "--json", NULL)), "queues")), 0);
}
END_TEST

/* However many jobs are ready: their rows are not read. */
START_TEST(a_look_at_the_queues_reads_indexes_only)
{
#define S(NAME, params, sql) {#NAME, sql},
    static const struct {
        const char *name, *sql;
    } statements[] = {CLI_STATEMENTS(S)};
#undef S
    const char *sql = NULL, *plan;

    for (int i = 0; i < COUNT(statements); i++)
        if (strcmp(statements[i].name, "QUEUES") == 0)
            sql = statements[i].sql;
    ck_assert_ptr_nonnull(sql);
    queue_expect("", "INSERT INTO jobs (id, workspace_id, queue, state, max_attempts, body)"
                     " SELECT gen_random_uuid(), '" QUEUE_WORKSPACE "', 'q' || n %% 3,"
                     " (ARRAY['ready', 'scheduled', 'waiting', 'running'])[1 + n %% 4]"
                     "::job_state, 5, 'body' FROM generate_series(1, 8000) n");
    queue_expect("", "VACUUM ANALYZE jobs");
    plan = queue_ask("SET enable_seqscan = off; EXPLAIN %s", sql);
    ck_assert_msg(strstr(plan, "Index Only Scan using jobs_ready"), "%s", plan);
    ck_assert_msg(!strstr(plan, " Scan on jobs"), "%s", plan);
    ck_assert_msg(strstr(plan, "Bitmap Index Scan on job_runs_finished"), "%s", plan);
}
END_TEST

/* --- pause, resume, limit ----------------------------------------------------------------- */

START_TEST(a_queue_is_paused_and_resumed)
{
    queue_put(1, "mail", "ready", 0);
    cli_says(cli_run("pause", "mail", NULL), "mail is paused\n");
    queue_expect("t", "SELECT paused_at IS NOT NULL FROM queues WHERE name = 'mail'");
    cli_says(cli_run("pause", "mail", NULL), "mail was paused already\n");
    cli_says(cli_run("resume", "mail", NULL), "mail is running again\n");
    queue_expect("t", "SELECT paused_at IS NULL FROM queues WHERE name = 'mail'");
    cli_says(cli_run("resume", "mail", NULL), "mail was running already\n");
}
END_TEST

START_TEST(a_queue_nobody_uses_is_paused_with_a_note)
{
    const struct command *command;

    queue_put(1, "mail", "ready", 0);
    command = cli_run("pause", "mial", NULL);
    cli_says(command, "mial is paused\n");
    ck_assert_ptr_nonnull(strstr(command->err, "nobody has used a queue \"mial\""));
    ck_assert_ptr_nonnull(strstr(command->err, "did you mean mail?"));
    queue_expect("1", "SELECT count(*) FROM queues WHERE name = 'mial' AND paused_at < now()");
    ck_assert_str_eq(cli_run("pause", "mail", NULL)->err, "");
}
END_TEST

/* What makes a queue known, each alone. */
static const char *const traces[] = {
    "SELECT jobs_enqueue('mail', 'a')",
    "SELECT jobs_enqueue('mail', 'a', p_run_at := now() + interval '1 day')",
    "INSERT INTO jobs (id, workspace_id, queue, state, max_attempts, body)"
    " VALUES (gen_random_uuid(), gen_random_uuid(), 'mail', 'waiting', 5, '')",
    "INSERT INTO jobs (id, workspace_id, queue, state, max_attempts, body)"
    " VALUES (gen_random_uuid(), gen_random_uuid(), 'mail', 'running', 5, '')",
    "INSERT INTO job_runs (id, workspace_id, queue, outcome, attempt, failures, created_at)"
    " VALUES (gen_random_uuid(), gen_random_uuid(), 'mail', 'done', 1, 0, now())",
    "INSERT INTO brokers (id, endpoint, workers) VALUES (gen_random_uuid(), 'a',"
    " '[{\"worker\": \"1\", \"queues\": [\"x\", \"mail\"]}]')",
    "INSERT INTO brokers (id, endpoint, workers) VALUES (gen_random_uuid(), 'a',"
    " '[{\"worker\": \"1\", \"queues\": \"x,mail\"}]')",
    "SELECT queue_limit('mail', NULL, NULL)",
};

START_TEST(a_queue_that_is_used_is_paused_without_a_note)
{
    ck_assert_ptr_null(strstr(queue_ask("%s", traces[_i]), "ERROR"));
    ck_assert_str_eq(cli_run("pause", "mail", NULL)->err, "");
}
END_TEST

START_TEST(limits_are_set_one_by_one)
{
    queue_put(1, "mail", "ready", 0);
    cli_says(cli_run("queues", "limit", "mail", "--max-depth", "100", NULL),
             "queue          mail\nmax depth      100\nper workspace  none\n");
    cli_says(cli_run("queues", "limit", "mail", "--per-workspace", "2", NULL),
             "queue          mail\nmax depth      100\nper workspace  2\n");
    queue_expect("100|2", "SELECT max_depth, workspace_limit FROM queues");
    cli_says(cli_run("queues", "limit", "mail", "--max-depth", "none", NULL),
             "queue          mail\nmax depth      none of its own; broker.max_depth holds\n"
             "per workspace  2\n");
    queue_expect("|2", "SELECT max_depth, workspace_limit FROM queues");
    cli_says(cli_run("queues", "limit", "mail", NULL),
             "queue          mail\nmax depth      none of its own; broker.max_depth holds\n"
             "per workspace  2\n");
    cli_says(cli_run("queues", "limit", "mail", "--per-workspace", "none", NULL),
             "queue          mail\nmax depth      none of its own; broker.max_depth holds\n"
             "per workspace  none\n");
    queue_expect("|", "SELECT max_depth, workspace_limit FROM queues");
}
END_TEST

START_TEST(to_show_limits_changes_nothing)
{
    queue_put(1, "mail", "ready", 0);
    cli_says(cli_run("queues", "limit", "mail", NULL),
             "queue          mail\nmax depth      none of its own; broker.max_depth holds\n"
             "per workspace  none\n");
    queue_expect("0", "SELECT count(*) FROM queues");
}
END_TEST

/* --- what goes wrong ---------------------------------------------------------------------- */

static const struct {
    const char *words[6], *says;
} wrong[] = {
    {{"queues", "limti", "mail"}, "what is \"limti\"? did you mean limit?"},
    {{"queues", "everything"}, "what is \"everything\"? there is: limit"},
    {{"queues", "--json", "limit"}, "what is \"limit\"? it takes no arguments"},
    {{"queues", "--jsn"}, "did you mean --json?"},
    {{"queues", "limit"}, "QUEUE is missing"},
    {{"queues", "limit", "a", "b"}, "what is \"b\"?"},
    {{"queues", "limit", "a", "--max-depth", "0"}, "--max-depth: \"0\" is not a whole"},
    {{"queues", "limit", "a", "--max-depth", "many"}, "--max-depth: \"many\""},
    {{"queues", "limit", "a", "--per-workspace", "-1"}, "--per-workspace: \"-1\""},
    {{"queues", "limit", "No Name"}, "\"No Name\" is not a queue's name"},
    {{"pause"}, "QUEUE is missing"},
    {{"pause", ""}, "\"\" is not a queue's name"},
    {{"pause", "Mail"}, "1 to 64 characters of a-z 0-9 . _ -"},
    {{"resume", "a", "b"}, "what is \"b\"?"},
    {{"workers", "now"}, "what is \"now\"? it takes no arguments"},
    {{"dead", "retyr"}, "did you mean retry?"},
    {{"dead", "bury"}, "there is: show, retry, drop"},
    {{"dead", "--queue", "No"}, "--queue: \"No\""},
    {{"dead", "--limit", "0"}, "--limit: \"0\""},
    {{"dead", "--before", "yesterday"}, "--before: \"yesterday\" is neither an age"},
    {{"dead", "--before", "2026-02-30"}, "--before: \"2026-02-30\""},
    {{"dead", "--before", "2026-02-03T24:00Z"}, "--before: "},
    {{"dead", "--before", "2026-02-03T12:00+2"}, "--before: "},
    {{"dead", "--before", "99999999999999w"}, "--before: "},
    {{"dead", "--before", "-5m"}, "--before: "},
    {{"dead", "show"}, "ID is missing"},
    {{"dead", "show", "7"}, "\"7\" is not a job's id: it is a UUID"},
    {{"dead", "retry"}, "which? ids, --queue, --code, --before or --all"},
    {{"dead", "drop"}, "which? ids, --queue, --code, --before or --all"},
    {{"dead", "drop", "--dry-run"}, "which?"},
    {{"dead", "drop", "--all", "--queue", "mail"}, "exclude each other"},
    {{"dead", "retry", QUEUE_WORKSPACE, "--all"}, "exclude each other"},
    {{"dead", "retry", QUEUE_WORKSPACE, "--code", "X"}, "exclude each other"},
    {{"dead", "retry", QUEUE_WORKSPACE, "7"}, "\"7\" is not a job's id"},
    {{"cancel"}, "JOB_ID... is missing"},
    {{"cancel", QUEUE_WORKSPACE, "all"}, "\"all\" is not a job's id: it is a UUID"},
};

START_TEST(what_is_wrong_with_a_command_is_named)
{
    const char *const *w = wrong[_i].words;
    const struct command *command = cli_run(w[0], w[1], w[2], w[3], w[4], NULL);

    cli_refuses(command, 2, wrong[_i].says);
    ck_assert_ptr_nonnull(strstr(command->err, "--help`"));
}
END_TEST

static const char *const commands[][2] = {
    {"queues", NULL},  {"queues", "limit"}, {"pause", NULL},  {"resume", NULL},
    {"workers", NULL}, {"dead", NULL},      {"dead", "show"}, {"dead", "retry"},
    {"dead", "drop"},  {"cancel", NULL},
};

START_TEST(each_command_has_help_of_its_own)
{
    const char *const *c = commands[_i];
    const struct command *command =
        c[1] ? cli_run(c[0], c[1], "--help", NULL) : cli_run(c[0], "--help", NULL);
    char words[64];

    snprintf(words, sizeof words, "usage: tunemill %s%s%s [options]", c[0], c[1] ? " " : "",
             c[1] ? c[1] : "");
    ck_assert_int_eq(command->code, 0);
    ck_assert_ptr_nonnull(strstr(command->out, words));
    ck_assert_ptr_nonnull(strstr(command->out, "--data-dir"));
}
END_TEST

/* Each with the fewest words that reach the database. */
static const struct command *
run_one(int n)
{
    const char *const *c = commands[n];
    bool has_name = n == 1 || n == 2 || n == 3;
    const char *last = has_name           ? "mail"
                       : n == 6 || n == 9 ? QUEUE_WORKSPACE
                       : n == 7 || n == 8 ? "--all"
                                          : NULL;

    return c[1] ? cli_run(c[0], c[1], last, NULL) : cli_run(c[0], last, NULL);
}

START_TEST(a_database_that_cannot_be_reached_is_said_to_be_so)
{
    cli_refuses(run_one(_i), 1, "the database cannot be reached: ");
    ck_assert_ptr_null(strstr(run_one(_i)->err, "hush"));
}
END_TEST

START_TEST(an_address_that_cannot_be_read_is_not_repeated)
{
    static const char *const addresses[] = {"postgresql://me:hush%ZZ@here/mine",
                                            "host=here hush-hush", "hush=hush"};

    for (int i = 0; i < COUNT(addresses); i++) {
        setenv("DATABASE_URL", addresses[i], 1);
        cli_refuses(cli_run("queues", NULL), 1, "(DATABASE_URL or database.url)");
        ck_assert_ptr_null(strstr(cli_run("queues", NULL)->err, "hush"));
    }
}
END_TEST

START_TEST(an_unknown_database_is_said_with_what_to_do)
{
    unsetenv("DATABASE_URL");
    cli_refuses(cli_run("queues", "--data-dir", "/nonexistent", NULL), 1,
                "no database is known: set DATABASE_URL");
}
END_TEST

START_TEST(a_database_that_is_not_migrated_is_said_to_be_so)
{
    char *empty = pg_fixture_empty(queue_fixture);

    setenv("DATABASE_URL", empty, 1);
    cli_refuses(run_one(_i), 1, "`tunemill migrate` brings it");
    free(empty);
}
END_TEST

START_TEST(a_database_that_takes_no_writes_is_said_to_be_so)
{
    queue_expect("", "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() ||"
                     " ' SET default_transaction_read_only = on'; END $$");
    cli_refuses(cli_run("pause", "mail", NULL), 1, "this database takes no writes");
    cli_says(cli_run("dead", NULL), "No job is dead.\n");
}
END_TEST

static TCase *
queues_case(void)
{
    TCase *tcase = case_new("queues", NULL, NULL);

    suite_tests(tcase, queues_as_json_are_those_of_the_database, queues_are_a_table_for_people,
                no_queues_are_said_to_be_none, a_look_at_the_queues_reads_indexes_only,
                a_queue_is_paused_and_resumed, a_queue_nobody_uses_is_paused_with_a_note);
    suite_rows(tcase, a_queue_that_is_used_is_paused_without_a_note, traces);
    suite_tests(tcase, limits_are_set_one_by_one, to_show_limits_changes_nothing);
    return tcase;
}

static TCase *
words_case(void)
{
    TCase *tcase = case_new("words", cli_setup_nowhere, cli_teardown);

    suite_rows(tcase, what_is_wrong_with_a_command_is_named, wrong);
    suite_rows(tcase, each_command_has_help_of_its_own, commands);
    suite_rows(tcase, a_database_that_cannot_be_reached_is_said_to_be_so, commands);
    suite_tests(tcase, an_address_that_cannot_be_read_is_not_repeated,
                an_unknown_database_is_said_with_what_to_do);
    return tcase;
}

static TCase *
wrong_case(void)
{
    TCase *tcase = case_new("wrong", NULL, NULL);

    suite_rows(tcase, a_database_that_is_not_migrated_is_said_to_be_so, commands);
    suite_tests(tcase, a_database_that_takes_no_writes_is_said_to_be_so);
    return tcase;
}

static void
add_case(Suite *suite, TCase *tcase)
{
    tcase_add_checked_fixture(tcase, cli_setup, cli_teardown);
    suite_add_tcase(suite, tcase);
}

int
main(void)
{
    Suite *suite = suite_create("cli_queues");

    log_init("test", LOG_AT_ERROR);
    suite_add_tcase(suite, words_case());
    add_case(suite, queues_case());
    add_case(suite, cli_workers_case());
    add_case(suite, wrong_case());
    add_case(suite, cli_dead_case());
    add_case(suite, cli_cancel_case());
    return pg_suite_run(suite, &queue_fixture);
}
