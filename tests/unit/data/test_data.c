#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/data/data.h"
#include "tests/unit/engine/engine_help.h"
#include "tests/support/suite.h"

#define HEADER "date,open,high,low,close,volume\n"
#define DAYS   30

static struct data_report report;
static const struct data_options defaults = DATA_OPTIONS_DEFAULT;

/* A header and 30 good daily rows; the row `at` (from 0) is replaced by `row` if that is not
 * NULL. */
static const char *
file_with(const char *header, size_t at, const char *row)
{
    static char text[4096];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", header);

    for (size_t i = 0; i < DAYS; i++) {
        if (row && i == at)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s\n", row);
        else
            used += (size_t)snprintf(text + used, sizeof text - used,
                                     "2020-01-%02zu,10,12,9,%zu.5,1000\n", i + 1, 10 + i % 2);
    }
    return text;
}

static bars_t *
good(const char *text)
{
    bars_t *bars = NULL;
    const tm_err_t err = data_read(text, strlen(text), &defaults, &report, &bars);

    ck_assert_msg(err == TM_OK, "%s", report.error);
    return bars;
}

static void
bad(const char *text, size_t size, const char *needle)
{
    bars_t *bars = NULL;

    ck_assert_int_eq(data_read(text, size, &defaults, &report, &bars), TM_DATA_PARSE_FAILED);
    ck_assert_ptr_null(bars);
    ck_assert_msg(strstr(report.error, needle) != NULL, "\"%s\" is not in: %s", needle,
                  report.error);
}

START_TEST(a_plain_file_is_read_to_the_last_column)
{
    bars_t *bars = good(file_with(HEADER, 0, NULL));

    ck_assert_uint_eq(bars->count, DAYS);
    ck_assert_int_eq(bars->time_ms[0], INT64_C(1577836800000));
    ck_assert(bars->open[1] == 10 && bars->high[1] == 12 && bars->low[1] == 9);
    ck_assert(bars->close[1] == 11.5 && bars->volume[1] == 1000);
    ck_assert_uint_eq(report.warning_count, 0);
    bars_destroy(&bars);
}
END_TEST

START_TEST(headers_may_be_aliases_in_any_case_and_order)
{
    static const char *const headers[] = {
        "TIMESTAMP,O,H,L,C,V\n",
        "Datetime,Open,High,Low,Close,Vol\n",
        "time,open,high,low,Adj Close,volume\n",
        "date,open,high,low,ADJUSTED_CLOSE,volume\n",
        "\"Date\", \"Open\" ,high,low,adj_close,volume,\n",
    };

    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        bars_t *bars = good(file_with(headers[i], 0, NULL));
        ck_assert(bars->close[1] == 11.5);
        bars_destroy(&bars);
    }
}
END_TEST

START_TEST(an_adjusted_close_counts_only_without_a_close)
{
    bars_t *bars = help_bars("tests/data/sp500_daily.csv");

    ck_assert_ptr_nonnull(bars);
    ck_assert(bars->close[0] == 1455.219971);
    bars_destroy(&bars);
}
END_TEST

START_TEST(an_adjusted_close_alone_is_noted)
{
    const char *text = file_with("time,open,high,low,Adj Close,volume\n", 0, NULL);
    bars_t *bars = NULL;

    ck_assert_int_eq(data_read(text, strlen(text), &(struct data_options)DATA_OPTIONS_DEFAULT,
                               &report, &bars),
                     TM_OK);
    ck_assert_uint_eq(report.note_count, 1);
    ck_assert_ptr_nonnull(strstr(report.notes[0], "\"Adj Close\" is the close"));
    bars_destroy(&bars);
}
END_TEST

START_TEST(a_missing_column_is_named)
{
    const char *text = file_with("date,open,high,low,volume\n", 0, NULL);

    bad(text, strlen(text), "no column for close; it has");
    text = file_with("date,open,high,low,clsoe,volume\n", 0, NULL);
    bad(text, strlen(text), "did you mean clsoe?");
    text = file_with("date;open;high;low;close;volume\n", 0, NULL);
    bad(text, strlen(text), "is no date; write dates as 2022-01-03");
}
END_TEST

