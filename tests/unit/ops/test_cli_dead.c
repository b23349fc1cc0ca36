/* tunemill dead and tunemill cancel. */
#include "tests/unit/ops/cli_help.h"

#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/suite.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* 1 to 5, from the newest to the oldest. */
static void
bury_five(void)
{
    queue_bury(1, "mail", "JOB_FAILED", "1 min");
    queue_bury(2, "mail", "EXPIRED", "2 hours");
    queue_bury(3, "post", "JOB_FAILED", "3 hours");
    queue_bury(4, "mail", "POISONED", "2 days");
    queue_bury(5, "post", "EXPIRED", "3 days");
}

/* The last digits of the listed jobs' ids, in their order. */
static void
expect_listed(const json_t *answer, const char *expected)
{
    const json_t *job;
    char digits[32] = "";
    size_t index, used = 0;

    json_array_foreach(cli_at(answer, "jobs"), index, job)
    {
        const char *id = json_string_value(cli_at(job, "job"));

        digits[used++] = id[strlen(id) - 1];
    }
    digits[used] = '\0';
    ck_assert_str_eq(digits, expected);
}

static const struct {
    const char *words[6], *listed;
} lists[] = {
    {{NULL}, "12345"},
    {{"--queue", "mail"}, "124"},
    {{"--code", "EXPIRED"}, "25"},
    {{"--code", "EXPIRED", "--queue", "post"}, "5"},
    {{"--before", "90m"}, "2345"},
    {{"--before", "1d"}, "45"},
    {{"--before", "2030-01-01"}, "12345"},
    {{"--before", "2020-01-01T00:00:00.5+02:00"}, ""},
    {{"--limit", "2"}, "12"},
    {{"--queue", "none"}, ""},
};

START_TEST(dead_jobs_are_listed_newest_first_by_filter)
{
    const char *const *w = lists[_i].words;
    const json_t *answer;

    bury_five();
    answer = cli_json(cli_run("dead", "--json", w[0], w[1], w[2], w[3], NULL));
    expect_listed(answer, lists[_i].listed);
    ck_assert_int_eq(json_is_true(cli_at(answer, "more")), strcmp(lists[_i].listed, "12") == 0);
}
END_TEST

/* A date is UTC and a zone counts, to the second. */
START_TEST(a_time_is_taken_to_the_second)
{
    bury_five();
    queue_expect("",
                 "UPDATE dead_jobs SET died_at = '2026-03-01T10:00:00.5Z'"
                 " WHERE id = '%s'",
                 queue_id(5));
    expect_listed(
        cli_json(cli_run("dead", "--json", "--before", "2026-03-01T10:00:00.5Z", NULL)), "");
    expect_listed(
        cli_json(cli_run("dead", "--json", "--before", "2026-03-01T10:00:00.500001", NULL)),
        "5");
    expect_listed(
        cli_json(cli_run("dead", "--json", "--before", "2026-03-01T12:00:01+02:00", NULL)),
        "5");
    expect_listed(
        cli_json(cli_run("dead", "--json", "--before", "2026-03-01 11:59+02:00", NULL)), "");
}
END_TEST

START_TEST(a_listed_job_is_as_the_database_has_it)
{
    static const char *const members[] = {"job",     "queue",    "workspace", "code",
                                          "detail",  "attempts", "failures",  "crashes",
                                          "died_at", "worker"};
    char row[1000] = "";
    const json_t *job;

    queue_bury(1, "mail", "JOB_FAILED", "1 min");
    queue_expect("", "UPDATE dead_jobs SET worker = gen_random_uuid()");
    job = cli_at(cli_json(cli_run("dead", "--json", NULL)), "jobs.0");
    ck_assert_uint_eq(json_object_size(job), COUNT(members));
    for (int i = 0; i < COUNT(members); i++) {
        const json_t *value = cli_at(job, members[i]);
        size_t used = strlen(row);

        if (json_is_string(value))
            snprintf(row + used, sizeof row - used, "%s%s", i ? "|" : "",
                     json_string_value(value));
        else
            snprintf(row + used, sizeof row - used, "|%lld",
                     (long long)json_integer_value(value));
    }
    queue_expect(row, "SELECT id, queue, workspace_id, code, detail, attempt, failures,"
                      " crashes, tm_time(died_at), worker FROM dead_jobs");
}
END_TEST

