/* announce - what `tunemill up` says on a terminal once all is ready. Elsewhere it is one line
 * of JSON, for programs. */
#ifndef OPS_SUPERVISOR_ANNOUNCE_H
#define OPS_SUPERVISOR_ANNOUNCE_H

#include <jansson.h>
#include <stdio.h>

#include "actors/kit/runtime/settings.h"

/* what: {"http", "broker", "database"}, as the line has it. Secrets are not shown. */
void announce_in_words(FILE *out, const settings_t *settings, const json_t *what,
                       const char *data_dir);

#endif
