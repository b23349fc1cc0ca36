#include <check.h>
#include <pthread.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/kit/runtime/metrics.h"
#include "tests/support/suite.h"
#include "actors/kit/runtime/metrics_process.h"
#include "tests/support/meter.h"

static meters_t *metrics;

static void
setup(void)
{
    metrics = meters_new("test");
}

static void
teardown(void)
{
    meters_destroy(&metrics);
    ck_assert_ptr_null(metrics);
}

/* Is this whole line in the text? */
static bool
has_line(const char *text, const char *line)
{
    size_t size = strlen(line);

    for (const char *at = strstr(text, line); at; at = strstr(at + 1, line))
        if ((at == text || at[-1] == '\n') && at[size] == '\n')
            return true;
    return false;
}

/* The line without the labels that every series has: they come last. */
static void
expect_line(const char *line)
{
    char *text = meters_render(metrics, NULL), whole[1024];
    const char *value = strrchr(line, ' ');
    bool is_labelled = value[-1] == '}';

    snprintf(whole, sizeof(whole), "%.*s%sactor=\"test\",instance=\"%s\"}%s",
             (int)(value - line) - is_labelled, line, is_labelled ? "," : "{",
             meters_instance(metrics), value);
    ck_assert_msg(has_line(text, whole), "%s is not in:\n%s", whole, text);
    free(text);
}

START_TEST(a_counter_adds_and_a_gauge_is_set)
{
    meters_add(metrics, METRIC_SUBMITS, "accepted", 2);
    meters_add(metrics, METRIC_SUBMITS, "accepted", 3);
    meters_set(metrics, METRIC_WORKERS, NULL, 7);
    meters_set(metrics, METRIC_WORKERS, NULL, 4);
    ck_assert_uint_eq(meter_of(metrics, METRIC_SUBMITS, "accepted"), 5);
    ck_assert_uint_eq(meter_of(metrics, METRIC_SUBMITS, "refused"), 0);
    expect_line("tunemill_submits_total{outcome=\"accepted\"} 5");
    expect_line("tunemill_workers 4");
}
END_TEST

START_TEST(a_metric_without_label_is_shown_by_its_owner_before_its_first_use)
{
    char *text;

    expect_line("tunemill_log_errors_total 0"); /* of all */
    meters_destroy(&metrics);
    metrics = meters_new("tune");
    text = meters_render(metrics, NULL);
    ck_assert_ptr_nonnull(strstr(text, "\ntunemill_tune_seconds_count{actor=\"tune\","));
    ck_assert_ptr_null(strstr(text, "tunemill_jobs_leased")); /* of brokers */
    meters_set(metrics, METRIC_JOBS_LEASED, NULL, 3);
    free(text);
    text = meters_render(metrics, NULL);
    ck_assert_ptr_nonnull(strstr(text, "\ntunemill_jobs_leased{actor=\"tune\","));
    free(text);
}
END_TEST

START_TEST(a_duration_is_a_gauge_of_seconds)
{
    meters_set(metrics, METRIC_COMPONENT_LATENCY, "database", 1500);
    meters_set(metrics, METRIC_COMPONENT_LATENCY, "database", 2250000);
    expect_line("tunemill_component_latency_seconds{component=\"database\"} 2.250000");
}
END_TEST

