/* names - queues and jobs as people name them on the command line. Each says on stderr what is
 * wrong with a name. */
#ifndef OPS_CLI_QUEUE_ARGS_H
#define OPS_CLI_QUEUE_ARGS_H

#include <libpq-fe.h>

#include "ops/cli/cli.h"

#define JOB_ARGS_MAX 1000 /* of one command */

/* False: it cannot be a queue's name. `what` names the argument. */
bool queue_arg_check(const cli_t *cli, const char *what, const char *text);

/* A note, not an error, when the database has never heard of the queue. False: it could not be
 * asked. */
bool queue_arg_note_unknown(const cli_t *cli, PGconn *connection, const char *queue);

/* False: not a job's id. */
bool job_arg_check(const cli_t *cli, const char *text);

/* The arguments, all jobs' ids, as PostgreSQL writes an array of them. NULL: one is not. The
 * caller frees it. */
char *job_args_check(const cli_t *cli);

#endif
