/* bad_input - what the tables of bad inputs share: the running system, a bare HTTP exchange,
 * and the verdict after each case: it got the answer that is documented, no process was
 * replaced, the bridge and the broker still answer, and the database holds no more than it
 * should. */
#ifndef TESTS_CANARY_BAD_INPUT_H
#define TESTS_CANARY_BAD_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- the tables, each in a file of its own ------------------------------------------------ */

void bad_http_run(void);   /* requests that are not even a form */
void bad_form_run(void);   /* POST /backtests/tune, one thing of it wrong */
void bad_broker_run(void); /* ZeroMQ messages, and bytes that are none */

void bad_form_run_good(void); /* the form with nothing wrong */

/* --- the system --------------------------------------------------------------------------- */

void bad_system_start(void);
void bad_system_stop(void);          /* fails if a sanitizer has reported something */
const char *bad_system_broker(void); /* its endpoint, ipc://PATH */
uint16_t bad_system_port(void);      /* of the bridge, on 127.0.0.1 */
int bad_system_count(const char *sql);

/* What a case leaves in backtest_tunes. */
enum bad_trace { LEAVES_NOTHING, LEAVES_FAILED, LEAVES_COMPLETED };

/* Ends a case: fault is NULL, or what was wrong with its answer. */
void bad_case(const char *name, enum bad_trace leaves, const char *fault);
int bad_failures(void); /* of this process */
void bad_done(void);    /* with the system, for this process */

/* After all cases: as many tunes as they should have left and no job, memory never much more
 * than before. */
void bad_system_check_end(void);

/* --- bytes -------------------------------------------------------------------------------- */

struct bytes {
    char *data;
    size_t size, room;
};

void bytes_add(struct bytes *self, const void *data, size_t size);
void bytes_text(struct bytes *self, const char *text);
void bytes_repeat(struct bytes *self, const char *text, size_t count);
void bytes_fini(struct bytes *self);

/* --- HTTP --------------------------------------------------------------------------------- */

struct answer {
    int status; /* 0: the connection was closed without one */
    bool is_late;
    struct bytes text; /* headers and body, terminated */
};

/* Sends the bytes to the bridge and reads until it closes. then_leave: hangs up after them
 * and reads nothing. */
void bad_exchange(const struct bytes *request, bool then_leave, struct answer *ret);
void answer_fini(struct answer *self);

/* NULL, or how the answer differs from a problem of this status and code; with code "" only the
 * status is compared. also: a text that has to be in it, or NULL. */
const char *answer_fault(const struct answer *self, int status, const char *code,
                         const char *also);

#endif
