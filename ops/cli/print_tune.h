/* print_tune - answers for people: a tune with its leaderboard, a list of tunes, numbers. */
#ifndef OPS_CLI_PRINT_TUNE_H
#define OPS_CLI_PRINT_TUNE_H

#include <jansson.h>
#include <stdio.h>

/* Prints member `name` of object if it is a number. `format` takes one double. */
void print_number(FILE *out, const json_t *object, const char *name, const char *format);
void print_json(FILE *out, const json_t *value); /* whole */
void print_tune(FILE *out, const json_t *tune);  /* a TuneResponse, or a part of one */
void print_tunes(FILE *out, const json_t *tunes);

#endif
