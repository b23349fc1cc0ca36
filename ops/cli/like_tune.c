#include "ops/cli/like_tune.h"

#include <string.h>

#include "actors/kit/contracts/tune_field.h"
#include "actors/kit/fields/json_text.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/digest.h"
#include "ops/cli/database.h"

static bool
refuse(const cli_t *cli, const char *id, const struct tune_request_error *error)
{
    cli_fail(cli, "--like %s: what it was asked is not taken any more: %s%s%s", id,
             error->field, error->field[0] ? ": " : "", error->text);
    return false;
}

static tm_err_t
copy_fields(const json_t *body, tune_request_t *request, struct tune_request_error *error)
{
    tm_err_t err = TM_OK;

    for (size_t i = 0; !err && i < tune_fields.count; i++) {
        const char *name = tune_fields.rows[i].name;
        const json_t *value = json_object_get(body, name);

        if (!value || json_is_null(value) || tune_fields.rows[i].flags & FIELD_ELSEWHERE)
            continue;
        tm_auto(tm_text) text = json_is_string(value)
                                    ? strdup(json_string_value(value))
                                    : json_text_of(value, JSON_COMPACT | JSON_ENCODE_ANY);

        err = text ? tune_request_set(request, name, text, strlen(text), error) : TM_NO_MEMORY;
    }
    return err;
}

static bool
copy_dataset(const json_t *body, tune_request_t *request)
{
    const char *hex = json_string_value(json_object_get(body, "dataset_sha256"));
    const double size = json_number_value(json_object_get(body, "dataset_size"));
    uint8_t sha256[SHA256_SIZE];

    if (!hex || strlen(hex) != SHA256_TEXT - 1 || !hex_parse(hex, sha256, SHA256_SIZE) ||
        !(size >= 1))
        return false;
    tune_request_set_dataset(request, sha256, (uint64_t)size,
                             json_string_value(json_object_get(body, "filename")));
    return true;
}

bool
like_tune(cli_t *cli, const struct like_tune *which, tune_request_t *request)
{
    struct tune_request_error error = {.err = TM_OK};
    const char *id = which->id;
    tm_auto(json) body = database_ask(cli, which->data_dir, DATABASE_READ, CLI_TUNE_AGAIN,
                                      (const char *[]){id, which->workspace});
    json_t *strategy = json_incref(json_object_get(body, "strategy"));

    if (!body)
        return false;
    if (!json_is_object(body) || !copy_dataset(body, request)) {
        json_decref(strategy);
        cli_fail(cli, "--like %s: there is no such tune in workspace %s", id, which->workspace);
        return false;
    }
    if (copy_fields(body, request, &error)) {
        json_decref(strategy);
        return refuse(cli, id, &error);
    }
    return !strategy || !tune_request_set_strategy(request, &strategy, &error) ||
           refuse(cli, id, &error);
}
