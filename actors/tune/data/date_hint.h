/* date_hint - what a text that is no date looks like, so that its refusal says what to do. */
#ifndef ACTORS_TUNE_DATA_DATE_HINT_H
#define ACTORS_TUNE_DATA_DATE_HINT_H

#include "actors/tune/data/cells.h"

/* The rest of a sentence that begins with the value, or `otherwise`. */
const char *date_hint(const struct cell *cell, const char *otherwise);

#endif
