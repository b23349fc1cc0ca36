/* A broker and its model hear the same words, MODEL_STEPS of them; TM_MODEL_STEPS and
 * TM_MODEL_SEED ask for others. */
#include "tests/unit/broker/broker_model.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/pg_suite.h"

enum {
    ROUND = 40,        /* steps */
    CHECK_ROUNDS = 25, /* rounds between two checkpoints */
    RESTART_CHECKS = 10
};

static pg_fixture_t *fixture;
static struct broker_world world;

/* --- checkpoints -------------------------------------------------------------------------- */

/* Splits off the next column or row. */
static char *
next(char **at, const char *separator)
{
    static char none[1];
    char *part = strsep(at, separator);

    return part ? part : none;
}

static uint32_t
next_number(char **at)
{
    return (uint32_t)strtoul(next(at, "|"), NULL, 10);
}

static struct model_job *
named(struct model *model, const char *text)
{
    tm_uuid_t id;
    struct model_job *job;

    ck_assert_int_eq(tm_uuid_parse(text, strlen(text), &id), TM_OK);
    job = uuid_map_get(model->by_id, &id);
    if (!job)
        model_wrong(model, "job %s is in the database, and nobody submitted it", text);
    return job;
}

/* The attempt that was lost unheard. */
static void
skip(struct model_job *job, uint32_t attempt)
{
    if (!job->may_skip || job->state == M_RUNS || attempt != job->attempt + 1)
        return;
    job->attempt = attempt;
    job->may_skip = false;
}

static bool
is_live_right(struct model *model, char *row, char *detail, size_t size)
{
    const char *id = next(&row, "|"), *state = next(&row, "|");
    uint32_t attempt = next_number(&row), failures = next_number(&row);
    uint32_t crashes = next_number(&row);
    const char *holder = row;
    struct model_job *job = named(model, id);
    bool is_running = strcmp(state, "running") == 0;
    char worker[TM_UUID_TEXT] = "";

    if (!is_running)
        skip(job, attempt);
    if (job->state == M_RUNS)
        tm_uuid_text(&model_worker(model, job->holder)->id, worker);
    snprintf(detail, size,
             "job %s is %s, attempt %u, %u failures, %u crashes, worker %s;"
             " it should be %s, attempt %u, %u failures, %u crashes, worker %s",
             id, state, attempt, failures, crashes, holder, model_state_name(job->state),
             job->attempt, job->failures, job->crashes, worker);
    return job->state == (is_running ? M_RUNS : M_WAITS) && attempt == job->attempt &&
           failures == job->failures && crashes == job->crashes && strcmp(holder, worker) == 0;
}

static bool
are_live_right(struct model *model, char *detail, size_t size)
{
    char *text = pg_fixture_query(world.url, "SELECT id, state, attempt, failures, crashes,"
                                             " lease_worker FROM jobs");
    char *at = text[0] ? text : NULL;
    size_t rows = 0;
    bool is_right = true;

    for (; is_right && at; rows++)
        is_right = is_live_right(model, next(&at, "\n"), detail, size);
    free(text);
    if (is_right && rows != model->live) {
        snprintf(detail, size, "%zu jobs live, and should be %zu", rows, model->live);
        return false;
    }
    return is_right;
}

static bool
is_settled(const struct model_job *job)
{
    bool is_moving = job->state < M_DONE && (job->is_doubted || job->is_stopping);
    bool is_unheard = job->state >= M_DONE && job->watcher != NOBODY && !job->told;

    return job->is_checked || (!is_moving && !is_unheard);
}

static bool
are_settled(const struct model *model, char *detail, size_t size)
{
    for (size_t i = model->first_live; i < model->job_count; i++) {
        const struct model_job *job = model->jobs[i];
        if (is_settled(job))
            continue;
        snprintf(detail, size, "a job that is %s is %s", model_state_name(job->state),
                 job->is_doubted    ? "not taken back"
                 : job->is_stopping ? "not stopped"
                                    : "over, and nobody was told");
        return false;
    }
    return true;
}

/* It ran when it was canceled, or so it was said, and was lost on its way to its worker: nobody
 * tells of its end. */
