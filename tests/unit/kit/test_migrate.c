#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/runtime/log.h"
#include "migrations/embedded.h"
#include "migrations/migrate.h"
#include "tests/support/pg_suite.h"

static pg_fixture_t *fixture;
static char detail[1000];

static void
expect(const char *url, const char *sql, const char *answer)
{
    tm_auto(tm_text) got = pg_fixture_query(url, sql);

    ck_assert_str_eq(got, answer);
}

START_TEST(an_empty_database_takes_every_migration_once)
{
    tm_auto(tm_text) url = pg_fixture_empty(fixture);
    int applied = -1;
    tm_err_t err = migrate_run(url, detail, sizeof(detail), &applied);

    ck_assert_msg(err == TM_OK, "%s", detail);
    ck_assert_uint_eq((size_t)applied, migrations_count + functions_count);
    ck_assert_int_eq(migrate_run(url, detail, sizeof(detail), &applied), TM_OK);
    ck_assert_int_eq(applied, 0);
    expect(url, "SELECT name FROM schema_migrations ORDER BY number LIMIT 1", "001_core.sql");
}
END_TEST

START_TEST(migrations_may_run_again_on_a_database_that_forgot_them)
{
    tm_auto(tm_text) url = pg_fixture_empty(fixture);
    int applied;
    tm_err_t err;

    ck_assert_int_eq(migrate_run(url, detail, sizeof(detail), &applied), TM_OK);
    expect(url, "TRUNCATE schema_migrations", "");
    err = migrate_run(url, detail, sizeof(detail), &applied);
    ck_assert_msg(err == TM_OK, "%s", detail);
    ck_assert_uint_eq((size_t)applied, migrations_count + functions_count);
}
END_TEST

START_TEST(numbers_rise_in_the_order_of_the_list)
{
    for (size_t i = 1; i < migrations_count; i++)
        ck_assert_int_gt(migrations_table[i].number, migrations_table[i - 1].number);
}
END_TEST

START_TEST(a_file_changed_after_it_was_applied_is_an_error_that_names_it)
{
    tm_auto(tm_text) url = pg_fixture_database(fixture);
    int applied = -1;

    expect(url, "UPDATE schema_migrations SET checksum = repeat('0', 64) WHERE number = 3", "");
    ck_assert_int_eq(migrate_run(url, detail, sizeof(detail), &applied), TM_INTERNAL);
    ck_assert_ptr_nonnull(strstr(detail, "003_jobs.sql"));
    ck_assert_ptr_nonnull(strstr(detail, "changed"));
    ck_assert_int_eq(applied, -1);
}
END_TEST

START_TEST(a_function_file_that_changed_is_applied_again_and_no_other)
{
    tm_auto(tm_text) url = pg_fixture_database(fixture);
    int applied = -1;

    expect(url,
           "CREATE OR REPLACE FUNCTION tm_time(p_at timestamptz) RETURNS text"
           " LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT 'as it was'::text $$",
           "");
    ck_assert_int_eq(migrate_run(url, detail, sizeof(detail), &applied), TM_OK);
    ck_assert_int_eq(applied, 0);
    expect(url, "UPDATE schema_functions SET checksum = '' WHERE name = 'core.sql'", "");
    ck_assert_int_eq(migrate_run(url, detail, sizeof(detail), &applied), TM_OK);
    ck_assert_int_eq(applied, 1);
    expect(url, "SELECT tm_time('2026-03-01 12:00Z')", "2026-03-01T12:00:00.000Z");
    expect(url, "SELECT length(checksum) FROM schema_functions WHERE name = 'core.sql'", "64");
}
END_TEST

START_TEST(behind_a_migration_all_functions_are_applied)
{
    tm_auto(tm_text) url = pg_fixture_database(fixture);
    int applied;

    expect(url, "DROP VIEW retention_job_runs", "");
    expect(url, "DELETE FROM schema_migrations WHERE number = 55", "");
    ck_assert_int_eq(migrate_run(url, detail, sizeof(detail), &applied), TM_OK);
    ck_assert_uint_eq((size_t)applied, 1 + functions_count);
    expect(url, "SELECT to_regclass('retention_job_runs') IS NULL", "f");
}
END_TEST

