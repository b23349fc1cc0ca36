#include "tests/support/explain_stand_in.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/kit/contracts/explain_call.h"
#include "proto/worker.h"

enum { CALLS = 64, LINE_MAX_BYTES = 1 << 20 };

static void
tell(int out, tm_str_t body)
{
    char *line = malloc(body.size + 1);

    memcpy(line, body.data, body.size);
    line[body.size] = '\n';
    if (write(out, line, body.size + 1) < 0)
        _exit(1);
    free(line);
}

static void
answer(tm_worker_t *worker, tm_job_t **job_p, const char *text)
{
    size_t code = strcspn(text, " ");

    if (text[0] == '!')
        tm_worker_fail(worker, job_p, tm_err_by_name(text + 1, code - 1), text + code, false);
    else if (text[0])
        tm_worker_done(worker, job_p, false, text, strlen(text));
}

static void
serve(const char *endpoint, const char *text, int out)
{
    struct tm_worker_options options = {
        .brokers = endpoint, .actor = "explain", .services = EXPLAIN_SERVICE, .calls = CALLS};
    tm_worker_t *worker = tm_worker_new(&options);
    tm_job_t *job = NULL;

    while (tm_worker_next(worker, -1, &job) == TM_OK) {
        tell(out, tm_job_body(job));
        answer(worker, &job, text);
    }
    tm_worker_destroy(&worker);
}

void
explain_stand_in_start(struct explain_stand_in *self, const char *endpoint, const char *text)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    fcntl(ends[1], F_SETPIPE_SZ, LINE_MAX_BYTES);
    self->pid = fork();
    ck_assert_int_ge(self->pid, 0);
    if (self->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        serve(endpoint, text, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    self->questions = ends[0];
}

void
explain_stand_in_stop(struct explain_stand_in *self)
{
    if (self->pid <= 0)
        return;
    kill(self->pid, SIGKILL);
    ck_assert_int_eq(waitpid(self->pid, NULL, 0), self->pid);
    close(self->questions);
    self->pid = 0;
}

json_t *
explain_stand_in_question(struct explain_stand_in *self)
{
    char *line = malloc(LINE_MAX_BYTES);
    size_t size = 0;
    json_t *question;

    while (read(self->questions, line + size, 1) == 1 && line[size] != '\n')
        ck_assert_uint_lt(++size, LINE_MAX_BYTES);
    question = json_loadb(line, size, 0, NULL);
    ck_assert_msg(question != NULL, "no question: %.*s", (int)size, line);
    free(line);
    return question;
}
