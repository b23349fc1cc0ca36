/* encoding - whatever the file is written in becomes UTF-8 with LF. */
#ifndef ACTORS_TUNE_DATA_ENCODING_H
#define ACTORS_TUNE_DATA_ENCODING_H

#include "actors/tune/data/data_report.h"
#include "proto/error.h"
#include "actors/tune/data/text.h"

/* In place; a byte order mark is left out. UTF-16 is known by its mark, or by its zeros.
 * Anything else that is no UTF-8 is latin-1, with a warning. Copies only what must change. */
TM_CHECKED tm_err_t encoding_normalise(struct text *text, struct data_report *report);

#endif
