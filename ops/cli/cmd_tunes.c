#include <stdio.h>

#include "actors/kit/util/auto.h"
#include "ops/cli/database.h"
#include "ops/cli/print_tune.h"
#include "ops/cli/workspace.h"

struct tunes {
    const char *data_dir, *workspace, *limit;
    bool json;
};

static const struct cli_option options[] = {
    {"data-dir", "DIR", CLI_TEXT, offsetof(struct tunes, data_dir),
     "of the running `tunemill up`; default system.data_dir"},
    {"workspace", "UUID", CLI_TEXT, offsetof(struct tunes, workspace),
     "whose tunes; default the development workspace"},
    {"limit", "N", CLI_WHOLE(1, 1000), offsetof(struct tunes, limit),
     "the newest N; default 20"},
    {"json", NULL, CLI_FLAG, offsetof(struct tunes, json), "print JSON"},
};

static const struct cli_usage usage = {
    .arguments = "",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .notes = "Reads the database of the settings, else that of the running `tunemill up`.\n",
};

int
cmd_tunes(cli_t *cli, int argc, char **argv)
{
    struct tunes self = {.workspace = WORKSPACE_DEVELOPMENT, .limit = "20"};
    int code = cli_parse(cli, &usage, &self, argc, argv);
    tm_uuid_t workspace;
    tm_auto(json) tunes = NULL;

    if (code >= 0)
        return code;
    if (!workspace_parse(cli, self.workspace, &workspace))
        return CLI_USAGE;
    tunes = database_ask(cli, self.data_dir, DATABASE_READ, CLI_TUNES,
                         (const char *[]){self.workspace, self.limit});
    if (!tunes)
        return CLI_FAILED;
    if (self.json)
        print_json(stdout, tunes);
    else
        print_tunes(stdout, tunes);
    return CLI_OK;
}
