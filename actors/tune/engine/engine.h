/* engine - the pure heart of the tuner: bars in, trials out.
 *
 * No I/O, no globals, no clock, no logging. Everything here is a function of its arguments: the
 * same bytes, strategy, options and seed give the same bits on any machine and any number of
 * workers. This header only gathers the others:
 *
 *   bars.h      price series, from actors/tune/data
 *   strategy.h  JSON spec -> strategy          search.h    param_space, trial i -> params
 *   backtest.h  one back-test, its metrics     metrics.h   metrics.def, the list of all metrics
 *   tune.h      many back-tests, ranking       overfit.h   PBO, deflated Sharpe ratio
 *   tpe.h       scores so far -> next params
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "actors/tune/engine/backtest.h"
#include "actors/tune/engine/bars.h"
#include "actors/tune/engine/metrics.h"
#include "actors/tune/engine/overfit.h"
#include "actors/tune/engine/search.h"
#include "actors/tune/engine/strategy.h"
#include "actors/tune/engine/tune.h"

#endif
