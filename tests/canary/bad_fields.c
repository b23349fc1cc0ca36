/* Fields of a tune that are wrong, and forms that are made wrongly. */
#include "tests/canary/bad_form.h"

#include <stdio.h>

#define REFUSED(error) .status = 422, .code = error
#define INVALID        REFUSED("VALIDATION_FAILED")
#define SPACE(text)    .field = "param_space", .value = text
#define BAD_SPACE      REFUSED("INVALID_PARAM_SPACE")
#define BY_WORKER      .leaves = LEAVES_FAILED

#define MIN            "{\"k\":{\"min\":1,\"max\":3,"

static void
deep(struct bytes *out)
{
    bytes_text(out, "{\"period\":");
    bytes_repeat(out, "[", 30000);
    bytes_repeat(out, "]", 30000);
    bytes_text(out, "}");
}

static void
deep_objects(struct bytes *out)
{
    bytes_repeat(out, "{\"period\":", 6000);
}

static void
million_values(struct bytes *out)
{
    bytes_text(out, "{\"period\":[1");
    bytes_repeat(out, ",1", 1000000);
    bytes_text(out, "]}");
}

static void
many_values(struct bytes *out)
{
    bytes_text(out, "{\"period\":[1");
    bytes_repeat(out, ",1", 10000);
    bytes_text(out, "]}");
}

static void
many_names(struct bytes *out)
{
    char name[32];

    bytes_text(out, "{\"period\":[5]");
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), ",\"p%d\":[1,2]", i);
        bytes_text(out, name);
    }
    bytes_text(out, "}");
}

static void
of_70_kb(struct bytes *out)
{
    bytes_repeat(out, "x", 70000);
}

static void
part(struct bytes *out, const char *disposition)
{
    bytes_text(out, "--edge\r\n");
    bytes_text(out, disposition);
    bytes_text(out, "\r\n\r\nx\r\n");
}

static void
forty_parts(struct bytes *out)
{
    char text[100];

    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof(text), "Content-Disposition: form-data; name=\"more%d\"", i);
        part(out, text);
    }
}

static void
no_name(struct bytes *out)
{
    part(out, "Content-Disposition: form-data");
}

static void
long_name(struct bytes *out)
{
    part(out, "Content-Disposition: form-data; name=\"0123456789012345678901234567890123456789"
              "0123456789012345678901234567890123456789\"");
}

static void
name_not_utf8(struct bytes *out)
{
    part(out, "Content-Disposition: form-data; name=\"\xff\xfe\"");
    part(out, "Content-Disposition: form-data; name=\"\xff\xfe\"");
}

static void
nul_in_value(struct bytes *out)
{
    bytes_add(out, "grid\0x", 6);
}

