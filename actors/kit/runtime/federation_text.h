/* federation_text - the metrics texts of many processes, checked and made one.
 *
 * A text from outside is taken only if every line of it is of the Prometheus text format 0.0.4
 * as meters_render writes it: families of a HELP, a TYPE and series of that name, each with the
 * labels of its sender, none of them twice. So the whole can always be read by who scrapes it.
 */
#ifndef ACTORS_KIT_RUNTIME_FEDERATION_TEXT_H
#define ACTORS_KIT_RUNTIME_FEDERATION_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "proto/message.h"

enum { FEDERATION_TEXT_MAX = 1 << 20 };

/* False: it is not such a text, or a series lacks actor="ACTOR",instance="INSTANCE"; *ret_line
 * is the first line (from 1) that is wrong, or behind the last: something stands twice. */
bool federation_text_check(tm_str_t text, tm_str_t actor, tm_str_t instance, size_t *ret_line);

/* Writes the families of all texts by name, each with the HELP and TYPE of the first that has
 * it; one of another type is left out. The texts have been checked, or are one's own. False: no
 * memory. */
bool federation_text_merge(FILE *out, const tm_str_t *texts, size_t count);

/* The sum of the values of the series `name` whose labels hold `label` (NULL: of all). */
double federation_text_sum(tm_str_t text, const char *name, const char *label);

#endif