static void
find_unheard_ends(struct model *model)
{
    char id[TM_UUID_TEXT], sql[100];

    for (size_t i = model->first_live; i < model->job_count; i++) {
        struct model_job *job = model->jobs[i];
        if (job->state != M_WAITS || !job->is_stopping || !job->may_skip)
            continue;
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM job_runs WHERE id = '%s'",
                 tm_uuid_text(&job->id, id));
        if (broker_world_count(&world, sql) == 1)
            model_set(model, job, M_CANCELED);
    }
}

static void
check_end(struct model *model, char *row)
{
    const char *id = next(&row, "|"), *state = next(&row, "|");
    uint32_t attempt = next_number(&row), failures = next_number(&row);
    struct model_job *job = named(model, id);

    if (job->may_differ && strcmp(state, "canceled") == 0)
        job->state = M_CANCELED;
    skip(job, attempt);
    if (strcmp(state, model_state_name(job->state)) != 0 || attempt != job->attempt ||
        (job->state != M_CANCELED && failures != job->failures))
        model_wrong(model,
                    "job %s is %s at attempt %u with %u failures; it should be %s at attempt %u"
                    " with %u",
                    id, state, attempt, failures, model_state_name(job->state), job->attempt,
                    job->failures);
    if (job->told && strcmp(job->told, state) != 0)
        model_wrong(model, "job %s is %s, and its producer was told that it is %s", id, state,
                    job->told);
    if (job->is_checked)
        model_wrong(model, "job %s has two ends", id);
    job->is_checked = true;
    model->ended[job->state - M_DONE]++;
}

/* The ids of what has ended since the last checkpoint, as an array's text. */
static char *
new_ends(const struct model *model)
{
    char *text = NULL, id[TM_UUID_TEXT];
    size_t size;
    FILE *out = open_memstream(&text, &size);
    bool is_first = true;

    ck_assert_ptr_nonnull(out);
    for (size_t i = model->first_live; i < model->job_count; i++) {
        const struct model_job *job = model->jobs[i];
        if (job->is_checked || job->state < M_DONE)
            continue;
        fprintf(out, "%s%s", is_first ? "" : ",", tm_uuid_text(&job->id, id));
        is_first = false;
    }
    fclose(out);
    return text;
}

static void
check_ends(struct model *model)
{
    char *ids = new_ends(model), *sql = NULL, *text, *at;

    ck_assert_int_gt(asprintf(&sql,
                              "SELECT id, outcome, attempt, failures FROM job_runs"
                              " WHERE id = ANY ('{%s}') UNION ALL SELECT id, 'dead', attempt,"
                              " failures FROM dead_jobs WHERE id = ANY ('{%s}')",
                              ids, ids),
                     0);
    text = pg_fixture_query(world.url, sql);
    at = text[0] ? text : NULL;
    while (at)
        check_end(model, next(&at, "\n"));
    for (size_t i = model->first_live; i < model->job_count; i++)
        if (!model->jobs[i]->is_checked && model->jobs[i]->state >= M_DONE)
            model_wrong(model, "a job that is %s is in no table",
                        model_state_name(model->jobs[i]->state));
    free(text);
    free(sql);
    free(ids);
}

static void
check_counts(struct model *model)
{
    long runs = broker_world_count(&world, "SELECT count(*) FROM job_runs");
    long dead = broker_world_count(&world, "SELECT count(*) FROM dead_jobs");

    if (runs != (long)(model->ended[0] + model->ended[2]) || dead != (long)model->ended[1])
        model_wrong(model, "%ld jobs have run and %ld are dead; should be %lu and %lu", runs,
                    dead, model->ended[0] + model->ended[2], model->ended[1]);
}

static void
check(struct model *model)
{
    int64_t end_ms = zclock_mono() + SOON_MS;
    char detail[500] = "";

    while (!are_settled(model, detail, sizeof(detail)) ||
           !are_live_right(model, detail, sizeof(detail))) {
        if (zclock_mono() > end_ms)
            model_wrong(model, "%s", detail);
        model_listen(model, 10);
        find_unheard_ends(model);
    }
    check_ends(model);
    check_counts(model);
    while (model->first_live < model->job_count && model->jobs[model->first_live]->is_checked)
        model->first_live++;
}

/* --- runs --------------------------------------------------------------------------------- */