START_TEST(dead_jobs_are_a_table_for_people)
{
    const struct command *command;

    bury_five();
    command = cli_run("dead", "--limit", "4", NULL);
    ck_assert_int_eq(command->code, 0);
    ck_assert_str_eq(cli_cell(command->out, 0, 0), "job");
    ck_assert_str_eq(cli_cell(command->out, 0, 6), "detail");
    ck_assert_str_eq(cli_cell(command->out, 2, 0), queue_id(2));
    ck_assert_str_eq(cli_cell(command->out, 2, 1), "mail");
    ck_assert_str_eq(cli_cell(command->out, 2, 2), "EXPIRED");
    ck_assert_str_eq(cli_cell(command->out, 2, 3), "4");
    ck_assert_str_eq(cli_cell(command->out, 2, 5), "-");
    ck_assert_str_eq(cli_cell(command->out, 2, 6), "it went wrong");
    ck_assert_str_eq(cli_cell(command->out, 5, 0),
                     "There are more; --limit N shows the newest N.");
    cli_says(cli_run("dead", "--queue", "none", NULL),
             "No job is dead that fits the filter.\n");
}
END_TEST

/* What it prints on a terminal of so many columns. */
static char *
run_on_terminal(unsigned short columns, const char *word)
{
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    char *text = calloc(1, 65536);
    size_t used = 0;
    ssize_t got;
    int master, status;
    pid_t pid = forkpty(&master, NULL, NULL, &size);

    if (pid == 0) {
        execl(TUNEMILL, TUNEMILL, word, (char *)NULL);
        _exit(127);
    }
    ck_assert_int_gt(pid, 0);
    while (used < 65535 && (got = read(master, text + used, 65535 - used)) > 0)
        used += (size_t)got;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(master);
    return text;
}

static void
put_long_detail(void)
{
    queue_bury(1, "mail", "JOB_FAILED", "1 min");
    queue_expect(
        "", "UPDATE dead_jobs SET detail = E'red\\x1b[31m\\ntwo ' || repeat('\u00e9', 400)");
}

START_TEST(on_a_terminal_the_detail_is_cut_to_the_line)
{
    char *text, *at;
    size_t width = 0;

    put_long_detail();
    text = run_on_terminal(140, "dead");
    at = strchr(text, '\n') + 1;
    for (; *at && *at != '\r'; at++)
        width += ((unsigned char)*at & 0xc0) != 0x80;
    ck_assert_msg(width == 140, "%zu: %s", width, text);
    ck_assert_str_eq(at, "\r\n");
    ck_assert_ptr_null(strchr(text, '\x1b'));
    free(text);
}
END_TEST

START_TEST(elsewhere_the_detail_is_whole_and_on_one_line)
{
    const char *detail;

    put_long_detail();
    detail = cli_cell(cli_run("dead", NULL)->out, 1, 6);
    ck_assert_int_eq(strncmp(detail, "red [31m two \u00e9", 15), 0);
    ck_assert_uint_eq(strlen(detail), 13 + 800);
}
END_TEST

/* --- show --------------------------------------------------------------------------------- */

static const struct {
    const char *body, *text, *hex; /* as SQL; what is shown */
} bodies[] = {
    {"convert_to('{\"a\": [1, \"\u00e9\"]}', 'UTF8')", "{\"a\": [1, \"\u00e9\"]}", NULL},
    {"'7'", "7", NULL},
    {"'{\"a\": 1'", NULL, "7b2261223a2031"},
    {"'\\x00ff'", NULL, "00ff"},
    {"'\\x22ff22'", NULL, "22ff22"}, /* no UTF-8 */
    {"''", NULL, ""},
};

