#include "tests/unit/ops/cli_help.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct command *last;
static json_t *last_json;

void
cli_setup(void)
{
    queue_setup();
    setenv("DATABASE_URL", queue_url, 1);
    unsetenv("TUNEMILL_CONFIG");
}

void
cli_setup_nowhere(void)
{
    setenv("DATABASE_URL", "host=/nonexistent-directory password=hush-hush", 1);
    unsetenv("TUNEMILL_CONFIG");
}

void
cli_teardown(void)
{
    command_destroy(&last);
    json_decref(last_json);
    last_json = NULL;
    queue_teardown();
}

const struct command *
cli_run(const char *first, ...)
{
    const char *argv[40] = {TUNEMILL, first};
    size_t count = 2;
    va_list words;

    va_start(words, first);
    while (count < 39 && (argv[count] = va_arg(words, const char *)))
        count++;
    va_end(words);
    command_destroy(&last);
    last = command_run(argv);
    ck_assert_ptr_nonnull(last);
    return last;
}

void
cli_refuses(const struct command *command, int code, const char *words)
{
    ck_assert_msg(command->code == code && strstr(command->err, words) && !command->out[0],
                  "code %d, not %d; no \"%s\" in: %s%s", command->code, code, words,
                  command->err, command->out);
}

void
cli_says(const struct command *command, const char *out)
{
    ck_assert_msg(command->code == 0 && strcmp(command->out, out) == 0,
                  "code %d: \"%s\", not \"%s\" %s", command->code, command->out, out,
                  command->err);
}

const json_t *
cli_json(const struct command *command)
{
    json_error_t error;

    ck_assert_msg(command->code == 0, "code %d: %s", command->code, command->err);
    json_decref(last_json);
    last_json = json_loads(command->out, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(last_json != NULL, "%s: %s", error.text, command->out);
    return last_json;
}

const json_t *
cli_at(const json_t *value, const char *path)
{
    char name[64];

    while (value && *path) {
        size_t length = strcspn(path, ".");

        snprintf(name, sizeof name, "%.*s", (int)length, path);
        value = json_is_array(value) ? json_array_get(value, strtoul(name, NULL, 10))
                                     : json_object_get(value, name);
        path += length + (path[length] == '.');
    }
    return value;
}

const char *
cli_cell(const char *table, int line, int column)
{
    static char cell[8192];
    const char *at = table, *end;

    for (int i = 0; i < line; i++) {
        at = strchr(at, '\n');
        ck_assert_msg(at != NULL, "line %d is not in: %s", line, table);
        at++;
    }
    for (int i = 0; i < column; i++) {
        end = at + strcspn(at, "\n");
        at = strstr(at, "  ");
        ck_assert_msg(at && at < end, "column %d of line %d is not in: %s", column, line,
                      table);
        at += strspn(at, " ");
    }
    end = strstr(at, "  ");
    if (!end || end > at + strcspn(at, "\n"))
        end = at + strcspn(at, "\n");
    snprintf(cell, sizeof cell, "%.*s", (int)(end - at), at);
    return cell;
}
