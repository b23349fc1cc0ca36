#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "actors/tune/engine/engine.h"
#include "actors/tune/recompute/recompute_report.h"
#include "ops/cli/cli.h"
#include "ops/cli/data/data_args.h"
#include "ops/cli/print_tune.h"
#include "ops/cli/strategies.h"

struct options {
    const char *strategy, *fill, *end_of_data;
    struct backtest_options account;
    struct data_args data;
    struct cli_list params;
    bool trades, json;
};

/* One back-test, step by step. */
struct run {
    const cli_t *cli;
    const struct options *options;
    strategy_t *strategy;
    double params[STRATEGY_PARAMS_MAX];
    struct backtest_options account;
    struct data_report report;
    bars_t *bars;
    struct metrics metrics;
    backtest_trace_t *trace;
    char warnings[BACKTEST_WARNINGS_MAX][BACKTEST_WARNING_BYTES];
    size_t warning_count;
};

static const struct cli_option option_table[] = {
    {"strategy", "NAME|ID|FILE", CLI_TEXT, offsetof(struct options, strategy),
     "one of config/strategies, or the path of a spec"},
    {"param", "NAME=VALUE", CLI_LIST, offsetof(struct options, params),
     "one parameter; the others have the strategy's defaults"},
    {"cash", "C", CLI_NUMBER(1, 1e15), offsetof(struct options, account.cash),
     "to begin with; default 10000"},
    {"commission-bps", "B", CLI_NUMBER(0, 1000),
     offsetof(struct options, account.commission_bps), "of each fill; default 10"},
    {"slippage-bps", "B", CLI_NUMBER(0, 1000), offsetof(struct options, account.slippage_bps),
     "of each fill; default 0"},
    {"fill", "close|open", CLI_CHOICE("close open"), offsetof(struct options, fill),
     "orders are filled at the signal's close, or at the next open; default close"},
    {"end-of-data", "close|open", CLI_CHOICE("close open"),
     offsetof(struct options, end_of_data),
     "close what is held at the end, or leave it open and unlisted; default close"},
    {"fractional", NULL, CLI_FLAG, offsetof(struct options, account.fractional),
     "buy fractions of a unit"},
    DATA_ARGS(struct options, data),
    {"trades", NULL, CLI_FLAG, offsetof(struct options, trades),
     "list the trades too; in JSON as trade_list"},
    {"json", NULL, CLI_FLAG, offsetof(struct options, json),
     "print JSON, numbers as short as they read back, undefined ones null"},
};

static const struct cli_usage usage = {
    .arguments = "FILE.csv",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .notes =
        "Runs in this process: no broker, no database. The same figures as a tune's trial.\n",
};

/* ---- reading what was asked for --------------------------------------------------------- */

static void
read_account(struct run *self)
{
    const struct options *options = self->options;

    self->account = options->account;
    if (options->fill)
        self->account.fill_on_close = strcmp(options->fill, "close") == 0;
    if (options->end_of_data)
        self->account.close_at_end = strcmp(options->end_of_data, "close") == 0;
}

static bool
read_strategy(struct run *self)
{
    char detail[STRATEGY_DETAIL_BYTES];
    tm_auto(json) spec = NULL;

    if (!self->options->strategy) {
        cli_misuse(self->cli, "--strategy is missing");
        return false;
    }
    spec = strategies_find(self->cli, self->options->strategy);
    if (!spec)
        return false;
    if (!strategy_from_json(spec, &self->strategy, detail, sizeof detail))
        return true;
    cli_fail(self->cli, "strategy %s: %s", self->options->strategy, detail);
    return false;
}

static bool
refuse_param(const struct run *self, const char *name)
{
    char names[STRATEGY_PARAMS_MAX * (STRATEGY_NAME_BYTES + 2)] = "";
    size_t used = 0;

    for (size_t i = 0; i < strategy_param_count(self->strategy); i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                 strategy_param(self->strategy, i)->name);
    cli_misuse(self->cli, "--param: %s has no parameter \"%s\"; it has %s",
               strategy_name(self->strategy), name, names[0] ? names : "none");
    return false;
}

static bool
read_param(struct run *self, const char *text)
{
    const char *equals = strchr(text, '=');
    char name[STRATEGY_NAME_BYTES];
    int index;

    if (!equals || equals == text || (size_t)(equals - text) >= sizeof name) {
        cli_misuse(self->cli, "--param: \"%.100s\" should look like period=20", text);
        return false;
    }
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = '\0';
    index = strategy_param_index(self->strategy, name);
    if (index < 0)
        return refuse_param(self, name);
    return cli_field(self->cli, name,
                     &(field_t){.kind = FIELD_NUMBER, .min = -1e15, .max = 1e15}, equals + 1,
                     &self->params[index]);
}

static bool
read_params(struct run *self)
{
    char detail[STRATEGY_DETAIL_BYTES];

    strategy_defaults(self->strategy, self->params);
    for (size_t i = 0; i < self->options->params.count; i++)
        if (!read_param(self, self->options->params.items[i]))
            return false;
    if (!strategy_check_params(self->strategy, self->params, detail, sizeof detail))
        return true;
    cli_misuse(self->cli, "--param: %s", detail);
    return false;
}

/* ---- running ---------------------------------------------------------------------------- */

static int
read_bars(struct run *self, const char *path)
{
    struct data_options options = data_args_options(&self->options->data);

    options.reads_volume = strategy_reads_volume(self->strategy);
    return data_args_read(self->cli, path, &options, &self->report, &self->bars);
}

