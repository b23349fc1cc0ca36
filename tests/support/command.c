#include "tests/support/command.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noreturn)) static void
become(const char *const *argv, int out, int err)
{
    char *copy[64];
    size_t count = 0;

    for (; argv[count] && count < 63; count++)
        if (asprintf(&copy[count], "%s", argv[count]) < 0)
            _exit(126);
    copy[count] = NULL;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed leaves nothing running */
    if (copy[0] && dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0)
        execv(copy[0], copy);
    _exit(127);
}

static void
read_back(FILE *file, char text[COMMAND_TEXT_MAX])
{
    rewind(file);
    text[fread(text, 1, COMMAND_TEXT_MAX - 1, file)] = '\0';
}

struct command *
command_run(const char *const *argv)
{
    struct command *self = calloc(1, sizeof *self);
    FILE *out = tmpfile(), *err = tmpfile();
    int status = 0;
    pid_t pid = -1;

    if (self && out && err)
        pid = fork();
    if (pid == 0)
        become(argv, fileno(out), fileno(err));
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        command_destroy(&self);
        return NULL;
    }
    self->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    read_back(out, self->out);
    read_back(err, self->err);
    fclose(out);
    fclose(err);
    return self;
}

void
command_destroy(struct command **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

pid_t
command_start(const char *const *argv, const char *log, int *ret_out)
{
    int ends[2], err = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pid_t pid;

    if (err < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    pid = fork();
    if (pid == 0)
        become(argv, ends[1], err);
    close(ends[1]);
    close(err);
    *ret_out = ends[0];
    return pid;
}
