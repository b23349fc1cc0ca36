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

#define ID_ARG_MIN 4 /* digits */

/* text: replaced by the whole id where it is a beginning, which the database of the settings,
 * or of the running `tunemill up`, knows; that lives as long as the command. what: "a tune's
 * id". False: said on stderr. */
bool id_arg_find(cli_t *cli, const char *data_dir, const char *what, const char **text);

/* The argument, a job's id or the beginning of one, is made whole. False: it is none. */
bool job_arg_find(cli_t *cli, const char *data_dir, int index);

/* The same of all arguments, as PostgreSQL writes an array of them. NULL: one is none. The
 * caller frees it. */
char *job_args_find(cli_t *cli, const char *data_dir);

#endif
