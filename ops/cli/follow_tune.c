#include "ops/cli/follow_tune.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "ops/cli/database.h"
#include "ops/cli/local_instance.h"
#include "ops/cli/print_tune.h"

#define PLAIN_EVERY_MS 1000
#define BAR_WIDTH      24
#define NARROW         70 /* columns: the bar is shorter there */

struct follow_tune {
    const cli_t *cli;
    tm_client_t *client;
    tm_uuid_t tune;
    bool as_json;
    bool is_terminal; /* standard error is */
    bool has_bar;     /* a bar stands on the line */
    bool is_over;
    bool has_failed;
    tm_err_t err; /* of following it: the broker was lost */
    int64_t said_ms;
    char state[TM_NAME_MAX + 1];
    char reason[TM_DETAIL_MAX + TM_NAME_MAX + 4];
    json_t *summary; /* the body of the RESULT */
};

/* ---- progress --------------------------------------------------------------------------- */

static void
clear_bar(follow_tune_t *self)
{
    if (self->has_bar)
        fprintf(stderr, "\r\033[K");
    self->has_bar = false;
}

static size_t
width_of_terminal(const follow_tune_t *self)
{
    struct winsize size;

    if (!self->is_terminal || ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return SIZE_MAX;
    return size.ws_col;
}

/* One line, cut where the terminal ends: what is wrapped cannot be taken back. */
static void
print_line(follow_tune_t *self, const char *line)
{
    const size_t width = width_of_terminal(self), size = strlen(line);

    fprintf(stderr, "%s%.*s%s", self->is_terminal ? "\r\033[K" : "",
            (int)(size < width ? size : width - 1), line, self->is_terminal ? "" : "\n");
    self->has_bar = self->is_terminal;
    fflush(stderr);
}

/* All trials are done: what is left is to write them. */
static bool
is_storing(const struct tm_progress *progress)
{
    return progress->total && progress->done >= progress->total;
}

/* What matters most comes first: a narrow terminal shows no more. */
static void
print_progress(follow_tune_t *self, const struct tm_progress *progress, const json_t *body)
{
    const size_t most = width_of_terminal(self) < NARROW ? BAR_WIDTH / 3 : BAR_WIDTH;
    double share = progress->total ? (double)progress->done / (double)progress->total : 0;
    char bar[BAR_WIDTH + 1] = "", *line = NULL;
    size_t size;
    FILE *out = open_memstream(&line, &size);

    memset(bar, '.', most);
    memset(bar, '#', (size_t)(share > 1 ? (double)most : share * (double)most));
    fprintf(out, "%s [%s] %llu/%llu trials", is_storing(progress) ? "storing" : "searching",
            bar, (unsigned long long)progress->done, (unsigned long long)progress->total);
    if (!is_storing(progress))
        print_number(out, body, "eta_seconds", "  %.0f s left");
    print_number(out, body, "trials_per_second", "  %.0f trials/s");
    print_number(out, body, "best_score", "  best %.4f");
    if (fclose(out) == 0)
        print_line(self, line);
    free(line);
}

static void
on_progress(void *arg, const struct tm_progress *progress, tm_str_t body)
{
    follow_tune_t *self = arg;
    int64_t now_ms = clock_ms();
    bool is_last = progress->done == progress->total;

    if (!tm_uuid_is(&progress->job, &self->tune))
        return;
    if (self->is_terminal || is_last || now_ms - self->said_ms >= PLAIN_EVERY_MS) {
        tm_auto(json) details = json_loadb(body.data, body.size, 0, NULL);

        print_progress(self, progress, details);
        self->said_ms = now_ms;
    }
}

/* ---- the end ---------------------------------------------------------------------------- */

static void
note_end(follow_tune_t *self, tm_str_t state, tm_str_t code, tm_str_t detail)
{
    clear_bar(self);
    self->is_over = true;
    snprintf(self->state, sizeof self->state, "%.*s", (int)state.size, state.data);
    self->has_failed = !tm_str_is(state, "done");
    snprintf(self->reason, sizeof self->reason, "%.*s%s%.*s", (int)code.size, code.data,
             detail.size ? ": " : "", (int)detail.size, detail.data);
}

static void
on_result(void *arg, const struct tm_result *result, tm_str_t body)
{
    follow_tune_t *self = arg;

    if (self->is_over || !tm_uuid_is(&result->job, &self->tune))
        return;
    note_end(self, result->state, result->has_code ? result->code : tm_str(NULL),
             result->has_detail ? result->detail : tm_str(NULL));
    self->summary = json_loadb(body.data, body.size, 0, NULL);
}

static void
on_state(void *arg, tm_err_t err, const struct tm_state *state, tm_str_t body)
{
    follow_tune_t *self = arg;

    if (self->is_over)
        return;
    if (!err && (tm_str_is(state->state, "ready") || tm_str_is(state->state, "scheduled")))
        print_line(self, "queued: it waits for a worker");
    else if (!err && tm_str_is(state->state, "running"))
        print_line(self, "reading the price data");
    if (err) {
        self->err = err;
        note_end(self, tm_str("lost"), tm_str(tm_err_name(err)), tm_str(tm_err_text(err)));
    } else if (tm_str_is(state->state, "unknown")) {
        note_end(self, state->state, tm_str("TUNE_NOT_FOUND"),
                 tm_str("the broker knows no such tune"));
    } else if (tm_state_is_over(state->state)) {
        note_end(self, state->state, state->has_code ? state->code : tm_str(NULL),
                 state->has_detail ? state->detail : tm_str(NULL));
        self->summary = json_loadb(body.data, body.size, 0, NULL);
    }
}

/* ---- the outcome ------------------------------------------------------------------------ */

/* The whole answer from the database; else what came with the end. The caller owns it. */
static json_t *
outcome(const follow_tune_t *self)
{
    char text[TM_UUID_TEXT], detail[CLI_DETAIL_MAX], leaders[24];
    const char *parameters[] = {tm_uuid_text(&self->tune, text), leaders};
    PGconn *connection =
        database_open(self->cli->settings, DATABASE_READ, detail, sizeof detail);
    json_t *answer = NULL;

    snprintf(leaders, sizeof leaders, "%lld", (long long)self->cli->settings->tune_leaderboard);
    if (connection)
        answer =
            database_json(connection, CLI_TUNE_RESPONSE, parameters, detail, sizeof detail);
    PQfinish(connection);
    if (!answer) {
        fprintf(stderr, "The leaderboard is not shown: %s\n",
                detail[0] ? detail : "the database has no such tune");
        answer = json_incref(self->summary);
    }
    return answer;
}

/* A job's state, as what has become of a tune. */
static const char *
words_of_end(const char *state)
{
    return strcmp(state, "rejected") == 0   ? "was rejected"
           : strcmp(state, "canceled") == 0 ? "was canceled"
                                            : "has failed";
}

static int
show(follow_tune_t *self)
{
    tm_auto(json) answer = NULL;

    if (self->err)
        return local_instance_fail(self->cli, self->err, NULL);
    if (strcmp(self->state, "unknown") == 0)
        return cli_fail(self->cli, "%s", self->reason);
    answer = outcome(self);
    if (self->as_json && answer)
        print_json(stdout, answer);
    else if (answer)
        print_tune(stdout, answer);
    if (self->has_failed)
        return cli_fail(self->cli, "the tune %s: %s", words_of_end(self->state),
                        self->reason[0] ? self->reason : "no reason was given");
    return CLI_OK;
}

/* ---- public ----------------------------------------------------------------------------- */

follow_tune_t *
follow_tune_new(const cli_t *cli, tm_client_t *client, bool as_json)
{
    follow_tune_t *self = calloc(1, sizeof *self);

    if (!self)
        abort();
    self->cli = cli;
    self->client = client;
    self->as_json = as_json;
    self->is_terminal = isatty(STDERR_FILENO) == 1;
    tm_client_on_watch(client, on_progress, on_result, self);
    return self;
}

void
follow_tune_destroy(follow_tune_t **self_p)
{
    if (!*self_p)
        return;
    json_decref((*self_p)->summary);
    free(*self_p);
    *self_p = NULL;
}

int
follow_tune_run(follow_tune_t *self, const tm_uuid_t *tune)
{
    char text[TM_UUID_TEXT];
    tm_err_t err;

    self->tune = *tune;
    err = tm_client_subscribe(self->client, tune, on_state, self);
    while (!err && !self->is_over) {
        err = tm_client_wait(self->client, 1000);
        if (err == TM_TIMEOUT)
            err = TM_OK;
    }
    clear_bar(self);
    if (err == TM_DRAINING)
        return cli_fail(self->cli, "interrupted; the tune goes on: tunemill watch %s",
                        tm_uuid_text(tune, text));
    if (err)
        return local_instance_fail(self->cli, err, NULL);
    return show(self);
}
