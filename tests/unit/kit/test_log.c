#include <check.h>
#include <jansson.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "tests/support/suite.h"

/* Standard error goes to a file while a test logs. */
static FILE *captured;
static int saved;

static void
capture(void)
{
    captured = tmpfile();
    ck_assert_ptr_nonnull(captured);
    saved = dup(STDERR_FILENO);
    dup2(fileno(captured), STDERR_FILENO);
    log_init("test", LOG_AT_INFO);
}

static void
restore(void)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
    fclose(captured);
}

static char *
read_line(size_t *ret_size)
{
    static char line[65536];

    rewind(captured);
    if (!fgets(line, sizeof(line), captured))
        line[0] = '\0';
    *ret_size = strlen(line);
    return line;
}

/* The one line as JSON; it must be valid and end in a newline. */
static json_t *
logged(void)
{
    json_error_t error;
    size_t size;
    char *line = read_line(&size);
    json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, &error);

    ck_assert_msg(json != NULL, "%s in: %s", error.text, line);
    ck_assert_uint_le(size, PIPE_BUF);
    ck_assert_int_eq(line[size - 1], '\n');
    return json;
}

static const char *
text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text ? text : "(absent)";
}

START_TEST(pairs_become_members_and_numbers_stay_numbers)
{
    json_t *json;

    log_info("job.claimed", "job=%s attempt=%u ratio=%.2f big=%s zero=%s", "ab12", 3u, 0.5,
             "12345678901234567890", "007");
    json = logged();
    ck_assert_str_eq(text_of(json, "level"), "info");
    ck_assert_str_eq(text_of(json, "actor"), "test");
    ck_assert_str_eq(text_of(json, "event"), "job.claimed");
    ck_assert_str_eq(text_of(json, "job"), "ab12");
    ck_assert_int_eq(json_integer_value(json_object_get(json, "attempt")), 3);
    ck_assert(json_real_value(json_object_get(json, "ratio")) == 0.5);
    ck_assert_str_eq(text_of(json, "big"), "12345678901234567890");
    ck_assert_str_eq(text_of(json, "zero"), "007");
    ck_assert_uint_eq(strlen(text_of(json, "ts")), CLOCK_TEXT - 1);
    json_decref(json);
}
END_TEST

START_TEST(a_line_below_the_level_is_not_written)
{
    size_t size;

    log_debug("x.y", "a=%d", 1);
    read_line(&size);
    ck_assert_uint_eq(size, 0);
}
END_TEST

START_TEST(quoted_text_from_outside_comes_through_as_it_was)
{
    static const char text[] = "a \"b\" \\ c\nd = e";
    char quoted[100];
    json_t *json;

    log_warn("x.y", "text=%s n=%d", log_quote(text, strlen(text), quoted, sizeof(quoted)), 5);
    json = logged();
    ck_assert_str_eq(text_of(json, "text"), text);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "n")), 5);
    json_decref(json);
}
END_TEST

static const char *const nasty[] = {
    "",
    "\"",
    "\\",
    "\\\"",
    "a\"b",
    "\x01\x02\x1f\x7f",
    "\xff\xfe\xc3",
    "\xed\xa0\x80",
    "\xf0\x9f\x98\x80",
    "\xf4\x90\x80\x80",
    "\xc0\x80",
    "}\n{\"level\":\"forged\"}",
    "=",
    "==",
    "a=b=c",
    "   ",
    "x\\",
    "{}",
    "-",
    "-.",
    "1.",
    ".5",
    "0x10",
    "1e5",
    "01",
    "-0",
    "nan",
};

START_TEST(nasty_values_give_valid_json_bare_quoted_or_alone)
{
    const char *value = nasty[_i];
    char quoted[200];
    json_t *json;

    log_error("x.y", "bare=%s q=\"%s\" w=%s %s level=%s", value, value,
              log_quote(value, strlen(value), quoted, sizeof(quoted)), value, "mine");
    json = logged();
    ck_assert_str_eq(text_of(json, "level"), "error");
    json_decref(json);
}
END_TEST

