#include "actors/tune/data/data_report.h"

static json_t *
texts(const char (*lines)[DATA_TEXT_BYTES], size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(lines[i]));
    return list;
}

static json_t *
columns(const struct data_report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; i < report->column_count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", report->columns[i].name,
                                              "meaning", report->columns[i].meaning));
    return list;
}

json_t *
data_report_errors(const struct data_report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; i < report->error_count && i < DATA_ERRORS_MAX; i++) {
        const struct data_error *error = &report->errors[i];
        json_t *item = json_object();

        if (error->line)
            json_object_set_new(item, "line", json_integer((json_int_t)error->line));
        if (error->column[0]) {
            json_object_set_new(item, "column", json_string(error->column));
            json_object_set_new(item, "value", json_string(error->value));
        }
        json_object_set_new(item, "msg", json_string(error->msg));
        json_array_append_new(list, item);
    }
    return list;
}

/* Only of a file that was read. */
static void
add_series(const struct data_report *report, json_t *out)
{
    json_object_set_new(out, "numbers", json_string(report->numbers));
    json_object_set_new(out, "dates", json_string(report->dates));
    json_object_set_new(out, "timezone", json_string(report->zone));
    json_object_set_new(out, "first", json_string(report->first));
    json_object_set_new(out, "last", json_string(report->last));
    json_object_set_new(out, "first_ms", json_integer(report->first_ms));
    json_object_set_new(out, "last_ms", json_integer(report->last_ms));
    json_object_set_new(out, "first_offset_s", json_integer(report->first_offset_s));
    json_object_set_new(out, "last_offset_s", json_integer(report->last_offset_s));
    json_object_set_new(out, "timeframe", json_string(report->timeframe));
    json_object_set_new(out, "bars", json_integer((json_int_t)report->bars));
    json_object_set_new(out, "gaps", json_integer((json_int_t)report->gaps));
}

json_t *
data_report_json(const struct data_report *report)
{
    json_t *out =
        json_pack("{s:b, s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:I}", "readable",
                  report->refusal == DATA_READ, "container", report->container, "encoding",
                  report->encoding, "separator", report->separator, "layout", report->layout,
                  "columns", columns(report), "rows", (json_int_t)report->rows, "dropped",
                  (json_int_t)report->dropped, "duplicates", (json_int_t)report->duplicates);

    if (!out)
        return NULL;
    if (report->refusal == DATA_READ)
        add_series(report, out);
    json_object_set_new(out, "notes", texts(report->notes, report->note_count));
    json_object_set_new(out, "warnings", texts(report->warnings, report->warning_count));
    json_object_set_new(out, "errors", data_report_errors(report));
    json_object_set_new(out, "error_count", json_integer((json_int_t)report->error_count));
    json_object_set_new(out, "error",
                        report->error[0] ? json_string(report->error) : json_null());
    return out;
}
