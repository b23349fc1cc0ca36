/* Any text is the JSON of a leaderboard: no CSV, or one whose rows all have the header's cells
 * and none of whose texts a spreadsheet takes for a formula. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/tunes/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cells of the row at *at, which is left behind it. */
static size_t
count_cells(const char **at)
{
    size_t cells = 1;
    bool in_quotes = false, is_first = true;

    for (; **at && (in_quotes || **at != '\r'); (*at)++) {
        assert(!is_first || !strchr("=+@\t", (*at)[**at == '"']));
        is_first = **at == ',' && !in_quotes;
        cells += is_first;
        if (**at == '"')
            in_quotes = !in_quotes;
    }
    assert(strncmp(*at, "\r\n", 2) == 0);
    *at += 2;
    return cells;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *json = strndup((const char *)data, size);
    size_t csv_size = 0;
    char *csv = json ? csv_leaderboard(json, &csv_size) : NULL;

    if (csv && strlen(csv) == csv_size) {
        const char *at = csv;
        const size_t cells = count_cells(&at);

        while (*at) {
            const size_t found = count_cells(&at);
            assert(found == cells);
        }
    }
    free(csv);
    free(json);
    return 0;
}
