/* choices - a parameter space from the command line: --space period=10:50:5 --space k=1,1.5,2
 *
 *   NAME=FIRST:LAST:STEP   the values FIRST, FIRST+STEP, ... up to and including LAST
 *   NAME=A,B,C             these values; a single one is a list of one
 *   NAME=MIN..MAX          any value between, whole numbers if both ends are
 *
 * gives the param_space of the HTTP contract.
 */
#ifndef OPS_CLI_PARAM_SPACE_ARG_H
#define OPS_CLI_PARAM_SPACE_ARG_H

#include <jansson.h>

#include "ops/cli/cli.h"

#define PARAM_SPACE_ARG_MAX 10000

/* NULL: `detail` says which one is wrong, and how it should look. */
json_t *param_space_arg_parse(const struct cli_list *texts, char *detail, size_t size);

#endif
