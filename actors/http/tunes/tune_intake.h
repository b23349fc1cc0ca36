/* tune_intake - POST /backtests/tune, from its first header to its answer.
 */
#ifndef ACTORS_HTTP_TUNES_TUNE_INTAKE_H
#define ACTORS_HTTP_TUNES_TUNE_INTAKE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct request request_t;

void
tune_intake_begin(request_t *request); /* headers are there: refuses early, or makes ready */
bool tune_intake_body(request_t *request, const char *data, size_t size); /* false: close it */
void tune_intake_run(request_t *request);                                 /* all has arrived */

#endif
