/* strategy - a trading rule, as data: a JSON spec compiled to programs over columns.
 *
 *   {"id": "<uuid>", "name": "bb_reversal", "description": "...", "tags": ["..."],
 *    "params": {"period": {"type": "int", "min": 2, "max": 200, "default": 20, "step": 1},
 * ...}, "indicators": {"mid": "sma(close, period)", ...},      each may use those before it
 *    "entry_long": "close < mid - k * dev", "exit_long": "close > mid",
 *    "entry_short": "...", "exit_short": "...",              at least one entry
 *    "reversing": false}
 *
 * A param's min and max are what it may be; "search": [5, 60], if given, is the narrower range
 * that a tune covers when it is not told otherwise; "step" is the grain of that range.
 *
 * Flat: entry_long, then entry_short, is asked. In a position: its exit. With "reversing" the
 * entries are asked in a position too, before the exit, and close it first.
 *
 * Expressions: numbers, params, indicators, open high low close volume, + - * /, < <= > >= ==
 * !=, and or not, parentheses, and the functions of expr.def. Numbers and truth values do not
 * mix. A comparison with an undefined value is false.
 */
#ifndef ENGINE_STRATEGY_H
#define ENGINE_STRATEGY_H

#include <jansson.h>
#include <stdbool.h>

#include "actors/tune/engine/strategy_param.h"
#include "proto/error.h"

#define STRATEGY_JSON_MAX_BYTES 65536

typedef struct strategy strategy_t;

/* TM_INVALID_STRATEGY with the reason (field, place in the expression) in detail, which is cut
 * to detail_size and may be NULL; TM_UNKNOWN_FIELD for a member that none of the above is.
 * Specs nest at most a few levels and are at most 64 KiB. */
TM_CHECKED tm_err_t strategy_parse(const char *json, size_t size, strategy_t **ret,
                                   char *detail, size_t detail_size);
TM_CHECKED tm_err_t strategy_from_json(json_t *spec, strategy_t **ret, char *detail,
                                       size_t detail_size); /* borrows spec */
void strategy_destroy(strategy_t **self_p);

const char *strategy_id(const strategy_t *self); /* 36 characters, lower case */
const char *strategy_name(const strategy_t *self);
const char *strategy_description(const strategy_t *self); /* "" if none */
size_t strategy_param_count(const strategy_t *self);
const struct strategy_param *strategy_param(const strategy_t *self, size_t index);
int strategy_param_index(const strategy_t *self, const char *name); /* -1: none */
/* "the strategy s has no param perod; did you mean period?" */
void strategy_unknown_param(const strategy_t *self, const char *name, char *detail,
                            size_t detail_size);
void strategy_defaults(const strategy_t *self, double params[STRATEGY_PARAMS_MAX]);

/* Does any rule or indicator read it? Then bars without a volume are of no use to it. */
bool strategy_reads_volume(const strategy_t *self);

/* Are params within their ranges, and integers where they must be? Else TM_INVALID_PARAM_SPACE.
 */
TM_CHECKED tm_err_t strategy_check_params(const strategy_t *self, const double *params,
                                          char *detail, size_t detail_size);

#endif
