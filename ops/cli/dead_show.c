/* tunemill dead show: all that is known of one dead job, with its body. */
#include <stdio.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/util/digest.h"
#include "ops/cli/database.h"
#include "ops/cli/dead.h"
#include "ops/cli/queue_args.h"
#include "ops/cli/print_tune.h"
#include "ops/cli/table.h"

#define HEAD_BYTES ((size_t)64) /* of a body that is no text */

static const struct cli_usage usage = {
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = database_options,
    .option_count = 2,
    .notes = "The body is shown as it is when it is JSON, else its size and its first bytes.\n",
};

static const struct table_column columns[] = {
    {"job", "job", TABLE_TEXT},
    {"queue", "queue", TABLE_TEXT},
    {"workspace", "workspace", TABLE_TEXT},
    {"code", "code", TABLE_TEXT},
    {"detail", "detail", TABLE_TEXT},
    {"attempts", "attempts", TABLE_NUMBER},
    {"failures", "failures", TABLE_NUMBER},
    {"of at most", "max_attempts", TABLE_NUMBER},
    {"crashes", "crashes", TABLE_NUMBER},
    {"worker", "worker", TABLE_TEXT},
    {"priority", "priority", TABLE_NUMBER},
    {"timeout ms", "timeout_ms", TABLE_NUMBER},
    {"parent", "parent", TABLE_TEXT},
    {"trace", "traceparent", TABLE_TEXT},
    {"created", "created_at", TABLE_TEXT},
    {"died", "died_at", TABLE_TEXT},
    {"body bytes", "body_bytes", TABLE_NUMBER},
};

/* Puts body_text, or only the head of body_hex, in the place of body_hex. */
static void
settle_body(json_t *job)
{
    const char *hex = json_string_value(json_object_get(job, "body_hex"));
    size_t size = hex ? strlen(hex) / 2 : 0;
    tm_auto(tm_text) text = calloc(1, size + 1);
    tm_auto(json) value = text && hex && hex_parse(hex, (uint8_t *)text, size)
                              ? json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL)
                              : NULL;

    if (value) {
        json_object_set_new(job, "body_text", json_stringn(text, size));
        json_object_del(job, "body_hex");
    } else if (size > HEAD_BYTES) {
        json_object_set_new(job, "body_hex", json_stringn(hex, 2 * HEAD_BYTES));
    }
}

static void
show(FILE *out, const json_t *job)
{
    const char *text = json_string_value(json_object_get(job, "body_text"));
    const char *hex = json_string_value(json_object_get(job, "body_hex"));
    double size = json_number_value(json_object_get(job, "body_bytes"));

    table_show_one(out, columns, sizeof columns / sizeof *columns, job);
    fputc('\n', out);
    if (text)
        table_show_text(out, text);
    else if (hex && hex[0])
        fprintf(out, "%s%s\n", hex, size > HEAD_BYTES ? "..." : "");
}

static int
refuse(const cli_t *cli, PGconn *connection, const char *const *parameters)
{
    tm_auto(json) state = database_answer(cli, connection, CLI_JOB_STATE, parameters);

    if (!json_is_string(state))
        return CLI_FAILED;
    if (strcmp(json_string_value(state), "unknown") == 0)
        return cli_fail(cli, "there is no job %s", parameters[0]);
    return cli_fail(cli, "the job %s is not dead: it is %s", parameters[0],
                    json_string_value(state));
}

static int
tell(const cli_t *cli, PGconn *connection, bool is_json)
{
    const char *parameters[] = {cli->arguments[0]};
    char detail[CLI_DETAIL_MAX] = "";
    tm_auto(json) job =
        database_json(connection, CLI_DEAD_SHOW, parameters, detail, sizeof detail);

    if (detail[0])
        return cli_fail(cli, "%s", detail);
    if (!job)
        return refuse(cli, connection, parameters);
    settle_body(job);
    if (is_json)
        print_json(stdout, job);
    else
        show(stdout, job);
    return CLI_OK;
}

int
dead_show(cli_t *cli, int argc, char **argv)
{
    struct database_options self = {NULL, false};
    int code = cli_parse(cli, &usage, &self, argc, argv);
    PGconn *connection;

    if (code >= 0)
        return code;
    if (!job_arg_find(cli, self.data_dir, 0))
        return CLI_USAGE;
    connection = database_reach(cli, self.data_dir, DATABASE_READ);
    code = connection ? tell(cli, connection, self.json) : CLI_FAILED;
    PQfinish(connection);
    return code;
}
