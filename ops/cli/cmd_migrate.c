#include <stdio.h>

#include "migrations/migrate.h"
#include "ops/cli/database.h"
#include "ops/cli/local_instance.h"
#include "ops/cli/strategies.h"

struct migrate {
    bool create;
};

static const struct cli_option options[] = {
    {"create", NULL, CLI_FLAG, offsetof(struct migrate, create),
     "make the database first if it is not there"},
};

static const struct cli_usage usage = {
    .arguments = "",
    .options = options,
    .option_count = 1,
    .notes = "Applies what is missing of migrations/, each in a transaction of its own, and "
             "takes in\n"
             "config/strategies. Doing it again changes nothing.\n",
};

int
cmd_migrate(cli_t *cli, int argc, char **argv)
{
    struct migrate self = {false};
    char detail[CLI_DETAIL_MAX] = "", directory[PATH_MAX];
    const char *url;
    int applied = 0, strategies = 0, code = cli_parse(cli, &usage, &self, argc, argv);
    tm_err_t err = TM_OK;

    if (code >= 0)
        return code;
    local_instance_fill(cli, NULL);
    url = cli->settings->database_url;
    if (!url[0])
        return cli_misuse(cli, "no database is known: set DATABASE_URL or database.url");
    if (self.create)
        err = database_create(url, detail, sizeof detail);
    if (!err)
        err = migrate_run(url, detail, sizeof detail, &applied);
    if (!err && !strategies_dir(cli->settings, directory))
        return cli_fail(cli, "found no directory of strategies; set system.config_dir");
    if (!err)
        err = migrate_strategies(url, directory, detail, sizeof detail, &strategies);
    if (err)
        return cli_fail(cli, "%s", detail[0] ? detail : tm_err_text(err));
    fprintf(stderr, "tunemill migrate: %d migrations applied, %d strategies taken in\n",
            applied, strategies);
    return CLI_OK;
}
