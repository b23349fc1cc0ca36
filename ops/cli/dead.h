/* dead - the commands of `tunemill dead`, one file each. */
#ifndef OPS_CLI_DEAD_H
#define OPS_CLI_DEAD_H

#include "ops/cli/cli.h"

cli_command_fn dead_show, dead_retry, dead_drop;

#endif
