/* tune_request_help - a request of the test under way, and what is put into it. */
#ifndef TESTS_UNIT_TUNE_TUNE_REQUEST_HELP_H
#define TESTS_UNIT_TUNE_TUNE_REQUEST_HELP_H

#include <check.h>

#include "actors/kit/contracts/tune_request.h"

#define STRATEGY "8fd7589a-97c6-49bf-a65e-357fb063fe33"
#define SPEC                                                                \
    "{\"id\":\"" STRATEGY                                                   \
    "\",\"name\":\"s\",\"params\":{\"period\":{\"type\":\"int\",\"min\":2," \
    "\"max\":200},\"k\":{\"type\":\"float\",\"min\":0,\"max\":10}}}"

/* Of the test under way */
extern settings_t *settings;
extern tune_request_t *request;
extern struct tune_request_error fault; /* of the last refusal */

void tune_request_set_up(void);
void tune_request_tear_down(void);

tm_err_t set(const char *name, const char *value);
tm_err_t set_strategy(const char *text);
void set_dataset(uint8_t first); /* byte of its SHA-256 */
/* The hash of a new request with these fields, name, value, ..., NULL. */
void hash_of(const char *const *fields, uint8_t dataset, const char *spec, uint8_t out[32]);

TCase *tune_request_grids(void);  /* test_tune_request_grid.c */
TCase *tune_request_hashes(void); /* test_tune_request_hash.c */
TCase *tune_request_bodies(void); /* test_tune_request_body.c */

#endif
