/* workspace - the tenant a command acts for. */
#ifndef OPS_CLI_WORKSPACE_H
#define OPS_CLI_WORKSPACE_H

#include <string.h>

#include "ops/cli/cli.h"
#include "proto/message.h"

#define WORKSPACE_DEVELOPMENT "00000000-0000-0000-0000-000000000001"

/* False: said on stderr. */
static inline bool
workspace_parse(const cli_t *cli, const char *text, tm_uuid_t *ret)
{
    if (tm_uuid_parse(text, strlen(text), ret) == TM_OK)
        return true;
    cli_misuse(cli, "--workspace: \"%s\" is not a UUID", text);
    return false;
}

#endif