static const struct form_case cases[] = {
    /* which strategy, which workspace */
    {.name = "no strategy",
     .field = "strategy_entity_id",
     INVALID,
     .also = "body.strategy_entity_id"},
    {.name = "a strategy that is not there",
     .field = "strategy_entity_id",
     .value = "8fd7589a-97c6-49bf-a65e-000000000000",
     .status = 404,
     .code = "STRATEGY_NOT_FOUND"},
    {.name = "a strategy by a path",
     .field = "strategy_entity_id",
     .value = "../../../etc/passwd",
     INVALID},
    {.name = "a strategy by SQL",
     .field = "strategy_entity_id",
     .value = "' OR 1=1;--",
     INVALID},
    {.name = "a workspace that is not there",
     .field = "workspace_id",
     .value = "8fd7589a-97c6-49bf-a65e-000000000000",
     .status = 404,
     .code = "WORKSPACE_NOT_FOUND"},
    {.name = "a workspace that is no id", .field = "workspace_id", .value = "mine", INVALID},
    {.name = "another workspace in the header",
     .headers = "X-Workspace-Id: 8fd7589a-97c6-49bf-a65e-000000000000\r\n",
     .status = 400,
     .code = "WORKSPACE_MISMATCH"},
    /* how to search */
    {.name = "a search nobody knows",
     .field = "search_type",
     .value = "annealing",
     REFUSED("INVALID_SEARCH_TYPE")},
    {.name = "a search with a NUL",
     .field = "search_type",
     .make_value = nul_in_value,
     REFUSED("INVALID_SEARCH_TYPE")},
    {.name = "0 trials", .field = "n_trials", .value = "0", INVALID, .also = "body.n_trials"},
    {.name = "-1 trials", .field = "n_trials", .value = "-1", INVALID},
    {.name = "10^9 trials", .field = "n_trials", .value = "1000000000", INVALID},
    {.name = "10^40 trials",
     .field = "n_trials",
     .value = "10000000000000000000000000000000000000000",
     INVALID},
    {.name = "1.5 trials", .field = "n_trials", .value = "1.5", INVALID},
    {.name = "1e3 trials", .field = "n_trials", .value = "1e3", INVALID},
    {.name = "a seed over 2^53", .field = "seed", .value = "9007199254740993", INVALID},
    {.name = "a seed in words", .field = "seed", .value = "lucky", INVALID},
    /* what to search */
    {.name = "JSON that breaks off", SPACE("{\"period\":[5,"), BAD_SPACE},
    {.name = "JSON that is not UTF-8", SPACE("{\"\xff\":[5]}"), BAD_SPACE},
    {.name = "JSON with a NUL", SPACE("{\"per\\u0000iod\":[5]}"), BAD_SPACE},
    {.name = "JSON with a name twice", SPACE("{\"k\":[1],\"k\":[2]}"), BAD_SPACE},
    {.name = "JSON that is no object", SPACE("[1,2]"), BAD_SPACE},
    {.name = "JSON 30,000 lists deep", .field = "param_space", .make_value = deep, BAD_SPACE},
    {.name = "JSON 6,000 objects deep",
     .field = "param_space",
     .make_value = deep_objects,
     BAD_SPACE},
    {.name = "no parameter", SPACE("{}"), BAD_SPACE},
    {.name = "a parameter nobody knows", SPACE("{\"speed\":[1]}"), BAD_SPACE},
    {.name = "a thousand of them", .field = "param_space", .make_value = many_names, BAD_SPACE},
    {.name = "a parameter of SQL", SPACE("{\"k'; DROP TABLE jobs;--\":[1]}"), BAD_SPACE},
    {.name = "an empty list", SPACE("{\"k\":[]}"), BAD_SPACE},
    {.name = "a list of 10,000",
     .field = "param_space",
     .make_value = many_values,
     BAD_SPACE,
     .also = "1000"},
    {.name = "a list of 10^6",
     .field = "param_space",
     .make_value = million_values,
     INVALID, /* the form's own limit */
     .also = "64 KiB"},
    {.name = "a value in words", SPACE("{\"k\":[\"big\"]}"), BAD_SPACE},
    {.name = "a value of null", SPACE("{\"k\":[null]}"), BAD_SPACE},
    {.name = "a value of NaN", SPACE("{\"k\":[NaN]}"), BAD_SPACE},
    {.name = "a value over every number", SPACE("{\"k\":[1e400]}"), BAD_SPACE},
    {.name = "a value out of bounds", SPACE("{\"period\":[501]}"), BAD_SPACE},
    {.name = "half a period", SPACE("{\"period\":[5.5]}"), BAD_SPACE},
    {.name = "a value twice", SPACE("{\"k\":[1,1]}"), BAD_SPACE},
    {.name = "neither list nor range", SPACE("{\"k\":1}"), BAD_SPACE},
    {.name = "a range without an end", SPACE("{\"k\":{\"min\":1}}"), BAD_SPACE},
    {.name = "a range the wrong way round", SPACE("{\"k\":{\"min\":3,\"max\":1}}"), BAD_SPACE},
    {.name = "a step of 0", SPACE(MIN "\"step\":0}}"), BAD_SPACE},
    {.name = "a step of -1", SPACE(MIN "\"step\":-1}}"), BAD_SPACE},
    {.name = "10^30 combinations",
     SPACE("{\"period\":{\"min\":1,\"max\":500},\"k\":{\"min\":0,\"max\":10,\"step\":1e-30}}"),
     BAD_SPACE,
     .also = "1000000 points"},
    {.name = "a step below every number", SPACE(MIN "\"step\":5e-324}}"), BAD_SPACE},
    {.name = "a grid of more points than trials",
     SPACE("{\"period\":[5,10,20],\"k\":[1,1.5]}"),
     REFUSED("GRID_TOO_LARGE"),
     .also = "6 points"},
    {.name = "a constraint that breaks off",
     .field = "constraints",
     .value = "[\"k <\"]",
     REFUSED("INVALID_CONSTRAINT"),
     BY_WORKER},
    {.name = "a type nobody knows", SPACE(MIN "\"type\":\"date\"}}"), BAD_SPACE},
    {.name = "a word nobody knows", SPACE(MIN "\"scale\":\"log\"}}"), BAD_SPACE},
    /* the rest */
    {.name = "no cash", .field = "initial_cash", .value = "0", INVALID},
    {.name = "cash of NaN", .field = "initial_cash", .value = "nan", INVALID},
    {.name = "cash of 1e400", .field = "initial_cash", .value = "1e400", INVALID},
    {.name = "cash in hex", .field = "initial_cash", .value = "0x1000", INVALID},
    {.name = "a negative commission", .field = "commission_bps", .value = "-1", INVALID},
    {.name = "slippage of all there is", .field = "slippage_bps", .value = "1001", INVALID},
    {.name = "no trades", .field = "min_trades", .value = "0", INVALID},
    {.name = "an objective nobody knows",
     .field = "objective_metric",
     .value = "fame",
     REFUSED("INVALID_OBJECTIVE")},
    {.name = "a kind of objective nobody knows",
     .field = "objective_type",
     .value = "sharpe_squared",
     REFUSED("INVALID_OBJECTIVE_TYPE")},
    {.name = "an objective's unknown number",
     .field = "objective_params",
     .value = "{\"lambda\":1}",
     REFUSED("INVALID_OBJECTIVE_PARAMS")},
    {.name = "an objective's negative number",
     .field = "objective_params",
     .value = "{\"dd_lambda\":-1}",
     REFUSED("INVALID_OBJECTIVE_PARAMS")},
    {.name = "nothing in sample", .field = "oos_ratio", .value = "1", INVALID},
    {.name = "nothing out of sample", .field = "oos_ratio", .value = "0", INVALID},
    {.name = "the 30th of February",
     .field = "date_from",
     .value = "2020-02-30",
     REFUSED("INVALID_DATE_FORMAT")},
    {.name = "a date of the Americans",
     .field = "date_to",
     .value = "02/03/2020",
     REFUSED("INVALID_DATE_FORMAT")},
    {.name = "days without bars",
     .field = "date_from",
     .value = "2030-01-01",
     REFUSED("INSUFFICIENT_DATA"),
     BY_WORKER},
    /* how the form is made */
    {.name = "no file", .has_no_file = true, INVALID, .also = "body.file"},
    {.name = "two files", .has_two_files = true, INVALID, .also = "is sent twice"},
    {.name = "a field twice",
     .field = "n_trials",
     .value = "5",
     .is_again = true,
     INVALID,
     .also = "is sent twice"},
    {.name = "a field of 70 kB", .field = "seed", .make_value = of_70_kb, INVALID},
    {.name = "forty parts more", .make_parts = forty_parts, INVALID, .also = "too many fields"},
    {.name = "a part without a name", .make_parts = no_name, INVALID},
    {.name = "a name of 80 bytes", .make_parts = long_name, INVALID, .also = "63 bytes"},
    {.name = "a name that is not UTF-8, twice",
     .make_parts = name_not_utf8,
     INVALID,
     .also = "body.?"},
    {.name = "a part nobody knows",
     .field = "colour",
     .value = "red",
     REFUSED("UNKNOWN_FIELD"),
     .also = "body.colour"},
    {.name = "a slip of the hand",
     .field = "comission_bps",
     .value = "0",
     REFUSED("UNKNOWN_FIELD"),
     .also = "did you mean commission_bps?"},
    {.name = "preferences that are none", /* are ignored */
     .headers = "Prefer: wait=-1, wait=soon;;;, =,,\r\nPrefer: \x01\r\n",
     .status = 200,
     .leaves = LEAVES_COMPLETED},
    /* one key, two requests */
    {.name = "a key, used first",
     .headers = "X-Idempotency-Key: \"mine\"\r\n",
     .status = 200,
     .leaves = LEAVES_COMPLETED},
    {.name = "the same key for another request",
     .headers = "X-Idempotency-Key: mine\r\n",
     .field = "seed",
     .value = "3",
     .status = 409,
     .code = "IDEMPOTENCY_KEY_REUSED"},
    {.name = "the same key for another file",
     .headers = "X-Idempotency-Key: mine\r\n",
     .row = "",
     .status = 409,
     .code = "IDEMPOTENCY_KEY_REUSED"},
    {.name = "a request that fails, under a key",
     .headers = "X-Idempotency-Key: sad\r\n",
     .csv = "date\n",
     REFUSED("DATA_PARSE_FAILED"),
     BY_WORKER},
    {.name = "the same again",
     .headers = "X-Idempotency-Key: sad\r\n",
     .csv = "date\n",
     REFUSED("DATA_PARSE_FAILED"),
     .also = "Idempotent-Replayed: true"},
};

const struct form_case *
form_field_cases(size_t *ret_count)
{
    *ret_count = sizeof(cases) / sizeof(cases[0]);
    return cases;
}
