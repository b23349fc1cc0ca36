/* system - a whole Tunemill for a test: `tunemill up` in a directory of its own, and an HTTP
 * client for many requests at once. */
#ifndef TESTS_SUPPORT_SYSTEM_H
#define TESTS_SUPPORT_SYSTEM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct system_up {
    char root[64], data_dir[128], log[128];
    pid_t pid;
    char http[256]; /* http://127.0.0.1:port */
    char database[600];
};

void system_start(struct system_up *self, const char *tune_workers);
/* The same with more words for `up`, the last of them NULL. */
void system_start_with(struct system_up *self, const char *tune_workers,
                       const char *const *more);
void system_stop(struct system_up *self); /* SIGTERM; fails the test if it does not end well */

/* The pid of a child of `up` by its name in up.json ("broker", "http", "tune-1", "postgres"
 * ...), 0 if it is not running now. */
pid_t system_child(const struct system_up *self, const char *name);

/* How often `up` has restarted a child, all together. */
int system_restarts(const struct system_up *self);

/* One POST /backtests/tune, filled in before and read after system_post. */
struct tune_post {
    const char *file, *key, *param_space, *seed, *prefer, *traceparent;
    char answered_trace[64]; /* the answer's traceparent */
    long status;             /* 0: no answer came */
    char *body;              /* owned, freed with tune_post_fini */
    size_t size;
};
void tune_post_fini(struct tune_post *self);

/* Sends all, at most `connections` at a time, and waits for every answer. */
void system_post(const struct system_up *self, struct tune_post *posts, size_t count,
                 long connections);
char *tune_post_text(const struct tune_post *self,
                     const char *member); /* NULL if absent; freed by the caller */

/* *ret_status 0: no answer came. The body is the caller's. */
char *system_ask(const struct system_up *self, const char *method, const char *path,
                 long *ret_status);
/* The same with a traceparent and a body of JSON, each of which may be NULL. */
char *system_tell(const struct system_up *self, const char *method, const char *path,
                  const char *traceparent, const char *json, long *ret_status);
char *system_get(const struct system_up *self, const char *path, long *ret_status);

#endif
