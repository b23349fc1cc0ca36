#include "tests/support/tune_world.h"

#include <check.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/digest.h"

#define WORKSPACE "00000000-0000-0000-0000-000000000001"
#define PIECE     ((size_t)1 << 20)

pg_fixture_t *tune_fixture;

void
tune_world_init(struct tune_world *self)
{
    memset(self, 0, sizeof(*self));
    self->url = pg_fixture_database(tune_fixture);
    self->settings = settings_new();
    free(self->settings->database_url);
    self->settings->database_url = strdup(self->url);
    self->settings->database_max_backoff_ms = 200;
    self->settings->tune_gate_min_trades = 3;
    self->settings->tune_gate_max_drawdown_pct = 90; /* the data falls far */
    self->meters = meters_new("test");
    self->tuner = tuner_new(self->settings, self->meters);
}

void
tune_world_fini(struct tune_world *self)
{
    tuner_destroy(&self->tuner);
    meters_destroy(&self->meters);
    settings_destroy(&self->settings);
    free(self->end.result);
    free(self->last_json);
    free(self->body);
    free(self->csv);
    free(self->url);
}

char *
tune_world_read(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    char *data;
    long size;

    ck_assert_msg(file != NULL, "%s cannot be read", path);
    fseek(file, 0, SEEK_END);
    size = ftell(file);
    ck_assert_int_gt(size, 0);
    rewind(file);
    data = malloc((size_t)size + 1);
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq(fread(data, 1, (size_t)size, file), (size_t)size);
    data[size] = '\0';
    fclose(file);
    *ret_size = (size_t)size;
    return data;
}

json_t *
tune_world_strategy(const char *name)
{
    char path[200];
    json_t *spec;

    snprintf(path, sizeof(path), "config/strategies/%s.json", name);
    spec = json_load_file(path, 0, NULL);
    ck_assert_msg(spec != NULL, "%s cannot be read", path);
    return spec;
}

static void
execute(const struct tune_world *self, const char *sql, int count, const char *const *values,
        const int *sizes)
{
    static const int binary[] = {1, 1, 1, 1};
    PGconn *connection = PQconnectdb(self->url);
    PGresult *result = PQexecParams(connection, sql, count, NULL, values, sizes, binary, 0);
    ExecStatusType status = PQresultStatus(result);

    ck_assert_msg(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s",
                  PQerrorMessage(connection));
    PQclear(result);
    PQfinish(connection);
}

static void
put_piece(const struct tune_world *self, size_t piece)
{
    size_t left = self->csv_size - piece * PIECE;
    char number[12];
    const char *values[] = {(const char *)self->sha256, number, self->csv + piece * PIECE};
    int sizes[] = {32, 0, (int)(left < PIECE ? left : PIECE)};

    sizes[1] = snprintf(number, sizeof(number), "%zu", piece);
    execute(self,
            "INSERT INTO dataset_pieces (sha256, piece, data)"
            " VALUES ($1::bytea, ($2::text)::int, $3::bytea)",
            3, values, sizes);
}

void
tune_world_data(struct tune_world *self, const char *data, size_t size)
{
    char number[24];
    const char *values[] = {(const char *)self->sha256, number};
    int sizes[] = {32, 0};

    free(self->csv);
    self->csv = malloc(size);
    memcpy(self->csv, data, size);
    self->csv_size = size;
    digest_of(data, size, self->sha256);
    for (size_t piece = 0; piece * PIECE < size; piece++)
        put_piece(self, piece);
    sizes[1] = snprintf(number, sizeof(number), "%zu", size);
    execute(self, "SELECT dataset_complete($1::bytea, ($2::text)::bigint)", 2, values, sizes);
}

void
tune_world_dataset(struct tune_world *self, const char *path)
{
    size_t size;
    char *data = tune_world_read(path, &size);

    tune_world_data(self, data, size);
    free(data);
}

void
tune_world_job_body(struct tune_world *self, const char *body)
{
    const char *values[3] = {self->id, WORKSPACE, NULL};
    int sizes[3] = {36, 36, 0};

    free(self->body);
    self->body = strdup(body);
    self->job.id = tm_uuid_new();
    tm_uuid_text(&self->job.id, self->id);
    ck_assert_int_eq(tm_uuid_parse(WORKSPACE, 36, &self->job.workspace), TM_OK);
    self->job.attempt = 1;
    self->job.body = tm_str(self->body);
    values[2] = self->body;
    sizes[2] = (int)strlen(self->body);
    execute(self,
            "INSERT INTO jobs (id, workspace_id, queue, state, attempt, max_attempts, "
            "leased_at, lease_broker, body)"
            " VALUES (($1::text)::uuid, ($2::text)::uuid, 'tune', 'running', 1, 5, now(), "
            "($1::text)::uuid, $3::bytea)",
            3, values, sizes);
}

void
tune_world_job(struct tune_world *self, const char *strategy, const char *const *fields)
{
    tune_request_t *request = tune_request_new(self->settings);
    struct tune_request_error error = {.err = TM_OK};
    char *body;

    for (size_t i = 0; fields && fields[i]; i += 2)
        ck_assert_msg(tune_request_set(request, fields[i], fields[i + 1], strlen(fields[i + 1]),
                                       &error) == TM_OK,
                      "%s %s", error.field, error.text);
    if (strategy) {
        json_t *spec = tune_world_strategy(strategy);
        ck_assert_msg(tune_request_set_strategy(request, &spec, &error) == TM_OK, "%s %s",
                      error.field, error.text);
    }
    tune_request_set_dataset(request, self->sha256, self->csv_size, "data.csv");
    ck_assert_msg(tune_request_finish(request, &error) == TM_OK, "%s %s", error.field,
                  error.text);
    body = tune_request_body(request);
    tune_world_job_body(self, body);
    free(body);
    tune_request_destroy(&request);
}

static bool
is_dropped(void *arg)
{
    struct tune_world *self = arg;

    self->asked++;
    if (self->on_asked)
        self->on_asked(self);
    return self->is_dropped;
}

static bool
is_canceled(void *arg)
{
    struct tune_world *self = arg;

    if (self->on_cancel_asked)
        self->on_cancel_asked(self);
    return self->is_canceled;
}

static void
stopped(void *arg, uint64_t done, uint64_t total, const char *json)
{
    struct tune_world *self = arg;

    self->stopped++;
    self->last_done = done;
    self->last_total = total;
    free(self->last_json);
    self->last_json = strdup(json);
}

static void
progress(void *arg, uint64_t done, uint64_t total, const char *json)
{
    struct tune_world *self = arg;

    self->told++;
    self->last_done = done;
    self->last_total = total;
    free(self->last_json);
    self->last_json = strdup(json);
    if (self->on_progress)
        self->on_progress(self, done, total);
}

void
tune_world_run(struct tune_world *self)
{
    struct tuner_port port = {self, is_dropped, is_canceled, stopped, progress};

    free(self->end.result);
    tuner_run(self->tuner, &self->job, &port, &self->end);
}

char *
tune_world_query(const struct tune_world *self, const char *sql)
{
    char text[2000] = "";
    const char *at = sql;

    for (const char *id; (id = strstr(at, "$ID")); at = id + 3)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.*s'%s'", (int)(id - at),
                 at, self->id);
    snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s", at);
    return pg_fixture_query(self->url, text);
}

void
tune_world_expect(const struct tune_world *self, const char *sql, const char *answer)
{
    char *got = tune_world_query(self, sql);

    ck_assert_str_eq(got, answer);
    free(got);
}
