/* Any JSON is a param_space of a strategy with a whole and a real param: refused with words, or
 * every trial of it has params that the strategy takes. */
#include <assert.h>
#include <stdlib.h>

#include "actors/kit/contracts/tune_space.h"
#include "actors/tune/engine/search.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char spec[] =
    "{\"id\":\"6f1b9a1e-0000-4000-8000-000000000001\",\"name\":\"fuzz\","
    "\"params\":{\"n\":{\"type\":\"int\",\"min\":1,\"max\":200,\"default\":20},"
    "\"k\":{\"type\":\"float\",\"min\":-2,\"max\":3.5,\"default\":1}},"
    "\"indicators\":{\"mid\":\"sma(close, n)\"},"
    "\"entry_long\":\"close < mid * k\",\"exit_long\":\"close > mid\"}";

static void
check_trials(const strategy_t *strategy, const space_t *space)
{
    const uint64_t size = space_size(space), trials = size < 1000 ? size : 1000;
    double params[TUNE_PARAMS_MAX];

    assert(trials > 0);
    for (uint64_t i = 0; i < trials; i += 1 + trials / 7) {
        space_params(space, 7, i, params);
        const tm_err_t err = strategy_check_params(strategy, params, NULL, 0);
        assert(err == TM_OK);
    }
    space_params(space, 7, trials - 1, params);
    const tm_err_t err = strategy_check_params(strategy, params, NULL, 0);
    assert(err == TM_OK);
}

static void
check_space(const strategy_t *strategy, const json_t *json, enum search_type type)
{
    char detail[STRATEGY_DETAIL_BYTES] = "";
    space_t *space = NULL;

    if (space_parse(json, strategy, type, &space, detail, sizeof detail) == TM_OK)
        check_trials(strategy, space);
    else
        assert(detail[0]);
    space_destroy(&space);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    json_t *root = json ? json_loads(spec, 0, NULL) : NULL;
    struct tune_request_error error = {.err = TM_OK};
    strategy_t *strategy = NULL;

    if (root) {
        const tm_err_t made = strategy_from_json(root, &strategy, NULL, 0);
        assert(made == TM_OK);
        check_space(strategy, json, SEARCH_GRID);
        check_space(strategy, json, SEARCH_RANDOM);
        if (json_is_object(json) &&
            tune_space_check(json, json_object_get(root, "params"), &error) != TM_OK)
            assert(error.text[0]);
    }
    strategy_destroy(&strategy);
    json_decref(root);
    json_decref(json);
    return 0;
}
