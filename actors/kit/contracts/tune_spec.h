/* tune_spec - what the tune actor reads of a job's body. tune_request.h makes it; the rows of
 * tune_field.h say where in it each field goes. */
#ifndef ACTORS_KIT_CONTRACTS_TUNE_SPEC_H
#define ACTORS_KIT_CONTRACTS_TUNE_SPEC_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define TUNE_GATE_OFF_DRAWDOWN_PCT 100 /* nothing falls deeper */

struct tune_gates {
    double max_drawdown_pct; /* NaN: the server's */
    int64_t min_trades;      /* -1: the server's */
};

/* Members are named as in the form; NULL or NaN: absent. */
struct tune_spec {
    char strategy_entity_id[37];
    json_t *strategy; /* borrowed from `root`; NULL if absent */
    uint8_t dataset_sha256[32];
    uint64_t dataset_size;
    char search_type[16];
    uint32_t n_trials; /* 0: all points of a grid, which were not counted yet */
    uint64_t seed;
    json_t *constraints; /* borrowed; NULL: none */
    json_t *param_space; /* borrowed; NULL: the strategy's own */
    double initial_cash, commission_bps, slippage_bps;
    char fill[8], end_of_data[8]; /* "close", "open" */
    char sizing[12];              /* "whole", "fractional" */
    uint32_t min_trades;
    char objective_metric[16], objective_type[32];
    double dd_lambda;
    double oos_ratio;  /* NaN: no split */
    char select_on[4]; /* "is", "oos"; empty: is */
    struct tune_gates gates;
    char date_from[36], date_to[36];  /* as they were written; empty: open */
    int64_t date_from_ms, date_to_ms; /* INT64_MIN, INT64_MAX: open; date_to includes its day */
    bool is_date_from_utc, is_date_to_utc; /* else they are what the exchange's clocks show */
    char timezone[65], symbol[65]; /* of the file; empty: it says it itself, or has one */
    double allow_dropped_pct;      /* of its rows */
    json_t *root;                  /* owned */
};

#endif
