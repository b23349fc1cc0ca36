/* local_instance - finds the `tunemill up` of the data directory, so that its endpoints need
 * not be typed: where the settings name no broker or no database of their own, its are taken.
 */
#ifndef OPS_CLI_LOCAL_INSTANCE_H
#define OPS_CLI_LOCAL_INSTANCE_H

#include "ops/cli/cli.h"

/* data_dir NULL: system.data_dir. */
void local_instance_fill(cli_t *cli, const char *data_dir);

/* Whether waiting for an answer makes sense: something listens where a broker should be, or the
 * `tunemill up` of the directory lives, and will start one; that is said. */
bool local_instance_has_broker(const cli_t *cli, const char *data_dir);

/* Says why a broker could not be talked to; where none answers, also where it was sought and
 * how to name another. Returns the exit code. detail NULL: the error's own text. */
int local_instance_fail(const cli_t *cli, tm_err_t err, const char *detail);

/* No client could be made: says which setting is wrong. Returns the exit code. */
int local_instance_misuse(const cli_t *cli);

#endif
