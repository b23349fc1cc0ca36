/* Every sentence with which a file is refused: here is a file for each, and the README beside
 * the reader has the sentence. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "actors/tune/data/data.h"
#include "tests/support/suite.h"

#define README "actors/tune/data/README.md"
#define HEADER "date,open,high,low,close,volume\n"
#define DAYS   30

/* A header and 30 days; the first of them are replaced by `rows`. `bytes`: the whole file. */
struct refusal {
    enum data_refusal refusal;
    const char *rows, *header, *bytes;
    size_t size; /* of bytes, if they hold a NUL */
    struct data_options options;
    const char *sentence;
};
#define OPTIONS(...) .options = {.allow_dropped_pct = 5, __VA_ARGS__}

static const struct refusal refusals[] = {
    {DATA_EMPTY, .bytes = "\n\n", .sentence = "the file is empty"},
    {DATA_KIND, .bytes = "<!doctype html>\n<title>Sign in</title>",
     .sentence = "the file is a web page (HTML), not a text table; save it as CSV"},
    {DATA_KIND, .bytes = "{\"prices\": []}",
     .sentence = "the file is JSON, not a text table; save it as CSV"},
    {DATA_KIND, .bytes = "PAR1....",
     .sentence = "the file is a Parquet file, not a text table; save it as CSV"},
    {DATA_NUL, .bytes = HEADER "2020-01-01,1,2\0,1", .size = 49,
     .sentence = "line 2: a NUL byte; this is not a text file"},
    {DATA_GZIP, .bytes = "\x1f\x8b\x08\0\0\0\0\0", .size = 8,
     .sentence = "the gzip file is cut short"},
    {DATA_ZIP, .bytes = "PK\3\4 and no more",
     .sentence = "the zip file is damaged or cut short"},
    {DATA_TIMEZONE, OPTIONS(.timezone = "Europe/Berlim"),
     .sentence =
         "timezone: \"Europe/Berlim\" is no time zone that this system knows; it may be "
         "a name as Europe/Berlin, or an offset as +01:00"},
    {DATA_NO_HEADER, .header = "1,2,3\n",
     .sentence = "line 1: no header names date, open, high, low and close, and \"1,2,3\" (3 "
                 "columns, separator comma) is no known layout without one"},
    {DATA_ONE_COLUMN, .bytes = "hello\nworld\n",
     .sentence = "line 1: there is one column, \"hello\"; columns are separated by comma, "
                 "semicolon, tab or pipe"},
    {DATA_NO_COLUMN, .header = "date,open,high,low,clsoe,volume\n",
     .sentence =
         "line 1: the header names no column for close; it has \"date\", \"open\", "
         "\"high\", \"low\", \"clsoe\", \"volume\" (separator comma); did you mean clsoe?"},
    {DATA_NO_COLUMN, .header = "date,open,high,low,close\n", OPTIONS(.reads_volume = true),
     .sentence = "line 1: the header names no column for volume; it has \"date\", \"open\", "
                 "\"high\", \"low\", \"close\" (separator comma)"},
    {DATA_TWO_COLUMNS, .header = "date,open,high,low,close,close\n",
     .sentence = "line 1: the header names two columns for close: \"close\" and \"close\"; "
                 "remove one"},
    {DATA_VOLUMES, .header = "date,open,high,low,close,Volume BTC,Volume ETH\n",
     OPTIONS(.reads_volume = true),
     .sentence = "line 1: \"Volume BTC\" and \"Volume ETH\": which one is the base asset's "
                 "volume is not said; rename it to volume"},
    {DATA_SYMBOLS, .header = "date,open,high,low,close,volume,symbol\n",
     .rows = "2020-01-01,10,12,9,11,1,AAA\n2020-01-02,10,12,9,11,1,BBB\n",
     .sentence = "the file has several symbols (AAA, BBB); choose one with symbol"},
    {DATA_SYMBOL, .header = "date,open,high,low,close,volume,symbol\n",
     .rows = "2020-01-01,10,12,9,11,1,AAA\n", OPTIONS(.symbol = "CCC"),
     .sentence = "the symbol CCC is not in the file; it has AAA"},
    {DATA_SYMBOL, OPTIONS(.symbol = "CCC"),
     .sentence = "the file has no column of symbols to choose CCC from"},
    {DATA_QUOTE, .rows = "2020-01-01,10,12,9,\"11,1\n",
     .sentence = "line 2: a quote is opened and never closed"},
    {DATA_FIELDS, .rows = "2020-01-01,1,000,12,9,10,1\n",
     .sentence = "line 2: row \"2020-01-01\" ... has 7 fields, and there are 6 columns"},
    {DATA_CUT, .bytes = HEADER "2020-01-01,10,12,9,11,1\n2020-01-02,10,12,9,1",
     .sentence = "line 3: row \"2020-01-02\" ends after 5 of 6 cells, and the file with it: it "
                 "was cut short; fetch it again"},
    {DATA_NUMBER, .rows = "2020-01-01,10,12,9,#DIV/0!,1\n",
     .sentence =
         "line 2: close \"#DIV/0!\" is not a number (they are written as 1234.5 in this "
         "file)"},
    {DATA_NUMBER_FORM,
     .bytes = "date;open;high;low;close\n2020-01-01;1,200;1,300;1,100;1,250\n",
     .sentence =
         "line 2: open \"1,200\" may have a decimal comma or a comma between thousands, "
         "and no number of the file proves it; write it with a decimal point"},
    {DATA_DATE, .rows = "yesterday,10,12,9,11,1\n",
     .sentence = "line 2: date \"yesterday\" is no date; write dates as 2022-01-03"},
    {DATA_DATE, .rows = "03/01/22,10,12,9,11,1\n",
     .sentence =
         "line 2: date \"03/01/22\" has a year of two digits; write dates as 2022-01-03"},
    {DATA_DATE, .rows = "3-Jan-22 09:30,10,12,9,11,1\n",
     .sentence = "line 2: date \"3-Jan-22 09:30\" has a year of two digits; write dates as "
                 "2022-01-03"},
    {DATA_DATE, .bytes = HEADER "13/01/2020,10,12,9,11,1\n01/14/2020,10,12,9,11,1\n",
     .sentence = "line 3: date \"01/14/2020\" is no date with the day first, as this file has "
                 "it"},
    {DATA_DATE_ORDER, .bytes = HEADER "03/04/2022,10,12,9,11,1\n",
     .sentence = "line 2: date \"03/04/2022\" may have the day or the month first, and no line "
                 "of the file proves it; write dates as 2022-04-03"},
    {DATA_TIME, .bytes = "date,time,open,high,low,close\n2020-01-01,25:00,10,12,9,11\n",
     .sentence = "line 2: time \"25:00\" is no time of day beside a date"},
    {DATA_EPOCH, .bytes = HEADER "44564,10,12,9,11,1\n",
     .sentence = "line 2: date \"44564\" is no date, but maybe the day number of a "
                 "spreadsheet; format that column as a date, 2022-01-03"},
    {DATA_EPOCH, .bytes = HEADER "220103,10,12,9,11,1\n",
     .sentence = "line 2: date \"220103\" is no date: no epoch time of 1973 to 2100, and no "
                 "YYYYMMDD; write dates as 2022-01-03"},
    {DATA_EPOCH, .bytes = HEADER "03012022,10,12,9,11,1\n",
     .sentence = "line 2: date \"03012022\" is no number of an epoch time, and no date"},
    {DATA_EPOCH, .bytes = HEADER "-3000000000,10,12,9,11,1\n1577836800,10,12,9,11,1\n",
     .sentence = "line 2: date \"-3000000000\" is no time of 1900 to 2100 in epoch seconds"},
    {DATA_EPOCH_UNITS, .bytes = HEADER "1577836800,10,12,9,11,1\n1577836860000,10,12,9,11,1\n",
     .sentence = "the times are numbers of two kinds: read as epoch milliseconds, some fall in "
                 "1970 and the next ones 50 years later"},
    {DATA_EPOCH_STEP,
     .bytes = HEADER "1577836800000,10,12,9,11,1\n1577836800100,10,12,9,11,1\n"
                     "1577836800200,10,12,9,11,1\n",
     .sentence =
         "read as epoch milliseconds, most rows are less than a second apart: these are "
         "ticks, or no times"},
    {DATA_TWO_TIMES,
     .bytes = "unix,date,open,high,low,close\n1577836800,2020-01-01 05:00,10,12,9,11\n",
     .sentence = "line 2: epoch time \"1577836800\" is not the time of the column beside it, "
                 "2020-01-01 05:00"},
    {DATA_ZONES, .rows = "2020-01-01 00:00+02:00,10,12,9,11,1\n",
     .sentence = "1 rows have an offset from UTC and 29 have none; give the zone of those with "
                 "timezone"},
    {DATA_ZONE_GAP, .rows = "2020-03-29 02:30,10,12,9,11,1\n",
     OPTIONS(.timezone = "Europe/Berlin"),
     .sentence =
         "line 2: date \"2020-03-29 02:30\" never was in Europe/Berlin: the clocks went "
         "forward over it"},
    {DATA_ZONE_FOLD, .rows = "2020-10-25 02:30,10,12,9,11,1\n",
     OPTIONS(.timezone = "Europe/Berlin"),
     .sentence = "line 2: date \"2020-10-25 02:30\" was twice in Europe/Berlin, for the clocks "
                 "went back; write the offset beside it"},
    {DATA_PRICE, .rows = "2020-01-01,10,12,0,11,1\n",
     .sentence = "line 2: low \"0\" is no price: it must be above 0"},
    {DATA_PRICE, .rows = "2020-01-01,10,1e16,9,11,1\n",
     .sentence = "line 2: high \"1e16\" is too large for a price"},
    {DATA_RANGE, .rows = "2020-01-01,10,8,9,11,1\n",
     .sentence = "line 2: high \"8\" is below the low, 9"},
    {DATA_RANGE, .rows = "2020-01-01,10,12,9,13,1\n",
     .sentence = "line 2: close \"13\" is outside low 9 and high 12"},
    {DATA_VOLUME, .rows = "2020-01-01,10,12,9,11,-1\n",
     .sentence = "line 2: volume \"-1\" is no volume: it must be 0 or more"},
    {DATA_DROPPED, .rows = "2020-01-01,10,12,,11,1\n2020-01-02,10,-,9,11,1\n",
     .sentence = "line 2: a cell is missing, as in 2 of 30 rows (6.7 %); at most 5 % may be "
                 "dropped (allow_dropped_pct)"},
    {DATA_DUPLICATES,
     .rows = "2020-01-10,10,12,9,11,1\n2020-01-11,10,12,9,10,1\n2020-01-12,10,12,9,11,1\n",
     .sentence =
         "3 of 30 rows have the time of another one and other prices: several series in "
         "one file?"},
    {DATA_FEW, .bytes = HEADER "2020-01-01,10,12,9,11,1\n",
     .sentence = "1 usable rows of 1; at least 10 are needed"},
};
#define REFUSALS (sizeof refusals / sizeof refusals[0])

