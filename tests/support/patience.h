/* patience - how long a test waits for what must come.
 *
 * No test is quicker for a shorter limit, and a busy machine passes it: this one is for what
 * has hung. A test that wants to see that something is quick compares it (pace.h).
 */
#ifndef TESTS_SUPPORT_PATIENCE_H
#define TESTS_SUPPORT_PATIENCE_H

enum { PATIENCE_MS = 120000 };

#endif
