#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/kit/runtime/settings.h"
#include "actors/kit/runtime/settings_table.h"
#include "tests/support/suite.h"

static settings_t *settings;
static char detail[500];

static void
setup(void)
{
    settings = settings_new();
    ck_assert_ptr_nonnull(settings);
    detail[0] = '\0';
}

static void
teardown(void)
{
    settings_destroy(&settings);
    ck_assert_ptr_null(settings);
    settings_destroy(&settings);
}

static tm_err_t
parse(const char *text)
{
    return settings_parse(settings, text, "x.cfg", detail, sizeof(detail));
}

static tm_err_t
set(const char *assignment)
{
    return settings_set(settings, assignment, detail, sizeof(detail));
}

START_TEST(defaults_are_those_of_the_table)
{
    ck_assert_str_eq(settings->system_profile, "development");
    ck_assert_int_eq(settings->broker_batch, 512);
    ck_assert(settings->http_tune_wait_seconds == 10);
    ck_assert_str_eq(settings->database_url, "");
}
END_TEST

START_TEST(a_file_changes_what_it_names_and_nothing_else)
{
    tm_err_t err = parse("http: { listen = \"0.0.0.0:1\"; tune_wait_seconds = 2.5; };\n"
                         "broker: { max_depth = 1000000000L; batch = 7; };\n"
                         "idempotency: { wait_seconds = 3; };\n");

    ck_assert_msg(err == TM_OK, "%s", detail);
    ck_assert_str_eq(settings->http_listen, "0.0.0.0:1");
    ck_assert(settings->http_tune_wait_seconds == 2.5);
    ck_assert(settings->idempotency_wait_seconds == 3);
    ck_assert_int_eq(settings->broker_max_depth, 1000000000);
    ck_assert_int_eq(settings->broker_batch, 7);
    ck_assert_int_eq(settings->http_max_upload_mb, 25);
}
END_TEST

static const struct {
    const char *text, *detail;
} wrong_files[] = {
    {"http:\n{\n  max_uplod_mb = 3;\n};",
     "x.cfg:3: http.max_uplod_mb: no such setting (did you mean http.max_upload_mb?)"},
    {"http: { zzzzzzzzzzzzzzzz = 3; };",
     "x.cfg:1: http.zzzzzzzzzzzzzzzz: no such setting (--help lists them all)"},
    {"\nhtpp: { listen = \"x:1\"; };", "x.cfg:2: htpp: no such section (did you mean http?)"},
    {"colours: { red = 1; };", "x.cfg:1: colours: no such section (--help lists them all)"},
    {"http = 5;", "x.cfg:1: http: must be a section: http: { ... };"},
    {"http = ( { listen = \"x:1\"; } );", "x.cfg:1: http: must be a section: http: { ... };"},
    {"broker: {\n\n batch = \"many\"; };",
     "x.cfg:3: broker.batch: \"many\" is not a whole number from 1 to 10000"},
    {"broker: { batch = 1.5; };",
     "x.cfg:1: broker.batch: 1.5 is not a whole number from 1 to 10000"},
    {"broker: { batch = [1]; };",
     "x.cfg:1: broker.batch: a list is not a whole number from 1 to 10000"},
    {"broker: { batch = 0; };",
     "x.cfg:1: broker.batch: 0 is not a whole number from 1 to 10000"},
    {"broker: { batch = 99999999999L; };",
     "x.cfg:1: broker.batch: 99999999999 is not a whole number from 1 to 10000"},
    {"http: { tune_wait_seconds = \"x\"; };",
     "x.cfg:1: http.tune_wait_seconds: \"x\" is not a number from 0 to 300"},
    {"http: { listen = 8080; };", "x.cfg:1: http.listen: 8080 is not a text of 3 to 256 bytes"},
    {"http: { listen = \"x\"; };", "x.cfg:1: http.listen: has 1 bytes, allowed are 3 to 256"},
    {"system: { log_level = \"loud\"; };",
     "x.cfg:1: system.log_level: \"loud\" is not one of: debug info warn error"},
    {"http: {\n listen = ;\n};", "x.cfg:2: syntax error"},
    {"http: { listen = \"a:1\"; };\n}", "x.cfg:2: syntax error"},
    {"http: {\n listen = \"a:1\";\n listen = \"b:1\"; };", "x.cfg:3: duplicate setting name"},
    {"http: { };\nhttp: { };", "x.cfg:2: duplicate setting name"},
};

