#include "tests/unit/http/http_runs_help.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/kit/runtime/log.h"
#include "actors/tune/tune.h"

#define MANY "1000000"

struct broker_world brokers;
struct reads_world world;
pid_t tuner;

void
start_tuner(void)
{
    char assignment[300];

    snprintf(assignment, sizeof(assignment), "broker.brokers=%s", brokers.endpoint[0]);
    broker_world_set(&brokers, assignment);
    tuner = fork();
    ck_assert_int_ge(tuner, 0);
    if (tuner == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        log_init("tune", LOG_AT_ERROR);
        exit((int)service_run(
            &tune_service,
            &(struct service_options){.settings = brokers.settings, .ready_fd = -1}));
    }
}

void
end_tuner(int signal_number)
{
    int status;

    if (tuner <= 0)
        return;
    kill(tuner, SIGCONT);
    kill(tuner, signal_number);
    ck_assert_int_eq(waitpid(tuner, &status, 0), tuner);
    ck_assert(signal_number == SIGKILL || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    tuner = 0;
}

void
runs_set_up(void)
{
    broker_world_start(&brokers, reads_fixture, 1);
    broker_world_set(&brokers, "tune.gate_min_trades=3");
    broker_world_set(&brokers, "tune.gate_max_drawdown_pct=90");
    start_tuner();
    reads_world_init_on(&world, brokers.url, "development", brokers.endpoint[0]);
    broker_world_await(&brokers,
                       "SELECT count(*) FROM brokers, jsonb_array_elements(workers) w"
                       " WHERE w->>'actor' IN ('tune', 'backtest')",
                       2);
}

void
runs_tear_down(void)
{
    reads_world_fini(&world);
    end_tuner(SIGKILL);
    broker_world_stop(&brokers);
}

/* --- tunes -------------------------------------------------------------------------------- */

/* Stores the data and enqueues a tune on it; its id. */
static char *
enqueue(const char *file, const char *const *fields)
{
    struct tune_world data = {.url = brokers.url};
    tune_request_t *request = tune_request_new(brokers.settings);
    struct tune_request_error error = {.err = TM_OK};
    json_t *spec = tune_world_strategy("bb_reversal");
    char *body, *id;

    tune_world_dataset(&data, file);
    for (size_t i = 0; fields && fields[i]; i += 2)
        ck_assert_int_eq(
            tune_request_set(request, fields[i], fields[i + 1], strlen(fields[i + 1]), &error),
            TM_OK);
    ck_assert_int_eq(tune_request_set_strategy(request, &spec, &error), TM_OK);
    tune_request_set_dataset(request, data.sha256, data.csv_size, "data.csv");
    ck_assert_int_eq(tune_request_finish(request, &error), TM_OK);
    body = tune_request_body(request);
    id = reads_query(&world, "SELECT jobs_enqueue('tune', convert_to($q$%s$q$, 'UTF8'))", body);
    ck_assert_uint_eq(strlen(id), 36);
    free(body);
    tune_request_destroy(&request);
    free(data.csv);
    return id;
}

void
await_status(const char *id, const char *status)
{
    char sql[200];

    snprintf(sql, sizeof(sql),
             "SELECT count(*) FROM backtest_tunes WHERE id = '%s' AND status = '%s'", id,
             status);
    broker_world_await(&brokers, sql, 1);
}

char *
completed(const char *const *fields)
{
    char *id = enqueue("tests/data/SYND.csv", fields);

    await_status(id, "completed");
    return id;
}

/* One that takes minutes, and works. */
char *
running(void)
{
    const char *const fields[] = {"n_trials", MANY, NULL};
    char *id = enqueue("tests/data/SYNM.csv", fields);

    await_status(id, "running");
    return id;
}

char *
run_of(const char *tune, unsigned trial)
{
    return reads_query(&world,
                       "SELECT run_id FROM backtest_tune_runs WHERE tune_id = '%s'"
                       " AND trial_index = %u",
                       tune, trial);
}

void
ask(const char *method, const char *before, const char *id, const char *after,
    struct reads_answer *ret)
{
    char path[200];

    snprintf(path, sizeof(path), "%s%s%s", before, id, after);
    reads_ask(&world, method, path, NULL, ret);
}

void
expect(const char *method, const char *before, const char *id, const char *after, long status,
       const char *code)
{
    struct reads_answer answer;
    const char *got;

    ask(method, before, id, after, &answer);
    got = json_string_value(json_object_get(answer.json, "code"));
    ck_assert_msg(answer.status == status, "%s %s%s: %ld %.500s", method, id, after,
                  answer.status, answer.body);
    ck_assert_str_eq(got ? got : "", code);
    ck_assert((status != 503 && status != 429) || strstr(answer.head, "\r\nRetry-After: "));
    reads_answer_fini(&answer);
}
