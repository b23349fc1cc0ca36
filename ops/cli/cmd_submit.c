#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/util/digest.h"
#include "actors/kit/contracts/tune_field.h"
#include "actors/kit/contracts/tune_request.h"
#include "actors/kit/runtime/broker_settings.h"
#include "ops/cli/queue_args.h"
#include "ops/cli/like_tune.h"
#include "ops/cli/local_instance.h"
#include "ops/cli/param_space_arg.h"
#include "ops/cli/strategies.h"
#include "ops/cli/upload.h"
#include "ops/cli/follow_tune.h"
#include "ops/cli/workspace.h"

/* options that are fields of a tune request: X(option, field, VALUE); what each may be is said
 * by its row of tune_request.def */
#define FIELDS(X)                            \
    X("search", search_type, "TYPE")         \
    X("trials", n_trials, "N")               \
    X("seed", seed, "S")                     \
    X("constraints", constraints, "JSON")    \
    X("oos", oos_ratio, "SHARE")             \
    X("cash", initial_cash, "C")             \
    X("commission-bps", commission_bps, "B") \
    X("slippage-bps", slippage_bps, "B")     \
    X("fill", fill, "WHEN")                  \
    X("end-of-data", end_of_data, "HOW")     \
    X("sizing", sizing, "HOW")               \
    X("min-trades", min_trades, "N")         \
    X("objective", objective_type, "NAME")   \
    X("metric", objective_metric, "NAME")    \
    X("select-on", select_on, "PART")        \
    X("gates", gates, "JSON")                \
    X("from", date_from, "DATE")             \
    X("to", date_to, "DATE")                 \
    X("timezone", timezone, "ZONE")          \
    X("symbol", symbol, "NAME")              \
    X("allow-dropped-pct", allow_dropped_pct, "N")

enum {
#define X(option, field, value) OPTION_##field,
    FIELDS(X)
#undef X
        OPTION_COUNT
};

static const char *const field_names[] = {
#define X(option, field, value) [OPTION_##field] = #field,
    FIELDS(X)
#undef X
};

struct submit {
    const char *fields[OPTION_COUNT];
    const char *strategy, *key, *workspace, *data_dir, *like;
    struct cli_list space;
    bool watch, json;
    tm_uuid_t workspace_id;
    /* the tune */
    tune_request_t *request;
    char *data;
    size_t size;
    uint8_t sha256[SHA256_SIZE];
    /* the answer */
    bool is_answered;
    tm_err_t err;
    tm_uuid_t id;
    bool is_duplicate;
    char detail[TM_DETAIL_MAX + 1];
};

static char helps[OPTION_COUNT][400];

static const struct cli_option options[] = {
    {"strategy", "NAME|ID|FILE", CLI_TEXT, offsetof(struct submit, strategy),
     "one of config/strategies, or the path of a spec"},
    {"space", "NAME=VALUES", CLI_LIST, offsetof(struct submit, space),
     "period=10:50:5, k=1,1.5,2 or k=1..3; default the strategy's own"},
#define X(option, field, value)                                         \
    {option, value, CLI_TEXT,                                           \
     offsetof(struct submit, fields) + OPTION_##field * sizeof(char *), \
     helps[OPTION_##field]},
    FIELDS(X)
#undef X
        {"like", "TUNE_ID", CLI_TEXT, offsetof(struct submit, like),
         "ask what that tune was asked, of the same file, but for what other options say"},
    {"key", "TEXT", CLI_TEXT, offsetof(struct submit, key),
     "idempotency key: sent again, it gives the same tune"},
    {"workspace", "UUID", CLI_TEXT, offsetof(struct submit, workspace),
     "default the development workspace"},
    {"data-dir", "DIR", CLI_TEXT, offsetof(struct submit, data_dir),
     "of the running `tunemill up`; default system.data_dir"},
    {"watch", NULL, CLI_FLAG, offsetof(struct submit, watch),
     "follow it and show the leaderboard"},
    {"json", NULL, CLI_FLAG, offsetof(struct submit, json), "print JSON"},
};

static const struct cli_usage usage = {
    .arguments = "[FILE.csv]",
    .min_arguments = 0,
    .max_arguments = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .notes = "FILE.csv may be left out with --like. It has a header row with date, open, high, "
             "low, close and volume. The "
             "tune's id is\n"
             "printed when the tune is safe in the database. The broker is that of the "
             "settings, else\n"
             "that of the running `tunemill up`.\n",
};

/* Before --help is asked for, and so before the settings are there: theirs are the defaults. */
static void
write_helps(void)
{
    tm_auto(settings) settings = settings_new();

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *standard;
        struct tune_limited limited;
        char allowed[120];

        tune_field_limited(fields_find(&tune_fields, TUNE_FORM, field_names[i]), settings,
                           &limited);
        field_allowed(&limited.row, allowed, sizeof allowed);
        standard = limited.row.standard;
        snprintf(helps[i], sizeof helps[i], "%s (%s%s%s)", limited.row.help, allowed,
                 standard ? "; default " : "", standard ? standard : "");
    }
}

/* ---- the request ------------------------------------------------------------------------ */

static int
refuse_field(const cli_t *cli, const struct tune_request_error *error)
{
    static const char *const names[] = {
#define X(name, field_name, value) "--" name,
        FIELDS(X)
#undef X
    };
    const char *option = NULL;

    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strcmp(error->field, field_names[i]) == 0)
            option = names[i];
    if (strcmp(error->field, "param_space") == 0)
        option = "--space";
    return cli_misuse(cli, "%s%s%s", option ? option : error->field,
                      option || error->field[0] ? ": " : "", error->text);
}

