/* pace - what may be asked of this machine now. */
#ifndef TESTS_SUPPORT_PACE_H
#define TESTS_SUPPORT_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* May that have taken took_ms which takes quiet_ms at most where nobody else wants the
 * processor? If it took longer, a piece of work says how much longer than its processor time it
 * takes now. */
bool pace_allows(int64_t took_ms, int64_t quiet_ms);

/* So long as quiet_ms is where nobody else wants the processor: the same there, longer here by
 * what this machine is slower now. For a lease or a silence that a test must not lose to
 * others.
 */
int64_t pace_of_ms(int64_t quiet_ms);

/* The processor time of this process. */
int64_t pace_cpu_ms(void);

#endif
