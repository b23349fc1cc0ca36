/* child - one supervised process: its state, its back-off, its end.
 *
 * Knows no other child and no clock: the supervisor passes the time in. What dies is started
 * again after 0.1 s, then 0.2 s, ... 5 s; a life of 10 s forgives what was before.
 */
#ifndef OPS_SUPERVISOR_CHILD_H
#define OPS_SUPERVISOR_CHILD_H

#include <stdint.h>

#include "ops/services.def"
#include "ops/supervisor/child.def"
#include "ops/supervisor/process.h"

enum child_kind {
#define CHILD(KIND, name, stage, how, stop, hurry) CHILD_##KIND,
    CHILDREN(CHILD)
#undef CHILD
#define SERVICE(KIND, name, command, given, stage, how, help, notes) CHILD_##KIND,
        SERVICES(SERVICE)
#undef SERVICE
            CHILD_KIND_COUNT,
    CHILD_SERVICE = CHILD_BROKER /* the first of them */
};

enum child_state {
#define STATE(NAME, word) CHILD_##NAME##_STATE,
    CHILD_STATES(STATE)
#undef STATE
};

enum child_readiness { BY_EXIT, BY_PROBE, BY_LINE, BY_START };

struct child_type {
    const char *name;
    int stage;
    enum child_readiness readiness;
    int stop_signal, hurry_signal;
};

#define CHILD_LINE_MAX   300
#define CHILD_PAUSE_MS   100
#define CHILD_PAUSE_MAX  5000
#define CHILD_FORGIVE_MS 10000
#define CHILD_HURRY_MS   10000

struct child {
    enum child_kind kind;
    const struct child_type *type;
    char name[24];
    enum child_state state;
    pid_t pid;                 /* 0: none */
    int ready_fd;              /* our end of its readiness pipe, or -1 */
    char line[CHILD_LINE_MAX]; /* what it wrote there */
    size_t line_size;
    bool was_ready; /* ever */
    int64_t started_ms;
    int64_t due_ms;   /* paused: start again; stopping: hurry */
    int64_t pause_ms; /* the next pause */
    int hurries;
    unsigned restarts;
    unsigned early_exits; /* before it was ever ready */
};

void child_init(struct child *self, enum child_kind kind, const char *name);
void child_fini(struct child *self);

/* The pipe of a BY_LINE child: its end for the process, or -1. The caller closes it afterwards.
 */
int child_open_pipe(struct child *self);
void child_start(struct child *self, const struct process_options *options, int64_t now_ms);
void child_set_ready(struct child *self);
/* Reads the readiness pipe. True: the line is whole, the child is ready. */
bool child_read_line(struct child *self);
void child_on_exit(struct child *self, int status, int64_t now_ms);
void child_pause(struct child *self, int64_t now_ms); /* try to start it later */
void child_stop(struct child *self, int64_t now_ms);  /* again, when due: harder */
void child_tick(struct child *self, int64_t now_ms);  /* hurries what is due */
bool child_is_over(const struct child *self);         /* has no process and gets none */
const char *child_state_name(const struct child *self);

#endif