START_TEST(rows_without_a_number_are_dropped_and_counted)
{
    static const char *const rows[] = {"2020-01-05,10,12,9,,1000",
                                       "2020-01-05,10,N/A,9,10,1000", "2020-01-05,10,12",
                                       "2020-01-05,null,12,9,10,1000", ",,,,,"};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bars_t *bars = good(file_with(HEADER, 4, rows[i]));

        ck_assert_uint_eq(bars->count, DAYS - 1);
        ck_assert_uint_eq(report.dropped, 1);
        ck_assert_uint_eq(report.warning_count, 1);
        ck_assert_ptr_nonnull(strstr(report.warnings[0], "line 6"));
        bars_destroy(&bars);
    }
}
END_TEST

START_TEST(senseless_prices_fail_with_their_lines)
{
    static const char *const rows[][2] = {
        {"2020-01-05,-10,12,9,10,1000", "line 6: open \"-10\" is no price"},
        {"2020-01-05,10,8,9,10,1000", "line 6: high \"8\" is below the low, 9"},
        {"2020-01-05,10,12,0,10,1000", "line 6: low \"0\" is no price"},
        {"2020-01-05,10,12,9,1e999,1000", "line 6: close \"1e999\" is too large"},
        {"2020-01-05,10,12,9,10,-1", "line 6: volume \"-1\" is no volume"},
        {"05/01/2020,10,12,9,10,1", "line 6: date \"05/01/2020\""},
        {"2020-02-30,10,12,9,10,1", "line 6: date"},
        {"2020-01-05,1,000,12,9,10,1", "line 6: row \"2020-01-05\" ... has 7 fields"}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *text = file_with(HEADER, 4, rows[i][0]);
        bad(text, strlen(text), rows[i][1]);
    }
}
END_TEST

START_TEST(only_the_first_offending_lines_are_listed)
{
    char text[2048] = HEADER;

    for (int i = 1; i <= 20; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "2020-01-%02d,1,1,2,1,1\n",
                 i);
    bad(text, strlen(text), "line 6: high \"1\" is below the low, 2; and 15 more");
    ck_assert_ptr_null(strstr(report.error, "line 7"));
}
END_TEST

START_TEST(rows_out_of_order_are_sorted)
{
    bars_t *bars = good(file_with(HEADER, 0, "2020-02-05,10,12,9,11.75,1000"));

    ck_assert_uint_eq(report.warning_count, 1);
    ck_assert_ptr_nonnull(strstr(report.warnings[0], "were sorted"));
    ck_assert(bars->close[DAYS - 1] == 11.75);
    for (size_t i = 1; i < bars->count; i++)
        ck_assert_int_lt(bars->time_ms[i - 1], bars->time_ms[i]);
    bars_destroy(&bars);
}
END_TEST

START_TEST(the_last_of_equal_stamps_wins)
{
    bars_t *bars = good(file_with(HEADER, DAYS - 1, "2020-01-03T00:00:00Z,10,12,9,11.75,1000"));

    ck_assert_uint_eq(report.duplicates, 1);
    ck_assert_uint_eq(bars->count, DAYS - 1);
    ck_assert(bars->close[2] == 11.75);
    bars_destroy(&bars);
}
END_TEST

START_TEST(fewer_than_ten_usable_rows_are_too_few)
{
    char text[1024] = HEADER;

    for (int i = 1; i <= 9; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "2020-01-%02d,1,2,1,1,1\n",
                 i);
    bad(text, strlen(text), "9 usable rows of 9");
    bad("", 0, "empty");
    bad(HEADER, strlen(HEADER), "0 usable rows");
}
END_TEST

START_TEST(latin1_bom_and_crlf_are_read)
{
    char text[4096] = "\xef\xbb\xbf"
                      "date,open,high,low,close,volume,note\r\n";

    for (int i = 1; i <= 10; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "2020-01-%02d,1,2,1,1,1,caf\xe9\r\n", i);
    bars_t *bars = good(text);
    ck_assert_uint_eq(bars->count, 10);
    ck_assert(strcmp(report.encoding, "latin-1") == 0 && report.warning_count == 1);
    bars_destroy(&bars);
}
END_TEST

START_TEST(utf8_is_no_latin1)
{
    bars_t *bars = good(file_with("date,open,high,low,close,volume,Größe\n", 0, NULL));

    ck_assert_str_eq(report.encoding, "UTF-8");
    bars_destroy(&bars);
}
END_TEST

