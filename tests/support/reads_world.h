/* reads_world - a real http process on a fixture's database, without a broker; a client for
 * what it reads, and rows for it to find. */
#ifndef TESTS_SUPPORT_READS_WORLD_H
#define TESTS_SUPPORT_READS_WORLD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tests/support/pg_fixture.h"

#define READS_WORKSPACE "00000000-0000-0000-0000-000000000001" /* development */
#define READS_TOKEN     "sesame"                               /* what opens /admin */
#define READS_ID        "00000000-0000-7000-8000-%012u" /* of a tune or a run, from a number */

extern pg_fixture_t *reads_fixture; /* made by the test program's main */

struct reads_world {
    char *url; /* of the database */
    char root[64], address[64];
    int log_fd; /* what the process writes */
    pid_t child;
};

/* url NULL: a database of its own, migrated. Returns when the process answers from it. */
void reads_world_init(struct reads_world *self, const char *url, const char *profile);
/* One without a database, for what needs none; settings: "section.name=value", NULL. */
void reads_world_init_bare(struct reads_world *self, const char *const *settings);
/* The same with brokers; NULL: none is there. */
void reads_world_init_on(struct reads_world *self, const char *url, const char *profile,
                         const char *brokers);
/* The same with settings: "section.name=value", NULL. */
void reads_world_init_with(struct reads_world *self, const char *url,
                           const char *const *settings);
void reads_world_fini(struct reads_world *self); /* fails the test unless it ends well */

struct reads_answer {
    long status;
    char *head, *body; /* "" if there is none */
    size_t head_size, body_size;
    json_t *json; /* NULL: the body is none */
};
void reads_answer_fini(struct reads_answer *self);
bool reads_answer_has(const struct reads_answer *self, const char *header); /* "Name: value" */

/* headers: values, NULL; may be NULL. Whatever answer there is. */
void reads_ask(const struct reads_world *self, const char *method, const char *path,
               const char *const *headers, struct reads_answer *ret);
/* The same with a body, unless it is NULL. */
void reads_send(const struct reads_world *self, const char *method, const char *path,
                const char *const *headers, const char *body, struct reads_answer *ret);
void reads_get(const struct reads_world *self, const char *path, struct reads_answer *ret);
/* The JSON of a 200, which the caller owns; anything else fails the test. */
json_t *reads_json(const struct reads_world *self, const char *path);
/* The problem with this status, code and, unless NULL, loc of its first error. */
void reads_expect_problem(const struct reads_world *self, const char *path, long status,
                          const char *code, const char *loc);
/* Asks until the status is this one; the test's own time-out is the limit. */
void reads_until(const struct reads_world *self, const char *path, long status);
/* Asks, and calls `meanwhile` once `is_there` says that the request has come so far. */
void reads_while(const struct reads_world *self, const char *path,
                 bool (*is_there)(const struct reads_world *self),
                 void (*meanwhile)(const struct reads_world *self), struct reads_answer *ret);

/* Compares with JSON that is written with ' for ". */
void reads_expect(const json_t *got, const char *want);

/* Runs SQL, which must not fail; the rows as pg_fixture_query gives them, the caller's. */
char *reads_query(const struct reads_world *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void reads_run(const struct reads_world *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The tune with this number, in the development workspace, created so many seconds after
 * 2024-01-01; `set` is more of its columns ("a = 1, b = 2") or "". */
void reads_tune_row(const struct reads_world *self, unsigned number, const char *status,
                    const char *set);
/* A completed trial of it, its run_id from 1000 * tune + trial; NULL: no rank. */
void reads_run_row(const struct reads_world *self, unsigned tune, unsigned trial,
                   const char *rank, const char *set);

#endif
