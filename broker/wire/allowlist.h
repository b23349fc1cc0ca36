/* allowlist - the directory of public certificates whose keys may connect.
 *
 * Every file NAME.cert counts (a-z A-Z 0-9 . _ - in its name), whatever else is there does not.
 * A certificate's metadata say what its key may do:
 *
 *     role       of producer, worker and monitor (messages.def), those it has, separated by
 *                commas; absent: all
 *     queues     what a worker may serve, separated by commas
 *     services   whose calls a worker may answer, separated by commas; where neither queues nor
 *                services stands, a worker may serve and answer whatever it likes
 *
 * A certificate that cannot be read, or whose key another has too, lets nobody in; the log
 * names it. The directory is read again when it has changed. If it is gone, nobody is let in;
 * if it cannot be read just now (no descriptors, no memory), what was read last stays.
 */
#ifndef BROKER_WIRE_ALLOWLIST_H
#define BROKER_WIRE_ALLOWLIST_H

#include "proto/curve.h"

typedef struct {
    char key[TM_CURVE_KEY + 1];
    char name[TM_NAME_MAX + 1]; /* the file's */
    unsigned roles;             /* of tm_roles_t */
    char *queues, *services;    /* both NULL: any */
    bool is_doubled;            /* another certificate has the same key */
} guest_t;

typedef struct allowlist allowlist_t;

allowlist_t *allowlist_new(const char *path);
void allowlist_destroy(allowlist_t **self_p);

/* Reads the directory if it has changed since. TM_OK also when some certificates are wrong. */
TM_CHECKED tm_err_t allowlist_read(allowlist_t *self, bool *ret_is_changed, char *detail,
                                   size_t detail_size);
size_t allowlist_size(const allowlist_t *self);
const guest_t *allowlist_find(const allowlist_t *self, const char *key); /* NULL: not let in */

/* Of the characters that a name may have, a-z A-Z 0-9 . _ -: safe in a log and in an answer. */
bool allowlist_is_name(tm_str_t name);

/* False: the first of these names (separated by commas) that it may not serve or answer. */
bool guest_may_serve(const guest_t *self, tm_str_t queues, tm_str_t *ret_refused);
bool guest_may_answer(const guest_t *self, tm_str_t services, tm_str_t *ret_refused);

#endif
