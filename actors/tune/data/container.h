/* container - the one text in a gzip or zip; what is no text is refused by its kind. */
#ifndef ACTORS_TUNE_DATA_CONTAINER_H
#define ACTORS_TUNE_DATA_CONTAINER_H

#include "actors/tune/data/data_report.h"
#include "proto/error.h"
#include "actors/tune/data/text.h"

/* In place: *text is the file, then what was in it. A gzip may have several members. More than
 * max_bytes, or over 200 times the packed size beyond the first MiB, is refused. */
TM_CHECKED tm_err_t container_open(struct text *text, size_t max_bytes,
                                   struct data_report *report);

#endif