START_TEST(quoted_fields_are_read)
{
    bars_t *bars =
        good(file_with(HEADER, 0, "\"2020-01-01\",\"10\", \"12\" ,9,\"10.25\",\"7\""));

    ck_assert(bars->close[0] == 10.25 && bars->volume[0] == 7);
    bars_destroy(&bars);
}
END_TEST

START_TEST(bytes_that_are_no_text_are_refused)
{
    char nul[512];
    const char *text = file_with(HEADER, 3, "2020-01-04,10,12,9,10,\"1");

    bad(text, strlen(text), "never closed");
    snprintf(nul, sizeof nul, "%s", file_with(HEADER, 0, NULL));
    nul[40] = '\0';
    bad(nul, 300, "line 2: a NUL byte");
}
END_TEST

START_TEST(a_million_columns_are_refused)
{
    const size_t size = 1000000;
    char *text = malloc(size);

    ck_assert_ptr_nonnull(text);
    memset(text, ',', size);
    bad(text, size, "columns");
    const char *head = file_with(HEADER, 0, NULL);
    memcpy(text, head, strlen(head));
    bad(text, size, "line 32");
    free(text);
}
END_TEST

START_TEST(a_file_cut_anywhere_is_safe)
{
    const char *text = file_with(HEADER, 2, "\"2020-01-03\",10,12,9,10,\"1\"\"2\"");
    const size_t size = strlen(text);

    for (size_t n = 0; n <= size; n++) {
        char *copy = malloc(n + 1); /* so that a read past the end is seen */
        bars_t *bars = NULL;

        ck_assert_ptr_nonnull(copy);
        memcpy(copy, text, n);
        const tm_err_t err = data_read(copy, n, &defaults, &report, &bars);
        ck_assert((err == TM_OK) == (bars != NULL));
        ck_assert((err == TM_OK) == (report.error[0] == '\0'));
        bars_destroy(&bars);
        free(copy);
    }
}
END_TEST

/* What is told of a file, beside its bars. */
START_TEST(files_are_read_as_vendors_pack_them)
{
    const char *plain = file_with(HEADER, 0, NULL);
    char text[8192] = "sep=;\r\n", wide[16384] = "\xff\xfe";
    size_t used = strlen(text), wide_used = 2;

    for (const char *at = plain; *at; at++) {
        text[used++] = (char)(*at == ',' ? ';' : *at == '\n' ? '\r' : *at);
        if (*at == '\n')
            text[used++] = '\n';
        wide[wide_used++] = *at;
        wide[wide_used++] = '\0';
    }
    text[used] = '\0';
    bars_t *bars = good(text);
    ck_assert_uint_eq(bars->count, DAYS);
    ck_assert_str_eq(report.separator, "semicolon");
    bars_destroy(&bars);
    ck_assert_int_eq(data_read(wide, wide_used, &defaults, &report, &bars), TM_OK);
    ck_assert_uint_eq(bars->count, DAYS);
    ck_assert_str_eq(report.encoding, "UTF-16");
    bars_destroy(&bars);
    for (char *at = text; (at = strchr(at, '\n')) != NULL;)
        memmove(at, at + 1, strlen(at)); /* CR alone */
    bars = good(text);
    ck_assert_uint_eq(bars->count, DAYS);
    bars_destroy(&bars);
}
END_TEST

START_TEST(a_row_that_is_no_row_is_refused)
{
    const char *text = file_with(HEADER, DAYS - 1, "Downloaded from somewhere");

    bad(text, strlen(text), "line 31: date \"Downloaded from somewhere\" is no date");
    text = file_with(HEADER, DAYS - 1, "2020-01-30,abc");
    bad(text, strlen(text), "line 31: open \"abc\" is not a number");
}
END_TEST

START_TEST(volume_is_optional_unless_it_is_read)
{
    struct data_options options = DATA_OPTIONS_DEFAULT;
    const char *text = file_with(HEADER, 4, "2020-01-05,10,12,9,10,N/A");
    bars_t *bars = NULL;

    options.reads_volume = false;
    ck_assert_int_eq(data_read(text, strlen(text), &options, &report, &bars), TM_OK);
    ck_assert_uint_eq(bars->count, DAYS);
    ck_assert(bars->volume[4] == 0 && report.dropped == 0 && report.note_count == 1);
    bars_destroy(&bars);
    bars = good(text);
    ck_assert_uint_eq(bars->count, DAYS - 1);
    bars_destroy(&bars);
}
END_TEST

