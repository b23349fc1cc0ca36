/* Files that are not the OHLCV CSV they should be. */
#include "tests/canary/bad_form.h"

#include <string.h>

#define HEADER "date,open,high,low,close,volume\n"
#define ROWS                                                                                   \
    "2020-01-01,1,2,1,2,9\n2020-01-02,1,2,1,2,9\n2020-01-03,1,2,1,2,9\n2020-01-04,1,2,1,2,9\n" \
    "2020-01-05,1,2,1,2,9\n2020-01-06,1,2,1,2,9\n2020-01-07,1,2,1,2,9\n2020-01-08,1,2,1,2,9\n" \
    "2020-01-09,1,2,1,2,9\n2020-01-10,1,2,1,2,9\n2020-01-11,1,2,1,2,9\n2020-01-12,1,2,1,2,9\n"

#define UNREADABLE .status = 422, .code = "DATA_PARSE_FAILED", .leaves = LEAVES_FAILED
#define READABLE   .status = 200, .leaves = LEAVES_COMPLETED
#define DOOR       .leaves = LEAVES_NOTHING

static void
with_nul(struct bytes *out)
{
    bytes_text(out, HEADER ROWS);
    bytes_add(out, "2020-01-13,1,2\0,1,2,9\n", 22);
}

static void
only_nuls(struct bytes *out)
{
    static const char nuls[4096];

    bytes_add(out, nuls, sizeof(nuls));
}

static void
utf16(struct bytes *out)
{
    static const char text[] = HEADER ROWS;

    bytes_add(out, "\xff\xfe", 2);
    for (size_t i = 0; text[i]; i++)
        bytes_add(out, (char[]){text[i], 0}, 2);
}

static void
million_columns(struct bytes *out)
{
    bytes_text(out, "date,open,high,low,close,volume");
    bytes_repeat(out, ",x", 1000000);
    bytes_text(out, "\n" ROWS);
}

static void
million_fields(struct bytes *out)
{
    bytes_text(out, HEADER ROWS "2020-02-01,1,2,1,2,9");
    bytes_repeat(out, ",9", 1000000);
    bytes_text(out, "\n");
}

static void
million_quotes(struct bytes *out)
{
    bytes_text(out, HEADER ROWS);
    bytes_repeat(out, "\"\"", 1000000);
}

static void
line_of_20_mb(struct bytes *out)
{
    bytes_repeat(out, "0123456789", 2000000);
}

static void
line_of_50_mb(struct bytes *out)
{
    bytes_repeat(out, "0123456789", 5000000);
}

static void
digits_of_a_price(struct bytes *out)
{
    bytes_text(out, HEADER ROWS "2020-02-01,");
    bytes_repeat(out, "1", 1000000);
    bytes_text(out, ",2,1,2,9\n");
}

