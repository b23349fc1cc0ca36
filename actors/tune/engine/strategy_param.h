/* strategy_param - what a strategy says of one of its params. */
#ifndef ENGINE_STRATEGY_PARAM_H
#define ENGINE_STRATEGY_PARAM_H

#include <stdbool.h>

#define STRATEGY_PARAMS_MAX   16
#define STRATEGY_NAME_BYTES   48
#define STRATEGY_DETAIL_BYTES 256 /* of a sentence that says what is wrong */

struct strategy_param {
    char name[STRATEGY_NAME_BYTES];
    bool is_int;
    double min, max; /* inclusive */
    double step;     /* 0: none given */
    double default_value;
    double search_min, search_max; /* what a tune without a param_space covers */
};

#endif
