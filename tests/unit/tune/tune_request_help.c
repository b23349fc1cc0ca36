#include "tests/unit/tune/tune_request_help.h"

#include <string.h>

settings_t *settings;
tune_request_t *request;
struct tune_request_error fault;

void
tune_request_set_up(void)
{
    settings = settings_new();
    request = tune_request_new(settings);
    memset(&fault, 0, sizeof(fault));
}

void
tune_request_tear_down(void)
{
    tune_request_destroy(&request);
    settings_destroy(&settings);
}

tm_err_t
set(const char *name, const char *value)
{
    return tune_request_set(request, name, value, strlen(value), &fault);
}

tm_err_t
set_strategy(const char *text)
{
    json_t *spec = json_loads(text, JSON_DECODE_ANY, NULL);
    tm_err_t err = tune_request_set_strategy(request, &spec, &fault);

    ck_assert_ptr_null(spec);
    return err;
}

void
set_dataset(uint8_t first)
{
    const uint8_t sha256[32] = {first};

    tune_request_set_dataset(request, sha256, 1000, "prices.csv");
}

void
hash_of(const char *const *fields, uint8_t dataset, const char *spec, uint8_t out[32])
{
    tune_request_destroy(&request);
    request = tune_request_new(settings);
    for (size_t i = 0; fields[i]; i += 2)
        ck_assert_msg(set(fields[i], fields[i + 1]) == TM_OK, "%s: %s", fields[i], fault.text);
    set_dataset(dataset);
    ck_assert_int_eq(set_strategy(spec), TM_OK);
    ck_assert_msg(tune_request_finish(request, &fault) == TM_OK, "%s %s", fault.field,
                  fault.text);
    tune_request_hash(request, out);
}
