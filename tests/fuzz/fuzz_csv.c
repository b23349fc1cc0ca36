#include <assert.h>
#include <stdint.h>

#include "actors/tune/engine/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is accepted is in order, and has only sound prices. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct csv_report report;
    bars_t *bars = NULL;

    if (csv_parse((const char *)data, size, &report, &bars) != TM_OK) {
        assert(!bars);
        return 0;
    }
    assert(bars->count >= CSV_MIN_ROWS);
    for (size_t i = 0; i < bars->count; i++) {
        assert(i == 0 || bars->time_ms[i - 1] < bars->time_ms[i]);
        assert(bars->close[i] > 0 && bars->high[i] >= bars->low[i]);
    }
    bars_destroy(&bars);
    return 0;
}
