/* Which requests are one, by their hash. */
#include "tests/unit/tune/tune_request_help.h"

#include <string.h>

#include "actors/kit/contracts/tune_field.h"
#include "actors/kit/util/digest.h"
#include "tests/support/suite.h"

START_TEST(requests_that_mean_the_same_have_one_hash)
{
    const char *const first[] = {"param_space",
                                 "{\"period\":[10,20],\"k\":{\"min\":1.0,\"max\":3}}",
                                 "n_trials",
                                 "50",
                                 "initial_cash",
                                 "10000",
                                 "oos_ratio",
                                 "0.3",
                                 NULL};
    const char *const second[] = {"oos_ratio",
                                  "3e-1",
                                  "commission_bps",
                                  "10.00000000001",
                                  "param_space",
                                  " {\"k\" : {\"max\":3.0, \"min\":1}, \"period\":[10.0,20]}",
                                  "initial_cash",
                                  "1e4",
                                  "objective_params",
                                  "{\"dd_lambda\":2e-2}",
                                  "objective_type",
                                  "sharpe",
                                  "workspace_id",
                                  "w",
                                  NULL};
    uint8_t a[32], b[32];

    hash_of(first, 1, SPEC, a);
    hash_of(second, 1, SPEC, b);
    ck_assert_mem_eq(a, b, 32);
}
END_TEST

START_TEST(neither_the_files_name_nor_the_strategys_text_is_hashed)
{
    const char *const none[] = {NULL};
    const uint8_t sha256[32] = {1};
    uint8_t a[32], b[32];

    hash_of(none, 1, SPEC, a);
    hash_of(none, 1,
            "{\"id\":\"" STRATEGY
            "\",\"name\":\"edited\",\"params\":{\"k\":{\"type\":\"float\"}}}",
            b);
    ck_assert_mem_eq(a, b, 32);
    tune_request_set_dataset(request, sha256, 1000, "another.csv");
    tune_request_hash(request, b);
    ck_assert_mem_eq(a, b, 32);
}
END_TEST

/* One other value for every field that shapes the outcome. */
static const char *const others[][2] = {
    {"strategy_entity_id", "00000000-0000-0000-0000-000000000009"},
    {"search_type", "grid"},
    {"n_trials", "51"},
    {"seed", "1"},
    {"param_space", "{\"k\":[1,2]}"},
    {"initial_cash", "10000.001"},
    {"commission_bps", "10.000001"},
    {"slippage_bps", "0.00001"},
    {"min_trades", "6"},
    {"objective_metric", "return"},
    {"objective_type", "sharpe_dd_penalty"},
    {"objective_params", "{\"dd_lambda\":0.03}"},
    {"oos_ratio", "0.2"},
    {"select_on", "oos"},
    {"gates", "{\"min_trades\":null}"},
    {"fill", "open"},
    {"constraints", "[\"k < period\"]"},
    {"end_of_data", "open"},
    {"sizing", "fractional"},
    {"date_from", "2020-01-01"},
    {"date_to", "2030-01-01"},
    {"timezone", "Asia/Tokyo"},
    {"symbol", "AAPL"},
    {"allow_dropped_pct", "5.5"},
};

START_TEST(every_field_that_shapes_the_outcome_changes_the_hash)
{
    const char *const none[] = {NULL}, *const one[] = {others[_i][0], others[_i][1], NULL};
    uint8_t a[32], b[32];

    hash_of(none, 1, SPEC, a);
    hash_of(one, 1, SPEC, b);
    ck_assert_msg(memcmp(a, b, 32) != 0, "%s", others[_i][0]);
}
END_TEST

START_TEST(no_field_of_the_table_was_forgotten_above)
{
    for (size_t i = 0; i < tune_fields.count; i++) {
        const field_t *row = &tune_fields.rows[i];
        bool is_there = row->flags & FIELD_ELSEWHERE;

        for (size_t j = 0; j < sizeof(others) / sizeof(others[0]); j++)
            is_there = is_there || strcmp(others[j][0], row->name) == 0;
        ck_assert_msg(is_there, "%s", row->name);
        ck_assert_msg(row->help[0] != '\0', "%s has no words", row->name);
    }
}
END_TEST

/* Keys of clients are remembered for a week: the hash of a request is what it was. */
START_TEST(the_hash_of_a_request_is_what_it_has_always_been)
{
    const char *const none[] = {"seed", "0", NULL};
    const char *const some[] = {"param_space", "{\"k\":{\"min\":1,\"max\":3}}",
                                "seed",        "-5",
                                "oos_ratio",   "0.25",
                                "date_from",   "2020-01-01",
                                NULL};
    char text[SHA256_TEXT];
    uint8_t hash[32];

    hash_of(none, 1, SPEC, hash);
    ck_assert_str_eq(hex_text(hash, 32, text),
                     "52d9f2ae33c705144c75596f6dfe7a7db340cdff311e25ee8c630bf5392147cc");
    hash_of(some, 1, SPEC, hash);
    ck_assert_str_eq(hex_text(hash, 32, text),
                     "d5f3a457d50cf29619bfca1f61ba72db0038916e025eb5498002ca7169b7f7f6");
}
END_TEST

START_TEST(another_file_is_another_request)
{
    const char *const none[] = {NULL};
    uint8_t a[32], b[32];

    hash_of(none, 1, SPEC, a);
    hash_of(none, 2, SPEC, b);
    ck_assert(memcmp(a, b, 32) != 0);
}
END_TEST

TCase *
tune_request_hashes(void)
{
    TCase *tcase = case_new("hash", NULL, NULL);

    suite_tests(tcase, requests_that_mean_the_same_have_one_hash,
                neither_the_files_name_nor_the_strategys_text_is_hashed);
    suite_rows(tcase, every_field_that_shapes_the_outcome_changes_the_hash, others);
    suite_tests(tcase, no_field_of_the_table_was_forgotten_above,
                the_hash_of_a_request_is_what_it_has_always_been,
                another_file_is_another_request);
    return tcase;
}