START_TEST(a_wrong_file_is_an_error_that_says_where_and_what)
{
    ck_assert_int_eq(parse(wrong_files[_i].text), TM_BAD_SETTING);
    ck_assert_str_eq(detail, wrong_files[_i].detail);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_an_error)
{
    ck_assert_int_eq(settings_load(settings, "no-such.cfg", detail, sizeof(detail)),
                     TM_BAD_SETTING);
    ck_assert_str_eq(detail, "no-such.cfg: cannot be read: No such file or directory");
    ck_assert_int_eq(settings_load(settings, "/", detail, sizeof(detail)), TM_BAD_SETTING);
    ck_assert_int_eq(settings_load(settings, NULL, detail, sizeof(detail)), TM_OK);
}
END_TEST

START_TEST(a_file_with_a_zero_byte_or_without_end_is_refused)
{
    ck_assert_int_eq(settings_load(settings, "/dev/zero", detail, sizeof(detail)),
                     TM_BAD_SETTING);
    ck_assert_ptr_nonnull(strstr(detail, "larger than"));
}
END_TEST

START_TEST(an_assignment_sets_one_setting)
{
    ck_assert_int_eq(set("broker.batch=9"), TM_OK);
    ck_assert_int_eq(set("http.tune_wait_seconds=0.25"), TM_OK);
    ck_assert_int_eq(set("database.url=host=/tmp dbname=x"), TM_OK);
    ck_assert_int_eq(settings->broker_batch, 9);
    ck_assert(settings->http_tune_wait_seconds == 0.25);
    ck_assert_str_eq(settings->database_url, "host=/tmp dbname=x");
}
END_TEST

static const struct {
    const char *text, *detail;
} wrong_sets[] = {
    {"", "--set : write section.name=value"},
    {"batch=3", "--set batch=3: write section.name=value"},
    {"broker.batch", "--set broker.batch: write section.name=value"},
    {".=1", "--set .=1: write section.name=value"},
    {"batch=3.5", "--set batch=3.5: write section.name=value"},
    {"broker.batsh=3", "--set broker.batsh: no such setting (did you mean broker.batch?)"},
    {"broker.batch=", "--set broker.batch: \"\" is not a whole number from 1 to 10000"},
    {"broker.batch=1x", "--set broker.batch: \"1x\" is not a whole number from 1 to 10000"},
    {"broker.batch=nan", "--set broker.batch: \"nan\" is not a whole number from 1 to 10000"},
    {"broker.batch=1e999",
     "--set broker.batch: \"1e999\" is not a whole number from 1 to 10000"},
    {"broker.batch=1.5", "--set broker.batch: \"1.5\" is not a whole number from 1 to 10000"},
    {"broker.batch=-1", "--set broker.batch: \"-1\" is not a whole number from 1 to 10000"},
    {"system.profile=staging",
     "--set system.profile: \"staging\" is not one of: development production"},
};

START_TEST(a_wrong_assignment_is_an_error_that_says_what_is_allowed)
{
    ck_assert_int_eq(set(wrong_sets[_i].text), TM_BAD_SETTING);
    ck_assert_str_eq(detail, wrong_sets[_i].detail);
    ck_assert_int_eq(settings->broker_batch, 512);
}
END_TEST

START_TEST(a_detail_is_cut_to_its_buffer)
{
    char small[10] = "";

    ck_assert_int_eq(settings_set(settings, "broker.batch=-1", small, sizeof(small)),
                     TM_BAD_SETTING);
    ck_assert_str_eq(small, "--set bro");
}
END_TEST

START_TEST(a_long_key_is_an_error_not_a_crash)
{
    char key[5000];

    memset(key, 'a', sizeof(key));
    key[4] = '.';
    key[4990] = '=';
    key[sizeof(key) - 1] = '\0';
    ck_assert_int_eq(set(key), TM_BAD_SETTING);
    snprintf(key, sizeof(key), "http: { %04000d = 1; };", 0);
    memset(key + 8, 'b', 4000);
    ck_assert_int_eq(parse(key), TM_BAD_SETTING);
}
END_TEST

