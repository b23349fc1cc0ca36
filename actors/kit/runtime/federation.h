/* fleet - what every process of the system counts, as each last said it.
 *
 * A process sends its metrics to every broker, in a METRICS message every REPORT_MS; a broker
 * passes it on to those who watch: the bridges, which show the whole system in /metrics, and
 * the processes `health`. So a watcher knows all a few seconds after its start, and goes on
 * knowing while the database is away.
 *
 * A process not heard of for FEDERATION_FORGET_MS is forgotten. Own connections, on the owner's
 * loop; all on the loop's thread.
 */
#ifndef ACTORS_KIT_RUNTIME_FEDERATION_H
#define ACTORS_KIT_RUNTIME_FEDERATION_H

#include <stdbool.h>
#include <stddef.h>

#include "actors/kit/runtime/loop.h"
#include "actors/kit/runtime/metrics.h"
#include "actors/kit/runtime/settings.h"

enum { FEDERATION_REPORT_MS = 2000, FEDERATION_FORGET_MS = 30000 };

typedef struct federation federation_t;

/* Reports `meters` (borrowed) from now on; watches: also hears the others. NULL: the settings
 * name no broker that can be spoken to (it is logged). */
federation_t *federation_new(loop_t *loop, const settings_t *settings, meters_t *meters,
                             bool watches);
void federation_destroy(federation_t **self_p); /* tells the brokers the last figures first */

/* Prometheus text of all processes, this one included; each family once. The caller frees it.
 * NULL: no memory. */
char *federation_render(const federation_t *self, size_t *ret_size);

/* Over all processes, as each last said, this one too: the sum of a counter's or gauge's
 * series, or the count of a histogram's, whose labels hold `label` (`reason="slow"`; NULL:
 * all). */
double federation_sum(const federation_t *self, metric_t metric, const char *label);

/* Processes of a kind that report, this one included. */
size_t federation_processes(const federation_t *self, const char *actor);

/* Brokers that answer now, of *ret_configured; *ret_silent: the endpoint of one that does not,
 * or NULL. */
size_t federation_brokers(const federation_t *self, size_t *ret_configured,
                          const char **ret_silent);

#endif
