/* tunemill doctor: looks after what lies outside of this system, one word for each thing. */
#include "ops/cli/doctor.h"

int
cmd_doctor(cli_t *cli, int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"doctor", doctor_llm, "say what is wrong: the language models, as `doctor llm`"},
        {"doctor llm", doctor_llm, "try the language models, and say what is wrong"},
    };

    return cli_dispatch(cli, commands, sizeof commands / sizeof *commands, argc, argv);
}
