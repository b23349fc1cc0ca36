#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/runtime/traceparent.h"
#include "tests/support/suite.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"

static const struct {
    const char *what, *text, *said; /* said: what is told on, NULL: refused */
} rows[] = {
    {"valid", "00-" TRACE "-" SPAN "-01", "00-" TRACE "-" SPAN "-01"},
    {"not sampled", "00-" TRACE "-" SPAN "-00", "00-" TRACE "-" SPAN "-00"},
    {"flags of the future", "00-" TRACE "-" SPAN "-ff", "00-" TRACE "-" SPAN "-01"},
    {"and not sampled", "00-" TRACE "-" SPAN "-fe", "00-" TRACE "-" SPAN "-00"},
    {"version cc with more", "cc-" TRACE "-" SPAN "-00-more", "00-" TRACE "-" SPAN "-00"},
    {"version cc without", "cc-" TRACE "-" SPAN "-01", "00-" TRACE "-" SPAN "-01"},
    {"version cc, no dash", "cc-" TRACE "-" SPAN "-01x", NULL},
    {"version ff", "ff-" TRACE "-" SPAN "-01", NULL},
    {"upper case in the trace", "00-4BF92f3577b34da6a3ce929d0e0e4736-" SPAN "-01", NULL},
    {"upper case in the span", "00-" TRACE "-00F067aa0ba902b7-01", NULL},
    {"upper case in the flags", "00-" TRACE "-" SPAN "-0A", NULL},
    {"54 characters", "00-" TRACE "-" SPAN "-0", NULL},
    {"56 characters", "00-" TRACE "-" SPAN "-011", NULL},
    {"version 00 with more", "00-" TRACE "-" SPAN "-01-x", NULL},
    {"no trace", "00-00000000000000000000000000000000-" SPAN "-01", NULL},
    {"no span", "00-" TRACE "-0000000000000000-01", NULL},
    {"no dash", "00_" TRACE "-" SPAN "-01", NULL},
    {"a blank before", " 00-" TRACE "-" SPAN "-01", NULL},
    {"nothing", "", NULL},
};

START_TEST(a_text_is_read_or_refused_as_the_standard_says)
{
    const traceparent_t before = {.trace_id = "x"};
    traceparent_t trace = before;
    char text[TRACEPARENT_TEXT];
    bool is_good = traceparent_parse(rows[_i].text, strlen(rows[_i].text), &trace);

    ck_assert_msg(is_good == (rows[_i].said != NULL), "%s", rows[_i].what);
    if (is_good) {
        ck_assert_str_eq(traceparent_text(&trace, text), rows[_i].said);
        ck_assert_str_eq(trace.parent_id, "");
    } else {
        ck_assert_int_eq(memcmp(&trace, &before, sizeof(trace)), 0);
    }
}
END_TEST

START_TEST(a_step_keeps_the_trace_and_remembers_the_span)
{
    traceparent_t trace, next;
    char text[TRACEPARENT_TEXT];

    traceparent_start(&trace);
    ck_assert(trace.is_sampled);
    next = trace;
    traceparent_step(&next);
    ck_assert_str_eq(trace.trace_id, next.trace_id);
    ck_assert_str_ne(trace.span_id, next.span_id);
    ck_assert_str_eq(trace.span_id, next.parent_id);
    ck_assert(traceparent_parse(traceparent_text(&next, text), 55, &trace));
}
END_TEST

START_TEST(who_follows_is_a_span_behind_or_a_new_trace)
{
    traceparent_t first, again, other;

    traceparent_follow("00-" TRACE "-" SPAN "-00", &first);
    traceparent_follow("00-" TRACE "-" SPAN "-00", &again);
    ck_assert_str_eq(first.trace_id, TRACE);
    ck_assert_str_eq(first.parent_id, SPAN);
    ck_assert(!first.is_sampled);
    ck_assert_str_ne(first.span_id, again.span_id); /* each delivery is a span */
    traceparent_follow("", &first);
    traceparent_follow(NULL, &other);
    ck_assert_uint_eq(strlen(first.trace_id), 32);
    ck_assert_str_ne(first.trace_id, other.trace_id);
    ck_assert_str_eq(first.parent_id, "");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("traceparent");
    TCase *all = suite_case(suite, "all", NULL, NULL);

    suite_rows(all, a_text_is_read_or_refused_as_the_standard_says, rows);
    suite_tests(all, a_step_keeps_the_trace_and_remembers_the_span,
                who_follows_is_a_span_behind_or_a_new_trace);
    return suite_run(suite);
}
