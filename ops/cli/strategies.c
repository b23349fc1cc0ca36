#include "ops/cli/strategies.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/kit/util/auto.h"
#include "ops/supervisor/paths.h"

#define STRATEGIES_MAX 512
#define SPEC_MAX_BYTES (1 << 20)

/* other names -> ours */
static const struct {
    const char *other, *ours;
} aliases[] = {
    {"bollinger", "bb_reversal"},
    {"sma_cross_long", "sma_cross"},
    {"rsi", "rsi_reversion"},
    {"donchian", "donchian_breakout"},
};

static const char *
our_name(const char *name)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(aliases[i].other, name) == 0)
            return aliases[i].ours;
    return name;
}

static bool
is_directory_at(char out[PATH_MAX], const char *base, const char *relative)
{
    return paths_join(out, PATH_MAX, base, relative) && access(out, R_OK | X_OK) == 0;
}

bool
strategies_dir(const settings_t *settings, char path[PATH_MAX])
{
    static const char *const places[] = {"config/strategies", "../config/strategies",
                                         "../../config/strategies",
                                         "../share/tunemill/strategies"};
    char binary[PATH_MAX];
    ssize_t length;

    if (settings->system_config_dir[0])
        return is_directory_at(path, settings->system_config_dir, "strategies");
    length = readlink("/proc/self/exe", binary, sizeof binary - 1);
    if (length <= 0)
        return false;
    binary[length] = '\0';
    *strrchr(binary, '/') = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (is_directory_at(path, binary, places[i]))
            return true;
    return false;
}

static json_t *
load(const cli_t *cli, const char *path)
{
    json_error_t error;
    size_t size;
    tm_auto(tm_text) text = cli_read_file(cli, path, SPEC_MAX_BYTES, &size);
    json_t *spec;

    if (!text)
        return NULL;
    spec = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!spec)
        cli_fail(cli, "%s:%d: not JSON: %s", path, error.line, error.text);
    return spec;
}

/* All specs of the directory, an array. */
static json_t *
load_all(const cli_t *cli)
{
    char directory_path[PATH_MAX], path[PATH_MAX];
    json_t *all = json_array();
    struct dirent *entry;
    DIR *directory;

    if (!strategies_dir(cli->settings, directory_path))
        return all;
    directory = opendir(directory_path);
    while (directory && json_array_size(all) < STRATEGIES_MAX && (entry = readdir(directory))) {
        const char *dot = strrchr(entry->d_name, '.');
        json_t *spec = NULL;

        if (dot && strcmp(dot, ".json") == 0 &&
            paths_join(path, sizeof path, directory_path, entry->d_name))
            spec = load(cli, path);
        if (spec)
            json_array_append_new(all, spec);
    }
    if (directory)
        closedir(directory);
    return all;
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
refuse(const cli_t *cli, const json_t *all, const char *name)
{
    const char *names[STRATEGIES_MAX] = {""}, *closest;
    char list[2000] = "";
    size_t count = 0, used = 0, index;
    json_t *spec;

    json_array_foreach(all, index, spec)
    {
        const char *one = json_string_value(json_object_get(spec, "name"));

        if (one)
            names[count++] = one;
    }
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count && used + 64 < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%.60s", i ? ", " : "",
                                 names[i]);
    closest = fields_nearest(name, names, count);
    if (count == 0)
        cli_fail(cli, "found no strategies; set system.config_dir to the directory that holds "
                      "strategies/, or give the path of a JSON file");
    else if (closest)
        cli_fail(cli, "there is no strategy \"%s\"; did you mean %s? There are: %s", name,
                 closest, list);
    else
        cli_fail(cli, "there is no strategy \"%s\"; there are: %s", name, list);
}

static bool
is_path(const char *name)
{
    size_t length = strlen(name);

    return strchr(name, '/') || (length > 5 && strcmp(name + length - 5, ".json") == 0);
}

json_t *
strategies_find(const cli_t *cli, const char *name)
{
    static const char *const keys[] = {"name", "id"};
    tm_auto(json) all = NULL;
    json_t *spec;
    size_t index;

    if (is_path(name))
        return load(cli, name);
    all = load_all(cli);
    json_array_foreach(all, index, spec)
    {
        for (size_t i = 0; i < 2; i++) {
            const char *value = json_string_value(json_object_get(spec, keys[i]));

            if (value && strcmp(value, our_name(name)) == 0)
                return json_incref(spec);
        }
    }
    refuse(cli, all, name);
    return NULL;
}