START_TEST(a_split_is_warned_of)
{
    bars_t *bars = good(file_with(HEADER, DAYS - 1, "2020-01-30,21,24,18,22,1000"));

    ck_assert_uint_eq(report.warning_count, 1);
    ck_assert_ptr_nonnull(strstr(report.warnings[0], "on 2020-01-30: an unadjusted split"));
    bars_destroy(&bars);
}
END_TEST

START_TEST(the_report_is_json)
{
    const char *text = file_with("Gmt time,O,H,L,C,V\n", 4, "2020-01-05,10,12,9,,1000");
    bars_t *bars = good(text);
    json_t *json = data_report_json(&report);

    ck_assert_str_eq(json_string_value(json_object_get(json, "first")), "2020-01-01");
    ck_assert_str_eq(json_string_value(json_object_get(json, "timeframe")), "1d");
    ck_assert_int_eq(json_integer_value(json_object_get(json, "dropped")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "columns")), 6);
    ck_assert(json_is_null(json_object_get(json, "error")));
    json_decref(json);
    bars_destroy(&bars);
    bad("a\n", 2, "one column");
    json = data_report_json(&report);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "errors")), 1);
    ck_assert(json_is_false(json_object_get(json, "readable")));
    json_decref(json);
}
END_TEST

START_TEST(timeframes_come_from_the_median_spacing)
{
    char label[BARS_LABEL_BYTES];
    static const char *const files[][2] = {{"tests/data/sp500_daily.csv", "1d"},
                                           {"tests/data/SYNH.csv", "1h"},
                                           {"tests/data/SYNM.csv", "1m"}};

    for (size_t i = 0; i < 3; i++) {
        bars_t *bars = help_bars(files[i][0]);
        ck_assert_ptr_nonnull(bars);
        bars_timeframe(bars, label);
        ck_assert_str_eq(label, files[i][1]);
        bars_destroy(&bars);
    }
}
END_TEST

START_TEST(slices_share_no_bar_and_lose_none)
{
    bars_t *bars = good(file_with(HEADER, 0, NULL));
    const bars_t head = bars_slice(bars, 0, 7), tail = bars_slice(bars, 7, 100);
    const struct bars_span three = {bars->time_ms[2], bars->time_ms[4] + 5, true, true};
    const struct bars_span all = {INT64_MIN, INT64_MAX, false, false};
    const struct bars_span none = {bars->time_ms[5], bars->time_ms[4], true, true};
    const bars_t middle = bars_between(bars, &three);

    ck_assert_uint_eq(head.count + tail.count, bars->count);
    ck_assert_int_lt(head.time_ms[head.count - 1], tail.time_ms[0]);
    ck_assert_uint_eq(middle.count, 3);
    ck_assert_uint_eq(bars_between(bars, &all).count, bars->count);
    ck_assert_uint_eq(bars_between(bars, &none).count, 0);
    ck_assert_uint_eq(bars_slice(bars, 99, 1).count, 0);
    bars_destroy(&bars);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("data");
    TCase *files = suite_case(suite, "files", NULL, NULL),
          *values = suite_case(suite, "values", NULL, NULL);

    suite_tests(
        files, files_are_read_as_vendors_pack_them, a_row_that_is_no_row_is_refused,
        volume_is_optional_unless_it_is_read, a_split_is_warned_of, the_report_is_json,
        a_plain_file_is_read_to_the_last_column, headers_may_be_aliases_in_any_case_and_order,
        an_adjusted_close_counts_only_without_a_close, an_adjusted_close_alone_is_noted,
        a_missing_column_is_named, rows_without_a_number_are_dropped_and_counted,
        senseless_prices_fail_with_their_lines, only_the_first_offending_lines_are_listed,
        rows_out_of_order_are_sorted, the_last_of_equal_stamps_wins,
        fewer_than_ten_usable_rows_are_too_few, latin1_bom_and_crlf_are_read, utf8_is_no_latin1,
        quoted_fields_are_read, bytes_that_are_no_text_are_refused,
        a_million_columns_are_refused, a_file_cut_anywhere_is_safe);
    suite_tests(values, timeframes_come_from_the_median_spacing,
                slices_share_no_bar_and_lose_none);
    return suite_run(suite);
}
