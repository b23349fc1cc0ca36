/* supervisor - `tunemill up`: everything on one machine, from one command.
 *
 * Makes and runs a private PostgreSQL (unless settings name a database), brings its schema up
 * to date, then runs a broker, tune workers, a publisher of events, the explainer, the one that
 * looks after them all, and the HTTP
 * bridge as processes of their own, restarts what dies, and says once on standard output, as
 * one line of JSON, that all is ready:
 *   {"ready":true,"http":"http://127.0.0.1:8080","broker":"ipc://...","database":"..."}
 * Logs of all go to standard error. SIGINT and SIGTERM stop everything, the bridge first and
 * the database last; what takes longer than 10 s is killed; a second signal hurries. When the
 * supervisor itself is killed the kernel tells its children.
 */
#ifndef OPS_SUPERVISOR_SUPERVISOR_H
#define OPS_SUPERVISOR_SUPERVISOR_H

#include "actors/kit/runtime/settings.h"

struct supervisor_options {
    const settings_t *settings;     /* as the user set them */
    const char *config;             /* the file they came from, handed on; or NULL */
    const char *const *assignments; /* the --set of the command line, handed on */
    size_t assignment_count;
};

/* Runs until stopped. On failure `detail` says what to do. */
TM_CHECKED tm_err_t supervisor_run(const struct supervisor_options *options, char *detail,
                                   size_t size);

#endif
