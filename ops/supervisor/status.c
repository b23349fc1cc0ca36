#include "ops/supervisor/status.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ops/supervisor/paths.h"

tm_err_t
status_write(const char *data_dir, const json_t *status)
{
    char path[PATH_MAX], draft[PATH_MAX];
    bool is_written;
    int fd;

    if (!paths_join(path, sizeof path, data_dir, "up.json") ||
        !paths_join(draft, sizeof draft, data_dir, "up.json.new"))
        return TM_BAD_SETTING;
    fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return TM_INTERNAL;
    is_written = json_dumpfd(status, fd, JSON_INDENT(2)) == 0;
    is_written = close(fd) == 0 && is_written;
    if (is_written && rename(draft, path) == 0)
        return TM_OK;
    unlink(draft);
    return TM_INTERNAL;
}

json_t *
status_read(const char *data_dir)
{
    char path[PATH_MAX];
    json_error_t error;
    json_t *status;
    json_int_t pid;

    if (!paths_join(path, sizeof path, data_dir, "up.json"))
        return NULL;
    status = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    pid = json_integer_value(json_object_get(status, "pid"));
    if (pid > 0 && pid <= INT_MAX && (kill((pid_t)pid, 0) == 0 || errno == EPERM))
        return status;
    json_decref(status); /* left behind by one that was killed */
    return NULL;
}

static void
add_pair(char *out, size_t size, const PQconninfoOption *option)
{
    size_t used = strlen(out);

    snprintf(out + used, size - used, "%s%s=%s", used ? " " : "", option->keyword, option->val);
}

/* Without a password, as it was given; else rebuilt from its other parts. */
char *
status_safe_url(const char *url)
{
    char text[2048] = "";
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    bool has_secret = false;

    if (!options)
        return NULL;
    for (const PQconninfoOption *option = options; option->keyword; option++) {
        if (!option->val || !option->val[0])
            continue;
        if (strstr(option->keyword, "password"))
            has_secret = true;
        else
            add_pair(text, sizeof text, option);
    }
    PQconninfoFree(options);
    return strdup(has_secret ? text : url);
}
