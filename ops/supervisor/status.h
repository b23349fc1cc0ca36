/* status - up.json in the data directory: what runs there, for people and for the command line.
 *
 * {"pid":1,"http":"http://127.0.0.1:8080","broker":"ipc://...","database":"postgresql://...",
 *  "children":[{"name":"broker","pid":2,"state":"ready","restarts":0},...]}
 *
 * Only its owner may read it: the database's address can hold a password.
 */
#ifndef OPS_SUPERVISOR_STATUS_H
#define OPS_SUPERVISOR_STATUS_H

#include <jansson.h>

#include "proto/error.h"

/* Replaces the file in one step. */
TM_CHECKED tm_err_t status_write(const char *data_dir, const json_t *status);
/* NULL: nothing runs there. The caller owns the answer. */
json_t *status_read(const char *data_dir);

/* The address without its password, for eyes; the caller frees it. NULL: not an address. */
char *status_safe_url(const char *url);

#endif
