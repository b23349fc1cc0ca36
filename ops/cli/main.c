/* tunemill - one executable, a subcommand for each process and for each thing people do.
 * This is the only file that knows them all. */
#include <stdio.h>
#include <string.h>

#include "ops/cli/cli.h"
#include "ops/services.def"

static const struct cli_command commands[] = {
    {"up", cmd_up, "run everything on this machine, with a private database"},
    {"submit", cmd_submit, "submit a tune: search a strategy's parameters on price data"},
    {"watch", cmd_watch, "follow a tune to its end and show its leaderboard"},
    {"tunes", cmd_tunes, "list the tunes"},
    {"queues", cmd_queues, "show the queues; `queues limit` bounds one"},
    {"pause", cmd_pause, "start no more jobs of a queue"},
    {"resume", cmd_resume, "start jobs of a queue again"},
    {"workers", cmd_workers, "show the workers and the brokers"},
    {"dead", cmd_dead, "list, show, retry and drop dead jobs"},
    {"cancel", cmd_cancel, "cancel jobs and their children"},
    {"data", cmd_data, "show how a file of market data is understood"},
    {"backtest", cmd_backtest, "run one back-test here, without any server"},
    {"bench", cmd_bench, "measure the queue on this machine, beside its floors"},
    {"keys", cmd_keys, "make the certificates of the encrypted wire"},
    {"doctor", cmd_doctor, "say what is wrong: `doctor llm` tries the language models"},
    {"migrate", cmd_migrate, "bring the database's schema and strategies up to date"},
#define SERVICE(KIND, name, command, given, stage, how, help, notes) {#name, command, help},
    SERVICES(SERVICE)
#undef SERVICE
};
#define COMMAND_COUNT (sizeof commands / sizeof *commands)

static int
print_help(FILE *out)
{
    fprintf(out,
            "tunemill %s: reliable parameter tuning of trading strategies\n\n"
            "usage: tunemill COMMAND [options]\n\n",
            TM_VERSION);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
    fprintf(out, "  %-10s %s\n  %-10s %s\n\n", "help",
            "this text; `help settings` lists the settings", "version", "the version");
    fprintf(out, "`tunemill COMMAND --help` says more of each.\n");
    return CLI_OK;
}

static const struct cli_command *
find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int
run(const struct cli_command *command, int argc, char **argv)
{
    cli_t cli = {.command = command};
    int code = command->run(&cli, argc, argv);

    settings_destroy(&cli.settings);
    json_decref(cli.found_ids);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("tunemill: standard output");
        return CLI_FAILED;
    }
    return code;
}

static int
refuse(const char *name)
{
    const char *names[COMMAND_COUNT];
    const char *closest;

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i].name;
    closest = fields_nearest(name, names, COMMAND_COUNT);
    fprintf(stderr, "tunemill: there is no command \"%s\"%s%s%s\n", name,
            closest ? "; did you mean " : "", closest ? closest : "", closest ? "?" : "");
    fprintf(stderr, "See `tunemill --help`.\n");
    return CLI_USAGE;
}

static int
help(int argc, char **argv)
{
    const struct cli_command *command = argc > 2 ? find(argv[2]) : NULL;
    char option[] = "--help";
    char *help_argv[] = {argc > 2 ? argv[2] : option, option, NULL};

    if (argc <= 2)
        return print_help(stdout);
    if (strcmp(argv[2], "settings") == 0) {
        settings_print_help(stdout);
        return CLI_OK;
    }
    return command ? run(command, 2, help_argv) : refuse(argv[2]);
}

int
main(int argc, char **argv)
{
    const struct cli_command *command;

    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0)
        return help(argc, argv);
    if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0) {
        printf("tunemill %s\n", TM_VERSION);
        return CLI_OK;
    }
    command = find(argv[1]);
    return command ? run(command, argc - 1, argv + 1) : refuse(argv[1]);
}