static bool
set_field(const cli_t *cli, const struct submit *self, const char *name, const char *value)
{
    struct tune_request_error error = {.err = TM_OK};

    if (!value || !tune_request_set(self->request, name, value, strlen(value), &error))
        return true;
    refuse_field(cli, &error);
    return false;
}

static bool
set_space(const cli_t *cli, const struct submit *self)
{
    char detail[CLI_DETAIL_MAX];
    tm_auto(json) space = param_space_arg_parse(&self->space, detail, sizeof detail);
    tm_auto(tm_text) text = NULL;

    if (!space) {
        cli_misuse(cli, "%s", detail);
        return false;
    }
    if (json_object_size(space) == 0)
        return true;
    text = json_dumps(space, JSON_COMPACT | JSON_PRESERVE_ORDER);
    return text && set_field(cli, self, "param_space", text);
}

static bool
set_strategy(const cli_t *cli, const struct submit *self)
{
    struct tune_request_error error = {.err = TM_OK};
    json_t *spec;

    if (!self->strategy && self->like)
        return true;
    if (!self->strategy) {
        cli_misuse(cli, "--strategy is missing");
        return false;
    }
    spec = strategies_find(cli, self->strategy);
    if (!spec)
        return false;
    if (!set_field(cli, self, "strategy_entity_id",
                   json_string_value(json_object_get(spec, "id"))) ||
        tune_request_set_strategy(self->request, &spec, &error)) {
        if (error.err)
            refuse_field(cli, &error);
        json_decref(spec);
        return false;
    }
    return true;
}

/* The file's name without its directory; what it is like has another file. */
static void
set_dataset(const cli_t *cli, const struct submit *self)
{
    const char *name = self->data ? strrchr(cli->arguments[0], '/') : NULL;

    if (self->data)
        tune_request_set_dataset(self->request, self->sha256, self->size,
                                 name ? name + 1 : cli->arguments[0]);
}

static bool
build_request(cli_t *cli, struct submit *self)
{
    struct tune_request_error error = {.err = TM_OK};

    self->request = tune_request_new(cli->settings);
    if (self->like &&
        !like_tune(cli, &(struct like_tune){self->like, self->workspace, self->data_dir},
                   self->request))
        return false;
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (!set_field(cli, self, field_names[i], self->fields[i]))
            return false;
    if (!set_field(cli, self, "workspace_id", self->workspace) || !set_space(cli, self) ||
        !set_strategy(cli, self))
        return false;
    set_dataset(cli, self);
    if (!tune_request_finish(self->request, &error))
        return true;
    refuse_field(cli, &error);
    return false;
}

/* ---- sending ---------------------------------------------------------------------------- */