START_TEST(a_body_is_shown_as_text_if_it_is_json)
{
    const json_t *job;
    const char *out;

    queue_bury(1, "mail", "JOB_FAILED", "1 min");
    queue_expect("", "UPDATE dead_jobs SET body = %s", bodies[_i].body);
    job = cli_json(cli_run("dead", "show", queue_id(1), "--json", NULL));
    ck_assert_int_eq(!cli_at(job, "body_text"), !bodies[_i].text);
    if (bodies[_i].text)
        ck_assert_str_eq(json_string_value(cli_at(job, "body_text")), bodies[_i].text);
    ck_assert_int_eq(!cli_at(job, "body_hex"), !bodies[_i].hex);
    if (bodies[_i].hex)
        ck_assert_str_eq(json_string_value(cli_at(job, "body_hex")), bodies[_i].hex);
    out = cli_run("dead", "show", queue_id(1), NULL)->out;
    ck_assert_ptr_nonnull(strstr(out, bodies[_i].text ? bodies[_i].text : bodies[_i].hex));
}
END_TEST

START_TEST(of_a_long_body_that_is_no_text_the_head_is_shown)
{
    const json_t *job;

    queue_bury(1, "mail", "JOB_FAILED", "1 min");
    queue_expect("", "UPDATE dead_jobs SET body = decode(repeat('ab', 100000), 'hex')");
    job = cli_json(cli_run("dead", "show", queue_id(1), "--json", NULL));
    ck_assert_int_eq(json_integer_value(cli_at(job, "body_bytes")), 100000);
    ck_assert_uint_eq(strlen(json_string_value(cli_at(job, "body_hex"))), 128);
    ck_assert_ptr_nonnull(strstr(cli_run("dead", "show", queue_id(1), NULL)->out, "abab...\n"));
}
END_TEST

START_TEST(all_of_a_dead_job_is_shown)
{
    char lines[2000];

    queue_bury(1, "mail", "JOB_FAILED", "1 min");
    queue_expect("", "UPDATE dead_jobs SET worker = '" QUEUE_WORKSPACE "', traceparent = 'tr',"
                     " parent_id = '" QUEUE_WORKSPACE "', timeout_ms = 90, died_at ="
                     " '2026-03-01T10:00:00Z', created_at = '2026-02-01T10:00:00Z'");
    snprintf(lines, sizeof lines,
             "job         %s\nqueue       mail\nworkspace   " QUEUE_WORKSPACE "\n"
             "code        JOB_FAILED\ndetail      it went wrong\nattempts    4\nfailures    3\n"
             "of at most  5\ncrashes     1\nworker      " QUEUE_WORKSPACE "\npriority    5\n"
             "timeout ms  90\nparent      " QUEUE_WORKSPACE "\ntrace       tr\n"
             "created     2026-02-01T10:00:00.000Z\ndied        2026-03-01T10:00:00.000Z\n"
             "body bytes  7\n\n{\"n\":1}\n",
             queue_id(1));
    cli_says(cli_run("dead", "show", queue_id(1), NULL), lines);
}
END_TEST

START_TEST(a_job_that_is_not_dead_is_said_to_be_what_it_is)
{
    queue_put(1, "mail", "scheduled", 0);
    cli_refuses(cli_run("dead", "show", queue_id(1), NULL), 1, "is not dead: it is scheduled");
    queue_ask("SELECT job_cancel('%s')", queue_id(1));
    cli_refuses(cli_run("dead", "show", queue_id(1), NULL), 1, "is not dead: it is canceled");
    cli_refuses(cli_run("dead", "show", queue_id(2), NULL), 1, "there is no job ");
}
END_TEST