static const char *
text_of(const struct refusal *self, size_t *ret_size)
{
    static char text[4096];
    size_t used, given = 0;

    *ret_size = self->size ? self->size : strlen(self->bytes ? self->bytes : "");
    if (self->bytes)
        return self->bytes;
    used = (size_t)snprintf(text, sizeof text, "%s%s", self->header ? self->header : HEADER,
                            self->rows ? self->rows : "");
    for (const char *at = self->rows; at && (at = strchr(at, '\n')) != NULL; at++)
        given++;
    for (size_t i = given; i < DAYS && !self->header; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "2020-01-%02zu,10,12,9,%zu.5,1000\n", i + 1, 10 + i % 2);
    *ret_size = used;
    return text;
}

static void
refuse(const void *bytes, size_t size, const struct data_options *options,
       struct data_report *ret)
{
    bars_t *bars = NULL;

    ck_assert_int_eq(data_read(bytes, size, options, ret, &bars), TM_DATA_PARSE_FAILED);
    ck_assert_ptr_null(bars);
}

START_TEST(a_file_is_refused_with_its_sentence)
{
    const struct refusal *row = &refusals[_i];
    struct data_options options = row->options;
    struct data_report report;
    size_t size;
    const char *text = text_of(row, &size);

    if (options.allow_dropped_pct == 0)
        options.allow_dropped_pct = 5;
    refuse(text, size, &options, &report);
    ck_assert_str_eq(report.error, row->sentence);
    ck_assert_int_eq(report.refusal, row->refusal);
    ck_assert_uint_ge(report.error_count, 1);
    ck_assert_str_ne(report.errors[0].msg, "");
}
END_TEST