START_TEST(an_instance_is_the_same_in_a_process_and_new_after_a_fork)
{
    char *text = meters_render(metrics, NULL), mine[PROCESS_INSTANCE_BYTES];
    meters_t *other = meters_new("other");
    int status;
    pid_t pid;

    ck_assert_str_eq(meters_instance(metrics), meters_instance(other));
    snprintf(mine, sizeof(mine), "%s", meters_instance(metrics));
    meters_destroy(&other);
    pid = fork();
    if (pid == 0) {
        other = meters_new("other");
        _exit(strcmp(mine, meters_instance(other)) == 0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    free(text);
}
END_TEST

START_TEST(observations_fall_into_cumulative_buckets_in_seconds)
{
    meters_observe_us(metrics, METRIC_HTTP_SECONDS, "tune", 500); /* 0.0005: inclusive */
    meters_observe_us(metrics, METRIC_HTTP_SECONDS, "tune", 501);
    meters_observe_us(metrics, METRIC_HTTP_SECONDS, "tune", 90000000); /* over the last */
    meters_observe_us(metrics, METRIC_HTTP_SECONDS, "tune", -5);       /* a clock's mistake */
    ck_assert_uint_eq(meter_of(metrics, METRIC_HTTP_SECONDS, "tune"), 4);
    expect_line("tunemill_http_request_seconds_bucket{route=\"tune\",le=\"0.0005\"} 2");
    expect_line("tunemill_http_request_seconds_bucket{route=\"tune\",le=\"0.001\"} 3");
    expect_line("tunemill_http_request_seconds_bucket{route=\"tune\",le=\"60\"} 3");
    expect_line("tunemill_http_request_seconds_bucket{route=\"tune\",le=\"+Inf\"} 4");
    expect_line("tunemill_http_request_seconds_sum{route=\"tune\"} 90.001001");
    expect_line("tunemill_http_request_seconds_count{route=\"tune\"} 4");
}
END_TEST

START_TEST(labels_over_the_limit_count_as_other)
{
    char label[32];

    for (int i = 0; i < METRICS_LABELS + 10; i++) {
        snprintf(label, sizeof(label), "label-%d", i);
        meters_add(metrics, METRIC_HTTP_CODES, label, 1);
    }
    meters_add(metrics, METRIC_HTTP_CODES, "label-0", 1);
    ck_assert_uint_eq(meter_of(metrics, METRIC_HTTP_CODES, "other"), 10);
    ck_assert_uint_eq(meter_of(metrics, METRIC_HTTP_CODES, "label-0"), 2);
    ck_assert_uint_eq(meter_of(metrics, METRIC_HTTP_CODES, "label-260"), 0);
}
END_TEST

START_TEST(a_label_is_escaped_and_a_long_one_is_cut)
{
    char longer[5000];

    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    meters_add(metrics, METRIC_SUBMITS, "a\"b\\c\nd", 1);
    meters_add(metrics, METRIC_SUBMITS, longer, 1);
    meters_add(metrics, METRIC_SUBMITS, longer, 1);
    longer[128] = '\0';
    ck_assert_uint_eq(meter_of(metrics, METRIC_SUBMITS, longer), 2);
    expect_line("tunemill_submits_total{outcome=\"a\\\"b\\\\c\\nd\"} 1");
}
END_TEST

START_TEST(a_metric_of_several_labels_has_a_value_for_each)
{
    const char *slow = "a" METRICS_AND "b\"c" METRICS_AND "timeout";
    char label[32];

    meters_add(metrics, METRIC_LLM_REQUESTS, slow, 2);
    meters_add(metrics, METRIC_LLM_REQUESTS, "a" METRICS_AND METRICS_AND, 1);
    meters_add(metrics, METRIC_LLM_REQUESTS, "a", 4); /* the caller's mistake: still a line */
    meters_observe_us(metrics, METRIC_LLM_SECONDS, "a" METRICS_AND "b", 700);
    expect_line(
        "tunemill_llm_requests_total{provider=\"a\",model=\"b\\\"c\",cause=\"timeout\"} 2");
    expect_line("tunemill_llm_requests_total{provider=\"a\",model=\"\",cause=\"\"} 1");
    expect_line("tunemill_llm_requests_total{provider=\"a\",model=\"\",cause=\"\"} 4");
    expect_line("tunemill_llm_request_duration_seconds_bucket{provider=\"a\",model=\"b\","
                "le=\"0.001\"} 1");
    for (int i = 0; i < METRICS_LABELS; i++) {
        snprintf(label, sizeof(label), "p" METRICS_AND "m" METRICS_AND "%d", i);
        meters_add(metrics, METRIC_LLM_REQUESTS, label, 1);
    }
    expect_line(
        "tunemill_llm_requests_total{provider=\"other\",model=\"other\",cause=\"other\"}"
        " 3");
}
END_TEST

/* Comments or series, as in the text format 0.0.4. */
#define VALUE  "[-+]?([0-9]+(\\.[0-9]+)?|Inf|NaN)"
#define LABEL  "[a-z_]+=\"([^\"\\\\]|\\\\.)*\""
#define SERIES "[a-z_]+(\\{" LABEL "(," LABEL ")*\\})? " VALUE
#define LINE   "^(# HELP [a-z_]+ .+|# TYPE [a-z_]+ (counter|gauge|histogram)|" SERIES ")$"

START_TEST(every_line_is_of_the_text_format)
{
    regex_t line;
    char *text, *rest, *at;

    meters_observe_us(metrics, METRIC_DB_QUERY, "we\"ird", 10);
    text = rest = meters_render(metrics, NULL);
    ck_assert_int_eq(regcomp(&line, LINE, REG_EXTENDED | REG_NOSUB), 0);
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
    while ((at = strsep(&rest, "\n")) && *at)
        ck_assert_msg(regexec(&line, at, 0, NULL, 0) == 0, "%s", at);
    ck_assert_ptr_null(rest);
    regfree(&line);
    free(text);
}
END_TEST

/* Who asks by how much a counter has grown sees nothing if it begins above zero. */
START_TEST(a_counter_shows_as_zero_for_every_known_word_of_its_owner)
{
    meters_t *tune = meters_new("tune");
    char *text = meters_render(tune, NULL);

    ck_assert_ptr_nonnull(strstr(text, "\ntunemill_tunes_total{outcome=\"failed\",actor="));
    ck_assert_ptr_nonnull(strstr(text, "\ntunemill_tunes_total{outcome=\"completed\",actor="));
    ck_assert_ptr_nonnull(strstr(text, "\ntunemill_db_errors_total{kind=\"sql\",actor="));
    ck_assert_ptr_null(strstr(text, "tunemill_submits_total"));
    free(text);
    meters_know(tune, METRIC_DB_ERRORS, "another");
    meters_add(tune, METRIC_TUNES, "failed", 2);
    text = meters_render(tune, NULL);
    ck_assert_ptr_nonnull(strstr(text, "\ntunemill_db_errors_total{kind=\"another\",actor="));
    ck_assert_uint_eq(meter_of(tune, METRIC_DB_ERRORS, "another"), 0);
    ck_assert_uint_eq(meter_of(tune, METRIC_TUNES, "failed"), 2);
    free(text);
    meters_destroy(&tune);
}
END_TEST

START_TEST(help_and_type_stand_once_a_family)
{
    static const struct {
        const char *name;
        int metric; /* -1: of the process */
    } names[] = {
#define X(NAME, name, TYPE, label, owner, help) {#name, METRIC_##NAME},
        TM_METRICS(X)
#undef X
            {"process_resident_memory_bytes", -1},
        {"process_open_fds", -1},
        {"process_cpu_seconds_total", -1},
        {"process_start_time_seconds", -1},
        {"tunemill_build_info", -1}};
    char *text, type[200];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].metric >= 0)
            meters_add(metrics, (metric_t)names[i].metric, NULL, 1);
    text = meters_render(metrics, NULL);

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *first;
        snprintf(type, sizeof(type), "# TYPE %s ", names[i].name);
        first = strstr(text, type);
        ck_assert_msg(first != NULL, "%s", type);
        ck_assert_ptr_null(strstr(first + 1, type));
    }
    free(text);
}
END_TEST

