/* Any bytes are a file of market data, read in several ways. Whatever is accepted is in order,
 * has only sound prices, and can be told in JSON; whatever is refused says why. */
#include <assert.h>
#include <stdint.h>

#include "actors/tune/data/data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_as(const uint8_t *data, size_t size, const struct data_options *options)
{
    struct data_report report;
    bars_t *bars = NULL;
    const tm_err_t err = data_read(data, size, options, &report, &bars);
    json_t *json = data_report_json(&report);

    assert(json && json_object_size(json) > 10);
    assert(json_array_size(json_object_get(json, "notes")) == report.note_count);
    json_decref(json);
    if (err != TM_OK) {
        assert(!bars && report.error[0] && report.refusal != DATA_READ);
        return;
    }
    assert(bars->count >= DATA_MIN_BARS && report.bars == bars->count && !report.error[0]);
    for (size_t i = 0; i < bars->count; i++) {
        assert(i == 0 || bars->time_ms[i - 1] < bars->time_ms[i]);
        assert(bars->low[i] > 0 && bars->high[i] >= bars->low[i] && bars->volume[i] >= 0);
        assert(bars->close[i] <= bars->high[i] * (1 + 1e-8));
        assert(bars->open[i] >= bars->low[i] * (1 - 1e-8));
    }
    bars_destroy(&bars);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct data_options ways[] = {
        {.allow_dropped_pct = 5, .reads_volume = true},
        {.allow_dropped_pct = 100, .timezone = "America/New_York", .max_bytes = 1 << 20},
        {.allow_dropped_pct = 5, .symbol = "AAA", .max_bytes = 1 << 20},
    };

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        read_as(data, size, &ways[i]);
    return 0;
}
