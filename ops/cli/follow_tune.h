/* follow_tune - follows one tune to its end: progress on standard error, the outcome on
 * standard output, as tables for people or as JSON.
 *
 * Progress comes from the broker. The outcome is what the database has, the leaderboard
 * included; without access to it, the summary that came with the end is shown. */
#ifndef OPS_CLI_FOLLOW_TUNE_H
#define OPS_CLI_FOLLOW_TUNE_H

#include "ops/cli/cli.h"
#include "proto/client.h"

typedef struct follow_tune follow_tune_t;

/* Takes over the client's watch callbacks; borrows both. Call it before submitting, so that no
 * news is missed. */
follow_tune_t *follow_tune_new(const cli_t *cli, tm_client_t *client, bool as_json);
void follow_tune_destroy(follow_tune_t **self_p);

/* The tune is followed by SUBSCRIBE, which also tells of an end long past. */
int follow_tune_run(follow_tune_t *self, const tm_uuid_t *tune); /* exit code */

#endif
