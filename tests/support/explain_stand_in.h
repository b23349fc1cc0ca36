/* explain_stand_in - a process that serves "explain" as a test says, and tells what it was
 * asked. */
#ifndef TESTS_SUPPORT_EXPLAIN_STAND_IN_H
#define TESTS_SUPPORT_EXPLAIN_STAND_IN_H

#include <jansson.h>
#include <sys/types.h>

struct explain_stand_in {
    pid_t pid;
    int questions; /* each that came, one JSON a line */
};

/* answer: the body of each RETURN; "" says nothing at all; "!CODE detail" is an ERROR. */
void explain_stand_in_start(struct explain_stand_in *self, const char *endpoint,
                            const char *answer);
void explain_stand_in_stop(struct explain_stand_in *self);
/* The next question that came: waits for it; the caller's. */
json_t *explain_stand_in_question(struct explain_stand_in *self);

#endif
