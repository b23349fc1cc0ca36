#include "ops/cli/queue_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "ops/cli/database.h"
#include "proto/message.h"

#define CANDIDATES_MAX 1000

bool
queue_arg_check(const cli_t *cli, const char *what, const char *text)
{
    size_t size = strlen(text);

    if (size > 0 && size <= TM_NAME_MAX &&
        strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-") == size)
        return true;
    cli_misuse(cli, "%s: \"%s\" is not a queue's name: 1 to %d characters of a-z 0-9 . _ -",
               what, text, TM_NAME_MAX);
    return false;
}

static void
note(const cli_t *cli, const char *queue, const json_t *names)
{
    const char *candidates[CANDIDATES_MAX], *closest;
    size_t count = 0, index;
    const json_t *name;

    json_array_foreach(names, index, name)
    {
        if (count < CANDIDATES_MAX && json_is_string(name))
            candidates[count++] = json_string_value(name);
    }
    closest = fields_nearest(queue, candidates, count);
    fprintf(stderr,
            "tunemill %s: note: nobody has used a queue \"%s\": it holds no job, no worker "
            "serves it, and nothing of it ended within the hour%s%s%s\n",
            cli->command->name, queue, closest ? "; did you mean " : "", closest ? closest : "",
            closest ? "?" : "");
}

bool
queue_arg_note_unknown(const cli_t *cli, PGconn *connection, const char *queue)
{
    const char *parameters[] = {queue};
    tm_auto(json) answer = database_answer(cli, connection, CLI_QUEUE_KNOWN, parameters);

    if (answer && !json_is_true(json_object_get(answer, "known")))
        note(cli, queue, json_object_get(answer, "names"));
    return answer != NULL;
}

bool
job_arg_check(const cli_t *cli, const char *text)
{
    tm_uuid_t id;

    if (tm_uuid_parse(text, strlen(text), &id) == TM_OK)
        return true;
    cli_misuse(cli, "\"%s\" is not a job's id: it is a UUID", text);
    return false;
}

char *
job_args_check(const cli_t *cli)
{
    size_t count = (size_t)cli->argument_count;
    char *array = malloc(count * TM_UUID_TEXT + 3), *at = array;

    for (size_t i = 0; i < count; i++)
        if (!job_arg_check(cli, cli->arguments[i])) {
            free(array);
            return NULL;
        }
    if (!array)
        return NULL;
    *at++ = '{';
    for (size_t i = 0; i < count; i++)
        at += sprintf(at, "%s%s", i ? "," : "", cli->arguments[i]);
    strcpy(at, "}");
    return array;
}
