#include <dirent.h>
#include <jansson.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "migrations/migrate.h"
#include "migrations/session.h"

#define NAME_LIMIT 200

static int
is_json_entry(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);

    return size > 5 && entry->d_name[0] != '.' &&
           strcmp(entry->d_name + size - 5, ".json") == 0;
}

static tm_err_t
check(struct session *session, const json_t *spec, const char *name)
{
    const char *id = json_string_value(json_object_get(spec, "id"));
    const char *title = json_string_value(json_object_get(spec, "name"));
    tm_uuid_t uuid;

    if (!id || tm_uuid_parse(id, strlen(id), &uuid) != TM_OK)
        return session_wrong(session, TM_INVALID_STRATEGY, "%s: \"id\" must be a UUID", name);
    if (!title || !title[0] || strlen(title) > NAME_LIMIT)
        return session_wrong(session, TM_INVALID_STRATEGY,
                             "%s: \"name\" must be text of 1 to %d bytes", name, NAME_LIMIT);
    return TM_OK;
}

static tm_err_t
store(struct session *session, const json_t *spec, const char *name)
{
    tm_auto(tm_text) text = json_dumps(spec, JSON_COMPACT);
    const char *values[] = {json_string_value(json_object_get(spec, "id")),
                            json_string_value(json_object_get(spec, "name")), text};

    if (!text)
        return session_wrong(session, TM_NO_MEMORY, "%s: out of memory", name);
    return session_run(session, SQL_STRATEGY, name, values, NULL);
}

static tm_err_t
store_file(struct session *session, const char *dir, const char *name)
{
    char path[4096];
    json_error_t error;
    tm_auto(json) spec = NULL;
    tm_err_t err;

    if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
        return session_wrong(session, TM_TOO_LARGE, "%s: the path is too long", name);
    spec = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!spec)
        return session_wrong(session, TM_INVALID_STRATEGY, "%s:%d: %s", name, error.line,
                             error.text);
    err = check(session, spec, name);
    return err ? err : store(session, spec, name);
}

static tm_err_t
store_all(struct session *session, const char *dir, struct dirent **entries, int count)
{
    tm_err_t err = session_run(session, SQL_BEGIN, "strategies", NULL, NULL);

    for (int i = 0; !err && i < count; i++)
        err = store_file(session, dir, entries[i]->d_name);
    if (!err)
        err = session_run(session, SQL_COMMIT, "strategies", NULL, NULL);
    if (err && session->connection)
        session_rollback(session);
    return err;
}

tm_err_t
migrate_strategies(const char *url, const char *dir, char *detail, size_t size, int *ret_count)
{
    struct session session = {.detail = detail, .size = size};
    struct dirent **entries;
    int count = scandir(dir, &entries, is_json_entry, alphasort);
    tm_err_t err;

    if (count < 0)
        return session_wrong(&session, TM_NOT_FOUND, "%s: cannot be read: %s", dir,
                             strerror(errno));
    err = session_init(&session, url, detail, size);
    if (!err)
        err = store_all(&session, dir, entries, count);
    session_fini(&session);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    if (!err)
        *ret_count = count;
    return err;
}
