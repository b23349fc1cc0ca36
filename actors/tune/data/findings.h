/* findings - what the reader has to say: refusals, faults of cells, warnings, notes. */
#ifndef ACTORS_TUNE_DATA_FINDINGS_H
#define ACTORS_TUNE_DATA_FINDINGS_H

#include "actors/tune/data/cells.h"
#include "actors/tune/data/data_report.h"
#include "proto/error.h"

#define FINDINGS_PRINTF(at) __attribute__((format(printf, at, at + 1)))

/* Bytes of the file as they may stand in a sentence: short, one line, UTF-8. */
void findings_quote(const char *text, size_t size, char out[DATA_WORD_BYTES]);

/* Ends the reading: the sentence, and an error of the line (0: of the file). */
FINDINGS_PRINTF(4)
tm_err_t findings_refuse(struct data_report *report, enum data_refusal refusal, size_t line,
                         const char *format, ...);

struct findings_cell {
    enum data_refusal refusal;
    size_t line;
    const char *column; /* its meaning: "close" */
    struct cell value;
};
/* One that is wrong; the first five are kept. The sentence goes on from the column and the
 * value: "is not a number". */
FINDINGS_PRINTF(3)
void findings_cell(struct data_report *report, const struct findings_cell *cell,
                   const char *format, ...);
/* Makes the refusal of the cells' faults; TM_OK if there are none. */
TM_CHECKED tm_err_t findings_close(struct data_report *report);

FINDINGS_PRINTF(2) void findings_warn(struct data_report *report, const char *format, ...);
FINDINGS_PRINTF(2) void findings_note(struct data_report *report, const char *format, ...);

#endif