static const struct form_case cases[] = {
    /* refused at the door */
    {.name = "an empty file",
     .csv = "",
     .status = 422,
     .code = "VALIDATION_FAILED",
     .also = "body.file",
     DOOR},
    {.name = "one line of 50 MB",
     .make = line_of_50_mb,
     .status = 413,
     .code = "FILE_TOO_LARGE",
     DOOR},
    {.name = "one line of 50 MB, its size not said before",
     .make = line_of_50_mb,
     .is_chunked = true,
     .status = 413,
     .code = "FILE_TOO_LARGE",
     DOOR},
    /* not a table */
    {.name = "one line of 20 MB", .make = line_of_20_mb, UNREADABLE},
    {.name = "only a header", .csv = HEADER, UNREADABLE, .also = "at least 10 are needed"},
    {.name = "only line ends", .csv = "\n\r\n\n\r\n", UNREADABLE},
    {.name = "nine rows",
     .csv = HEADER "2020-01-01,1,2,1,2,9\n2020-01-02,1,2,1,2,9\n",
     UNREADABLE},
    {.name = "NUL bytes", .make = with_nul, UNREADABLE, .also = "line 14"},
    {.name = "nothing but NUL bytes", .make = only_nuls, UNREADABLE},
    {.name = "a web page", .csv = "<!doctype html>\n<title>Sign in</title>\n", UNREADABLE},
    {.name = "a quote that does not end",
     .csv = HEADER ROWS "\"2020-01-13,1,2,1,2,9\n",
     UNREADABLE},
    {.name = "10^6 columns", .make = million_columns, UNREADABLE, .also = "columns"},
    {.name = "a row of 10^6 fields", .make = million_fields, UNREADABLE, .also = "line 14"},
    {.name = "semicolons", .csv = "date;open;high;low;close;volume\n", UNREADABLE},
    {.name = "no column for close and volume",
     .csv = "date,open,high,low\n2020-01-01,1,2,1\n",
     UNREADABLE,
     .also = "no column for close"},
    {.name = "a million quotes", .make = million_quotes, UNREADABLE},
    {.name = "two columns for close",
     .csv = "date,open,high,low,close,volume,close\n" ROWS,
     UNREADABLE,
     .also = "two columns for close"},
    /* a row that cannot be */
    {.name = "a negative price",
     .row = "2020-01-21,-1,2,1,2,9\n",
     UNREADABLE,
     .also = "line 22"},
    {.name = "a price of 0", .row = "2020-01-21,0,2,1,2,9\n", UNREADABLE, .also = "line 22"},
    {.name = "high below low", .row = "2020-01-21,1,1,2,1,9\n", UNREADABLE, .also = "line 22"},
    {.name = "a price over 10^15", .row = "2020-01-21,1,1e16,1,1,9\n", UNREADABLE},
    {.name = "a price over every number", .row = "2020-01-21,1,1e400,1,1,9\n", UNREADABLE},
    {.name = "a price of a million digits", .make = digits_of_a_price, UNREADABLE},
    {.name = "a price of NaN", .row = "2020-01-21,nan,2,1,2,9\n", UNREADABLE, .also = "nan"},
    {.name = "a price of inf", .row = "2020-01-21,1,inf,1,2,9\n", UNREADABLE, .also = "inf"},
    {.name = "one row of 13 cut short",
     .csv = HEADER ROWS "2020-01-13,1,2",
     UNREADABLE,
     .also = "it was cut short"},
    {.name = "a negative volume", .row = "2020-01-21,1,2,1,2,-9\n", UNREADABLE},
    {.name = "the 45th of a 13th month", .row = "2020-13-45,1,2,1,2,9\n", UNREADABLE},
    {.name = "a date that is SQL", .row = "'; DROP TABLE jobs;--,1,2,1,2,9\n", UNREADABLE},
    {.name = "a time over 64 bits", .row = "99999999999999999999,1,2,1,2,9\n", UNREADABLE},
    {.name = "fields too many", .row = "2020-01-21,1,2,1,2,9,8,7\n", UNREADABLE},
    /* taken, with a warning */
    {.name = "UTF-16", .make = utf16, READABLE},
    {.name = "a row cut short", .row = "2020-01-21,1,2\n", READABLE, .also = "dropped"},
    {.name = "a row out of order", .row = "2019-01-21,1,2,1,2,9\n", READABLE, .also = "sorted"},
    {.name = "a date twice", .row = "2020-01-20,1,2,1,2,9\n", READABLE, .also = "same time"},
    {.name = "bytes that are not UTF-8",
     .csv = "date,open,high,low,close,volume,caf\xe9\n" ROWS,
     READABLE,
     .also = "latin-1"},
    {.name = "a byte order mark", .csv = "\xef\xbb\xbf" HEADER ROWS, READABLE},
};

const struct form_case *
form_file_cases(size_t *ret_count)
{
    *ret_count = sizeof(cases) / sizeof(cases[0]);
    return cases;
}