static int
compute(struct run *self)
{
    tm_auto(backtest) backtest = NULL;
    tm_err_t err = backtest_new(self->bars, self->strategy, &self->account, &backtest);

    if (!err)
        err = backtest_trace(backtest, self->params, &self->metrics, &self->trace);
    if (!err)
        self->warning_count = backtest_warnings(backtest, self->warnings);
    return err ? cli_fail(self->cli, "%s", tm_err_text(err)) : CLI_OK;
}

/* ---- showing ---------------------------------------------------------------------------- */

static json_t *
number_json(double value, bool is_whole)
{
    if (!isfinite(value))
        return json_null();
    return is_whole ? json_integer((json_int_t)value) : json_real(value);
}

static json_t *
describe_params(const struct run *self)
{
    json_t *params = json_object();

    for (size_t i = 0; i < strategy_param_count(self->strategy); i++) {
        const struct strategy_param *param = strategy_param(self->strategy, i);

        json_object_set_new(params, param->name, number_json(self->params[i], param->is_int));
    }
    return params;
}

static json_t *
describe_trades(const struct run *self)
{
    json_t *trades = json_array();

    for (size_t i = 0; i < self->trace->trade_count; i++)
        json_array_append_new(trades, recompute_trade_json(&self->trace->trades[i]));
    return trades;
}

static void
print_trades(const struct run *self)
{
    char entry[CLOCK_TEXT], exit[CLOCK_TEXT];

    printf("\n%-24s %-24s %-5s %12s %12s %12s %12s %9s %s\n", "entry", "exit", "side", "size",
           "from", "to", "profit", "return %", "reason");
    for (size_t i = 0; i < self->trace->trade_count; i++) {
        const struct trade *trade = &self->trace->trades[i];

        printf("%-24s %-24s %-5s %12.10g %12.10g %12.10g %12.2f %9.3f %s\n",
               clock_text(trade->entry_time_ms, entry), clock_text(trade->exit_time_ms, exit),
               trade_side(trade), trade->size, trade->entry_price, trade->exit_price,
               trade->pnl, trade->return_pct, trade_reason_name(trade->reason));
    }
}

static void
show_as_json(const struct run *self)
{
    const bars_t *bars = self->bars;
    const size_t end = bars->count - 1;
    char first[CLOCK_LOCAL_TEXT], last[CLOCK_LOCAL_TEXT];
    json_t *warnings = json_array();
    tm_auto(json) out =
        json_pack("{s:s, s:o, s:I, s:s, s:s}", "strategy", strategy_name(self->strategy),
                  "params", describe_params(self), "bars", (json_int_t)bars->count, "first",
                  clock_local_text(bars->time_ms[0], bars->offset_s, first), "last",
                  clock_local_text(bars->time_ms[end],
                                   bars->offset_s ? bars->offset_s + end : NULL, last));

    for (size_t i = 0; i < METRIC_COUNT_ALL; i++)
        json_object_set_new(out, metrics_info(i)->name,
                            number_json(metrics_value(&self->metrics, i),
                                        metrics_info(i)->kind == METRIC_COUNT));
    for (size_t i = 0; i < self->report.warning_count; i++)
        json_array_append_new(warnings, json_string(self->report.warnings[i]));
    for (size_t i = 0; i < self->warning_count; i++)
        json_array_append_new(warnings, json_string(self->warnings[i]));
    if (self->options->trades)
        json_object_set_new(out, "trade_list", describe_trades(self));
    json_object_set_new(out, "warnings", warnings);
    json_object_set_new(out, "dataset", data_report_json(&self->report));
    print_json(stdout, out);
}

static void
show_as_table(const struct run *self)
{
    printf("strategy               %s", strategy_name(self->strategy));
    for (size_t i = 0; i < strategy_param_count(self->strategy); i++)
        printf(" %s=%g", strategy_param(self->strategy, i)->name, self->params[i]);
    printf("\nbars                   %zu\n", self->bars->count);
    for (size_t i = 0; i < METRIC_COUNT_ALL; i++) {
        const struct metric_info *info = metrics_info(i);
        double value = metrics_value(&self->metrics, i);

        if (isnan(value))
            printf("%-22s %14s %s\n", info->name, "-", "undefined");
        else
            printf("%-22s %14.*f %s\n", info->name, info->kind == METRIC_COUNT ? 0 : 4, value,
                   info->unit);
    }
    if (self->options->trades)
        print_trades(self);
    data_args_print_words(stderr, &self->report);
    for (size_t i = 0; i < self->warning_count; i++)
        fprintf(stderr, "warning: %s\n", self->warnings[i]);
}

static int
run(struct run *self)
{
    int code;

    read_account(self);
    if (!read_strategy(self) || !read_params(self))
        return CLI_USAGE;
    code = read_bars(self, self->cli->arguments[0]);
    if (!code)
        code = compute(self);
    if (code)
        return code;
    if (self->options->json)
        show_as_json(self);
    else
        show_as_table(self);
    return CLI_OK;
}

int
cmd_backtest(cli_t *cli, int argc, char **argv)
{
    struct options options = {.account = BACKTEST_OPTIONS_DEFAULT, .data = DATA_ARGS_DEFAULT};
    struct run self = {.cli = cli, .options = &options};
    int code = cli_parse(cli, &usage, &options, argc, argv);

    if (code >= 0)
        return code;
    code = run(&self);
    backtest_trace_destroy(&self.trace);
    strategy_destroy(&self.strategy);
    bars_destroy(&self.bars);
    return code;
}