static void
on_answer(void *arg, const struct tm_answer *answer)
{
    struct submit *self = arg;

    self->is_answered = true;
    self->err = answer->err;
    self->id = answer->job;
    self->is_duplicate = answer->duplicate;
    snprintf(self->detail, sizeof self->detail, "%s",
             answer->detail[0] ? answer->detail : tm_err_text(answer->err));
}

static int
send_request(const cli_t *cli, struct submit *self, tm_client_t *client)
{
    tm_auto(tm_text) body = tune_request_body(self->request);
    uint8_t hash[SHA256_SIZE];
    struct tm_job_spec spec = {
        .queue = TUNE_QUEUE,
        .workspace = self->workspace_id,
        .key = self->key,
        .scope = TUNE_SCOPE,
        .request_hash = hash,
        .body = body,
        .body_size = strlen(body),
    };
    tm_err_t err;

    tune_request_hash(self->request, hash);
    err = tm_client_submit(client, &spec, on_answer, self);
    while (!err && !self->is_answered) {
        err = tm_client_wait(client, 1000);
        if (err == TM_TIMEOUT)
            err = TM_OK;
    }
    if (err)
        return local_instance_fail(cli, err, NULL);
    if (self->err)
        return local_instance_fail(cli, self->err, self->detail);
    return CLI_OK;
}

static void
print_id(const struct submit *self)
{
    char text[TM_UUID_TEXT];

    tm_uuid_text(&self->id, text);
    if (self->json && !self->watch)
        printf("{\"tune_id\":\"%s\",\"duplicate\":%s}\n", text,
               self->is_duplicate ? "true" : "false");
    else if (!self->json)
        printf("%s\n", text);
    fflush(stdout);
    if (self->is_duplicate)
        fprintf(stderr, "This key was used before: it is the same tune.\n");
}

static int
submit(const cli_t *cli, struct submit *self)
{
    struct tm_client_options client_options = {.brokers = cli->settings->broker_brokers,
                                               .window = 64,
                                               .give_up_ms = 10000,
                                               .curve = broker_settings_curve(cli->settings)};
    tm_auto(tm_client) client = tm_client_new(&client_options);
    tm_auto(follow_tune) watching = NULL;
    char detail[CLI_DETAIL_MAX] = "";
    tm_err_t err;
    int code;

    if (!client)
        return local_instance_misuse(cli);
    if (!local_instance_has_broker(cli, self->data_dir))
        return local_instance_fail(cli, TM_BROKER_DOWN, NULL);
    watching = follow_tune_new(cli, client, self->json);
    err = self->data
              ? upload_run(client, self->data, self->size, self->sha256, detail, sizeof detail)
              : TM_OK;
    if (err)
        return local_instance_fail(cli, err, detail);
    code = send_request(cli, self, client);
    if (code)
        return code;
    print_id(self);
    return self->watch ? follow_tune_run(watching, &self->id) : CLI_OK;
}

/* Without one it is the file of what it is like. */
static bool
read_data(const cli_t *cli, struct submit *self)
{
    if (cli->argument_count == 0)
        return true;
    self->data = cli_read_file(cli, cli->arguments[0],
                               (size_t)cli->settings->http_max_upload_mb << 20, &self->size);
    if (self->data)
        digest_of(self->data, self->size, self->sha256);
    return self->data != NULL;
}

int
cmd_submit(cli_t *cli, int argc, char **argv)
{
    struct submit self = {.workspace = WORKSPACE_DEVELOPMENT};
    int code;

    write_helps();
    code = cli_parse(cli, &usage, &self, argc, argv);
    if (code >= 0)
        return code;
    if (cli->argument_count == 0 && !self.like)
        return cli_misuse(cli, "FILE.csv is missing");
    if ((self.like && !id_arg_find(cli, self.data_dir, "a tune's id", &self.like)) ||
        !workspace_parse(cli, self.workspace, &self.workspace_id))
        return CLI_USAGE;
    local_instance_fill(cli, self.data_dir);
    if (!read_data(cli, &self))
        return CLI_FAILED;
    code = build_request(cli, &self) ? submit(cli, &self) : CLI_USAGE;
    tune_request_destroy(&self.request);
    free(self.data);
    return code;
}
