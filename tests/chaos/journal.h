/* journal - an append-only file of lines, each a row for COPY: what a process knew, whenever it
 * was killed. A line that was cut is taken off when the file is opened again. */
#ifndef TESTS_CHAOS_JOURNAL_H
#define TESTS_CHAOS_JOURNAL_H

#include "proto/message.h"

/* What a producer writes down: event, job, kind, key, variant, owner, detail.
 *     S submitted   A acknowledged (owner)   R refused (detail: code)   E ended (detail: state)
 *     C cancel answered, Q status answered (detail: state) */
struct entry {
    char event;
    tm_uuid_t job;
    const char *kind;
    const char *key; /* NULL: none */
    unsigned variant;
    tm_uuid_t owner; /* nil: not known yet */
    char detail[64];
};

int journal_open(const char *directory, const char *role, unsigned index);
void journal_write(int fd, const struct entry *entry);
void journal_run(int fd, const tm_uuid_t *job, uint32_t attempt); /* a worker's line */

/* Calls fn for each of a producer's lines; kind and key live for the call. */
typedef void journal_fn(void *arg, const struct entry *entry);
void journal_read(int fd, journal_fn *fn, void *arg);

#endif
