/* Any bytes are a question for a trial: refused with words, or read as it would be written. */
#include <stdlib.h>
#include <string.h>

#include "actors/kit/contracts/backtest_call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct backtest_call call, again;
    char what[BACKTEST_CALL_WHY];
    char *text;

    if (backtest_call_parse((const char *)data, size, &call, what)) {
        if (!what[0])
            abort();
        return 0;
    }
    text = backtest_call_text(&call);
    if (!text || backtest_call_parse(text, strlen(text), &again, what) ||
        !tm_uuid_is(&call.workspace, &again.workspace) ||
        !tm_uuid_is(&call.tune, &again.tune) || !tm_uuid_is(&call.run, &again.run) ||
        call.trial != again.trial || call.points != again.points ||
        call.points < BACKTEST_POINTS_MIN || call.points > BACKTEST_POINTS_MAX)
        abort();
    free(text);
    return 0;
}