START_TEST(a_reserved_key_gets_a_name_of_its_own)
{
    json_t *json;

    log_info("x.y", "actor=%s event=%s", "tune", "z");
    json = logged();
    ck_assert_str_eq(text_of(json, "actor"), "test");
    ck_assert_str_eq(text_of(json, "actor_"), "tune");
    ck_assert_str_eq(text_of(json, "event_"), "z");
    json_decref(json);
}
END_TEST

/* --- traces, and who listens -------------------------------------------------------------- */

START_TEST(a_line_says_what_its_thread_works_for)
{
    traceparent_t trace;
    json_t *json;

    traceparent_follow("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", &trace);
    log_trace(&trace);
    ck_assert_str_eq(log_trace_now().span_id, trace.span_id);
    log_info("x.y", "a=1 trace=mine");
    json = logged();
    ck_assert_str_eq(text_of(json, "trace"), "4bf92f3577b34da6a3ce929d0e0e4736");
    ck_assert_str_eq(text_of(json, "span"), trace.span_id);
    ck_assert_str_eq(text_of(json, "trace_"), "mine");
    json_decref(json);
}
END_TEST

START_TEST(a_line_without_a_trace_says_none)
{
    traceparent_t trace;
    json_t *json;

    traceparent_start(&trace);
    log_trace(&trace);
    log_trace(NULL);
    log_info("x.y", "a=1");
    json = logged();
    ck_assert_str_eq(text_of(json, "trace"), "(absent)");
    ck_assert_str_eq(log_trace_now().trace_id, "");
    json_decref(json);
}
END_TEST

struct heard {
    unsigned count;
    log_level_t level;
    char event[32], members[200];
};

static void
hear(void *arg, const struct log_line *line)
{
    struct heard *self = arg;

    self->count++;
    self->level = line->level;
    snprintf(self->event, sizeof(self->event), "%s", line->event);
    snprintf(self->members, sizeof(self->members), "%.*s", (int)line->size, line->members);
    log_error("heard", "so=%d", 1); /* and is not told of it */
}

START_TEST(who_listens_hears_each_line_and_not_his_own)
{
    struct heard heard = {0};
    traceparent_t trace;

    traceparent_start(&trace);
    log_trace(&trace);
    log_tap(hear, &heard);
    log_error("x.y", "a=1 b=\"c d\"");
    ck_assert_uint_eq(heard.count, 1);
    ck_assert_int_eq(heard.level, LOG_AT_ERROR);
    ck_assert_str_eq(heard.event, "x.y");
    ck_assert_str_eq(heard.members, ",\"a\":1,\"b\":\"c d\"");
    log_debug("x.y", "a=%d", 1);
    ck_assert_uint_eq(heard.count, 1);
    log_info("x.z", "%s", "");
    ck_assert_uint_eq(heard.count, 2);
    ck_assert_str_eq(heard.members, "");
    log_tap(NULL, NULL);
    log_info("x.z", "%s", "");
    ck_assert_uint_eq(heard.count, 2);
}
END_TEST

static const char fillers[] = {'a', '"', '\x01', ' ', '\xc3', '='};

START_TEST(a_value_without_end_is_cut_and_the_line_stays_valid)
{
    char *text = malloc(100001), *quoted = malloc(100001);
    json_t *json;

    memset(text, fillers[_i], 100000);
    text[100000] = '\0';
    log_info("x.y", "first=1 text=%s last=2", log_quote(text, 100000, quoted, 100001));
    json = logged();
    ck_assert_int_eq(json_integer_value(json_object_get(json, "first")), 1);
    json_decref(json);
    free(text);
    free(quoted);
}
END_TEST