START_TEST(the_readme_has_every_sentence)
{
    FILE *file = fopen(README, "re");
    char *text = calloc(1, 1 << 17);

    ck_assert_ptr_nonnull(text);
    ck_assert_msg(file != NULL, "%s is not there", README);
    ck_assert_uint_gt(fread(text, 1, (1 << 17) - 1, file), 0);
    fclose(file);
    for (size_t i = 0; i < REFUSALS; i++)
        ck_assert_msg(strstr(text, refusals[i].sentence) != NULL, "%s lacks: %s", README,
                      refusals[i].sentence);
    free(text);
}
END_TEST

/* But those that take a large file are in tests of their own. */
START_TEST(every_refusal_has_a_file)
{
    static const char *const names[] = {
#define R(name) #name,
        "READ", DATA_REFUSALS(R)
#undef R
    };

    for (size_t refusal = DATA_READ + 1; refusal < DATA_REFUSALS_COUNT; refusal++) {
        bool is_shown = refusal == DATA_COLUMNS || refusal == DATA_UNPACKED;

        for (size_t i = 0; i < REFUSALS; i++)
            is_shown = is_shown || refusals[i].refusal == (enum data_refusal)refusal;
        ck_assert_msg(is_shown, "%s", names[refusal]);
    }
}
END_TEST

