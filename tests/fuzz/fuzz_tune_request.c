/* Any bytes are a tune job's body: refused with words, or a spec whose body is read as the
 * same. */
#include <stdlib.h>
#include <string.h>

#include "actors/kit/contracts/tune_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses the field, the rest is its value. */
static void
set_one(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"param_space", "objective_params",  "date_from",
                                        "n_trials",    "initial_cash",      "seed",
                                        "search_type", "strategy_entity_id"};
    settings_t *settings = settings_new();
    tune_request_t *request = tune_request_new(settings);
    struct tune_request_error error = {.err = TM_OK};
    tm_err_t err =
        tune_request_set(request, names[data[0] % 8], (const char *)data + 1, size - 1, &error);

    if (err && (!error.text[0] || error.err != err))
        abort();
    err = tune_request_finish(request, &error); /* no dataset: it never passes */
    if (!err)
        abort();
    tune_request_destroy(&request);
    settings_destroy(&settings);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tune_request_error error = {.err = TM_OK};
    struct tune_spec spec, again;
    tm_err_t err = tune_spec_parse((const char *)data, size, NULL, &spec, &error);

    if (err && !error.text[0] && err != TM_NO_MEMORY)
        abort();
    if (!err) {
        char *text = json_dumps(spec.root, JSON_COMPACT | JSON_REAL_PRECISION(17));
        if (!text || tune_spec_parse(text, strlen(text), NULL, &again, &error) ||
            again.n_trials != spec.n_trials || again.seed != spec.seed)
            abort();
        tune_spec_fini(&again);
        free(text);
    }
    tune_spec_fini(&spec);
    if (size > 0)
        set_one(data, size);
    return 0;
}