static tm_err_t
check(void)
{
    return settings_check(settings, detail, sizeof(detail));
}

START_TEST(production_is_refused_without_an_admin_token)
{
    ck_assert_int_eq(check(), TM_OK);
    ck_assert_int_eq(set("system.profile=production"), TM_OK);
    ck_assert_int_eq(check(), TM_BAD_SETTING);
    ck_assert_str_eq(detail,
                     "http.admin_token: must be set (ADMIN_TOKEN) in profile production");
    ck_assert_int_eq(set("http.admin_token=sesame"), TM_OK);
    ck_assert_int_eq(check(), TM_OK);
}
END_TEST

START_TEST(an_admin_token_that_no_cookie_can_carry_is_refused_and_not_told)
{
    static const char *const wrong[] = {"se same",  "sesame\n", "ses;ame",  "ses,ame",
                                        "\"sesame", "se\\same", "sesam\xc3"};
    char assignment[64];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(assignment, sizeof(assignment), "http.admin_token=%s", wrong[i]);
        ck_assert_int_eq(set(assignment), TM_OK);
        ck_assert_msg(check() == TM_BAD_SETTING, "%s was taken", wrong[i]);
        ck_assert_ptr_nonnull(strstr(detail, "http.admin_token"));
        ck_assert_ptr_null(strstr(detail, "same"));
    }
    ck_assert_int_eq(set("http.admin_token=!#$%&'()*+-./:<=>?@[]^_`{|}~Az09"), TM_OK);
    ck_assert_int_eq(check(), TM_OK);
}
END_TEST

START_TEST(who_may_be_admin_comes_from_the_environment)
{
    setenv("ADMIN_TOKEN", "sesame", 1);
    setenv("ALLOW_LOCALHOST_ADMIN", "true", 1);
    ck_assert_msg(settings_environment(settings, detail, sizeof(detail)) == TM_OK, "%s",
                  detail);
    ck_assert_str_eq(settings->http_admin_token, "sesame");
    ck_assert(settings->http_allow_localhost_admin);
    setenv("ALLOW_LOCALHOST_ADMIN", "false", 1);
    ck_assert_int_eq(settings_environment(settings, detail, sizeof(detail)), TM_OK);
    ck_assert(!settings->http_allow_localhost_admin);
    setenv("ADMIN_TOKEN",
           "0123456789012345678901234567890123456789012345678901234567890123456789"
           "0123456789012345678901234567890123456789012345678901234567890123456789"
           "0123456789012345678901234567890123456789012345678901234567890123456789"
           "01234567890123456789012345678901234567890123456789",
           1);
    ck_assert_int_eq(settings_environment(settings, detail, sizeof(detail)), TM_BAD_SETTING);
    ck_assert_str_eq(detail,
                     "ADMIN_TOKEN: http.admin_token: has 260 bytes, allowed are 0 to 256");
}
END_TEST

static tm_err_t
environment(void)
{
    return settings_environment(settings, detail, sizeof(detail));
}

START_TEST(the_environment_sets_by_long_and_short_name_and_the_long_one_wins)
{
    setenv("CONFIG_PROFILE", "production", 1);
    setenv("TUNEMILL_BROKER_BATCH", "11", 1);
    ck_assert_msg(environment() == TM_OK, "%s", detail);
    ck_assert_str_eq(settings->system_profile, "production");
    ck_assert_int_eq(settings->broker_batch, 11);
    setenv("TUNEMILL_SYSTEM_PROFILE", "development", 1);
    ck_assert_int_eq(environment(), TM_OK);
    ck_assert_str_eq(settings->system_profile, "development");
}
END_TEST

