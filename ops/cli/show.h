/* show - answers for people: a tune with its leaderboard, a list of tunes, numbers. */
#ifndef OPS_CLI_SHOW_H
#define OPS_CLI_SHOW_H

#include <jansson.h>
#include <stdio.h>

/* Prints member `name` of object if it is a number. `format` takes one double. */
void show_number(FILE *out, const json_t *object, const char *name, const char *format);
void show_json(FILE *out, const json_t *value); /* whole, numbers with 17 digits */
void show_tune(FILE *out, const json_t *tune);  /* a TuneResponse, or a part of one */
void show_tunes(FILE *out, const json_t *tunes);

#endif