START_TEST(too_many_columns_are_counted)
{
    const struct data_options options = DATA_OPTIONS_DEFAULT;
    struct data_report report;
    char text[5000];

    memset(text, ',', sizeof text);
    refuse(text, sizeof text, &options, &report);
    ck_assert_str_eq(report.error, "line 1: 5001 columns; at most 4096 are read");
    ck_assert_int_eq(report.refusal, DATA_COLUMNS);
}
END_TEST

/* 64 MB of zeros in 64 KB. */
START_TEST(what_unpacks_to_too_much_is_refused)
{
    const struct data_options options = DATA_OPTIONS_DEFAULT;
    const size_t size = (size_t)64 << 20;
    unsigned char *zeros = calloc(1, size), packed[1 << 17];
    struct data_report report;
    z_stream stream = {.next_in = zeros,
                       .avail_in = (uInt)size,
                       .next_out = packed,
                       .avail_out = sizeof packed};

    ck_assert_ptr_nonnull(zeros);
    ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    const size_t used = stream.total_out;
    deflateEnd(&stream);
    free(zeros);
    refuse(packed, used, &options, &report);
    ck_assert_int_eq(report.refusal, DATA_UNPACKED);
    ck_assert_ptr_nonnull(strstr(report.error, "the file unpacks to more than"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("data_refusals");
    TCase *sentences = suite_case(suite, "sentences", NULL, NULL);

    suite_rows(sentences, a_file_is_refused_with_its_sentence, refusals);
    suite_tests(sentences, the_readme_has_every_sentence, every_refusal_has_a_file,
                too_many_columns_are_counted, what_unpacks_to_too_much_is_refused);
    return suite_run(suite);
}
