#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/kit/runtime/log.h"
#include "ops/supervisor/supervisor_inner.h"

#define SELF "/proc/self/exe"

/* Secrets go by the environment (settings_hand_on), which only its owner can read, and never by
 * arguments, which all can. */
static void
add_common(const struct supervisor *self, const struct child *child, struct arguments *ret)
{
    const struct supervisor_options *options = self->options;

    arguments_add(ret, "tunemill");
    arguments_add(ret, "%s", child->type->name);
    if (options->config) {
        arguments_add(ret, "--config");
        arguments_add(ret, "%s", options->config);
    }
    for (size_t i = 0; i < options->assignment_count; i++) {
        if (!settings_is_secret(options->assignments[i]))
            arguments_add(ret, "--set=%s", options->assignments[i]);
    }
    arguments_add(ret, "--set=system.data_dir=%s", self->paths.data_dir);
    arguments_add(ret, "--set=broker.listen=%s", self->broker_listen);
    arguments_add(ret, "--set=broker.brokers=%s", self->brokers);
    arguments_add(ret, "--set=http.listen=%s", self->http_listen);
}

static const char *
arguments_for(const struct supervisor *self, const struct child *child, int ready_fd,
              struct arguments *ret)
{
    if (child->kind == CHILD_INITDB) {
        cluster_initdb(self->cluster, ret);
        return ret->texts;
    }
    if (child->kind == CHILD_POSTGRES) {
        cluster_server(self->cluster, ret);
        return ret->texts;
    }
    add_common(self, child, ret);
    if (child->kind == CHILD_MIGRATE && self->cluster)
        arguments_add(ret, "--create");
    if (ready_fd >= 0)
        arguments_add(ret, "--ready-fd=%d", ready_fd);
    return SELF;
}

static bool
is_database(const struct child *child)
{
    return child->kind == CHILD_INITDB || child->kind == CHILD_POSTGRES;
}

/* What has to be so before the program runs. */
static tm_err_t
prepare(const struct supervisor *self, const struct child *child)
{
    if (child->kind == CHILD_INITDB)
        return cluster_prepare(self->cluster);
    if (child->kind == CHILD_POSTGRES)
        return cluster_clear_stale(self->cluster);
    return TM_OK;
}

void
launch(struct supervisor *self, struct child *child, int64_t now_ms)
{
    struct arguments arguments = {NULL, 0};
    struct process_options options;
    const char *path;
    char **argv;
    tm_err_t err = prepare(self, child);
    int ready_fd;

    if (err) {
        log_warn("child.prepare", "name=%s error=%s", child->name, tm_err_name(err));
        child_pause(child, now_ms);
        return;
    }
    ready_fd = child_open_pipe(child);
    path = arguments_for(self, child, ready_fd, &arguments);
    argv = arguments_argv(&arguments);
    options = (struct process_options){
        .path = path,
        .argv = argv,
        .user = is_database(child) ? self->database_user : (struct process_user){.drop = false},
        .directory = is_database(child) ? "/" : NULL,
        .death_signal = child->type->stop_signal,
        .keep_fd = ready_fd,
    };
    child_start(child, &options, now_ms);
    free(argv);
    free(arguments.texts);
    if (ready_fd >= 0)
        close(ready_fd);
}
