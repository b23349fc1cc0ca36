#include <stdio.h>

#include "ops/cli/cli.h"
#include "ops/supervisor/supervisor.h"

struct up {
    const char *data_dir, *http, *tune;
};

static const struct cli_option options[] = {
    {"data-dir", "DIR", CLI_TEXT, offsetof(struct up, data_dir),
     "where everything is kept; default system.data_dir (tunemill-data)"},
    {"http", "ADDRESS:PORT", CLI_TEXT, offsetof(struct up, http),
     "where HTTP is answered; port 0 picks a free one; default http.listen"},
    {"tune", "N", CLI_TEXT, offsetof(struct up, tune), "tune processes; default tune.workers"},
};

static const struct cli_usage usage = {
    .arguments = "",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .notes =
        "Unless DATABASE_URL or database.url names a database, a private PostgreSQL is kept in "
        "the\n"
        "data directory. When all is ready standard output says where: a terminal in words, a "
        "pipe in\n"
        "one line of JSON. Logs go to standard error. What dies is started again. SIGINT or "
        "SIGTERM stops everything.\n",
};

/* The options that are settings by another name. */
static bool
set(const cli_t *cli, const char *name, const char *value)
{
    char assignment[4200], detail[CLI_DETAIL_MAX];

    if (!value)
        return true;
    snprintf(assignment, sizeof assignment, "%s=%s", name, value);
    if (!settings_set(cli->settings, assignment, detail, sizeof detail))
        return true;
    cli_misuse(cli, "%s", detail);
    return false;
}

int
cmd_up(cli_t *cli, int argc, char **argv)
{
    struct up self = {NULL, NULL, NULL};
    char detail[CLI_DETAIL_MAX] = "";
    int code = cli_parse(cli, &usage, &self, argc, argv);
    tm_err_t err;

    if (code >= 0)
        return code;
    if (!set(cli, "system.data_dir", self.data_dir) || !set(cli, "http.listen", self.http) ||
        !set(cli, "tune.workers", self.tune))
        return CLI_USAGE;
    if (settings_check(cli->settings, detail, sizeof detail))
        return cli_misuse(cli, "%s", detail);
    cli_log_init(cli);
    err = supervisor_run(
        &(struct supervisor_options){
            .settings = cli->settings,
            .config = cli->common.config,
            .assignments = cli->common.assignments.items,
            .assignment_count = cli->common.assignments.count,
        },
        detail, sizeof detail);
    return err ? cli_fail(cli, "%s", detail[0] ? detail : tm_err_text(err)) : CLI_OK;
}