static double
value_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    ck_assert_ptr_nonnull(at);
    at = strstr(at, "} ");
    ck_assert_ptr_nonnull(at);
    return strtod(at + 2, NULL);
}

START_TEST(the_process_is_described)
{
    char *text;
    double start;
    size_t size;

    text = meters_render(metrics, &size);
    ck_assert_uint_eq(size, strlen(text));
    start = value_of(text, "\nprocess_start_time_seconds{");
    ck_assert_double_gt(value_of(text, "\nprocess_resident_memory_bytes{"), 100000);
    ck_assert_double_ge(value_of(text, "\nprocess_open_fds{"), 3);
    ck_assert_double_gt(start, 1.6e9);
    ck_assert_ptr_nonnull(strstr(text, ",version=\"" TM_VERSION "\"} 1\n"));
    free(text);
}
END_TEST

static void *
add_many(void *arg)
{
    char label[32];

    for (int i = 0; i < 20000; i++) {
        snprintf(label, sizeof(label), "l%d", i % 20);
        meters_add(arg, METRIC_MESSAGES_IN, label, 1);
    }
    return NULL;
}

START_TEST(threads_lose_no_count_and_make_no_label_twice)
{
    pthread_t threads[4];
    char *text;

    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, add_many, metrics), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 20; i++) {
        char label[32];
        snprintf(label, sizeof(label), "l%d", i);
        ck_assert_uint_eq(meter_of(metrics, METRIC_MESSAGES_IN, label), 4000);
    }
    text = meters_render(metrics, NULL);
    ck_assert_ptr_null(strstr(strstr(text, "type=\"l3\"") + 1, "type=\"l3\""));
    free(text);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tcase = suite_case(suite, "metrics", setup, teardown);

    suite_tests(tcase, a_counter_adds_and_a_gauge_is_set,
                a_metric_without_label_is_shown_by_its_owner_before_its_first_use,
                a_duration_is_a_gauge_of_seconds,
                an_instance_is_the_same_in_a_process_and_new_after_a_fork,
                observations_fall_into_cumulative_buckets_in_seconds,
                labels_over_the_limit_count_as_other, a_label_is_escaped_and_a_long_one_is_cut,
                a_metric_of_several_labels_has_a_value_for_each,
                every_line_is_of_the_text_format, help_and_type_stand_once_a_family,
                a_counter_shows_as_zero_for_every_known_word_of_its_owner,
                the_process_is_described, threads_lose_no_count_and_make_no_label_twice);
    return suite_run(suite);
}
