/* like_tune - what a tune was asked, taken into a new request: what is set afterwards stands
 * for it. */
#ifndef OPS_CLI_LIKE_TUNE_H
#define OPS_CLI_LIKE_TUNE_H

#include "actors/kit/contracts/tune_request.h"
#include "ops/cli/cli.h"

/* Its file is named by hash and size, and need not be sent again. Of the database of the
 * settings, or of the running `tunemill up`. False: said on stderr. */
struct like_tune {
    const char *id, *workspace;
    const char *data_dir; /* NULL: system.data_dir */
};
bool like_tune(cli_t *cli, const struct like_tune *which, tune_request_t *request);

#endif