START_TEST(a_wrong_variable_is_named)
{
    setenv("TUNEMILL_BROKER_BATCH", "many", 1);
    ck_assert_int_eq(environment(), TM_BAD_SETTING);
    ck_assert_str_eq(detail, "TUNEMILL_BROKER_BATCH: broker.batch: \"many\" is not a whole "
                             "number from 1 to 10000");
    unsetenv("TUNEMILL_BROKER_BATCH");
    setenv("TUNEMILL_BROKER_BATSH", "5", 1);
    ck_assert_int_eq(environment(), TM_BAD_SETTING);
    ck_assert_str_eq(detail,
                     "TUNEMILL_BROKER_BATSH: no such setting (did you mean broker.batch?)");
}
END_TEST

START_TEST(a_wrong_short_name_is_named)
{
    setenv("CONFIG_PROFILE", "staging", 1);
    ck_assert_int_eq(environment(), TM_BAD_SETTING);
    ck_assert_str_eq(detail, "CONFIG_PROFILE: system.profile: \"staging\" is not one of: "
                             "development production");
}
END_TEST

START_TEST(variables_that_kubernetes_sets_for_a_service_are_left_alone)
{
    setenv("TUNEMILL_HTTP_PORT", "tcp://10.0.0.1:8080", 1);
    setenv("TUNEMILL_HTTP_SERVICE_HOST", "10.0.0.1", 1);
    setenv("TUNEMILL_BROKER_PORT_5555_TCP_ADDR", "10.0.0.1", 1);
    ck_assert_msg(environment() == TM_OK, "%s", detail);
}
END_TEST

static char *
print(void (*fn)(FILE *))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    fn(out);
    fclose(out);
    return text;
}

START_TEST(the_printed_file_parses_and_gives_the_defaults)
{
    char *text = print(settings_print_file);
    settings_t *fresh = settings_new();

    ck_assert_int_eq(set("broker.batch=9"), TM_OK);
    ck_assert_int_eq(set("http.tune_wait_seconds=1"), TM_OK);
    ck_assert_int_eq(set("system.data_dir=x"), TM_OK);
    ck_assert_msg(parse(text) == TM_OK, "%s", detail);
    ck_assert_int_eq(settings->broker_batch, fresh->broker_batch);
    ck_assert(settings->http_tune_wait_seconds == fresh->http_tune_wait_seconds);
    ck_assert_str_eq(settings->system_data_dir, fresh->system_data_dir);
    settings_destroy(&fresh);
    free(text);
}
END_TEST

START_TEST(help_names_every_setting)
{
    static const char *const keys[] = {
#define S(section, name, KIND, def, min, max, env, doc) #section "." #name,
        TM_SETTINGS(S)
#undef S
    };
    char *text = print(settings_print_help);

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        ck_assert_msg(strstr(text, keys[i]) != NULL, "%s", keys[i]);
    ck_assert_ptr_nonnull(strstr(text, "DATABASE_URL"));
    free(text);
}
END_TEST

START_TEST(every_file_of_the_configuration_parses)
{
    glob_t found;

    ck_assert_int_eq(glob("config/*.cfg", 0, NULL, &found), 0);
    ck_assert_uint_ge(found.gl_pathc, 3);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        settings_t *fresh = settings_new();
        tm_err_t err = settings_load(fresh, found.gl_pathv[i], detail, sizeof(detail));
        ck_assert_msg(err == TM_OK, "%s", detail);
        settings_destroy(&fresh);
    }
    globfree(&found);
}
END_TEST

static void
add_environment(TCase *tcase)
{
    suite_tests(tcase, the_environment_sets_by_long_and_short_name_and_the_long_one_wins,
                who_may_be_admin_comes_from_the_environment,
                production_is_refused_without_an_admin_token,
                an_admin_token_that_no_cookie_can_carry_is_refused_and_not_told,
                a_wrong_variable_is_named, a_wrong_short_name_is_named,
                variables_that_kubernetes_sets_for_a_service_are_left_alone);
}

static void
add_files(TCase *tcase)
{
    suite_tests(tcase, defaults_are_those_of_the_table,
                a_file_changes_what_it_names_and_nothing_else);
    suite_rows(tcase, a_wrong_file_is_an_error_that_says_where_and_what, wrong_files);
    suite_tests(tcase, a_file_that_is_not_there_is_an_error,
                a_file_with_a_zero_byte_or_without_end_is_refused,
                the_printed_file_parses_and_gives_the_defaults, help_names_every_setting,
                every_file_of_the_configuration_parses);
}