START_TEST(a_database_of_a_newer_binary_keeps_its_functions)
{
    tm_auto(tm_text) url = pg_fixture_database(fixture);
    int applied = -1;

    expect(url, "INSERT INTO schema_migrations VALUES (999, '999_later.sql', 'x')", "");
    expect(url, "UPDATE schema_functions SET checksum = ''", "");
    ck_assert_int_eq(migrate_run(url, detail, sizeof(detail), &applied), TM_OK);
    ck_assert_int_eq(applied, 0);
}
END_TEST

/* The name behind the words, as long as `size` lets it be. */
static void
read_name(const char *at, char *name, size_t size)
{
    snprintf(name, size, "%.*s", (int)strcspn(at, "( \n"), at);
}

START_TEST(each_function_is_defined_once)
{
    static const char words[] = "CREATE OR REPLACE FUNCTION ";
    char name[64], needle[128];
    size_t found = 0;

    for (size_t i = 0; i < functions_count; i++) {
        const char *at = (const char *)functions_table[i].sql;

        while ((at = strstr(at, words))) {
            at += strlen(words);
            found++;
            read_name(at, name, sizeof(name));
            snprintf(needle, sizeof(needle), "%s%s(", words, name);
            ck_assert_msg(!strstr(at, needle), "%s twice", name);
            for (size_t j = i + 1; j < functions_count; j++)
                ck_assert_msg(!strstr((const char *)functions_table[j].sql, needle), "%s twice",
                              name);
        }
    }
    ck_assert_uint_gt(found, 60);
}
END_TEST

START_TEST(a_failing_migration_leaves_nothing_of_itself_and_says_where_it_failed)
{
    tm_auto(tm_text) url = pg_fixture_empty(fixture);
    int applied;

    /* a view in the place of a table: what comes after it in the file cannot be built */
    expect(url, "CREATE VIEW jobs AS SELECT 1 AS nothing", "");
    ck_assert_int_eq(migrate_run(url, detail, sizeof(detail), &applied), TM_INTERNAL);
    ck_assert_msg(strncmp(detail, "003_jobs.sql", 12) == 0, "%s", detail);
    expect(url, "SELECT count(*) FROM schema_migrations", "2");
    expect(url, "SELECT to_regclass('brokers') IS NULL", "t");
    expect(url, "DROP VIEW jobs", "");
    ck_assert_int_eq(migrate_run(url, detail, sizeof(detail), &applied), TM_OK);
    ck_assert_uint_eq((size_t)applied, migrations_count - 2 + functions_count);
}
END_TEST

START_TEST(runners_that_start_together_apply_each_migration_once)
{
    tm_auto(tm_text) url = pg_fixture_empty(fixture);
    pid_t pids[4];
    int status, applied, sum = 0;

    for (size_t i = 0; i < 4; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(migrate_run(url, detail, sizeof(detail), &applied) == TM_OK ? applied : 200);
    }
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert(WIFEXITED(status));
        ck_assert_int_ne(WEXITSTATUS(status), 200);
        sum += WEXITSTATUS(status);
    }
    ck_assert_uint_eq((size_t)sum, migrations_count + functions_count);
}
END_TEST

START_TEST(a_database_that_cannot_be_reached_is_store_down)
{
    int applied;

    ck_assert_int_eq(
        migrate_run("host=/nonexistent-directory", detail, sizeof(detail), &applied),
        TM_STORE_DOWN);
    ck_assert_ptr_nonnull(strstr(detail, "DATABASE_URL"));
}
END_TEST

static char dir[64];

