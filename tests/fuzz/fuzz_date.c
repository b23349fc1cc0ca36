/* Any bytes are a bar's stamp and a request's date; on a plain date the two agree. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/fields/dates.h"
#include "actors/tune/data/time/stamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size + (size == 0)), *text = strndup((const char *)data, size);
    struct dates_moment moment;
    struct stamp stamp;
    int64_t date_ms;

    if (exact && text) {
        memcpy(exact, data, size); /* what lies behind it is nobody's */
        const bool is_stamp = stamp_read(exact, size, STAMP_UNKNOWN, &stamp);
        const bool is_text = strlen(text) == size;

        if (is_text && dates_day(text, &date_ms)) {
            assert(date_ms % 86400000 == 0);
            assert(!is_stamp || stamp.local_ms == date_ms); /* the engine knows fewer years */
            assert(dates_moment(text, &moment) && moment.is_day && moment.ms == date_ms);
        } else if (is_text && dates_moment(text, &moment)) {
            assert(!moment.is_day && size > 10);
        }
    }
    free(text);
    free(exact);
    return 0;
}