static void
add_assignments(TCase *tcase)
{
    suite_tests(tcase, an_assignment_sets_one_setting);
    suite_rows(tcase, a_wrong_assignment_is_an_error_that_says_what_is_allowed, wrong_sets);
    suite_tests(tcase, a_detail_is_cut_to_its_buffer, a_long_key_is_an_error_not_a_crash);
}

/* --- secrets ------------------------------------------------------------------------------ */

/* What a secret is called, and what is said of it. */
static const char *const secret_names[] = {"token", "secret", "password", "key",
                                           "url",   "dsn",    "webhook",  "credential"};
static const char *const secret_meanings[] = {
    "password", "://", "a secret of", "webhook", "connection string", "KEY@"};

/* These sound like secrets and are none: paths of files, and the name of a stream. */
static const char *const public_ones[] = {"broker.curve_secret", "events.redis_key"};

static bool
is_any_within(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(text, words[i]))
            return true;
    return false;
}

#define HAS_ANY(text, words) is_any_within(text, words, sizeof(words) / sizeof((words)[0]))

START_TEST(a_setting_that_looks_secret_has_the_kind_secret)
{
    size_t secrets = 0;

    for (size_t i = 0; i < settings_table_count; i++) {
        const struct setting *row = &settings_table[i];
        bool looks_secret =
            row->field.kind == FIELD_TEXT && !HAS_ANY(row->field.name, public_ones) &&
            (HAS_ANY(row->name, secret_names) || HAS_ANY(row->field.help, secret_meanings));
        bool is_secret = row->field.flags & FIELD_SECRET;

        ck_assert_msg(is_secret || !looks_secret,
                      "%s looks secret: make its kind SECRET in settings.def", row->field.name);
        ck_assert_int_eq(settings_is_secret(row->field.name), is_secret);
        secrets += is_secret;
    }
    ck_assert_uint_ge(secrets, 7);
}
END_TEST

START_TEST(only_a_whole_key_names_a_secret)
{
    ck_assert(settings_is_secret("http.admin_token=x"));
    ck_assert(settings_is_secret("events.redis_url="));
    ck_assert(!settings_is_secret("http.admin_token_=x"));
    ck_assert(!settings_is_secret("http.admin=x"));
    ck_assert(!settings_is_secret("http.listen=http.admin_token"));
    ck_assert(!settings_is_secret(""));
}
END_TEST

START_TEST(secrets_are_handed_on_by_one_variable_each)
{
    settings_t *child = settings_new();

    setenv("TUNEMILL_HTTP_ADMIN_TOKEN", "older", 1);
    ck_assert_int_eq(set("http.admin_token=sesame"), TM_OK);
    ck_assert_int_eq(set("events.redis_url=redis://:pw@host"), TM_OK);
    ck_assert_int_eq(settings_hand_on(settings), TM_OK);
    ck_assert_str_eq(getenv("ADMIN_TOKEN"), "sesame");
    ck_assert_ptr_null(getenv("TUNEMILL_HTTP_ADMIN_TOKEN"));
    ck_assert_int_eq(settings_environment(child, detail, sizeof(detail)), TM_OK);
    for (size_t i = 0;; i++) {
        struct settings_secret mine, its;

        if (!settings_secret(settings, i, &mine))
            break;
        ck_assert(settings_secret(child, i, &its));
        ck_assert_str_eq(mine.value, its.value);
    }
    settings_destroy(&child);
}
END_TEST

static void
add_secrets(TCase *tcase)
{
    tcase_add_test(tcase, a_setting_that_looks_secret_has_the_kind_secret);
    tcase_add_test(tcase, only_a_whole_key_names_a_secret);
    tcase_add_test(tcase, secrets_are_handed_on_by_one_variable_each);
}

int
main(void)
{
    Suite *suite = suite_create("settings");
    TCase *tcase = suite_case(suite, "settings", setup, teardown);

    add_files(tcase);
    add_assignments(tcase);
    add_environment(tcase);
    add_secrets(tcase);
    return suite_run(suite);
}
