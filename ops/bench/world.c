#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops/bench/bench.h"
#include "ops/supervisor/paths.h"

static void
become_up(const char *data_dir, int out)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(out, STDOUT_FILENO);
    unsetenv("DATABASE_URL");
    execl("/proc/self/exe", "tunemill", "up", "--data-dir", data_dir, "--http", "127.0.0.1:0",
          "--tune", "1", "--set=system.log_level=warn", (char *)NULL);
    _exit(127);
}

static tm_err_t
read_ready(struct bench_world *self, int out)
{
    char line[4096] = "";
    FILE *file = fdopen(out, "r");
    json_t *ready = NULL;
    const char *broker, *database;

    if (file && fgets(line, sizeof line, file))
        ready = json_loads(line, 0, NULL);
    if (file)
        fclose(file);
    broker = json_string_value(json_object_get(ready, "broker"));
    database = json_string_value(json_object_get(ready, "database"));
    if (broker && database) {
        snprintf(self->broker, sizeof self->broker, "%s", broker);
        snprintf(self->database, sizeof self->database, "%s", database);
    }
    json_decref(ready);
    return broker && database ? TM_OK : TM_INTERNAL;
}

tm_err_t
bench_world_start(struct bench_world *self, char *detail, size_t size)
{
    char data_dir[128];
    int ends[2];

    snprintf(self->directory, sizeof self->directory, "/tmp/tunemill-bench-XXXXXX");
    if (!mkdtemp(self->directory) || chmod(self->directory, 0711) < 0 ||
        pipe2(ends, O_CLOEXEC) < 0) {
        snprintf(detail, size, "no directory could be made in /tmp: %s", strerror(errno));
        return TM_INTERNAL;
    }
    snprintf(data_dir, sizeof data_dir, "%s/data", self->directory);
    self->pid = fork();
    if (self->pid == 0)
        become_up(data_dir, ends[1]);
    close(ends[1]);
    if (self->pid > 0 && read_ready(self, ends[0]) == TM_OK)
        return TM_OK;
    bench_world_stop(self);
    snprintf(detail, size, "the private system did not start; standard error says why");
    return TM_INTERNAL;
}

void
bench_world_stop(struct bench_world *self)
{
    int status;

    PQfinish(self->snapshot);
    self->snapshot = NULL;
    if (self->pid > 0) {
        kill(self->pid, SIGTERM);
        while (waitpid(self->pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    self->pid = 0;
    if (paths_remove_tree(self->directory) != TM_OK)
        fprintf(stderr, "tunemill bench: %s could not be removed\n", self->directory);
}
