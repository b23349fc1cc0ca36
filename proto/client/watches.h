/* watches - the jobs whose PROGRESS and RESULT a client wants, until the RESULT has come.
 *
 * Inner header of proto: not installed, and nothing outside proto includes it.
 */
#ifndef PROTO_CLIENT_WATCHES_H
#define PROTO_CLIENT_WATCHES_H

#include "proto/link/dealer.h"

typedef struct watches watches_t;

watches_t *watches_new(size_t limit);
void watches_destroy(watches_t **self_p);

TM_CHECKED tm_err_t watches_add(watches_t *self, const tm_uuid_t *job); /* TM_BUSY: too many */
bool watches_has(const watches_t *self, const tm_uuid_t *job);
void watches_forget(watches_t *self, const tm_uuid_t *job);

/* A key known from before: the job is another than the one that was submitted. False: it was
 * not watched, or is the same. The new one is due at once. */
bool watches_move(watches_t *self, const tm_uuid_t *from, const tm_uuid_t *to);

/* Subscribes again, with ref 0: the answer concerns the watch, not a request. All, or those not
 * asked for in AUDIT_MS. What the socket does not take is asked again by the next audit. */
void watches_ask(watches_t *self, dealer_t *broker, bool only_due);

#endif
