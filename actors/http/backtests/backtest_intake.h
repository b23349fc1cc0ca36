/* backtest_intake - POST /backtests/run, from its first header to its answer.
 */
#ifndef ACTORS_HTTP_BACKTESTS_BACKTEST_INTAKE_H
#define ACTORS_HTTP_BACKTESTS_BACKTEST_INTAKE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct request request_t;

void backtest_intake_begin(
    request_t *request); /* headers are there: refuses early, or makes ready */
bool backtest_intake_body(request_t *request, const char *data, size_t size); /* false: close */
void backtest_intake_run(request_t *request);                                 /* all is there */

#endif