START_TEST(many_members_are_cut_and_the_line_stays_valid)
{
    char text[2900] = "";
    json_t *json;

    for (size_t at = 0; at + 8 < sizeof(text); at = strlen(text))
        snprintf(text + at, sizeof(text) - at, "k%zu=\x01 ", at);
    log_info("x.y", "%s", text);
    json = logged();
    ck_assert_uint_gt(json_object_size(json), 100);
    json_decref(json);
}
END_TEST

static void *
write_many(void *arg)
{
    for (int i = 0; i < 200; i++)
        log_info("thread.line", "id=%s i=%d pad=%0100d", (const char *)arg, i, 0);
    return NULL;
}

START_TEST(a_line_that_is_all_but_full_stays_valid)
{
    char value[800];

    memset(value, 1, 660); /* six characters each, in the line */
    memset(value + 660, 'x', (size_t)_i);
    value[660 + _i] = '\0';
    log_info("full", "key=%s words without a key", value);
    json_decref(logged());
}
END_TEST

START_TEST(lines_of_several_threads_do_not_mix)
{
    static char names[4][2] = {"a", "b", "c", "d"};
    pthread_t threads[4];
    char line[1000];
    size_t count = 0;

    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_many, names[i]), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    rewind(captured);
    for (; fgets(line, sizeof(line), captured); count++) {
        json_t *json = json_loads(line, 0, NULL);
        ck_assert_ptr_nonnull(json);
        json_decref(json);
    }
    ck_assert_uint_eq(count, 800);
}
END_TEST

START_TEST(a_quote_always_fits_its_buffer_and_is_closed)
{
    char buffer[64];

    for (size_t size = 3; size <= sizeof(buffer); size++) {
        memset(buffer, 'Z', sizeof(buffer));
        log_quote("\"\"\"\"\\\\\n\nabcabcabcabcabcabcabcabcabcabcabcabcabcabcabc", 50, buffer,
                  size);
        ck_assert_uint_lt(strlen(buffer), size);
        ck_assert_int_eq(buffer[strlen(buffer) - 1], '"');
    }
}
END_TEST

START_TEST(time_is_written_in_utc_with_milliseconds)
{
    char text[CLOCK_TEXT];

    ck_assert_str_eq(clock_text(0, text), "1970-01-01T00:00:00.000Z");
    ck_assert_str_eq(clock_text(-1, text), "1969-12-31T23:59:59.999Z");
    ck_assert_str_eq(clock_text(1795496400123, text), "2026-11-24T05:00:00.123Z");
    ck_assert_str_eq(clock_text(INT64_MAX, text), "0000-00-00T00:00:00.000Z");
    ck_assert_int_ge(clock_ms(), 1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("log");
    TCase *tcase = suite_case(suite, "lines", capture, restore),
          *pure = suite_case(suite, "text", NULL, NULL);

    suite_tests(tcase, pairs_become_members_and_numbers_stay_numbers,
                a_line_below_the_level_is_not_written,
                quoted_text_from_outside_comes_through_as_it_was);
    suite_rows(tcase, nasty_values_give_valid_json_bare_quoted_or_alone, nasty);
    suite_tests(tcase, a_reserved_key_gets_a_name_of_its_own,
                a_line_says_what_its_thread_works_for, a_line_without_a_trace_says_none,
                who_listens_hears_each_line_and_not_his_own);
    tcase_add_loop_test(tcase, a_value_without_end_is_cut_and_the_line_stays_valid, 0,
                        sizeof(fillers));
    suite_tests(tcase, many_members_are_cut_and_the_line_stays_valid);
    tcase_add_loop_test(tcase, a_line_that_is_all_but_full_stays_valid, 0, 60);
    suite_tests(tcase, lines_of_several_threads_do_not_mix);
    suite_tests(pure, a_quote_always_fits_its_buffer_and_is_closed,
                time_is_written_in_utc_with_milliseconds);
    return suite_run(suite);
}
