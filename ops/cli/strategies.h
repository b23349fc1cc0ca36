/* strategies - finds a strategy's spec for the command line.
 *
 * By the path of a JSON file (anything with a `/` or ending in .json), or among
 * config/strategies by id, name, or one of the names other back-testers use for it. The
 * directory is system.config_dir, else config/ beside the source the binary was built from,
 * else share/tunemill beside the binary's bin/.
 */
#ifndef OPS_CLI_STRATEGIES_H
#define OPS_CLI_STRATEGIES_H

#include <jansson.h>
#include <limits.h>

#include "ops/cli/cli.h"

/* NULL: said on stderr, with what there is to choose from. The caller owns the spec. */
json_t *strategies_find(const cli_t *cli, const char *name);

/* The directory that holds the *.json files. False: there is none. */
bool strategies_dir(const settings_t *settings, char path[PATH_MAX]);

#endif