/* --- retry and drop ----------------------------------------------------------------------- */

static const struct {
    const char *words[4];
    int count;
    const char *left;
} many[] = {
    {{"--all"}, 5, ""},
    {{"--queue", "mail"}, 3, "3,5"},
    {{"--code", "EXPIRED"}, 2, "1,3,4"},
    {{"--before", "1d"}, 2, "1,2,3"},
    {{"--queue", "none"}, 0, "1,2,3,4,5"},
    {{"0197f000-0000-7000-8000-000000000004", "0197f000-0000-7000-8000-000000000001",
      "0197f000-0000-7000-8000-000000000001"},
     2,
     "2,3,5"},
};

static void
run_many(int row, const char *action, const char *option, const char *did)
{
    const char *const *w = many[row].words;
    char out[100];

    snprintf(out, sizeof out, "%d dead job%s %s\n", many[row].count,
             many[row].count == 1 ? "" : "s", did);
    if (option)
        cli_says(cli_run("dead", action, option, w[0], w[1], w[2], NULL), out);
    else
        cli_says(cli_run("dead", action, w[0], w[1], w[2], NULL), out);
}

#define LEFT                                                                       \
    "SELECT string_agg(ltrim(split_part(id::text, '-', 5), '0'), ',' ORDER BY id)" \
    " FROM dead_jobs"

START_TEST(dead_jobs_are_retried_by_id_or_filter)
{
    bury_five();
    run_many(_i, "retry", "--dry-run", "would be made ready again");
    queue_expect("1,2,3,4,5", LEFT);
    queue_expect("0", "SELECT count(*) FROM jobs");
    run_many(_i, "retry", NULL, "made ready again");
    queue_expect(many[_i].left, LEFT);
    queue_expect("t", "SELECT count(*) = %d FROM jobs WHERE state = 'ready'", many[_i].count);
}
END_TEST

START_TEST(dead_jobs_are_dropped_by_id_or_filter)
{
    bury_five();
    run_many(_i, "drop", "--dry-run", "would be dropped");
    queue_expect("1,2,3,4,5", LEFT);
    run_many(_i, "drop", NULL, "dropped");
    queue_expect(many[_i].left, LEFT);
    queue_expect("0", "SELECT count(*) FROM jobs");
}
END_TEST

START_TEST(an_id_that_is_not_a_dead_job_s_is_named)
{
    static const char *const actions[][2] = {{"retry", "made ready again"},
                                             {"drop", "dropped"}};
    const struct command *command;
    char out[64];

    queue_bury(1, "mail", "JOB_FAILED", "1 min");
    queue_put(2, "mail", "running", 0);
    command = cli_run("dead", actions[_i][0], queue_id(1), queue_id(2), NULL);
    ck_assert_int_eq(command->code, 1);
    snprintf(out, sizeof out, "1 dead job %s\n", actions[_i][1]);
    ck_assert_str_eq(command->out, out);
    ck_assert_ptr_nonnull(strstr(command->err, queue_id(2)));
    ck_assert_ptr_null(strstr(command->err, queue_id(1)));
    queue_expect("0", "SELECT count(*) FROM dead_jobs");
}
END_TEST

/* --- cancel ------------------------------------------------------------------------------- */

START_TEST(a_canceled_job_s_state_is_printed)
{
    char out[1000];

    queue_put(1, "mail", "ready", 0);
    queue_put(2, "mail", "running", 0);
    queue_put(3, "mail", "running", 0);
    queue_expect("", "SELECT job_finish('%s', 1, '')", queue_id(3));
    queue_bury(4, "mail", "EXPIRED", "1 min");
    snprintf(out, sizeof out, "%s  canceled\n%s  canceling\n%s  done\n%s  dead\n%s  canceled\n",
             queue_id(1), queue_id(2), queue_id(3), queue_id(4), queue_id(1));
    cli_says(cli_run("cancel", queue_id(1), queue_id(2), queue_id(3), queue_id(4), queue_id(1),
                     NULL),
             out);
    queue_expect(queue_id(2), "SELECT id FROM jobs WHERE cancel_at IS NOT NULL");
    queue_expect("1", "SELECT count(*) FROM job_runs WHERE outcome = 'canceled'");
}
END_TEST