static void
connect_anew(struct model *model, int peer)
{
    zsock_destroy(&model->peers[peer].socket);
    model->peers[peer].socket = zsock_new_dealer(world.endpoint[0]);
    zsock_set_linger(model->peers[peer].socket, 0);
}

static void
greet_all(struct model *model)
{
    model_begin_round(model);
    for (int i = 0; i < WORKERS; i++)
        model_hello(model, i, HELLO_ALL);
    model_end_round(model);
}

/* Jobs go on where they were; watches are forgotten. */
static void
restart(struct model *model)
{
    model_note(model, "the broker is killed and started again");
    model_lose_messages(model);
    broker_world_kill(&world, 0, SIGKILL);
    broker_world_launch(&world, 0);
    for (int i = 0; i < PEERS; i++)
        connect_anew(model, i);
    for (size_t i = model->first_live; i < model->job_count; i++)
        model->jobs[i]->watcher = NOBODY;
    greet_all(model);
}

static void
come_back(struct model *model)
{
    int worker = (int)model_below(model, WORKERS);

    model_rest(model, worker);
    check(model);
    model_note(model, "%d comes by another connection", PRODUCERS + worker);
    model_worker(model, worker)->next_credit = model_below(model, CREDIT_MOST + 1);
    connect_anew(model, PRODUCERS + worker);
    model_begin_round(model);
    model_hello(model, worker, HELLO_ALL);
    model_end_round(model);
}

static void
play_round(struct model *model)
{
    model_begin_round(model);
    if (model_below(model, 8) == 0)
        model_greet(model);
    for (int i = 0; i < ROUND; i++)
        model_step(model);
    model_end_round(model);
}

static void
report(const struct model *model, int64_t took_ms)
{
    printf(
        "{\"seed\":%llu,\"steps\":%lu,\"ms\":%lld,\"done\":%lu,\"dead\":%lu,\"canceled\":%lu,"
        "\"known\":%lu,\"keys\":%lu,\"failed\":%lu,\"given_back\":%lu,\"dropped\":%lu}\n",
        (unsigned long long)model->seed, model->steps, (long long)took_ms, model->ended[0],
        model->ended[1], model->ended[2], model->acts[ACT_KNOWN], model->acts[ACT_KEY],
        model->acts[ACT_FAIL], model->acts[ACT_GIVE_BACK], model->dropped);
}

static void
play(uint64_t seed, unsigned long steps)
{
    static struct model model;
    int64_t begin_ms = zclock_mono();

    model_init(&model, &world, seed);
    greet_all(&model);
    for (unsigned long checks = 1; model.steps < steps; checks++) {
        for (int i = 0; i < CHECK_ROUNDS; i++)
            play_round(&model);
        check(&model);
        if (checks % RESTART_CHECKS == 0)
            restart(&model);
        else
            come_back(&model);
        check(&model);
    }
    report(&model, zclock_mono() - begin_ms);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_gt(model.ended[i], 0);
    ck_assert_uint_gt(model.dropped, 0);
    model_fini(&model);
}

/* Nothing is lost by time: what is lost is said. */
static void
start(void)
{
    static const char *const assignments[] = {
        "broker.lease_ms=60000", "broker.takeover_ms=5000", "broker.ping_ms=50",
        "broker.retry_base_ms=1", "broker.retry_max_ms=2"};

    broker_world_start(&world, fixture, 1);
    broker_world_run(&world, "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database()"
                             " || ' SET synchronous_commit = off'; END $$");
    broker_world_kill(&world, 0, SIGKILL);
    for (size_t i = 0; i < sizeof(assignments) / sizeof(assignments[0]); i++)
        broker_world_set(&world, assignments[i]);
    broker_world_launch(&world, 0);
}

static void
stop(void)
{
    broker_world_stop(&world);
}

START_TEST(a_broker_does_what_its_model_does)
{
    const char *steps = getenv("TM_MODEL_STEPS"), *seed = getenv("TM_MODEL_SEED");

    play(seed ? strtoull(seed, NULL, 10) : 1, steps ? strtoul(steps, NULL, 10) : MODEL_STEPS);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("broker_model");
    TCase *tcase = suite_case(suite, "model", start, stop);

    tcase_set_timeout(tcase, 0); /* ctest's holds */
    suite_tests(tcase, a_broker_does_what_its_model_does);
    return pg_suite_run(suite, &fixture);
}
