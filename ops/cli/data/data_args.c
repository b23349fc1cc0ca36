#include "ops/cli/data/data_args.h"

#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/auto.h"

#define FILE_MAX_BYTES ((size_t)1 << 30)

struct data_options
data_args_options(const struct data_args *self)
{
    struct data_options options = DATA_OPTIONS_DEFAULT;

    options.symbol = self->symbol;
    options.timezone = self->timezone;
    options.allow_dropped_pct = self->allow_dropped_pct;
    return options;
}

int
data_args_read(const cli_t *cli, const char *path, const struct data_options *options,
               struct data_report *ret_report, bars_t **ret)
{
    size_t size = 0;
    tm_auto(tm_text) data = cli_read_file(cli, path, FILE_MAX_BYTES, &size);
    tm_err_t err;

    memset(ret_report, 0, sizeof *ret_report);
    if (!data)
        return CLI_FAILED;
    err = data_read(data, size, options, ret_report, ret);
    return err ? cli_fail(cli, "%s: %s", path,
                          ret_report->error[0] ? ret_report->error : tm_err_text(err))
               : CLI_OK;
}

void
data_args_print_words(FILE *out, const struct data_report *report)
{
    for (size_t i = 0; i < report->note_count; i++)
        fprintf(out, "note: %s\n", report->notes[i]);
    for (size_t i = 0; i < report->warning_count; i++)
        fprintf(out, "warning: %s\n", report->warnings[i]);
}