START_TEST(an_unknown_job_fails_the_command_and_no_other_job)
{
    const struct command *command;
    char out[200];

    queue_put(2, "mail", "ready", 0);
    command = cli_run("cancel", queue_id(1), queue_id(2), NULL);
    snprintf(out, sizeof out, "%s  unknown\n%s  canceled\n", queue_id(1), queue_id(2));
    ck_assert_int_eq(command->code, 1);
    ck_assert_str_eq(command->out, out);
    ck_assert_ptr_nonnull(strstr(command->err, "1 of the jobs is unknown here"));
}
END_TEST

START_TEST(a_word_that_is_no_id_cancels_nothing)
{
    queue_put(1, "mail", "ready", 0);
    cli_refuses(cli_run("cancel", queue_id(1), "mail", NULL), 2, "\"mail\" is not a job's id");
    queue_expect("1", "SELECT count(*) FROM jobs");
}
END_TEST

START_TEST(the_beginning_of_an_id_is_enough_where_no_other_begins_so)
{
    queue_put(1, "mail", "ready", 0);
    queue_put(20, "mail", "ready", 0);
    cli_refuses(cli_run("cancel", "0197", NULL), 2,
                "several ids begin with 0197, as 0197f000-0000-7000-8000-000000000001, "
                "0197f000-0000-7000-8000-000000000020; give more of it");
    cli_refuses(cli_run("cancel", "0198", NULL), 2, "no id here that begins with 0198");
    cli_refuses(cli_run("cancel", "019", NULL), 2, "\"019\" is not a job's id");
    queue_expect("2", "SELECT count(*) FROM jobs");
    ck_assert_int_eq(cli_run("cancel", "0197F000-0000-7000-8000-00000000002", NULL)->code, 0);
    queue_expect(queue_id(1), "SELECT id FROM jobs");
    queue_bury(3, "mail", "JOB_FAILED", "1 hour");
    ck_assert_ptr_nonnull(
        strstr(cli_run("dead", "show", "0197f000000070008000000000000003", NULL)->out, "mail"));
}
END_TEST

TCase *
cli_dead_case(void)
{
    TCase *tcase = case_new("dead", NULL, NULL);

    suite_rows(tcase, dead_jobs_are_listed_newest_first_by_filter, lists);
    suite_tests(tcase, a_time_is_taken_to_the_second, a_listed_job_is_as_the_database_has_it,
                dead_jobs_are_a_table_for_people, on_a_terminal_the_detail_is_cut_to_the_line,
                elsewhere_the_detail_is_whole_and_on_one_line);
    suite_rows(tcase, a_body_is_shown_as_text_if_it_is_json, bodies);
    suite_tests(tcase, of_a_long_body_that_is_no_text_the_head_is_shown,
                all_of_a_dead_job_is_shown, a_job_that_is_not_dead_is_said_to_be_what_it_is);
    suite_rows(tcase, dead_jobs_are_retried_by_id_or_filter, many);
    suite_rows(tcase, dead_jobs_are_dropped_by_id_or_filter, many);
    tcase_add_loop_test(tcase, an_id_that_is_not_a_dead_job_s_is_named, 0, 2);
    return tcase;
}

TCase *
cli_cancel_case(void)
{
    TCase *tcase = case_new("cancel", NULL, NULL);

    suite_tests(tcase, a_canceled_job_s_state_is_printed,
                an_unknown_job_fails_the_command_and_no_other_job,
                the_beginning_of_an_id_is_enough_where_no_other_begins_so,
                a_word_that_is_no_id_cancels_nothing);
    return tcase;
}
