#include "actors/tune/store/tune_setup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/tune/store/dataset_load.h"

enum { MIN_BARS = 10 };

tm_err_t
tune_setup_refuse(char *detail, tm_err_t err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(detail, TUNE_DETAIL_BYTES, format, args);
    va_end(args);
    return err;
}

tm_err_t
tune_setup_spec(const char *text, size_t size, const settings_t *settings,
                struct tune_spec *ret, char *detail)
{
    struct tune_request_error error = {.err = TM_OK};
    tm_err_t err = tune_spec_parse(text, size, settings, ret, &error);

    return err ? tune_setup_refuse(detail, err, "%s%s%s", error.field,
                                   error.field[0] ? ": " : "", error.text)
               : TM_OK;
}

/* What decides how the file is read: by it the cache knows the result again. */
static struct dataset_key
key_of(const struct tune_setup *self, const strategy_t *strategy)
{
    const struct tune_spec *spec = self->spec;
    struct dataset_key key = {.allow_dropped_pct = spec->allow_dropped_pct,
                              .reads_volume = strategy_reads_volume(strategy)};

    memcpy(key.sha256, spec->dataset_sha256, SHA256_SIZE);
    memcpy(key.timezone, spec->timezone, strlen(spec->timezone));
    memcpy(key.symbol, spec->symbol, strlen(spec->symbol));
    return key;
}

static tm_err_t
load(const struct tune_setup *self, const struct dataset_key *key, const dataset_t **ret)
{
    const struct data_options options = {
        .timezone = self->spec->timezone[0] ? self->spec->timezone : NULL,
        .symbol = self->spec->symbol[0] ? self->spec->symbol : NULL,
        .allow_dropped_pct = key->allow_dropped_pct,
        .reads_volume = key->reads_volume != 0};
    dataset_t dataset = {.key = *key};
    char *data = NULL;
    size_t size = 0;
    tm_err_t err = dataset_load(self->store, key->sha256,
                                (uint64_t)self->settings->http_max_upload_mb << 20,
                                self->detail, &data, &size);

    if (err)
        return err;
    err = data_read(data, size, &options, &dataset.report, &dataset.bars);
    free(data);
    if (err && self->faults)
        *self->faults = data_report_errors(&dataset.report);
    if (err)
        return tune_setup_refuse(self->detail, err, "%s", dataset.report.error);
    *ret = dataset_cache_add(self->datasets, &dataset);
    return TM_OK;
}

tm_err_t
tune_setup_dataset(const struct tune_setup *self, const strategy_t *strategy,
                   const dataset_t **ret)
{
    const struct dataset_key key = key_of(self, strategy);
    const dataset_t *known = lru_find(self->datasets, &key);

    if (!known)
        return load(self, &key, ret);
    *ret = known;
    return TM_OK;
}

tm_err_t
tune_setup_bars(const struct tune_setup *self, const dataset_t *dataset, bars_t *ret)
{
    const struct bars_span span = {.from_ms = self->spec->date_from_ms,
                                   .to_ms = self->spec->date_to_ms,
                                   .is_from_utc = self->spec->is_date_from_utc,
                                   .is_to_utc = self->spec->is_date_to_utc};

    *ret = bars_between(dataset->bars, &span);
    if (ret->count >= MIN_BARS)
        return TM_OK;
    return tune_setup_refuse(
        self->detail, TM_INSUFFICIENT_DATA,
        "%zu of the %zu bars are between date_from and date_to; at least %d are needed",
        ret->count, dataset->bars->count, MIN_BARS);
}

static tm_err_t
find_spec(const struct tune_setup *self, json_t **ret)
{
    const char *text = self->spec->strategy_entity_id;
    tm_uuid_t id;
    tm_err_t err = tm_uuid_parse(text, strlen(text), &id);

    return err ? err : tune_store_strategy(self->store, &id, self->workspace, ret);
}

tm_err_t
tune_setup_strategy(const struct tune_setup *self, strategy_t **ret, json_t **ret_spec)
{
    json_t *spec = json_incref(self->spec->strategy);
    tm_err_t err = spec ? TM_OK : find_spec(self, &spec);

    if (!err)
        err = strategy_from_json(spec, ret, self->detail, TUNE_DETAIL_BYTES);
    if (err)
        json_decref(spec);
    else
        *ret_spec = spec;
    return err;
}

struct backtest_options
tune_setup_backtest(const struct tune_spec *spec)
{
    struct backtest_options options = BACKTEST_OPTIONS_DEFAULT;

    options.cash = spec->initial_cash;
    options.commission_bps = spec->commission_bps;
    options.slippage_bps = spec->slippage_bps;
    options.fill_on_close = strcmp(spec->fill, "open") != 0;
    options.close_at_end = strcmp(spec->end_of_data, "open") != 0;
    options.fractional = strcmp(spec->sizing, "fractional") == 0;
    return options;
}