static void
put_file(const char *name, const char *text)
{
    char path[200];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void
make_dir(void)
{
    snprintf(dir, sizeof(dir), "/tmp/tunemill-strategies-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
remove_dir(void)
{
    static const char *const names[] = {"a.json", "b.json", "c.json", "notes.txt"};
    char path[200];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

#define GOOD_A "{\"id\": \"11111111-1111-1111-1111-111111111111\", \"name\": \"a\", \"x\": 1}"
#define GOOD_B "{\"id\": \"22222222-2222-2222-2222-222222222222\", \"name\": \"b\"}"

START_TEST(strategies_are_added_and_replaced)
{
    tm_auto(tm_text) url = pg_fixture_database(fixture);
    int count;
    tm_err_t err;

    put_file("a.json", GOOD_A);
    put_file("b.json", GOOD_B);
    put_file("notes.txt", "not a strategy");
    err = migrate_strategies(url, dir, detail, sizeof(detail), &count);
    ck_assert_msg(err == TM_OK, "%s", detail);
    ck_assert_int_eq(count, 2);
    put_file("a.json", "{\"id\": \"11111111-1111-1111-1111-111111111111\", \"name\": \"a2\"}");
    ck_assert_int_eq(migrate_strategies(url, dir, detail, sizeof(detail), &count), TM_OK);
    expect(url, "SELECT name FROM strategies WHERE name IN ('a', 'a2', 'b') ORDER BY name",
           "a2\nb");
}
END_TEST

static const struct {
    const char *text, *says;
} wrong[] = {
    {"{\"id\": 5, \"name\": \"c\"}", "c.json: \"id\""},
    {"{\"id\": \"33333333-3333-3333-3333-333333333333\"}", "c.json: \"name\""},
    {"{\n\n\"id\": }", "c.json:3:"},
    {"[]", "c.json: \"id\""},
    {"", "c.json:"},
};

START_TEST(a_wrong_strategy_is_named_and_none_is_stored)
{
    tm_auto(tm_text) url = pg_fixture_database(fixture);
    int count = -1;

    put_file("a.json", GOOD_A);
    put_file("c.json", wrong[_i].text);
    ck_assert_int_eq(migrate_strategies(url, dir, detail, sizeof(detail), &count),
                     TM_INVALID_STRATEGY);
    ck_assert_msg(strncmp(detail, wrong[_i].says, strlen(wrong[_i].says)) == 0, "%s", detail);
    ck_assert_int_eq(count, -1);
    expect(url, "SELECT count(*) FROM strategies WHERE name = 'a'", "0");
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_an_error)
{
    int count;

    ck_assert_int_eq(migrate_strategies("", "/nonexistent", detail, sizeof(detail), &count),
                     TM_NOT_FOUND);
}
END_TEST

static TCase *
strategies_case(void)
{
    TCase *tcase = case_new("strategies", make_dir, remove_dir);

    suite_tests(tcase, strategies_are_added_and_replaced);
    suite_rows(tcase, a_wrong_strategy_is_named_and_none_is_stored, wrong);
    suite_tests(tcase, a_directory_that_is_not_there_is_an_error);
    return tcase;
}

static Suite *
migrate_suite(void)
{
    Suite *suite = suite_create("migrate");
    TCase *tcase = suite_case(suite, "migrations", NULL, NULL);

    suite_tests(tcase, an_empty_database_takes_every_migration_once,
                migrations_may_run_again_on_a_database_that_forgot_them,
                numbers_rise_in_the_order_of_the_list,
                a_file_changed_after_it_was_applied_is_an_error_that_names_it,
                a_function_file_that_changed_is_applied_again_and_no_other,
                behind_a_migration_all_functions_are_applied,
                a_database_of_a_newer_binary_keeps_its_functions, each_function_is_defined_once,
                a_failing_migration_leaves_nothing_of_itself_and_says_where_it_failed,
                runners_that_start_together_apply_each_migration_once,
                a_database_that_cannot_be_reached_is_store_down);
    suite_add_tcase(suite, strategies_case());
    return suite;
}

int
main(void)
{
    log_init("test", LOG_AT_ERROR);
    return pg_suite_run(migrate_suite(), &fixture);
}
