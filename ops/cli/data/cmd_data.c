/* tunemill data: how a file of market data is understood, before anything is run on it. */
#include <jansson.h>
#include <stdio.h>

#include "actors/kit/util/auto.h"
#include "ops/cli/cli.h"
#include "ops/cli/data/data_args.h"
#include "ops/cli/print_tune.h"

struct options {
    struct data_args data;
    bool volume, json;
};

static const struct cli_option option_table[] = {
    DATA_ARGS(struct options, data),
    {"volume", NULL, CLI_FLAG, offsetof(struct options, volume),
     "read it as for a strategy that needs volume: a row without one is dropped"},
    {"json", NULL, CLI_FLAG, offsetof(struct options, json), "print all of it as JSON"},
};

static const struct cli_usage usage = {
    .arguments = "FILE",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .notes = "FILE is a table of bars as a vendor writes it, also in a gzip or zip. The exit\n"
             "status is 0 if it was understood, 1 if not.\n",
};

static void
print_line(const char *name, const char *value)
{
    if (value[0])
        printf("%-12s %s\n", name, value);
}

static void
print_columns(const struct data_report *report)
{
    for (size_t i = 0; i < report->column_count; i++)
        printf("%-12s %-24s %s\n", i ? "" : "columns", report->columns[i].name,
               report->columns[i].meaning);
}

static void
show_as_table(const struct data_report *report)
{
    print_line("container", report->container);
    print_line("encoding", report->encoding);
    print_line("layout", report->layout);
    print_line("separator", report->separator);
    print_columns(report);
    if (report->refusal == DATA_READ) {
        print_line("numbers", report->numbers);
        print_line("dates", report->dates);
        print_line("zone", report->zone);
        print_line("first bar", report->first);
        print_line("last bar", report->last);
        print_line("time frame", report->timeframe);
        printf("%-12s %zu of %zu rows (%zu dropped, %zu of the same time)\n", "bars",
               report->bars, report->rows, report->dropped, report->duplicates);
        printf("%-12s %zu\n", "gaps", report->gaps);
    }
    data_args_print_words(stdout, report);
}

int
cmd_data(cli_t *cli, int argc, char **argv)
{
    struct options options = {.data = DATA_ARGS_DEFAULT};
    struct data_report report;
    bars_t *bars = NULL;
    int code = cli_parse(cli, &usage, &options, argc, argv);

    if (code >= 0)
        return code;
    struct data_options reading = data_args_options(&options.data);
    reading.reads_volume = options.volume;
    code = data_args_read(cli, cli->arguments[0], &reading, &report, &bars);
    bars_destroy(&bars);
    if (code && !report.error[0])
        return code;
    if (options.json) {
        tm_auto(json) out = data_report_json(&report);

        print_json(stdout, out);
    } else {
        show_as_table(&report);
    }
    return code;
}
