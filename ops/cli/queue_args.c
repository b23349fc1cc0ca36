#include "ops/cli/queue_args.h"

#include <ctype.h>
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

/* ---- ids --------------------------------------------------------------------------------- */

enum { DIGITS = 32, SHOWN = 3 };

/* Its digits, without the dashes. 0: it is no beginning of an id. */
static size_t
read_digits(const char *text, char digits[DIGITS])
{
    size_t count = 0;

    for (; *text; text++) {
        if (*text == '-')
            continue;
        if (count == DIGITS || !isxdigit((unsigned char)*text))
            return 0;
        digits[count++] = *text;
    }
    return count < ID_ARG_MIN ? 0 : count;
}

/* The first and the last id that begins so. */
static void
fill_up(const char *digits, size_t count, char filler, char ret[DIGITS + 1])
{
    memcpy(ret, digits, count);
    memset(ret + count, filler, DIGITS - count);
    ret[DIGITS] = '\0';
}

static bool
refuse_beginning(const cli_t *cli, const char *text, const json_t *found)
{
    char list[SHOWN * (TM_UUID_TEXT + 2)] = "";
    size_t index, used = 0;
    const json_t *id;

    if (json_array_size(found) == 0) {
        cli_fail(cli, "there is no id here that begins with %s", text);
        return false;
    }
    json_array_foreach(found, index, id) if (index < SHOWN) used += (size_t)snprintf(
        list + used, sizeof list - used, "%s%s", index ? ", " : "", json_string_value(id));
    cli_fail(cli, "several ids begin with %s, as %s; give more of it", text, list);
    return false;
}

bool
id_arg_find(cli_t *cli, const char *data_dir, const char *what, const char **text)
{
    char digits[DIGITS], first[DIGITS + 1], last[DIGITS + 1];
    tm_uuid_t id;
    size_t count;

    if (tm_uuid_parse(*text, strlen(*text), &id) == TM_OK)
        return true;
    count = read_digits(*text, digits);
    if (count == 0) {
        cli_misuse(cli,
                   "\"%s\" is not %s: it is a UUID, of which the first %d digits or more do",
                   *text, what, ID_ARG_MIN);
        return false;
    }
    fill_up(digits, count, '0', first);
    fill_up(digits, count, 'f', last);
    tm_auto(json) found = database_ask(cli, data_dir, DATABASE_READ, CLI_IDS_BETWEEN,
                                       (const char *[]){first, last});

    if (!found)
        return false;
    if (json_array_size(found) != 1)
        return refuse_beginning(cli, *text, found);
    if (!cli->found_ids)
        cli->found_ids = json_array();
    *text = json_string_value(json_array_get(found, 0));
    return json_array_extend(cli->found_ids, found) == 0; /* which keeps it */
}

bool
job_arg_find(cli_t *cli, const char *data_dir, int index)
{
    const char *text = cli->arguments[index];

    if (!id_arg_find(cli, data_dir, "a job's id", &text))
        return false;
    cli->arguments[index] = (char *)(uintptr_t)text;
    return true;
}

char *
job_args_find(cli_t *cli, const char *data_dir)
{
    size_t count = (size_t)cli->argument_count;
    char *array = malloc(count * TM_UUID_TEXT + 3), *at = array;

    for (size_t i = 0; i < count; i++)
        if (!job_arg_find(cli, data_dir, (int)i)) {
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
